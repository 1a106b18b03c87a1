import Billing
import Bytes
import Codec
import Engine
import Foundation
import Platform
import Seeds
import SegmentedLog
import Testing

@testable import Proofs

/// Who signs with a key of his own may put anything into a log of his own. The checker must come to an
/// end with an answer: it must not stop the process.
@Suite struct HostileSignerTests {
    /// A file that is in order in all but its records.
    private func file(_ records: [[UInt8]], account: String, key: SigningKey) throws -> [UInt8] {
        var hasher = MerkleHasher()
        var entryLeaves = EntryLeaves()
        var (leaves, entries): ([Digest], [BillFromEntries.Entry]) = ([], [])
        var (chain, catalogs) = (EntryChain(), EntryChain())
        for (index, record) in records.enumerated() {
            let position = Position(index)
            let leaf = entryLeaves.leaf(
                record.raw, position: position, recordedAt: 1_772_800_000_000_000_000, &hasher)
            leaves.append(leaf)
            entries.append(
                .init(position: position, recordedAt: 1_772_800_000_000_000_000, record: record))
            if let view = try? RecordView(record: record.raw) {
                if view.kind == .publish { catalogs.append(leaf, &hasher) }
                if let subject = view.subject, subject.isEqual(to: account) {
                    chain.append(leaf, &hasher)
                }
            }
        }
        let rowKey = account.withBytes { AccountsMap.key(ofAccount: $0) }
        let checkpoint = Checkpoint(
            origin: key.verifier.name, size: Position(records.count),
            root: MerkleTree.root(of: leaves), chain: .zero, catalogs: catalogs,
            accounts: AccountsMap([.init(key: rowKey, chain: chain)]))
        let document = ProofDocument(
            key: key.verifier, checkpoint: try key.sign(checkpoint.body), account: account,
            period: "2026-03",
            place: .init(index: 0, path: []), entries: entries, hashes: [])
        return document.encoded(invoice: Array("{}".utf8))
    }

    private func records(_ account: String) throws -> [[UInt8]] {
        let book = try Book()
        try book.fill()
        let survey = try LogSurvey(
            book.engine.reader, size: book.engine.durablePosition,
            catalogs: book.engine.catalogPositions, account: account,
            recordBytesMax: 1 << 20)
        return survey.entries.map(\.record)
    }

    @Test func soundRecordsAreBilled() throws {
        let key = try SigningKey.make(name: "daybook/x")
        let found = try #require(
            refusal(try file(try records("acme"), account: "acme", key: key)))
        #expect(found.place == "invoice", "\(found)")
    }

    @Test(arguments: Seeds.all) func anyRecordsComeToAnAnswer(seed: UInt64) throws {
        var random = SeededGenerator(seed)
        let key = try SigningKey.make(name: "daybook/x")
        let sound = try records("acme")
        var places: [String: Int] = [:]
        for _ in 0..<150 {
            var records = sound
            for _ in 0...(random.next() % 3) {
                let index = Int(random.next() % UInt64(records.count))
                var record = records[index]
                switch random.next() % 5 {
                case 0: records.swapAt(index, Int(random.next() % UInt64(records.count)))
                case 1: records.remove(at: index)
                case 2:
                    record.removeLast(Int(random.next() % UInt64(record.count)))
                    records[index] = record
                default:
                    let place = Int(random.next() % UInt64(record.count))
                    record[place] = UInt8(truncatingIfNeeded: random.next())
                    records[index] = record
                }
            }
            let found = refusal(try file(records, account: "acme", key: key))
            places[found?.place ?? "proven", default: 0] += 1
        }
        #expect(places["proven"] == nil)
        #expect(places["invoice"] ?? 0 > 5, "\(places)")
        #expect(places.keys.contains { $0.hasPrefix("entries") }, "\(places)")
    }
}
