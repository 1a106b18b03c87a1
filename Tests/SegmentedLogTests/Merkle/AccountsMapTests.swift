import Bytes
import SegmentedLog
import Testing

/// One count and one chain for each account.
@Suite struct AccountsMapTests {
    private func key(_ number: Int) -> Digest {
        AccountsMap.key(ofAccount: Array("account \(number)".utf8).raw)
    }

    private func row(_ number: Int) -> AccountsMap.Row {
        .init(
            key: key(number),
            chain: .init(count: UInt64(number), head: NaiveTree.hash([9, UInt8(number & 255)])))
    }

    @Test func aChainHashesPrefixPreviousAndLeaf() {
        var hasher = MerkleHasher()
        var chain = EntryChain()
        #expect(chain.head == .zero && chain.count == 0)
        var expected = [UInt8](repeating: 0, count: 32)
        for leaf in NaiveTree.leaves(3) {
            chain.append(leaf, &hasher)
            expected = NaiveTree.bytes(NaiveTree.hash([0x03] + expected + NaiveTree.bytes(leaf)))
        }
        #expect(NaiveTree.bytes(chain.head) == expected)
        #expect(chain.count == 3)
    }

    @Test func aRowIsPrefixKeyCountAndChain() {
        var hasher = MerkleHasher()
        let row = row(258)
        let bytes =
            [0x00] + NaiveTree.bytes(row.key) + [0, 0, 0, 0, 0, 0, 1, 2]
            + NaiveTree.bytes(row.chain.head)
        #expect(row.leaf(&hasher) == NaiveTree.hash(bytes))
    }

    @Test func theRootIsOverRowsSortedByKeyInWhateverOrderTheyCome() {
        var hasher = MerkleHasher()
        let rows = (0..<100).map { row($0) }
        let sorted = rows.sorted {
            NaiveTree.bytes($0.key).lexicographicallyPrecedes(NaiveTree.bytes($1.key))
        }
        var leaves: [Digest] = []
        for row in sorted { leaves.append(row.leaf(&hasher)) }
        #expect(AccountsMap(rows).root == NaiveTree.root(leaves[...]))
        #expect(AccountsMap(rows.reversed()).root == NaiveTree.root(leaves[...]))
        #expect(AccountsMap([]).root == MerkleTree.emptyRoot)
    }

    @Test func everyAccountIsFoundAndShownAndNoOther() throws {
        let map = AccountsMap((0..<50).map { row($0) })
        func holds(_ row: AccountsMap.Row, _ place: AccountsMap.Place) -> Bool {
            AccountsMap.contains(row, at: place, count: map.count, root: map.root)
        }
        for number in 0..<50 {
            let (found, place) = try #require(try map.find(key(number)))
            #expect(found == row(number))
            #expect(holds(found, place))
            let chain = found.chain
            #expect(!holds(row((number + 1) % 50), place))
            #expect(
                !holds(
                    .init(key: found.key, chain: .init(count: chain.count + 1, head: chain.head)),
                    place))
            #expect(
                !holds(
                    .init(
                        key: found.key,
                        chain: .init(count: chain.count, head: chain.head.flipped(200))), place))
        }
        #expect(try map.find(key(50)) == nil)
    }
}
