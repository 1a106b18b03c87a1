import Bytes
import Platform
import SimulatedFileSystem
import Testing

@testable import SegmentedLog

/// What sealed segments say of their entries is what the entries are.
struct SealedReadingTests {
    /// Commits of all sizes around a block's, none of them aligned, in three sealed segments and rows.
    private static func largeStore() throws -> SealedStore {
        let store = try SealedStore()
        for count in [5, 1, 4095, 2] { try store.commit(count) }
        try store.seal()
        for count in [4096, 4097, 1] { try store.commit(count) }
        try store.seal()
        try store.commit(8192)
        try store.seal()
        for count in [3, 2] { try store.commit(count) }
        return store
    }

    /// Positions at and around all borders, and some between.
    private static func positions(_ store: SealedStore) -> [Position] {
        let end = Position(store.records.count)
        var found = Set(stride(from: 0, to: end, by: 499))
        let borders = store.commits.map(\.firstPosition) + Array(stride(from: 0, to: end, by: 4096))
        for border in borders + [end] {
            for position in max(border, 2) - 2...border + 1 where position < end {
                found.insert(position)
            }
        }
        return found.sorted()
    }

    @Test func commitsAcrossBlocksAreReadFromEveryPosition() throws {
        let store = try Self.largeStore()
        #expect(store.sealed.map(\.positions) == [0..<4103, 4103..<12297, 12297..<20489])
        try store.demandEntries(store.reader, "all")
        for position in Self.positions(store) {
            var cursor = try store.reader.cursor(from: position)
            let hasRun = try cursor.next()
            #expect(hasRun)
            let run = cursor.header
            let commit = try store.commit(of: position)
            let isInRows = position >= 20489
            #expect(run.firstPosition == (isInRows ? commit.firstPosition : position))
            let block = isInRows ? .max : (position / 4096 + 1) * 4096
            let segment = store.sealed.first { $0.nextPosition > position }?.nextPosition ?? .max
            #expect(run.nextPosition == min(commit.nextPosition, block, segment))
            #expect(run.commitTime == commit.receipt.commitTime)
            #expect((cursor.chainAfter != nil) == isInRows)
            let isSame = cursor.isRecord(0, store.records[Int(run.firstPosition)])
            #expect(isSame, "position \(position)")
            let isLastSame = cursor.isRecord(
                Int(run.count) - 1, store.records[Int(run.nextPosition) - 1])
            #expect(isLastSame, "position \(position)")
        }
    }

    @Test func everyEntryIsFoundByItsPosition() throws {
        let store = try Self.largeStore()
        for (index, record) in store.records.enumerated() where index % 3 != 1 {
            let isSame = try store.reader.withRecord(at: Position(index)) { found, info in
                found.has(record)
                    && (info.firstPosition..<info.nextPosition).contains(Position(index))
            }
            if !isSame { Issue.record("other bytes at \(index)") }
        }
        for position in Self.positions(store).reversed() {
            let commit = try store.commit(of: position)
            try store.reader.withRecord(at: position) { record, info in
                let isSame = record.has(store.records[Int(position)])
                #expect(isSame)
                #expect(info.firstPosition == commit.firstPosition)
                #expect(info.count == commit.receipt.count)
                #expect(info.commitTime == commit.receipt.commitTime)
            }
        }
    }

    @Test func theChainIsKnownWhereCommitsBeginAndNowhereElse() throws {
        let store = try Self.largeStore()
        let chains = store.chains
        for position in Self.positions(store) + [Position(store.records.count)] {
            #expect(try store.reader.chain(at: position) == chains[position], "at \(position)")
        }
        #expect(chains.count == 11)
    }

    /// Every position of a store with many small segments of both kinds, before and after a start and
    /// a merge.
    @Test func aSmallStoreIsReadFromEveryPosition() throws {
        let store = try SealedStore()
        for round in 0..<4 {
            for count in [1, 3, round + 1] { try store.commit(count) }
            if round < 3 { try store.seal() }
        }
        let chains = store.chains
        for state in ["sealed", "started", "merged"] {
            if state == "started" { try store.reopen(seed: 2) }
            if state == "merged" {
                try store.seal()
                try store.merge()
                #expect(store.sealed.count == 1)
            }
            for position in 0...Position(store.records.count) {
                let comment: Comment = "\(state), from \(position)"
                try store.demandEntries(store.reader, from: position, comment)
                #expect(try store.reader.chain(at: position) == chains[position], comment)
            }
        }
    }

    @Test func rootsPostingsAndAccountChainsAreThoseOfTheEntries() throws {
        let store = try Self.largeStore()
        let leaves = try store.leaves()
        var hasher = MerkleHasher()
        for record in store.sealed {
            let segment = try #require(try store.reader.segments.segment(record))
            for entry in segment.index {
                let places = Int(entry.firstPosition)..<Int(entry.nextPosition)
                #expect(MerkleTree.root(of: leaves[places]) == entry.root)
            }
            for account: UInt8 in 0...10 {
                let all = (0..<record.nextPosition).filter {
                    store.records[Int($0)].first == account
                }
                let own = all.filter { $0 >= record.firstPosition }
                #expect(try segment.positions(of: [account].raw) == own, "account \(account)")
                var chain = EntryChain()
                for position in all { chain.append(leaves[Int(position)], &hasher) }
                let found = try segment.chain(of: [account].raw)
                #expect(found == (own.isEmpty ? nil : chain), "account \(account)")
            }
            #expect(try segment.positions(of: [1, 2].raw) == [])
        }
        #expect(try store.reader.scrub(.entries) { _, _ in } == 10)
    }

    /// An account that a segment does not have keeps the chain of the segment before.
    @Test func anAccountsChainGoesOnOverSegmentsWithoutIt() throws {
        let store = try SealedStore()
        for (round, account) in [7, 9, 9, 7, 9].enumerated() {
            try store.append([[UInt8(account), UInt8(round)], [UInt8(account)]])
            try store.seal()
        }
        let leaves = try store.leaves()
        var hasher = MerkleHasher()
        var chain = EntryChain()
        for position in [0, 1, 6, 7] { chain.append(leaves[position], &hasher) }
        let previous = store.reader.previousChains(before: 10)
        #expect(try previous([7].raw) == chain)
        #expect(try previous([8].raw) == EntryChain())
        try store.merge()
        #expect(try store.reader.previousChains(before: 10)([7].raw) == chain)
    }

    /// However many segments are read, the memory of their dictionaries is bounded.
    @Test(arguments: [
        (0, 6), (LogLimits.openSealedBytesMax / 3, 2), (LogLimits.openSealedBytesMax, 1),
    ])
    func dictionariesInMemoryAreBounded(_ bytes: Int, _ open: Int) throws {
        let store = try SealedStore(codec: PlainCodec(dictionaryBytes: bytes))
        for _ in 0..<6 {
            try store.commit(3)
            try store.seal()
        }
        for position in 0..<Position(store.records.count) {
            let found = try store.reader.withRecord(at: position) { record, _ in record.makeArray()
            }
            #expect(found == store.records[Int(position)])
        }
        // The memory of random access holds the segment that it read last.
        let files = store.system.openFiles.filter { $0.contains("/seg/") }
        #expect(Set(files).count == open)
    }
}
