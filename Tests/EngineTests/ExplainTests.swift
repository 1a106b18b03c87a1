import Billing
import Codec
import Engine
import Foundation
import Money
import Projections
import Seeds
import Testing

/// Explanations of lines, entries and decisions, through the protocol.
@Suite struct ExplainTests {
    private static let lines = [
        "graduated", "volume", "free", "package", "stair", "unit", "percent", "matrix.eu",
        "matrix.other", "over", "tier", "time", "peak", "mean", "third",
    ]

    private static let catalog = """
        {"catalog":1,"currency":"USD","default_plan":"p",
         "meters":{"n":{"event":"e","aggregate":"sum","value":"n"},
           "level":{"event":"e","aggregate":"sum","value":"n","carry":true},
           "time":{"event":"e","aggregate":"time_weighted","value":"n"},
           "peak":{"event":"e","aggregate":"max","value":"n","window":"day"},
           "mean":{"event":"e","aggregate":"average","value":"n"},
           "third":{"event":"e","aggregate":"sum","value":"n","convert":{"divide":3}}},
         "plans":{"p":{"prices":{
           "graduated":{"meter":"n","graduated":[{"up_to":7,"amount":0.333,"flat":2},{"amount":0.1,"flat":1}]},
           "volume":{"meter":"n","volume":[{"up_to":20,"amount":1},{"up_to":60,"amount":0.5},{"amount":0.25}]},
           "free":{"meter":"n","graduated":[{"up_to":9,"amount":1},{"amount":0.5}],"free":11},
           "package":{"meter":"n","package":{"size":4,"amount":1.11}},
           "stair":{"meter":"n","stairstep":[{"up_to":10,"amount":5},{"amount":9}]},
           "unit":{"meter":"n","amount":"0.000001"},
           "percent":{"meter":"n","percentage":{"rate":1.7,"fixed":0.3,"free_units":5}},
           "matrix":{"meter":"n","matrix":{"by":["r"],"rows":{"eu":{"r":"eu","amount":1.005}},"other":2}},
           "over":{"meter":"level","prorate":"day","graduated":[{"up_to":5,"amount":3,"flat":9},{"amount":1,"flat":4}]},
           "tier":{"meter":"level","prorate":"second","volume":[{"up_to":9,"amount":3},{"amount":1}]},
           "time":{"meter":"time","amount":3},"peak":{"meter":"peak","amount":1.5},
           "mean":{"meter":"mean","amount":1},"third":{"meter":"third","amount":7}}}}}
        """.replacing("\n", with: " ")

    private func filled(_ seed: UInt64, _ count: Int) throws -> Book {
        var generator = SeededGenerator(seed)
        let book = try Book()
        book.clock.set("2026-02-01T00:00:00Z")
        try book.publish(Self.catalog)
        book.clock.set("2026-05-01T00:00:00Z")
        for index in 0..<count {
            let n = [3, 5, -2, 9, 1, 0, 4][Int.random(in: 0...6, using: &generator)]
            let day = Int.random(in: 10...30, using: &generator)
            try book.event(
                "e\(index)", "e", index % 11 == 3 ? "other" : "acme",
                #"{"n":\#(n).\#(index % 3)25,"r":"\#(index % 2 == 0 ? "eu" : "us")"}"#,
                time: "2026-03-\(day)T0\(index % 10):00:00Z")
        }
        return book
    }

    private func explain(_ book: Book, _ line: String, _ more: String = "") throws -> Value {
        try book.send(
            #"{"request":"explain","account":"acme","period":"2026-03","line":"\#(line)"\#(more)}"#)
    }

    private func number(_ value: Value?) throws -> Int128 {
        try #require(value?.text.flatMap { Quantity($0) }).units
    }

    /// Opening, marginal prices and residue make the line, to the last decimal that is printed.
    @Test(arguments: Seeds.all) func pricesSumToTheLine(seed: UInt64) throws {
        let book = try filled(seed, 60)
        let invoice = try book.send(
            #"{"request":"invoice","account":"acme","period":"2026-03"}"#)
        for line in Self.lines {
            let told = try explain(book, line)
            let billed = try #require(
                invoice.list("lines").first { $0.printed("id") == line }, "\(line)")
            let events = told.list("events")
            #expect(!events.isEmpty)
            var running = try number(told["opening"])
            var quantity: Int128 = 0
            for event in events {
                running += try number(event["amount"])
                quantity += try number(event["quantity"])
                #expect(try number(event["running_total"]) == running, "\(line)")
            }
            #expect(try number(told["unrounded"]) == running)
            #expect(told.printed("unrounded") == billed.printed("unrounded"), "\(line)")
            #expect(told.printed("total") == billed.printed("amount"))
            #expect(
                try number(told["unrounded"]) + number(told["residue"]) == number(told["total"]))
            if !["over", "tier", "time"].contains(line) {
                #expect(try number(told["quantity"]) == quantity, "\(line)")
            }
        }
    }

