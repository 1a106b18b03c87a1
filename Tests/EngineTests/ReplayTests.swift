import Billing
import Codec
import Engine
import Foundation
import Money
import Projections
import Seeds
import SegmentedLog
import Testing

/// Bills made again from the entries alone.
@Suite struct ReplayTests {
    static let accounts = ["a", "b", "c"]

    private func replay(_ book: Book, _ more: String = "") throws -> Value {
        let reply = try book.send(#"{"request":"replay"\#(more)}"#)
        #expect(reply.printed("ok") == "true", "\(reply)")
        return reply
    }

    private func finalise(_ book: Book, _ period: String) throws {
        for account in Self.accounts {
            _ = try book.send(
                #"{"request":"finalise","account":"\#(account)","period":"\#(period)"}"#)
        }
    }

    /// Prices by meters of every aggregation, filtered and not.
    private static let catalog: String = {
        let meters = ["count", "sum", "max", "min", "average", "unique", "latest"].map { kind in
            let value = kind == "count" ? "" : #","value":"n""#
            return #""\#(kind)":{"event":"call","aggregate":"\#(kind)"\#(value)},"#
                + #""\#(kind)-a":{"event":"call","aggregate":"\#(kind)"\#(value),"#
                + #""filter":{"k":["a","c"]}}"#
        }
        let prices = ["count", "sum", "max", "min", "average", "unique", "latest"].map { kind in
            #""\#(kind)":{"meter":"\#(kind)","amount":"1.01"},"#
                + #""\#(kind)-a":{"meter":"\#(kind)-a","amount":"0.1"}"#
        }
        return #"{"catalog":1,"currency":"USD","default_plan":"free","meters":{"#
            + meters.joined(separator: ",") + #","calls":{"event":"call","aggregate":"sum","#
            + #""value":"n"},"jobs":{"event":"job","aggregate":"count"}},"#
            + #""features":{"calls":{"meter":"calls"},"jobs":{"meter":"jobs"},"sso":{}},"#
            + #""credit":{"unit":"cr","burn":{"jobs":"1"}},"#
            + #""plans":{"free":{"entitlements":{"calls":{"limit":50},"jobs":true},"#
            + #""prices":{"calls":{"meter":"calls","amount":"0.5"},"#
            + prices.joined(separator: ",")
            + #"}},"pro":{"entitlements":{"calls":{"limit":99},"jobs":true,"sso":true},"#
            + #""prices":{"base":{"fee":5},"jobs":{"meter":"jobs","amount":"2"}}}}}"#
    }()

    /// A history whose values have decimals or none, and whose events have a time of their own or none.
    private static func history(_ random: inout SeededGenerator) -> [SimulationTests.Sent] {
        SimulationTests.history(&random, steps: 160).enumerated().map { index, sent in
            let part = index % 3 == 0 ? ".25" : index % 3 == 1 ? "" : ".125000000001"
            let key = index % 2 == 0 ? "a" : "b"
            var line = sent.line
            for n in 0...4 {
                line = line.replacing("\"n\":\(n)}", with: "\"n\":\(n)\(part),\"k\":\"\(key)\"}")
            }
            if index % 5 == 0, let start = line.range(of: #""time":"#) {
                let end = line.index(start.lowerBound, offsetBy: 30)
                line.removeSubrange(start.lowerBound..<end)
            }
            return SimulationTests.Sent(
                day: sent.day, second: sent.second, line: line, account: sent.account,
                isUsage: sent.isUsage)
        }
    }

    /// Every draft of a period is what the live books say, from rows and from sealed columns.
    @Test(arguments: Seeds.all) func draftsAreWhatTheBooksSay(seed: UInt64) throws {
        var random = SeededGenerator(seed)
        let history = Self.history(&random)
        let (book, _) = try SimulationTests.lived(Self.catalog, history)
        for isSealed in [false, true] {
            if isSealed {
                #expect(try book.send(#"{"request":"compact"}"#).printed("ok") == "true")
            }
            for period in ["2026-03", "2026-04"] {
                let reply = try replay(book, #","period":"\#(period)""#)
                for account in Self.accounts {
                    let live = try book.send(
                        #"{"request":"invoice","account":"\#(account)","period":"\#(period)"}"#)
                    let again = reply.list("invoices").first {
                        $0.printed("invoice") == "\(account)/\(period)"
                    }
                    #expect(
                        again?.printed("now") ?? "0" == live.printed("total"),
                        "\(account) \(period) sealed: \(isSealed)")
                }
            }
        }
    }

    /// What was finalised is what its entries give, whatever came late; and that is named.
    @Test(arguments: Seeds.all) func finalisedInvoicesAndWhatCameLate(seed: UInt64) throws {
        var random = SeededGenerator(seed)
        let history = SimulationTests.history(&random, steps: 120)
        let (book, _) = try SimulationTests.lived(SimulationTests.catalog(), history)
        book.clock.set("2026-05-01T12:00:00Z")
        try finalise(book, "2026-03")
        let clean = try replay(book)
        #expect(clean.printed("matches") == "true", "\(clean)")
        #expect(clean.printed("with_late_entries") == "0")
        let position = book.engine.durablePosition
        try book.event("late", "call", "a", #"{"n":7}"#, time: "2026-03-09T00:00:00Z")
        for isSealed in [false, true] {
            if isSealed { _ = try book.send(#"{"request":"compact"}"#) }
            let late = try replay(book)
            #expect(late.printed("matches") == "true", "\(late)")
            #expect(late.printed("with_late_entries") == "1")
            let first = late.list("invoices").first
            #expect(first?.printed("invoice") == "a/2026-03")
            #expect(first?.list("late_positions").count == 1)
            #expect(first?["late_positions"] == .array([.number(DecimalNumber("\(position)")!)]))
        }
        try finalise(book, "2026-04")
        let both = try replay(book)
        #expect(both.printed("finalised") == "6")
        #expect(both.printed("matches") == "true", "\(both)")
        let one = try replay(book, #","accounts":["a"],"period":"2026-04""#)
        #expect(one.printed("bills") == "1")
        #expect(try book.verifies())
    }

    /// A catalog that meters otherwise since then makes no invoice wrong; it is named as what would change it.
    @Test func aMeterThatIsDefinedOtherwiseSince() throws {
        let book = try Book()
        book.clock.set("2026-03-01T00:00:00Z")
        try book.publish(SimulationTests.catalog())
        try book.event("e", "call", "a", #"{"n":3}"#)
        book.clock.set("2026-04-02T00:00:00Z")
        try finalise(book, "2026-03")
        let position = book.engine.durablePosition
        try book.publish(
            SimulationTests.catalog().replacing(
                #""aggregate":"sum","value":"n""#, with: #""aggregate":"count""#))
        let reply = try replay(book)
        #expect(reply.printed("matches") == "true", "\(reply)")
        #expect(reply.printed("with_late_entries") == "1")
        let first = reply.list("invoices").first
        #expect(first?.printed("issued") == "6.00")
        #expect(first?.printed("now") == "2.00")
        #expect(first?["late_positions"] == .array([.number(DecimalNumber("\(position)")!)]))
    }

    @Test func whoIsUnknownIsSaid() throws {
        let book = try Book()
        let reply = try book.send(#"{"request":"replay","accounts":["zz"]}"#)
        #expect(reply.printed("error") == "unknown_account")
    }
}
