import Billing
import Bytes
import Codec
import Engine
import Foundation
import Money
import SegmentedLog
import Testing

@testable import Proofs

/// From a log to a file and back to a bill, without the log.
@Suite struct ProofTests {
    @Test(arguments: ["acme", "bolt", "cone"]) func anInvoiceIsProven(account: String) throws {
        let book = try Book()
        try book.fill()
        let file = try book.proof(account)
        let key = try book.key()
        let proven = try ProvenInvoice(file: file, key: key)
        #expect(proven.isSignerVerified)
        #expect(proven.checkpoint.size == book.engine.durablePosition)
        let draft = try book.engine.invoice(
            account: account, period: "2026-03",
            at: try #require(Timestamp(rfc3339: "2026-04-01T00:00:00Z")))
        #expect(proven.invoice["lines"] == draft["lines"])
        #expect(proven.invoice["total"] == draft["total"])
        #expect(!proven.invoice.lines.isEmpty)
        let unverified = try ProvenInvoice(file: file, key: nil)
        #expect(!unverified.isSignerVerified)
        #expect(unverified.key == key)
    }

    @Test func theSplitMonthOfTheStoryIsInItsProof() throws {
        let book = try Book()
        try book.fill()
        let proven = try ProvenInvoice(file: try book.proof("acme"), key: nil)
        #expect(proven.invoice.lines.map { $0["id"]?.text } == ["tokens", "calls@2", "tokens@2"])
        // 13 events, 6 consumes of which 2 found no credits, a grant, a subscription.
        #expect(proven.entries == 21)
        let other = try ProvenInvoice(file: try book.proof("acme", "2026-04"), key: nil)
        #expect(other.entries == 21)
        #expect(other.invoice.lines.allSatisfy { $0["quantity"]?.text == "0" })
    }

    @Test func anAccountWithoutEntriesHasNoProof() throws {
        let book = try Book()
        try book.fill()
        let reply = try book.send(#"{"request":"prove","account":"nobody"}"#)
        #expect(reply["error"]?.text == "unknown_account")
    }

    @Test func theSameLogGivesTheSameProofAlsoAfterARestart() throws {
        let book = try Book()
        try book.fill()
        let (file, key) = (try book.proof("acme"), try book.key())
        #expect(try book.proof("acme") == file)
        try book.restart()
        #expect(try book.proof("acme") == file)
        #expect(try book.key() == key)
    }

    /// The newest definition of a meter counts for the whole history, also in the checker.
    @Test func aChangedMeterIsBilledAsTheBooksBillIt() throws {
        let book = try Book()
        try book.fill()
        try book.event("y", "llm.call", "acme", #"{"tokens":5,"cached":3}"#)
        try book.event("v", "llm.call", "bolt", #"{"tokens":5,"cached":9}"#)
        try book.record(
            #"{"request":"publish","id":"c3","catalog":"#
                + Book.catalog.replacingOccurrences(
                    of: #""value":"tokens""#, with: #""value":"cached""#) + "}")
        try book.event("z", "llm.call", "acme", #"{"tokens":5,"cached":4}"#)
        for account in ["acme", "bolt"] {
            let proven = try ProvenInvoice(file: try book.proof(account), key: try book.key())
            let tokens = try #require(proven.invoice.lines.last)
            #expect(tokens["quantity"]?.text == (account == "acme" ? "7" : "9"))
        }
    }

    @Test func anAccountThatIsTooLargeIsRefusedAndNotCut() throws {
        let book = try Book()
        try book.fill()
        let size = book.engine.durablePosition
        func survey(_ bytes: Int) throws -> LogSurvey {
            try LogSurvey(
                book.engine.reader, size: size, catalogs: book.engine.catalogPositions,
                account: "cone", recordBytesMax: bytes)
        }
        let all = try survey(1 << 20).entries.reduce(0) { $0 + $1.record.count }
        #expect(try survey(all).entries.count == 9)
        #expect(throws: ProofFailure.self) { try survey(all - 1) }
    }

    /// Names that Swift holds for equal are two accounts in the log.
    @Test func accountsAreToldApartByTheirBytes() throws {
        let book = try Book()
        try book.fill()
        try book.event("u1", "llm.call", "\u{e9}", #"{"tokens":1}"#)
        try book.event("u2", "llm.call", "e\u{301}", #"{"tokens":2}"#)
        let proven = try ProvenInvoice(file: try book.proof("\u{e9}"), key: nil)
        #expect(proven.entries == 1)
        #expect(proven.invoice.lines.first?["quantity"]?.text == "1")
    }

    /// Blocks of leaves are read again from the log; the tail is kept.
    @Test func aLogOfSeveralBlocksIsProven() throws {
        let book = try Book()
        try book.fill()
        let batches = (0..<9_000).map { number in
            #"{"specversion":"1.0","id":"m\#(number)","source":"test","type":"llm.call","#
                + #""subject":"account \#(number % 50)","data":{"tokens":1}}"#
        }
        try book.recordMany(batches)
        let proven = try ProvenInvoice(file: try book.proof("account 7"), key: try book.key())
        #expect(proven.entries == 180)
        let acme = try ProvenInvoice(file: try book.proof("acme"), key: try book.key())
        #expect(acme.entries == 21)
    }
}

extension BilledInvoice {
    /// Its lines as trees.
    fileprivate var lines: [Value] {
        if case .array(let lines)? = self["lines"] { return lines }
        return []
    }
}
