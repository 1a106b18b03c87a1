package import Bytes

/// Checks proofs. Nothing here believes what it is given: a proof of the wrong length, or about a
/// position that a tree of that size does not have, is false and never a trap.
///
/// A root does not say how many leaves are under it: size and root must come together from one
/// checkpoint.
package enum MerkleProof {
    /// Whether `leaf` is at `position` of the tree with this size and root (RFC 9162, section
    /// 2.1.3.2).
    package static func isIncluded(
        _ leaf: Digest, at position: Position, size: UInt64, root: Digest, path: [Digest]
    ) -> Bool {
        guard position < size else { return false }
        var hasher = MerkleHasher()
        var (index, last) = (position, size - 1)
        var hash = leaf
        for sibling in path {
            guard last > 0 else { return false }
            if index & 1 == 1 || index == last {
                hash = hasher.node(sibling, hash)
                // Levels on which this node has no sibling.
                while index & 1 == 0 && index > 0 { (index, last) = (index >> 1, last >> 1) }
            } else {
                hash = hasher.node(hash, sibling)
            }
            (index, last) = (index >> 1, last >> 1)
        }
        return last == 0 && hash == root
    }

    /// Whether the tree of `oldSize` leaves is the beginning of the other one (RFC 9162, section
    /// 2.1.4.2). The empty tree is the beginning of every tree.
    package static func isConsistent(
        oldSize: UInt64, oldRoot: Digest, size: UInt64, root: Digest, path: [Digest]
    ) -> Bool {
        guard oldSize <= size else { return false }
        if oldSize == size { return path.isEmpty && oldRoot == root }
        if oldSize == 0 { return path.isEmpty && oldRoot == MerkleTree.emptyRoot }
        // A full tree is itself a subtree of the new one, so its root is not repeated in the path.
        var rest = path[...]
        let start = oldSize.nonzeroBitCount == 1 ? oldRoot : rest.popFirst()
        guard let start else { return false }
        var hasher = MerkleHasher()
        var (index, last) = (oldSize - 1, size - 1)
        while index & 1 == 1 { (index, last) = (index >> 1, last >> 1) }
        var (old, new) = (start, start)
        for sibling in rest {
            guard last > 0 else { return false }
            if index & 1 == 1 || index == last {
                old = hasher.node(sibling, old)
                new = hasher.node(sibling, new)
                while index & 1 == 0 && index > 0 { (index, last) = (index >> 1, last >> 1) }
            } else {
                new = hasher.node(new, sibling)
            }
            (index, last) = (index >> 1, last >> 1)
        }
        return last == 0 && old == oldRoot && new == root
    }

    /// The root to which many leaves lead; nil if leaves and hashes do not make up a tree of this size.
    /// - Parameters:
    ///   - positions: of the leaves, ascending.
    ///   - hashes: as `MerkleProver.multiproof` made them.
    package static func root(
        size: UInt64, positions: [Position], leaves: [Digest], hashes: [Digest]
    ) -> Digest? {
        guard positions.count == leaves.count, isAscending(positions, below: size) else {
            return nil
        }
        guard size > 0 else { return hashes.isEmpty ? MerkleTree.emptyRoot : nil }
        var walk = Walk(positions: positions, leaves: leaves, rest: hashes[...])
        guard let root = walk.root(0..<size, positions.indices), walk.rest.isEmpty else {
            return nil
        }
        return root
    }

    static func isAscending(_ positions: [Position], below size: UInt64) -> Bool {
        guard zip(positions, positions.dropFirst()).allSatisfy({ $0 < $1 }) else { return false }
        return positions.last.map { $0 < size } ?? true
    }

    /// The walk of `MerkleProver.multiproof`, with given hashes instead of known ones.
    private struct Walk: ~Copyable {
        let positions: [Position]
        let leaves: [Digest]
        var rest: ArraySlice<Digest>
        var hasher = MerkleHasher()

        mutating func root(_ range: Range<UInt64>, _ known: Range<Int>) -> Digest? {
            if known.isEmpty { return rest.popFirst() }
            guard range.upperBound - range.lowerBound > 1 else { return leaves[known.lowerBound] }
            let (left, right) = range.subtrees
            let cut = positions[known].lowerIndex(of: right.lowerBound)
            guard let first = root(left, known.lowerBound..<cut),
                let second = root(right, cut..<known.upperBound)
            else { return nil }
            return hasher.node(first, second)
        }
    }
}
