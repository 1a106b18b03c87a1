import Billing
import Codec
import Engine
import Foundation
import Money
import Projections
import Testing

/// Credits burn at rates by properties: the row that names the most of them wins.
@Suite struct BurnRateTests {
    /// A unit of the large model costs 10, in the EU 12, one of the small model a half, all others 1.
    private static func catalog(_ more: String = "") -> String {
        #"{"catalog":1,"currency":"USD","default_plan":"p","#
            + #""meters":{"tokens":{"event":"llm","aggregate":"sum","value":"n"}},"#
            + #""features":{"tokens":{"meter":"tokens"}},"#
            + #""credit":{"unit":"cr","burn":{"tokens":{"by":["model","geo.region"],"rows":{"#
            + #""large":{"model":"large","amount":10},"#
            + #""large-eu":{"model":"large","geo.region":"eu","amount":12},"#
            + #""small":{"model":"small","amount":5,"per":10}},"other":1}}\#(more)},"#
            + #""plans":{"p":{"entitlements":{"tokens":true}}}}"#
    }

    private func book(_ more: String = "", credits: Int = 1000) throws -> Book {
        let book = try Book()
        book.clock.set("2026-03-01T00:00:00Z")
        try book.publish(Self.catalog(more))
        try book.record(#"{"request":"grant","id":"g","account":"a","amount":\#(credits)}"#)
        return book
    }

    private func ask(_ book: Book, _ word: String, _ id: String, _ members: String) throws -> Value
    {
        try book.send(#"{"request":"\#(word)","id":"\#(id)","account":"a",\#(members)}"#)
    }

    private func stays(_ book: Book) throws {
        let digest = book.digest
        _ = try book.send(#"{"request":"snapshot"}"#)
        try book.restart()
        #expect(book.digest == digest)
        #expect(try book.verifies())
    }

    private static let rows: [(data: String, cost: String)] = [
        (#"{"n":3,"model":"large"}"#, "30"),
        (#"{"n":3,"model":"large","geo":{"region":"us"}}"#, "30"),
        (#"{"n":3,"model":"large","geo":{"region":"eu"}}"#, "36"),
        (#"{"n":3,"model":"small","geo":{"region":"eu"}}"#, "1.5"),
        (#"{"n":3,"model":"other"}"#, "3"), (#"{"n":3}"#, "3"),
        (#"{"n":3,"model":["large"]}"#, "3"),
    ]

    /// Events, consumes, checks and holds of the same properties cost the same.
    @Test(arguments: rows.indices)
    func theMostSpecificRowWins(_ index: Int) throws {
        let (data, cost) = Self.rows[index]
        let book = try book()
        let event = try book.event("e", "llm", "a", data)
        #expect(event.printed("credits") == cost)
        let use = #""feature":"tokens","quantity":3,"data":\#(data)"#
        let check = try book.send(#"{"request":"check","account":"a",\#(use)}"#)
        #expect(check.printed("credits") == cost)
        #expect(try ask(book, "consume", "c", use).printed("credits") == cost)
        #expect(try ask(book, "hold", "h", use).printed("credits") == cost)
        try stays(book)
    }

    /// A request is denied by what it costs at its own rate.
    @Test func theRateDecides() throws {
        let book = try book(credits: 20)
        func consume(_ id: String, _ model: String) throws -> String? {
            try ask(
                book, "consume", id,
                #""feature":"tokens","quantity":3,"data":{"model":"\#(model)"}"#
            ).printed("allowed")
        }
        #expect(try consume("c1", "large") == "false")
        #expect(try consume("c2", "small") == "true")
        let shown = try book.send(#"{"request":"credits","account":"a"}"#)
        #expect(shown.printed("balance") == "18.5")
    }

    /// A settlement costs at its own properties; one that names none at the rate of its hold.
    @Test(arguments: [
        ("", "20"), (#","data":{"note":"x"}"#, "20"), (#","data":{"model":"small"}"#, "1"),
        (#","data":{"model":"other"}"#, "2"),
    ])
    func aHoldIsSettledAtARate(_ data: String, _ cost: String) throws {
        let book = try book(credits: 50)
        let hold = try ask(
            book, "hold", "h", #""feature":"tokens","quantity":4,"data":{"model":"large"}"#)
        #expect(hold.printed("credits") == "40")
        let name = try #require(hold.printed("hold"))
        let settled = try ask(book, "settle", "s", #""hold":"\#(name)","quantity":2\#(data)"#)
        #expect(settled.printed("credits") == cost, "\(settled)")
        try stays(book)
    }

    /// More than was held, at the hold's rate: what is beyond it must be covered too.
    @Test func aSettlementBeyondItsHold() throws {
        let book = try book(credits: 60)
        let hold = try ask(
            book, "hold", "h", #""feature":"tokens","quantity":4,"data":{"model":"large"}"#)
        let name = try #require(hold.printed("hold"))
        #expect(
            try ask(book, "settle", "s1", #""hold":"\#(name)","quantity":7"#).printed("allowed")
                == "false")
        let settled = try ask(book, "settle", "s2", #""hold":"\#(name)","quantity":6"#)
        #expect(settled.printed("allowed") == "true" && settled.printed("credits") == "60")
        try stays(book)
    }

    /// A late event of another rate: what each drew is put right by its own cost.
    @Test func reconcilingKeepsWhatEachCost() throws {
        let book = try Book()
        book.clock.set("2026-03-01T00:00:00Z")
        try book.publish(Self.catalog())
        book.clock.set("2026-03-20T00:00:00Z")
        for (id, from, to) in [("g0", "01", "10"), ("g1", "05", "30")] {
            try book.record(
                #"{"request":"grant","id":"\#(id)","account":"a","amount":30,"#
                    + #""effective":"2026-03-\#(from)T00:00:00Z","expires":"2026-03-\#(to)T00:00:00Z"}"#
            )
        }
        try book.event(
            "late", "llm", "a", #"{"n":2,"model":"large"}"#, time: "2026-03-06T00:00:00Z")
        try book.event(
            "early", "llm", "a", #"{"n":3,"model":"large"}"#, time: "2026-03-02T00:00:00Z")
        // The first drew 20 of what expires; the second found 10 of it, and 20 were not covered.
        let before = try book.send(#"{"request":"credits","account":"a"}"#)
        #expect(before.printed("overage") == "20")
        let done = try book.send(#"{"request":"reconcile","account":"a","period":"2026-03"}"#)
        #expect(done.printed("outcome") == "recorded")
        let after = try book.send(#"{"request":"credits","account":"a"}"#)
        #expect(after.printed("overage") == "0" && after.printed("drawn") == "50")
        #expect(after.printed("balance") == "10")
        try stays(book)
    }

    /// The newest catalog's rates hold from its publication on; draws of before stay.
    @Test func newRatesChangeNoDrawOfThePast() throws {
        let book = try book()
        try book.event("e1", "llm", "a", #"{"n":1,"model":"large"}"#)
        try book.publish(
            Self.catalog().replacing(
                #""model":"large","amount":10"#, with: #""model":"large","amount":7"#))
        let second = try book.event("e2", "llm", "a", #"{"n":1,"model":"large"}"#)
        #expect(second.printed("credits") == "7")
        let shown = try book.send(#"{"request":"credits","account":"a"}"#)
        #expect(shown.printed("drawn") == "17")
        try stays(book)
    }
}
