import Billing
import Engine
import Foundation
import Money
import Testing

/// Law 4: the same log gives the same books, however it was folded.
@Suite struct FoldTests {
    /// A small generator that prints nothing and repeats exactly.
    struct Dice {
        var state: UInt64
        mutating func roll(_ sides: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int((state >> 33) % UInt64(sides))
        }
    }

    /// A line of some kind, meaningful or not.
    private func line(_ number: Int, _ dice: inout Dice) -> String {
        let account = "a\(dice.roll(5))"
        let month = 1 + dice.roll(4)
        let time = "2026-0\(month)-1\(dice.roll(9))T0\(dice.roll(9)):00:00Z"
        let common = #""specversion":"1.0","id":"e\#(number - dice.roll(20) / 19)","source":"s""#
        switch dice.roll(12) {
        case 0:
            return
                #"{"request":"grant","id":"g\#(number)","account":"\#(account)","amount":"\#(dice.roll(40)).5","priority":\#(dice.roll(3)),"expires":"2026-0\#(month + 4)-01T00:00:00Z"}"#
        case 1:
            return
                #"{"request":"subscribe","id":"s\#(number)","account":"\#(account)","plan":"\#(dice.roll(2) == 0 ? "free" : "pro")","effective":"\#(time)"}"#
        case 2, 3:
            return
                #"{"request":"consume","id":"c\#(number)","account":"\#(account)","feature":"images","quantity":\#(dice.roll(4))}"#
        case 4, 5:
            return
                #"{"request":"consume","id":"c\#(number)","account":"\#(account)","feature":"api","quantity":\#(dice.roll(3))}"#
        case 6:
            return #"{\#(common),"type":"image.made","subject":"\#(account)","time":"\#(time)"}"#
        case 7:
            return
                #"{\#(common),"type":"gauge","subject":"\#(account)","time":"\#(time)","data":{"level":\#(dice.roll(100) - 50)}}"#
        case 8:
            return
                #"{\#(common),"type":"login","subject":"\#(account)","data":{"person":"p\#(dice.roll(6))"}}"#
        case 9: return #"{\#(common),"type":"unknown\#(dice.roll(3))"}"#
        default:
            return
                #"{\#(common),"type":"llm.call","subject":"\#(account)","time":"\#(time)","data":{"tokens":\#(dice.roll(1000)),"model":"m\#(dice.roll(3))"}}"#
        }
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func liveReplayAndRestartAgree(_ seed: UInt64) throws {
        let book = try Book(entriesPerSnapshot: 50)
        var dice = Dice(state: seed)
        for number in 0..<300 {
            if number == 60 { try book.publish(testCatalog) }
            if number == 200 {
                try book.publish(
                    testCatalog.replacingOccurrences(
                        of: #""value":"level""#, with: #""value":"none""#))
            }
            _ = try book.send(line(number, &dice))
            if dice.roll(60) == 0 {
                let digest = book.digest
                try book.restart()
                #expect(book.digest == digest, "seed \(seed), line \(number)")
            }
        }
        #expect(try book.verifies(), "seed \(seed)")
        try conserves(book)
    }

    /// granted = remaining + drawn, for every account.
    private func conserves(_ book: Book) throws {
        for account in 0..<5 {
            let credits = try book.send(#"{"request":"credits","account":"a\#(account)"}"#)
            func sum(_ name: String) throws -> Int128 {
                try credits.list("grants").reduce(0) {
                    $0 + (try #require($1.printed(name).flatMap { Quantity($0) })).units
                }
            }
            let drawn = try #require(credits.printed("drawn").flatMap { Quantity($0) })
            #expect(try sum("amount") == sum("remaining") + drawn.units)
        }
    }
}
