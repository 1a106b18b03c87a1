import Billing
import Bytes
import Codec
import Engine
import Platform
import SegmentedLog
import Testing

@testable import Proofs

/// Proofs of accounts whose old entries have lost their bodies.
@Suite struct RetiredProofTests {
    private static let march: Int64 = 1_772_323_200_000_000_000
    private static let day: Int64 = 86_400_000_000_000

    /// Two calls of March and one of April; March is finalised.
    private func filled(_ clock: MovingClock) throws -> Book {
        let book = try Book(clock)
        clock.set(Self.march)
        try book.record(
            #"{"request":"publish","id":"c","catalog":{"catalog":1,"currency":"USD","#
                + #""default_plan":"p","personal":["who"],"events":{"keep":"1 day"},"#
                + #""meters":{"m":{"event":"t","aggregate":"sum","value":"n"}},"#
                + #""plans":{"p":{"prices":{"m":{"meter":"m","amount":"1"}}}}}}"#)
        try book.event("e", "t", "acme", #"{"n":3,"note":"body"}"#)
        try book.event("f", "t", "acme", #"{"n":4,"note":"body","who":"me"}"#)
        clock.set(Self.march + 32 * Self.day)
        try book.record(
            #"{"specversion":"1.0","id":"g","source":"test","type":"t","subject":"acme","#
                + #""data":{"n":5,"note":"body"}}"#)
        let done = try book.send(#"{"request":"finalise","account":"acme","period":"2026-03"}"#)
        #expect(done["outcome"]?.text == "recorded")
        clock.set(Self.march + 40 * Self.day)
        return book
    }

    private func retire(_ book: Book) throws {
        try book.record(
            #"{"request":"retire","id":"r","before":"2026-04-01T00:00:00Z","reason":"old"}"#)
        _ = try book.send(#"{"request":"compact"}"#)
    }

    @Test func proofsHoldAfterwards() throws {
        let clock = MovingClock()
        let book = try filled(clock)
        let early = try book.checkpoint()
        let before = try [book.proof("acme"), book.proof("acme", "2026-04")]
        try retire(book)
        let key = try book.key()
        // What was proven stays proven, and the newer log continues what was signed.
        for file in before { #expect(refusal(file, key) == nil) }
        #expect(try Checkpoint(book.checkpoint().body).size > Checkpoint(early.body).size)
        for (period, old) in zip(["2026-03", "2026-04"], before) {
            let file = try book.proof("acme", period)
            let proven = try ProvenInvoice(file: file, key: key)
            #expect(proven.retired == 2 && proven.entries == 4)
            let was = try ProvenInvoice(file: old, key: key)
            #expect(was.retired == 0)
            #expect(proven.invoice["total"] == was.invoice["total"])
            #expect(String(decoding: file, as: UTF8.self).hasPrefix(#"{"proof":3,"#))
        }
        #expect(try book.engine.verify(deep: true).isEqual)
    }

    /// What was kept is not bound by the tree; the signer's word binds it.
    @Test func aChangedByteIsRefused() throws {
        let clock = MovingClock()
        let book = try filled(clock)
        try retire(book)
        let key = try book.key()
        let file = try book.proof("acme", "2026-04")
        #expect(refusal(file, key) == nil)
        let unnoticed = file.indices.filter { index in
            var changed = file
            changed[index] ^= 0x01
            return refusal(changed) == nil
        }
        #expect(unnoticed == [])
    }

    /// A body that somebody else drops to change what it says is no proof.
    @Test func aForgedStubIsRefused() throws {
        let clock = MovingClock()
        let book = try filled(clock)
        let key = try book.key()
        for isRetired in [false, true] {
            if isRetired { try retire(book) }
            var document = try ReadProof(book.proof("acme", "2026-04")).document
            for index in document.entries.indices {
                let entry = document.entries[index]
                guard try RecordView(record: entry.record.raw).kind == .event else { continue }
                var stub = ByteBuffer()
                var kept = KeptProperties()
                if isRetired { kept.keep(["n"], ofType: "t") }
                guard
                    try RecordRetirement.append(entry.record.raw, keeping: kept, to: &stub)
                else { continue }
                document.entries[index] = .init(
                    position: entry.position, recordedAt: entry.recordedAt,
                    record: stub.copyBytes(in: 0..<stub.count))
            }
            let size = try Checkpoint(document.checkpoint.body).size
            let forged = document.encoded(
                invoice: ProofDocument.invoice(try document.bill(size)))
            let found = try #require(refusal(forged, key))
            #expect(found.description.contains("retired"), "\(found)")
        }
    }
}

/// A clock that stands where it was put.
private final class MovingClock: Clock {
    private let now = Monitor<Int64>(0)

    func wallNanoseconds() -> Int64 { now.read { $0 } }
    func set(_ time: Int64) { now.withLock { $0 = time } }
}
