package import Bytes

/// # The chains of all accounts at one size of the log
///
/// Rows sorted by the SHA-256 of the account's name, each a leaf of a tree in the shape of RFC 6962:
///
///     leaf = SHA-256( 0x00 ‖ SHA-256(name) ‖ count u64 big endian ‖ chain )
///
/// Number of rows and root stand in the signed checkpoint. So whoever signs commits to one count and
/// one chain for each account, and shows one account's row without naming the others.
package struct AccountsMap: Sendable {
    /// One account.
    package struct Row: Hashable, Sendable {
        /// SHA-256 of the account's name.
        package let key: Digest
        /// Its entries.
        package let chain: EntryChain

        /// A row; see the properties.
        package init(key: Digest, chain: EntryChain) {
            self.key = key
            self.chain = chain
        }

        /// The row's leaf in the map's tree.
        package func leaf(_ hasher: inout MerkleHasher) -> Digest { hasher.row(key, chain) }
    }

    /// Where a row stands in the map, and the hashes that lead from it to the root.
    package struct Place: Hashable, Sendable {
        /// Rows before it.
        package let index: UInt64
        /// The path, from the leaf's sibling on.
        package let path: [Digest]

        /// A place; see the properties.
        package init(index: UInt64, path: [Digest]) {
            self.index = index
            self.path = path
        }
    }

    private let rows: [Row]
    private let leaves: [Digest]
    /// The root over all rows.
    package let root: Digest

    /// The key of an account's row.
    package static func key(ofAccount name: RawSpan) -> Digest { SHA256.hash(name) }

    /// The map of these rows, given in any order.
    package init(_ rows: some Sequence<Row>) {
        self.rows = rows.sorted { $0.key.precedes($1.key) }
        var hasher = MerkleHasher()
        var leaves: [Digest] = []
        leaves.reserveCapacity(self.rows.count)
        for row in self.rows { leaves.append(row.leaf(&hasher)) }
        self.leaves = leaves
        root = MerkleTree.root(of: leaves)
    }

    /// Accounts in the map.
    package var count: UInt64 { UInt64(rows.count) }

    /// An account's row and its place; nil if the map does not have it.
    package func find(_ key: Digest) throws(LogFailure) -> (row: Row, place: Place)? {
        var (lower, upper) = (0, rows.count)
        while lower < upper {
            let middle = lower + (upper - lower) / 2
            if rows[middle].key.precedes(key) { lower = middle + 1 } else { upper = middle }
        }
        guard lower < rows.count, rows[lower].key == key else { return nil }
        var prover = MerkleProver(MerkleLeaves(leaves), size: count)
        let path = try prover.inclusion(of: UInt64(lower))
        return (rows[lower], Place(index: UInt64(lower), path: path))
    }

    /// Whether a row stands at that place of the map with this count and root.
    package static func contains(
        _ row: Row, at place: Place, count: UInt64, root: Digest
    ) -> Bool {
        var hasher = MerkleHasher()
        return MerkleProof.isIncluded(
            row.leaf(&hasher), at: place.index, size: count, root: root, path: place.path)
    }
}

extension Digest {
    /// Whether this digest's bytes come first.
    fileprivate func precedes(_ other: Digest) -> Bool {
        for index in 0..<4 where word(index) != other.word(index) {
            return word(index).byteSwapped < other.word(index).byteSwapped
        }
        return false
    }
}
