package import Bytes

/// Where the hashes of a tree come from.
package protocol MerkleSource {
    /// The root of a full block: positions `block * blockLeaves` up to the next block.
    func blockRoot(_ block: UInt64) throws(LogFailure) -> Digest
    /// The leaves of a block that a tree of `size` leaves has, in order: at least one, at most
    /// `MerkleTree.blockLeaves`.
    func leaves(ofBlock block: UInt64, upTo size: UInt64) throws(LogFailure) -> [Digest]
}

/// Leaves in memory.
package struct MerkleLeaves: MerkleSource {
    private let leaves: [Digest]

    /// A source of these leaves, the first at position 0.
    package init(_ leaves: [Digest]) { self.leaves = leaves }

    /// The root over the block's leaves.
    package func blockRoot(_ block: UInt64) throws(LogFailure) -> Digest {
        MerkleTree.root(of: leaves[range(block, UInt64(leaves.count))])
    }

    /// A copy of the block's leaves.
    package func leaves(ofBlock block: UInt64, upTo size: UInt64) throws(LogFailure) -> [Digest] {
        Array(leaves[range(block, size)])
    }

    private func range(_ block: UInt64, _ size: UInt64) -> Range<Int> {
        let first = block * MerkleTree.blockLeaves
        return Int(first)..<Int(min(first + MerkleTree.blockLeaves, size))
    }
}

/// Makes proofs about the tree of the first `size` entries. A proof reads one block for each leaf it
/// is about and the roots of the other blocks.
package struct MerkleProver: ~Copyable {
    private let source: any MerkleSource
    private let size: UInt64
    private var hasher = MerkleHasher()
    /// The block that was read last: sorted positions come block by block.
    private var block: (number: UInt64, leaves: [Digest])?

    /// A prover for the tree over the first `size` leaves of `source`.
    package init(_ source: any MerkleSource, size: UInt64) {
        self.source = source
        self.size = size
    }

    /// The root of the tree.
    package mutating func root() throws(LogFailure) -> Digest {
        size == 0 ? MerkleTree.emptyRoot : try hash(0..<size)
    }

    /// The leaf at a position.
    package mutating func leaf(_ position: Position) throws(LogFailure) -> Digest {
        precondition(position < size, "the tree has no such leaf")
        return try hash(position..<(position + 1))
    }

    /// The path from a leaf to the root, the leaf's sibling first (RFC 9162, section 2.1.3.1).
    package mutating func inclusion(of position: Position) throws(LogFailure) -> [Digest] {
        precondition(position < size, "the tree has no such leaf")
        var path: [Digest] = []
        var range = 0..<size
        while range.count > 1 {
            let (left, right) = range.subtrees
            path.append(try hash(left.contains(position) ? right : left))
            range = left.contains(position) ? left : right
        }
        return path.reversed()
    }

    /// What shows that the tree of the first `old` leaves is the beginning of this one (RFC 9162,
    /// section 2.1.4.1).
    package mutating func consistency(from old: UInt64) throws(LogFailure) -> [Digest] {
        precondition(old <= size, "a longer tree is no beginning of this one")
        guard old > 0 else { return [] }
        var path: [Digest] = []
        var range = 0..<size
        while range.upperBound != old {
            let (left, right) = range.subtrees
            path.append(try hash(old <= left.upperBound ? right : left))
            range = old <= left.upperBound ? left : right
        }
        // Who asks knows the old root; any other common subtree must be named.
        if range.lowerBound > 0 { path.append(try hash(range)) }
        return path.reversed()
    }

    /// What leads from many leaves to the root at once: the tree is walked from the left, and each
    /// subtree in which nothing is proven is one hash.
    /// - Parameter positions: ascending, none twice, below the size.
    package mutating func multiproof(of positions: [Position]) throws(LogFailure) -> [Digest] {
        precondition(MerkleProof.isAscending(positions, below: size), "positions ascend")
        var hashes: [Digest] = []
        if size > 0 { try walk(0..<size, positions[...], &hashes) }
        return hashes
    }

    private mutating func walk(
        _ range: Range<UInt64>, _ positions: ArraySlice<Position>, _ hashes: inout [Digest]
    ) throws(LogFailure) {
        if positions.isEmpty { return hashes.append(try hash(range)) }
        guard range.count > 1 else { return }
        let (left, right) = range.subtrees
        let cut = positions.lowerIndex(of: right.lowerBound)
        try walk(left, positions[..<cut], &hashes)
        try walk(right, positions[cut...], &hashes)
    }

    /// The root of one of the tree's subtrees.
    private mutating func hash(_ range: Range<UInt64>) throws(LogFailure) -> Digest {
        let count = range.upperBound - range.lowerBound
        if count == MerkleTree.blockLeaves {
            return try source.blockRoot(range.lowerBound / MerkleTree.blockLeaves)
        }
        if count > MerkleTree.blockLeaves {
            let (left, right) = range.subtrees
            let root = try hash(left)
            return hasher.node(root, try hash(right))
        }
        let leaves = try leaves(of: range)
        if count == 1, let leaf = leaves.first { return leaf }
        var frontier = MerkleFrontier()
        for leaf in leaves { frontier.append(leaf, &hasher) }
        return frontier.root(&hasher)
    }

    /// The leaves of a subtree smaller than a block: it lies in one block, for a subtree begins at a
    /// multiple of a power of two that is not smaller than itself.
    private mutating func leaves(
        of range: Range<UInt64>
    ) throws(LogFailure) -> ArraySlice<Digest> {
        let number = range.lowerBound / MerkleTree.blockLeaves
        let first = number * MerkleTree.blockLeaves
        if block?.number != number {
            block = (number, try source.leaves(ofBlock: number, upTo: size))
        }
        let leaves = block?.leaves ?? []
        precondition(range.upperBound - first <= leaves.count, "the source has too few leaves")
        return leaves[Int(range.lowerBound - first)..<Int(range.upperBound - first)]
    }
}

extension Range<UInt64> {
    /// The two subtrees of a tree over these leaves.
    var subtrees: (left: Range<UInt64>, right: Range<UInt64>) {
        let middle = lowerBound + MerkleTree.leftLeaves(of: upperBound - lowerBound)
        return (lowerBound..<middle, middle..<upperBound)
    }
}

extension ArraySlice<Position> {
    /// The index of the first element that is not below `position`; the slice ascends.
    func lowerIndex(of position: Position) -> Index {
        var (lower, upper) = (startIndex, endIndex)
        while lower < upper {
            let middle = lower + (upper - lower) / 2
            if self[middle] < position { lower = middle + 1 } else { upper = middle }
        }
        return lower
    }
}
