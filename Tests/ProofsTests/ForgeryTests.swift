import Billing
import Bytes
import Codec
import Engine
import Foundation
import SegmentedLog
import Testing

@testable import Proofs

/// Who has the whole log and may write any file, but not the key, proves nothing false.
@Suite struct ForgeryTests {
    private let book: Book
    private let key: VerifierKey
    private let file: [UInt8]
    private let document: ProofDocument
    private let survey: LogSurvey

    init() throws {
        book = try Book()
        try book.fill()
        file = try book.proof("acme")
        key = try book.key()
        document = try ReadProof(file).document
        survey = try LogSurvey(
            book.engine.reader, size: book.engine.durablePosition,
            catalogs: book.engine.catalogPositions, account: "acme",
            recordBytesMax: 1 << 20)
    }

    /// A file of these entries with hashes that lead to the root, and the invoice that follows.
    private func forged(
        account: String = "acme", _ change: (inout ProofDocument) -> Void
    ) throws -> [UInt8] {
        var forged = document
        change(&forged)
        let positions = forged.entries.map(\.position)
        var prover = MerkleProver(survey.leaves, size: survey.size)
        forged.hashes = try prover.multiproof(of: positions)
        return forged.encoded(invoice: try invoice(forged))
    }

    private func invoice(_ document: ProofDocument) throws -> [UInt8] {
        let end = max(survey.size, (document.entries.last?.position ?? 0) + 1)
        return ProofDocument.invoice(try document.bill(end))
    }

    private func kind(_ entry: BillFromEntries.Entry) throws -> RecordKind {
        try RecordView(record: entry.record.raw).kind
    }

    @Test func nothingChangedIsProven() throws {
        #expect(try forged { _ in } == file)
        #expect(refusal(file, key) == nil)
    }

    @Test func anOmittedEntryIsRefused() throws {
        for index in document.entries.indices
        where try kind(document.entries[index]) == .event {
            let bytes = try forged { $0.entries.remove(at: index) }
            let found = try #require(refusal(bytes, key))
            #expect(found.problem.contains("not exactly the entries"), "\(found)")
        }
    }

    @Test func anOmittedCatalogIsRefused() throws {
        let last = try #require(
            try document.entries.lastIndex { try kind($0) == .publish })
        let found = try #require(refusal(try forged { $0.entries.remove(at: last) }, key))
        #expect(found.problem.contains("1 catalogs are not the 2"), "\(found)")
    }

    @Test func anAddedEntryIsRefused() throws {
        let other = try LogSurvey(
            book.engine.reader, size: survey.size, catalogs: book.engine.catalogPositions,
            account: "bolt", recordBytesMax: 1 << 20)
        let foreign = try #require(try other.entries.first { try kind($0) == .event })
        let bytes = try forged { forged in
            forged.entries.append(foreign)
            forged.entries.sort { $0.position < $1.position }
        }
        let found = try #require(refusal(bytes, key))
        #expect(found.problem.contains("neither of the account"), "\(found)")
    }

    @Test func aChangedEntryIsRefused() throws {
        for index in document.entries.indices {
            var forged = document
            var record = document.entries[index].record
            record[record.count / 2] ^= 1
            forged.entries[index] = .init(
                position: document.entries[index].position,
                recordedAt: document.entries[index].recordedAt, record: record)
            let bytes = forged.encoded(invoice: try invoice(document))
            let found = try #require(refusal(bytes, key))
            #expect(found.problem.contains("do not lead to the checkpoint's root"), "\(found)")
        }
    }

    @Test func aChangedTimeIsRefused() throws {
        var forged = document
        let entry = document.entries[3]
        forged.entries[3] = .init(
            position: entry.position, recordedAt: entry.recordedAt + 1, record: entry.record)
        let found = try #require(refusal(forged.encoded(invoice: try invoice(document)), key))
        #expect(found.problem.contains("do not lead to the checkpoint's root"))
    }

    @Test func aChangedAmountIsRefusedByTheNameOfItsLine() throws {
        let text = String(decoding: file, as: UTF8.self)
        let forged = text.replacing(
            #/"amount":"[0-9.]+"/#, with: #""amount":"1""#, maxReplacements: 1)
        let found = try #require(refusal(Array(forged.utf8), key))
        #expect(found.place == "invoice")
        #expect(found.problem.contains("says amount 1"), "\(found)")
    }

    @Test func anotherAccountsRowIsRefused() throws {
        let bolt = "bolt".withBytes { AccountsMap.key(ofAccount: $0) }
        let (_, place) = try #require(try survey.accounts.find(bolt))
        let found = try #require(refusal(try forged { $0.place = place }, key))
        #expect(found.problem.contains("not exactly the entries"), "\(found)")
        let renamed = try #require(refusal(try forged { $0.account = "bolt" }, key))
        #expect(renamed.problem.contains("neither of the account"), "\(renamed)")
    }

    @Test func anOlderCheckpointIsRefused() throws {
        try book.event("later", "llm.call", "acme", #"{"tokens":5}"#)
        var newer = try ReadProof(try book.proof("acme")).document
        newer.checkpoint = document.checkpoint
        let found = try #require(refusal(newer.encoded(invoice: try invoice(newer)), key))
        #expect(found.place == "hashes" || found.place == "entries", "\(found)")
    }

    @Test func anotherKeyIsRefused() throws {
        let other = try SigningKey.make(name: key.name)
        let found = try #require(refusal(file, other.verifier))
        #expect(found.problem.contains("not with the given key"), "\(found)")
        // A forger who signs with a key of his own is only found where the real key is known.
        var forged = document
        forged.checkpoint = try other.sign(document.checkpoint.body)
        #expect(
            try #require(refusal(forged.encoded(invoice: try invoice(document)), nil)).problem
                .contains("it is signed by"))
        forged.key = other.verifier
        let bytes = forged.encoded(invoice: try invoice(document))
        #expect(refusal(bytes, key) != nil)
        #expect(refusal(bytes, nil) == nil)
    }

    /// One key for one log: a note of another log under this key is not about this one.
    @Test func aCheckpointOfAnotherLogUnderTheSameKeyIsRefused() throws {
        let secret = try String(contentsOfFile: book.folder + "/keys/signing.key", encoding: .utf8)
        var forged = document
        forged.checkpoint = try SigningKey(text: secret).sign(
            "daybook/other" + document.checkpoint.body.drop { $0 != "\n" })
        let found = try #require(refusal(forged.encoded(invoice: try invoice(document)), key))
        #expect(found.problem.contains("signs for another log"), "\(found)")
    }

    @Test func otherSpellingsOfTheSameProofAreRefused() throws {
        let text = String(decoding: file, as: UTF8.self)
        let spellings = [
            text + "\n", String(text.dropLast()), " " + text,
            text.replacingOccurrences(of: #""proof":2,"#, with: #""proof":2.0,"#),
            text.replacingOccurrences(of: #"{"proof":2,"#, with: #"{"proof":2,"more":1,"#),
            text.replacingOccurrences(of: #"{"index":"#, with: #"{"more":1,"index":"#),
            text.replacingOccurrences(of: "acme", with: #"\u0061cme"#),
            text.replacingOccurrences(of: #""period":"2026-03","#, with: "")
                .replacingOccurrences(
                    of: #"{"proof":2,"#, with: #"{"proof":2,"period":"2026-03","#),
        ]
        for spelling in spellings {
            #expect(spelling != text)
            #expect(refusal(Array(spelling.utf8), key) != nil, "\(spelling.prefix(80))")
        }
    }
}