    /// Where a volume price falls, the event that crosses the bound has the difference for all units before it.
    @Test func theEventThatCrossesHasTheDifference() throws {
        let book = try Book()
        book.clock.set("2026-02-01T00:00:00Z")
        try book.publish(Self.catalog)
        for (id, n) in [("a", 15), ("b", 5), ("c", 1), ("d", 40)] {
            try book.event(
                id, "e", "acme", #"{"n":\#(n)}"#,
                time: "2026-03-1\(id == "a" ? 0 : n % 9)T00:00:00Z")
        }
        let told = try explain(book, "volume")
        let rows = told.list("events").map {
            "\($0.printed("id") ?? "") \($0.printed("tier_from") ?? "-") \($0.printed("tier") ?? "-") \($0.printed("amount") ?? "")"
        }
        #expect(
            rows == [
                "a - 1 15.000000000000", "c - 1 1.000000000000", "d 1 2 12.000000000000",
                "b 2 3 -12.750000000000",
            ])
        let free = try explain(book, "free").list("events").map {
            "\($0.printed("tier_from") ?? "-") \($0.printed("tier") ?? "-")"
        }
        #expect(free == ["0 1", "- 1", "1 2", "- 2"])
    }

    /// Pages of any size, one after the other, are the whole, whatever is recorded meanwhile.
    @Test(arguments: [1, 2, 7, 13, 54, 55, 1000]) func pagesMakeTheWhole(_ size: Int) throws {
        let book = try filled(5, 60)
        for line in ["volume", "percent", "matrix.us", "matrix.eu", "over"] {
            let whole = try explain(book, line, #","limit":10000"#)
            guard whole.printed("error") == nil else { continue }
            var events: [Value] = []
            var more = #","limit":\#(size)"#
            var pages = 0
            while true {
                let page = try explain(book, line, more)
                events += page.list("events")
                pages += 1
                for name in ["unrounded", "total", "residue", "event_count", "position"]
                where page.printed(name) != whole.printed(name) || whole.printed(name) == nil {
                    // The position of another first page is a later one.
                    if name == "position", pages > 0 { continue }
                    Issue.record("\(name): \(page)")
                }
                guard let next = page.printed("next"), let cursor = page.printed("cursor") else {
                    break
                }
                more = #","limit":\#(size),"from":\#(next),"cursor":\#(cursor)"#
                // What comes between two pages is on none of them.
                if pages % 3 == 1 {
                    try book.event(
                        UUID().uuidString, "e", "acme", #"{"n":1}"#, time: "2026-04-01T00:00:00Z")
                }
            }
            #expect(events == whole.list("events"), "\(line) by \(size)")
            #expect(pages == (events.count + size - 1) / size)
        }
    }

    /// A page whose explanation is kept no more is made again as it was.
    @Test func aForgottenExplanationIsMadeAgain() throws {
        let book = try filled(6, 40)
        let first = try explain(book, "volume", #","limit":5"#)
        let cursor = try #require(first.printed("cursor"))
        let rest = #","limit":100,"from":5,"cursor":\#(cursor)"#
        // It changes the line's events and its price.
        try book.event("late", "e", "acme", #"{"n":100}"#, time: "2026-03-10T00:00:00Z")
        try book.publish(Self.catalog.replacing("0.25", with: "0.2"), id: "v2")
        let kept = try explain(book, "volume", rest)
        try book.restart()
        let again = try explain(book, "volume", rest)
        #expect(again == kept)
        #expect(kept.printed("event_count") == first.printed("event_count"))
        let now = try explain(book, "volume")
        #expect(now.printed("event_count") != first.printed("event_count"))
        #expect(
            try explain(book, "volume", #","cursor":999999"#).printed("error") == "unknown_position"
        )
    }

    /// A first page is never one that was kept before something came.
    @Test func whatIsKeptIsOfOnePosition() throws {
        let book = try filled(9, 40)
        let first = try explain(book, "volume", #","limit":5"#)
        let cursor = try #require(first.printed("cursor"))
        try book.event("late", "e", "acme", #"{"n":100}"#, time: "2026-03-10T00:00:00Z")
        let again = try explain(book, "volume", #","limit":5"#)
        #expect(again.printed("cursor") != cursor)
        #expect(again.printed("unrounded") != first.printed("unrounded"))
        let old = try explain(book, "volume", #","limit":5,"from":5,"cursor":\#(cursor)"#)
        #expect(old.printed("unrounded") == first.printed("unrounded"))
        #expect(try explain(book, "unit").printed("line") == "unit")
        #expect(
            try explain(book, "volume", #","cursor":0"#).printed("error") == "unknown_line")
    }

    /// A finalised line is explained as it was made, whatever is published afterwards.
    @Test func aFinalisedLineStaysExplained() throws {
        let book = try filled(7, 30)
        let finalised = try book.send(
            #"{"request":"finalise","account":"acme","period":"2026-03"}"#)
        let before = try explain(book, "volume")
        #expect(before.printed("invoiced") == before.printed("total"))
        let line = try #require(
            finalised.list("lines").first { $0.printed("id") == "volume" })
        #expect(before.printed("total") == line.printed("amount"))
        try book.event("late", "e", "acme", #"{"n":100}"#, time: "2026-03-10T00:00:00Z")
        try book.publish(Self.catalog.replacing(#""value":"n"}"#, with: #""value":"m"}"#), id: "v2")
        let after = try explain(book, "volume")
        #expect(after["events"] == before["events"])
        #expect(after.printed("total") == before.printed("total"))
    }

    // MARK: Entries

    @Test func anEventSaysWhatItDid() throws {
        let book = try Book()
        book.clock.set("2026-03-05T00:00:00Z")
        try book.publish(testCatalog)
        try book.record(#"{"request":"grant","id":"g","account":"acme","amount":"2"}"#)
        let made = try book.event("pic", "image.made", "acme")
        let position = try #require(made.printed("position"))
        try book.event("t1", "llm.call", "acme", #"{"tokens":40,"model":"m1"}"#)
        let told = try book.send(#"{"request":"explain_entry","entry":\#(position)}"#)
        #expect(told.printed("id") == "pic" && told.printed("kind") == "event")
        #expect(told.list("counted").map { $0.printed("meter") } == ["images"])
        #expect(told.list("draws").map { $0.printed("credits") } == ["2"])
        #expect(told.list("draws").map { $0.printed("unit") } == ["credits"])
        #expect(told.list("shortfalls").map { $0.printed("credits") } == ["0.5"])
        try book.record(#"{"request":"refund","id":"r","account":"acme","entry":\#(position)}"#)
        let named = try book.send(
            #"{"request":"explain_entry","event":"pic","source":"test"}"#)
        #expect(named.list("named_by").map { $0.printed("kind") } == ["refund"])
        #expect(named.printed("entry") == position)

        let tokens = try book.send(#"{"request":"explain_entry","event":"t1"}"#)
        let cell = try #require(tokens.list("counted").first { $0.printed("meter") == "tokens" })
        #expect(cell.printed("quantity") == "40" && cell.printed("month") == "2026-03")
        #expect(cell["group"]?.printed("model") == "m1")
        let line = try #require(tokens.list("lines").first)
        #expect(line.printed("line") == "tokens" && line.printed("status") == "draft")
        #expect(line.printed("amount") == "0.000100000000")
        #expect(line.printed("invoice") == "acme/2026-03")
    }

    @Test func whereAnEventIsCharged() throws {
        let book = try filled(8, 20)
        func lines(_ id: String) throws -> [Value] {
            try book.send(#"{"request":"explain_entry","event":"\#(id)"}"#).list("lines")
        }
        let drafted = try lines("e0")
        #expect(Set(drafted.map { $0.printed("status") }) == ["draft"])
        try book.record(#"{"request":"finalise","account":"acme","period":"2026-03"}"#)
        let final = try lines("e0")
        #expect(Set(final.map { $0.printed("status") }) == ["final"])
        #expect(final.map { $0.printed("amount") } == drafted.map { $0.printed("amount") })
        for line in final {
            let name = try #require(line.printed("line"))
            let row = try #require(
                explain(book, name).list("events").first { $0.printed("id") == "e0" })
            #expect(row.printed("amount") == line.printed("amount"))
            #expect(row.printed("quantity") == line.printed("quantity"))
        }
        try book.event("late", "e", "acme", #"{"n":4}"#, time: "2026-03-30T23:00:00Z")
        let late = try lines("late")
        #expect(Set(late.map { $0.printed("status") }) == ["late"])
        #expect(Set(late.map { $0.printed("invoice") }) == ["acme/2026-05"])
        let next = try book.send(#"{"request":"invoice","account":"acme","period":"2026-05"}"#)
        let there = next.list("lines").compactMap { $0.printed("id") }
        for line in late where try number(line["amount"]).magnitude > 10_000_000_000 {
            #expect(there.contains(try #require(line.printed("line"))))
        }
    }

    @Test func entriesAreFoundByTheirNames() throws {
        let book = try Book(entriesPerRun: 4)
        try book.publish(testCatalog)
        for index in 0..<30 { try book.event("e\(index)", "api.call", "acme") }
        try book.record(
            #"{"specversion":"1.0","id":"e7","source":"elsewhere","type":"api.call","subject":"acme"}"#
        )
        func error(_ members: String) throws -> String? {
            try book.send(#"{"request":"explain_entry",\#(members)}"#).printed("error")
        }
        for index in [0, 6, 29] {
            let told = try book.send(
                #"{"request":"explain_entry","event":"e\#(index)","source":"test"}"#)
            #expect(told.printed("entry") == "\(index + 1)")
        }
        #expect(try error(#""event":"e7""#) == "bad_request")
        #expect(try error(#""event":"e99""#) == "not_found")
        #expect(try error(#""event":"e99","source":"test""#) == "not_found")
        #expect(try error(#""entry":99"#) == "unknown_position")
        #expect(try error(#""entry":1,"event":"e1""#) == "bad_request")
        #expect(try error(#""entry":1,"source":"test""#) == "bad_request")
    }

    // MARK: Decisions

    @Test func aDecisionIsExplainedFromTheBooksBeforeIt() throws {
        let book = try Book()
        book.clock.set("2026-03-05T00:00:00Z")
        try book.publish(testCatalog)
        func consume(_ id: String) throws -> Value {
            try book.record(
                #"{"request":"consume","id":"\#(id)","account":"acme","feature":"api","quantity":2}"#
            )
        }
        for id in ["a", "b"] { _ = try consume(id) }
        let denied = try consume("c")
        let position = try #require(denied.printed("position"))
        // What comes later is not known.
        try book.record(#"{"request":"subscribe","id":"s","account":"acme","plan":"pro"}"#)
        for _ in 0..<2 {
            let told = try book.send(#"{"request":"explain_decision","entry":\#(position)}"#)
            #expect(told.printed("reason") == "limit_reached" && told.printed("rule") == "limit")
            #expect(told.printed("used") == "4" && told.printed("limit") == "5")
            #expect(told.printed("plan") == "free" && told.printed("agrees") == "true")
            #expect(told["window"]?.printed("end") == "2026-04-01T00:00:00Z")
            let changes = told.list("would_allow").compactMap { remedy in
                remedy.list("changes").map { change in
                    "\(change.printed("change") ?? "") \(change.printed("to") ?? "")"
                }.joined(separator: "+")
            }
            #expect(
                changes == ["quantity 1", "limit 6", "plan pro", "later 2026-04-01T00:00:00Z"])
            try book.restart()
        }
        let allowed = try book.send(#"{"request":"explain_decision","event":"a"}"#)
        #expect(allowed["room"]?.printed("quantity") == "5")
        #expect(allowed["room"]?.printed("more") == "3")
        #expect(allowed["room"]?.printed("then") == "limit_reached")
        let other = try book.send(#"{"request":"explain_decision","entry":0}"#)
        #expect(other.printed("error") == "bad_request")
        #expect(try #require(other.printed("message")).contains("publish"))
        #expect(try book.verifies())
    }
}
