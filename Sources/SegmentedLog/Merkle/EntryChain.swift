package import Bytes

/// The chain over some of the log's leaves in position order, such as those of one account:
///
///     chain(0) = 32 zero bytes        chain(n) = SHA-256( 0x03 ‖ chain(n-1) ‖ leaf )
///
/// A leaf can only be shown to be in the log; the chain with its count shows that none of its kind was
/// left out.
package struct EntryChain: Hashable, Sendable {
    /// Entries so far.
    package private(set) var count: UInt64 = 0
    /// The newest link.
    package private(set) var head = Digest.zero

    /// A chain of nothing.
    package init() {}

    /// The chain that these two numbers say.
    package init(count: UInt64, head: Digest) {
        self.count = count
        self.head = head
    }

    /// Adds the next entry's leaf.
    package mutating func append(_ leaf: Digest, _ hasher: inout MerkleHasher) {
        head = hasher.link(head, leaf)
        count += 1
    }
}
