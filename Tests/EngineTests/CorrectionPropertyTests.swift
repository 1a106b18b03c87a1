import Billing
import Codec
import Engine
import Foundation
import Money
import Seeds
import Testing

/// Corrections and batches on random histories: in the end everything is as if it had been right from the start.
@Suite struct CorrectionPropertyTests {
    @Test(arguments: Seeds.all) func correctedIsAsIfItHadBeenRight(_ seed: UInt64) throws {
        try check(CorrectionHistory(seed: seed), credits: false)
    }

    @Test(arguments: Seeds.all) func creditsAreThoseOfARightHistory(_ seed: UInt64) throws {
        try check(CorrectionHistory(seed: seed, count: 19), credits: true)
    }

    private func check(_ history: CorrectionHistory, credits: Bool) throws {
        var history = history
        let book = try CorrectionHistory.open()
        try history.correct(in: book)
        let right = try CorrectionHistory.open()
        try history.tellTruth(to: right)
        let mine = try CorrectionHistory.shown(book, credits: credits)
        let theirs = try CorrectionHistory.shown(right, credits: credits)
        for (mine, theirs) in zip(mine, theirs) where mine != theirs {
            Issue.record("\(mine)\n   instead of \(theirs)")
        }
        #expect(mine.count == theirs.count && mine.count > 10)
        #expect(try book.verifies())
        let digest = book.digest
        try book.restart()
        #expect(book.digest == digest)
        book.engine.close()
        try FileManager.default.removeItem(atPath: book.folder + "/snapshots")
        try book.restart()
        #expect(book.digest == digest)
        #expect(try CorrectionHistory.shown(book, credits: credits) == mine)
    }

    /// A month that was finalised in the middle, and whatever was corrected before and after: its invoice and the
    /// corrections on the next one add up to what a right history costs, to the cent.
    @Test(arguments: Seeds.all) func finalisedAndCorrectedAddsUp(_ seed: UInt64) throws {
        func total(_ reply: Value) throws -> Fraction {
            Fraction(try #require(reply["total"]?.text.flatMap { Quantity($0) }, "\(reply)"))
        }
        var history = CorrectionHistory(seed: seed)
        let book = try CorrectionHistory.open()
        var finalised: Value?
        try history.correct(in: book) { number in
            guard number == 24 else { return }
            let reply = try book.send(#"{"request":"finalise","account":"a","period":"2026-03"}"#)
            #expect(reply.printed("outcome") == "recorded", "\(reply)")
            finalised = reply
        }
        let right = try CorrectionHistory.open()
        try history.tellTruth(to: right)
        func bill(_ book: Book, _ month: String) throws -> Fraction {
            try total(
                book.send(#"{"request":"invoice","account":"a","period":"\#(month)"}"#))
        }
        let paid = try total(#require(finalised)) + bill(book, "2026-04")
        #expect(try paid == bill(right, "2026-03") + bill(right, "2026-04"))
        #expect(try bill(book, "2026-03") == total(#require(finalised)))
        #expect(try book.verifies())
    }

    /// Corrections among the events of several connections: nothing is lost, the committer's books are what is durable,
    /// and a replay gives the same.
    @Test func correctionsBesideTraffic() throws {
        let book = try CorrectionHistory.open()
        let engine = book.engine
        let outcomes = Tally()
        let first = try book.event("first", "e", "a", #"{"n":1,"u":"u9"}"#).printed("position")
        let named = try #require(first)
        for round in 0..<25 {
            DispatchQueue.concurrentPerform(iterations: 4) { thread in
                for number in 0..<3 where thread > 0 || number == 1 {
                    let line =
                        thread == 0
                        ? #"{"request":"correct","id":"k\#(round)","account":"a","reason":"r","entries":[{"entry":\#(named),"action":"amend","data":{"n":\#(round),"u":"u1"}}]}"#
                        : #"{"specversion":"1.0","id":"e\#(round)-\#(thread)-\#(number)","source":"s","type":"e","subject":"a","data":{"n":1,"u":"u\#(thread)"}}"#
                    let reply = Promise.value(
                        String(decoding: engine.reply(to: line), as: UTF8.self))
                    outcomes.add(reply.printed("outcome") ?? reply.printed("message") ?? "none")
                }
            }
            let check = try book.send(
                #"{"request":"check","account":"a","feature":"sum","quantity":0}"#)
            let decided = try book.send(
                #"{"request":"consume","id":"d\#(round)","account":"a","feature":"sum","quantity":0}"#
            )
            #expect(check.printed("used") == "\((round + 1) * 9 + round)")
            #expect(check.printed("used") == decided.printed("used"))
        }
        #expect(outcomes.count("recorded") == 250)
        #expect(try book.verifies())
        let digest = book.digest
        try book.restart()
        #expect(book.digest == digest)
    }
}
