package import Bytes

/// The right edge of a growing tree: the roots of its full subtrees, largest first, one for each bit
/// of the size. This is all that must be kept to append for ever and to know the root at any time.
package struct MerkleFrontier: Equatable, Sendable {
    /// Leaves so far.
    package private(set) var size: UInt64 = 0
    private var peaks: [Digest] = []

    /// A tree without leaves.
    package init() {}

    /// Appends one leaf.
    package mutating func append(_ leaf: Digest, _ hasher: inout MerkleHasher) {
        append(leaf, level: 0, &hasher)
    }

    /// Appends a block, which must begin at a multiple of its size.
    /// - Parameter root: the root over `MerkleTree.blockLeaves` leaves.
    package mutating func append(block root: Digest, _ hasher: inout MerkleHasher) {
        append(root, level: MerkleTree.blockLevel, &hasher)
    }

    /// Appends a full subtree of 2^level leaves. Each one-bit of the size from that level on is a
    /// subtree of the same height as what has been joined so far: both become one.
    private mutating func append(_ root: Digest, level: Int, _ hasher: inout MerkleHasher) {
        precondition(size & ((1 << UInt64(level)) - 1) == 0, "a subtree begins at its own multiple")
        var joined = root
        for _ in 0..<(~(size >> UInt64(level))).trailingZeroBitCount {
            joined = hasher.node(peaks.removeLast(), joined)
        }
        peaks.append(joined)
        size += 1 << UInt64(level)
        assert(peaks.count == size.nonzeroBitCount)
    }

    /// The root over all leaves so far.
    package func root(_ hasher: inout MerkleHasher) -> Digest {
        guard var root = peaks.last else { return MerkleTree.emptyRoot }
        for peak in peaks.dropLast().reversed() { root = hasher.node(peak, root) }
        return root
    }
}
