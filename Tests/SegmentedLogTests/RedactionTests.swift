import Bytes
import Columns
import Platform
import SimulatedFileSystem
import Testing

@testable import SegmentedLog

/// Redaction at the log's level: some bytes of an entry are gone for good, and everything that binds the
/// entry stays what it was.
struct RedactionTests {
    private static let secret = Array("name of a person".utf8)
    private static let other = Array("another's address".utf8)

    private static func personal(_ bytes: [UInt8]) -> [UInt8] { [0xEE, 0xEE] + bytes }

    private static func redacted(_ record: [UInt8]) throws -> [UInt8] {
        var buffer = ByteBuffer()
        #expect(try PlainCodec.redact(record.raw, &buffer))
        return buffer.copyBytes(in: 0..<buffer.count)
    }

    /// Redacts the entries at these positions.
    private static func redaction(_ positions: Set<Position>) -> Sealer.Redaction {
        { position, _, record, buffer throws(DecodeFailure) in
            guard positions.contains(position) else { return false }
            return try PlainCodec.redact(record, &buffer)
        }
    }

    /// Three commits with personal entries, one of them over a block's border.
    private static func filledStore() throws -> SealedStore {
        let store = try SealedStore()
        try store.append([[1, 2], personal(secret), [], personal(other), [1]])
        try store.commit(3)
        var long = (8..<4200).map { SealedStore.record(at: $0) }
        long[10] = personal(secret)
        long[4150] = personal(other)
        try store.append(long)
        try store.commit(2)
        return store
    }

    private func demand(_ store: SealedStore, _ chains: [Position: Digest], _ comment: Comment)
        throws
    {
        try store.demandEntries(store.reader, comment)
        for (position, chain) in chains {
            #expect(try store.reader.chain(at: position) == chain, comment)
        }
        #expect(
            try store.reader.scrub(.entries) { _, _ in } == UInt64(store.commits.count), comment)
    }

    /// Whether a disk has these bytes in some file, as they are or in the memory of a page.
    private func has(_ bytes: [UInt8], _ disk: SimulatedDisk) throws -> Bool {
        for path in disk.files {
            let all = try #require(disk.contents(of: path))
            guard all.count >= bytes.count else { continue }
            for start in 0...(all.count - bytes.count) where all[start] == bytes[0] {
                if all[start..<(start + bytes.count)].elementsEqual(bytes) { return true }
            }
        }
        return false
    }

    @Test func whatWasRedactedIsGoneAndAllThatBindsItStays() throws {
        let store = try Self.filledStore()
        let (chains, leaves) = (store.chains, try store.leaves())
        #expect(try has(Self.secret, store.system.disk))
        // In memory of readers, too, before and after.
        let isThere = try store.reader.withRecord(at: 1) { record, _ in
            record.has(Self.personal(Self.secret))
        }
        #expect(isThere)
        try store.seal(redaction: Self.redaction([1, 18]))
        for position: Position in [1, 18] {
            store.setRecord(
                try Self.redacted(Self.personal(Self.secret)), at: position)
        }
        try store.reader.withRecord(at: 1) { record, _ in
            let isRedacted = record.has(store.records[1])
            #expect(isRedacted)
        }
        #expect(try !has(Self.secret, store.system.disk.afterPowerCut(.everything)))
        #expect(try has(Self.other, store.system.disk))
        try demand(store, chains, "redacted")
        let segment = try #require(try store.reader.segments.segment(store.sealed[0]))
        for entry in segment.index {
            let places = Int(entry.firstPosition)..<Int(entry.nextPosition)
            #expect(entry.root == MerkleTree.root(of: leaves[places]))
        }
        var chain = EntryChain()
        var hasher = MerkleHasher()
        for position in [1, 3, 18, 4158] { chain.append(leaves[position], &hasher) }
        #expect(try segment.chain(of: [0xEE].raw) == chain)
        #expect(try segment.positions(of: [0xEE].raw) == [1, 3, 18, 4158])
        // The hashes of the payloads stand beside those commits that were changed, and no others.
        var memory = BlockMemory()
        try segment.load(0, into: &memory)
        #expect(memory.commits.map { $0.payload != nil } == [true, false, true])
    }

    /// Merges keep what stands beside redacted commits, and may redact more in the same commits.
    @Test func mergesKeepRedactionsAndMayAddMore() throws {
        let store = try Self.filledStore()
        let chains = store.chains
        try store.seal(redaction: Self.redaction([1, 18]))
        for position: Position in [1, 18] {
            store.setRecord(try Self.redacted(Self.personal(Self.secret)), at: position)
        }
        try store.append([[1, 2], Self.personal(Self.secret)])
        try store.seal()
        try store.merge()
        #expect(store.sealed.count == 1)
        let all = store.chains
        try demand(store, all, "merged")
        for (position, chain) in chains { #expect(all[position] == chain) }
        try store.commit(1)
        try store.seal()
        // Entries of commits that had one redacted already, and of one that had none.
        let last = Position(4202 + 1)
        #expect(store.records[Int(last)] == Self.personal(Self.secret))
        try store.merge(redaction: Self.redaction([1, 3, 4158, last]))
        for position: Position in [3, 4158] {
            store.setRecord(try Self.redacted(Self.personal(Self.other)), at: position)
        }
        store.setRecord(try Self.redacted(Self.personal(Self.secret)), at: last)
        try demand(store, store.chains, "redacted again")
        let disk = store.system.disk.afterPowerCut(.everything)
        #expect(try !has(Self.secret, disk))
        #expect(try !has(Self.other, disk))
        try store.commit(2)
        try store.seal()
        try store.merge()
        try store.reopen(seed: 3)
        try demand(store, store.chains, "after one more merge and a start")
    }

    /// A redaction that is not what the tree was promised, or that fails, changes nothing.
    @Test func aWrongRedactionIsNotAdopted() throws {
        let store = try Self.filledStore()
        store.log.sealing.wantRoll()
        try store.log.maintain()
        let files = store.system.disk.files
        #expect(throws: LogFailure.self) {
            try store.log.sealNow(now: 0, everything: true) {
                (position, _, _, _) throws(DecodeFailure) in
                if position == 18 { throw .invalid("no record", 0) }
                return false
            }
        }
        #expect(store.sealed.isEmpty && store.system.disk.files == files)
        try demand(store, store.chains, "unchanged")
    }
}
