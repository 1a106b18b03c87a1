import Bytes
import Seeds
import SegmentedLog
import Testing

/// Roots and proofs against the definition, and against the published vectors.
@Suite struct MerkleTreeTests {
    @Test func aLeafIsPrefixPositionTimeAndCommitmentBigEndian() {
        var hasher = MerkleHasher()
        let leaf = hasher.leaf(
            position: 0x0102_0304_0506_0708, recordedAt: -2,
            commitment: SHA256.hash([0xAA, 0xBB].raw))
        var bytes = ByteBuffer()
        bytes.append([0x00, 1, 2, 3, 4, 5, 6, 7, 8] + Array(repeating: 0xFF, count: 7) + [0xFE])
        SHA256.hash([0xAA, 0xBB].raw).append(to: &bytes)
        #expect(leaf == SHA256.hash(bytes.bytes))
    }

    /// The reference vectors of the Certificate Transparency project for RFC 6962.
    @Test func theRootsAreThoseOfThePublishedVectors() {
        let inputs: [[UInt8]] = [
            [], [0x00], [0x10], [0x20, 0x21], [0x30, 0x31], [0x40, 0x41, 0x42, 0x43],
            Array(0x50...0x57), Array(0x60...0x6F),
        ]
        let roots = [
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
            "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
            "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        ]
        let leaves = inputs.map { NaiveTree.hash([0x00] + $0) }
        for (size, root) in roots.enumerated() {
            #expect(MerkleTree.root(of: leaves[..<size]).hex == root, "size \(size)")
        }
    }

    @Test func everySizeHasTheRootOfTheDefinition() throws {
        let leaves = NaiveTree.leaves(300)
        var hasher = MerkleHasher()
        var frontier = MerkleFrontier()
        for size in 0...300 {
            #expect(frontier.size == UInt64(size))
            let root = NaiveTree.root(leaves[..<size])
            #expect(frontier.root(&hasher) == root, "size \(size)")
            var prover = MerkleProver(Array(leaves[..<size]))
            #expect(try prover.root() == root, "size \(size)")
            if size < 300 { frontier.append(leaves[size], &hasher) }
        }
    }

    @Test func blocksAppendedWholeGiveTheSameTree() throws {
        let leaves = NaiveTree.leaves(3 * 4096 + 77)
        let root = NaiveTree.root(leaves[...])
        var hasher = MerkleHasher()
        var frontier = MerkleFrontier()
        for block in 0..<3 {
            let part = leaves[(block * 4096)..<((block + 1) * 4096)]
            frontier.append(block: MerkleTree.root(of: part), &hasher)
        }
        for leaf in leaves[(3 * 4096)...] { frontier.append(leaf, &hasher) }
        #expect(frontier.size == UInt64(leaves.count))
        #expect(frontier.root(&hasher) == root)
        #expect(MerkleTree.root(of: leaves) == root)
        var prover = MerkleProver(leaves)
        #expect(try prover.root() == root)
    }

    @Test func everyInclusionProofIsThatOfTheDefinitionAndHolds() throws {
        let all = NaiveTree.leaves(64)
        for size in 1...64 {
            let leaves = Array(all[..<size])
            let root = NaiveTree.root(leaves[...])
            var prover = MerkleProver(leaves)
            for position in 0..<size {
                let path = try prover.inclusion(of: UInt64(position))
                #expect(path == NaiveTree.path(position, leaves[...]))
                #expect(
                    MerkleProof.isIncluded(
                        leaves[position], at: UInt64(position), size: UInt64(size), root: root,
                        path: path))
            }
        }
    }

    @Test(arguments: [255, 256, 257, 300]) func inclusionProofsOfLargerTreesHold(
        size: Int
    ) throws {
        let leaves = NaiveTree.leaves(size)
        let root = NaiveTree.root(leaves[...])
        var prover = MerkleProver(leaves)
        for position in 0..<size {
            let path = try prover.inclusion(of: UInt64(position))
            #expect(
                MerkleProof.isIncluded(
                    leaves[position], at: UInt64(position), size: UInt64(size), root: root,
                    path: path))
        }
    }

    @Test func everyConsistencyProofIsThatOfTheDefinitionAndHolds() throws {
        let all = NaiveTree.leaves(64)
        let roots = (0...64).map { NaiveTree.root(all[..<$0]) }
        for size in 0...64 {
            var prover = MerkleProver(Array(all[..<size]))
            for old in 0...size {
                let path = try prover.consistency(from: UInt64(old))
                if old > 0 { #expect(path == NaiveTree.subproof(old, all[..<size], true)) }
                #expect(
                    MerkleProof.isConsistent(
                        oldSize: UInt64(old), oldRoot: roots[old], size: UInt64(size),
                        root: roots[size], path: path), "\(old) in \(size)")
            }
        }
    }

    @Test func aTreeOfManyBlocksIsProvenFromBlockRoots() throws {
        let leaves = NaiveTree.leaves(9_500)
        let root = MerkleTree.root(of: leaves)
        var prover = MerkleProver(leaves)
        for position: UInt64 in [0, 1, 4095, 4096, 8191, 8192, 9_499] {
            let path = try prover.inclusion(of: position)
            #expect(
                MerkleProof.isIncluded(
                    leaves[Int(position)], at: position, size: 9_500, root: root, path: path))
        }
        for old: UInt64 in [1, 4095, 4096, 4097, 8192, 9_000, 9_500] {
            let path = try prover.consistency(from: old)
            #expect(
                MerkleProof.isConsistent(
                    oldSize: old, oldRoot: MerkleTree.root(of: leaves[..<Int(old)]), size: 9_500,
                    root: root, path: path))
        }
    }

    @Test(arguments: Seeds.all) func manyLeavesAreProvenAtOnce(seed: UInt64) throws {
        var random = SeededGenerator(seed)
        for size in [1, 2, 3, 7, 100, 4_096, 4_097, 10_000] {
            let leaves = NaiveTree.leaves(size)
            let root = MerkleTree.root(of: leaves)
            for share: UInt64 in [1, 4, 50, 1_000] {
                let positions = (0..<UInt64(size)).filter { _ in
                    random.next() % share == 0
                }
                var prover = MerkleProver(leaves)
                let hashes = try prover.multiproof(of: positions)
                let proven = positions.map { leaves[Int($0)] }
                let found = MerkleProof.root(
                    size: UInt64(size), positions: positions, leaves: proven, hashes: hashes)
                #expect(found == root, "\(positions.count) of \(size)")
                if positions.count == size { #expect(hashes.isEmpty) }
            }
        }
    }

    @Test func proofsOfNothing() throws {
        var prover = MerkleProver([])
        #expect(try prover.multiproof(of: []) == [])
        #expect(
            MerkleProof.root(size: 0, positions: [], leaves: [], hashes: [])
                == MerkleTree.emptyRoot)
        let leaves = NaiveTree.leaves(5)
        var five = MerkleProver(leaves)
        #expect(try five.multiproof(of: []) == [MerkleTree.root(of: leaves)])
    }
}
