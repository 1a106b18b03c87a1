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
}
