package import Bytes

/// # The Merkle tree over the log's entries
///
/// One leaf an entry, in position order, in the shape of RFC 6962, section 2.1:
///
///     leaf = SHA-256( 0x00 ‖ position u64 ‖ recorded-at i64 ‖ SHA-256(commitment) )
///            with integers big endian
///     node = SHA-256( 0x01 ‖ left ‖ right )
///     root of no leaves = SHA-256( "" )
///
/// A tree of n > 1 leaves has on its left the largest power of two below n. So a subtree that is
/// full never changes again, and the tree of a longer log contains it. The two prefixes keep a node
/// from being passed off as a leaf.
///
/// Subtrees of `blockLeaves` leaves are the unit of storage: their roots are kept, their leaves are
/// read again when a proof goes into them.
///
/// Recipe:
///
///     var prover = MerkleProver(source, size: 10_000)
///     let proof = try prover.multiproof(of: [3, 77, 9_001])
///     MerkleProof.root(size: 10_000, positions: [3, 77, 9_001], leaves: leaves, hashes: proof)
package enum MerkleTree {
    /// Leaves of a block: a subtree at a multiple of this position.
    package static let blockLeaves: UInt64 = 4096

    /// The level of a block's root; leaves are at level 0.
    package static let blockLevel = 12

    /// The root of a tree without leaves.
    package static var emptyRoot: Digest { SHA256.hash([UInt8]().raw) }

    /// The root of a tree with these leaves.
    package static func root(of leaves: some Sequence<Digest>) -> Digest {
        var hasher = MerkleHasher()
        var frontier = MerkleFrontier()
        for leaf in leaves { frontier.append(leaf, &hasher) }
        return frontier.root(&hasher)
    }

    /// How many of `count` leaves are in the left subtree: the largest power of two below it.
    static func leftLeaves(of count: UInt64) -> UInt64 {
        precondition(count > 1, "a leaf has no subtrees")
        return 1 << UInt64(63 - (count - 1).leadingZeroBitCount)
    }
}

/// The hashes of trees and chains, and the memory they work in.
package struct MerkleHasher: ~Copyable {
    private var scratch = ByteBuffer(capacity: 512)

    /// A hasher.
    package init() {}

    /// The leaf of an entry.
    /// - Parameters:
    ///   - recordedAt: commit time of the entry's frame, nanoseconds since 1970 UTC.
    ///   - commitment: the hash of what of the record stays when personal values are redacted. So 32
    ///     bytes are enough to keep an entry's leaf when its body is no longer kept.
    package mutating func leaf(
        position: Position, recordedAt: Int64, commitment: Digest
    ) -> Digest {
        scratch.clear()
        scratch.append(0x00)
        scratch.appendBigEndian(position)
        scratch.appendBigEndian(UInt64(bitPattern: recordedAt))
        commitment.append(to: &scratch)
        return SHA256.hash(scratch.bytes)
    }

    /// The node over two subtrees.
    package mutating func node(_ left: Digest, _ right: Digest) -> Digest {
        scratch.clear()
        scratch.append(0x01)
        left.append(to: &scratch)
        right.append(to: &scratch)
        return SHA256.hash(scratch.bytes)
    }

    /// The link of an `EntryChain` after `previous`.
    mutating func link(_ previous: Digest, _ leaf: Digest) -> Digest {
        scratch.clear()
        scratch.append(0x03)
        previous.append(to: &scratch)
        leaf.append(to: &scratch)
        return SHA256.hash(scratch.bytes)
    }

    /// The leaf of a row of an `AccountsMap`.
    mutating func row(_ key: Digest, _ chain: EntryChain) -> Digest {
        scratch.clear()
        scratch.append(0x00)
        key.append(to: &scratch)
        scratch.appendBigEndian(chain.count)
        chain.head.append(to: &scratch)
        return SHA256.hash(scratch.bytes)
    }
}

extension ByteBuffer {
    /// Appends a number, most significant byte first: the order of bytes that are hashed for others
    /// to check.
    mutating func appendBigEndian(_ value: UInt64) { appendInteger(value.byteSwapped) }
}
