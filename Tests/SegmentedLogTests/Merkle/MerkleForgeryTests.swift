import Bytes
import Seeds
import SegmentedLog
import Testing

/// A proof that was touched proves nothing.
@Suite struct MerkleForgeryTests {
    /// All proofs that differ from `path` in one hash: a bit turned, dropped, doubled, swapped.
    private func forgeries(_ path: [Digest], _ random: inout SeededGenerator) -> [[Digest]] {
        var forged: [[Digest]] = [path + [.zero]]
        for index in path.indices {
            var flipped = path
            flipped[index] = path[index].flipped(Int(random.next() % 256))
            var dropped = path
            dropped.remove(at: index)
            var doubled = path
            doubled.insert(path[index], at: index)
            forged += [flipped, dropped, doubled]
            if index > 0 {
                var swapped = path
                swapped.swapAt(index - 1, index)
                forged.append(swapped)
            }
        }
        return forged
    }

    @Test(arguments: Seeds.all) func aForgedInclusionProofIsRefused(seed: UInt64) throws {
        var random = SeededGenerator(seed)
        for size in 1...40 {
            let leaves = NaiveTree.leaves(size)
            let root = MerkleTree.root(of: leaves)
            var prover = MerkleProver(leaves)
            for position in 0..<size {
                let path = try prover.inclusion(of: UInt64(position))
                func holds(
                    _ leaf: Digest, _ position: Int, _ size: Int, _ root: Digest, _ path: [Digest]
                ) -> Bool {
                    MerkleProof.isIncluded(
                        leaf, at: UInt64(position), size: UInt64(size), root: root, path: path)
                }
                let leaf = leaves[position]
                for forged in forgeries(path, &random) {
                    #expect(!holds(leaf, position, size, root, forged))
                }
                #expect(!holds(leaf.flipped(7), position, size, root, path))
                #expect(!holds(leaf, position, size, root.flipped(9), path))
                #expect(!holds(leaf, size, size, root, path))
                #expect(!holds(leaf, position, 2 * size + 1, root, path))
                #expect(!holds(leaf, position, position, root, path))
                for other in 0..<size where other != position {
                    #expect(!holds(leaf, other, size, root, path))
                }
            }
        }
    }

    @Test(arguments: Seeds.all) func aForgedConsistencyProofIsRefused(seed: UInt64) throws {
        var random = SeededGenerator(seed)
        let all = NaiveTree.leaves(40)
        let roots = (0...40).map { MerkleTree.root(of: all[..<$0]) }
        for size in 1...40 {
            var prover = MerkleProver(Array(all[..<size]))
            for old in 0...size {
                let path = try prover.consistency(from: UInt64(old))
                func holds(
                    _ old: Int, _ oldRoot: Digest, _ size: Int, _ root: Digest, _ path: [Digest]
                ) -> Bool {
                    MerkleProof.isConsistent(
                        oldSize: UInt64(old), oldRoot: oldRoot, size: UInt64(size), root: root,
                        path: path)
                }
                for forged in forgeries(path, &random) {
                    #expect(!holds(old, roots[old], size, roots[size], forged))
                }
                #expect(!holds(old, roots[old].flipped(3), size, roots[size], path))
                // Every tree grows out of nothing: there the new root is not looked at.
                if old > 0 {
                    #expect(!holds(old, roots[old], size, roots[size].flipped(3), path))
                }
                #expect(!holds(size + 1, roots[size], size, roots[size], path))
            }
        }
    }

    @Test(arguments: Seeds.all) func aForgedMultiproofIsRefused(seed: UInt64) throws {
        var random = SeededGenerator(seed)
        for size in [1, 2, 5, 33, 200] {
            let leaves = NaiveTree.leaves(size)
            let root = MerkleTree.root(of: leaves)
            let positions = (0..<UInt64(size)).filter { _ in random.next() % 3 == 0 }
            guard !positions.isEmpty else { continue }
            let proven = positions.map { leaves[Int($0)] }
            var prover = MerkleProver(leaves)
            let hashes = try prover.multiproof(of: positions)
            func holds(
                _ size: Int, _ positions: [UInt64], _ leaves: [Digest], _ hashes: [Digest]
            ) -> Bool {
                MerkleProof.root(
                    size: UInt64(size), positions: positions, leaves: leaves, hashes: hashes)
                    == root
            }
            #expect(holds(size, positions, proven, hashes))
            for forged in forgeries(hashes, &random) {
                #expect(!holds(size, positions, proven, forged))
            }
            for index in positions.indices {
                var touched = proven
                touched[index] = proven[index].flipped(1)
                #expect(!holds(size, positions, touched, hashes))
                var fewer = (positions, proven)
                fewer.0.remove(at: index)
                fewer.1.remove(at: index)
                #expect(!holds(size, fewer.0, fewer.1, hashes))
            }
            // A right edge in which nothing is proven is one hash at any length: between two powers of
            // two only the checkpoint says the size, which is why it is signed with the root.
            #expect(!holds(2 * size + 1, positions, proven, hashes))
            #expect(!holds(Int(positions[positions.count - 1]), positions, proven, hashes))
            #expect(!holds(size, positions, proven + [.zero], hashes))
            #expect(!holds(size, positions.reversed() + [0], proven + proven.prefix(1), hashes))
            #expect(!holds(size, positions.map { $0 + UInt64(size) }, proven, hashes))
        }
    }

    /// Sizes that no log has must not make the verifier work or trap.
    @Test func absurdSizesAreRefused() {
        let leaf = NaiveTree.hash([1])
        #expect(
            MerkleProof.root(
                size: .max, positions: [0, .max - 1], leaves: [leaf, leaf], hashes: []) == nil)
        #expect(
            MerkleProof.root(
                size: 0, positions: [0], leaves: [leaf], hashes: []) == nil)
        #expect(
            !MerkleProof.isIncluded(leaf, at: .max - 1, size: .max, root: leaf, path: [leaf]))
        #expect(
            !MerkleProof.isConsistent(
                oldSize: .max - 1, oldRoot: leaf, size: .max, root: leaf,
                path: Array(repeating: leaf, count: 100)))
    }
}
