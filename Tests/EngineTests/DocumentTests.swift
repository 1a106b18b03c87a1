import Billing
import Bytes
import Codec
import Foundation
import Money
import Projections
import Testing

@testable import Engine

/// Finalised invoices and credit notes: numbered, idempotent, never changed.
@Suite struct DocumentTests {
    private static let catalog = """
        {"catalog":1,"currency":"USD","default_plan":"p",
         "meters":{"calls":{"event":"call","aggregate":"sum","value":"n"}},
         "plans":{"p":{"prices":{
            "calls":{"meter":"calls","graduated":[{"up_to":10,"amount":1},{"amount":0.5}]},
            "base":{"fee":20}},"tax":{"rate":10,"name":"VAT"}}}}
        """

    private func book() throws -> Book {
        let book = try Book()
        book.clock.set("2026-03-01T00:00:00Z")
        try book.publish(Self.catalog)
        try book.event("e1", "call", "acme", #"{"n":12}"#, time: "2026-03-10T00:00:00Z")
        book.clock.set("2026-04-02T00:00:00Z")
        return book
    }

    private func finalise(_ book: Book, _ period: String = "2026-03") throws -> Value {
        try book.send(#"{"request":"finalise","account":"acme","period":"\#(period)"}"#)
    }

    private func amounts(_ invoice: Value) -> [String: String] {
        guard case .array(let lines)? = invoice["lines"] else { return [:] }
        return Dictionary(
            uniqueKeysWithValues: lines.map { ($0["id"]?.text ?? "", $0["amount"]?.text ?? "") })
    }

    @Test func aFinalisedInvoiceStands() throws {
        let book = try book()
        let draft = try book.send(#"{"request":"invoice","account":"acme","period":"2026-03"}"#)
        #expect(draft["status"]?.text == "draft")
        let done = try finalise(book)
        #expect(done["outcome"]?.text == "recorded")
        #expect(done["number"] == .number(DecimalNumber(mantissa: 1, scale: 0)))
        #expect(amounts(done) == ["calls": "11.00", "base": "20.00", "tax": "3.10"])
        #expect(done["total"]?.text == "34.10")
        // More usage, other prices, a restart: it stays.
        try book.event("e2", "call", "acme", #"{"n":100}"#, time: "2026-03-31T23:59:59Z")
        try book.publish(Self.catalog.replacingOccurrences(of: "\"fee\":20", with: "\"fee\":99"))
        try book.restart()
        let again = try finalise(book)
        #expect(again["outcome"]?.text == "duplicate")
        #expect(again["hash"] == done["hash"])
        #expect(again["lines"] == done["lines"])
        let shown = try book.send(#"{"request":"invoice","account":"acme","period":"2026-03"}"#)
        #expect(shown["status"]?.text == "final")
        #expect(shown["lines"] == done["lines"])
        #expect(try book.verifies())
    }

    @Test func lateUsageStandsOnTheNextInvoiceOnce() throws {
        let book = try book()
        _ = try finalise(book)
        try book.event("e2", "call", "acme", #"{"n":4}"#, time: "2026-03-31T23:59:59Z")
        let april = try book.send(#"{"request":"invoice","account":"acme","period":"2026-04"}"#)
        #expect(amounts(april)["correction/2026-03/calls"] == "2.00")
        #expect(amounts(april)["correction/2026-03/tax"] == "0.20")
        book.clock.set("2026-05-02T00:00:00Z")
        let done = try finalise(book, "2026-04")
        #expect(amounts(done)["correction/2026-03/calls"] == "2.00")
        let may = try book.send(#"{"request":"invoice","account":"acme","period":"2026-05"}"#)
        #expect(amounts(may)["correction/2026-03/calls"] == nil)
        // And more of it is charged again only as far as it is more.
        try book.event("e3", "call", "acme", #"{"n":2}"#, time: "2026-03-01T00:00:00Z")
        let later = try book.send(#"{"request":"invoice","account":"acme","period":"2026-05"}"#)
        #expect(amounts(later)["correction/2026-03/calls"] == "1.00")
        #expect(try book.verifies())
    }

    @Test func anOpenPeriodAndAnEmptyOneAreRefused() throws {
        let book = try book()
        let open = try finalise(book, "2026-04")
        #expect(open["error"]?.text == "period_open")
        let nobody = try book.send(#"{"request":"finalise","account":"acm","period":"2026-03"}"#)
        #expect(nobody["error"]?.text == "unknown_account")
        let unknown = try finalise(book, "2026-13")
        #expect(unknown["error"]?.text == "bad_request")
    }

    @Test func aCreditNoteIsMadeOnceAndNeverExceedsItsLine() throws {
        let book = try book()
        _ = try finalise(book)
        func credit(_ id: String, _ rest: String) throws -> Value {
            try book.send(
                #"{"request":"credit_note","id":"\#(id)","account":"acme","period":"2026-03","#
                    + #""reason":"down","line":"base",\#(rest)}"#)
        }
        let note = try credit("n1", #""part":"3/31""#)
        #expect(note["outcome"]?.text == "recorded", "\(note)")
        // 20.00 × 3/31 is 1.94, and a tenth of it is tax.
        #expect(note["subtotal"]?.text == "-1.94")
        #expect(note["total"]?.text == "-2.13")
        let again = try credit("n1", #""part":"3/31""#)
        #expect(again["outcome"]?.text == "duplicate")
        #expect(again["number"] == note["number"])
        #expect(try credit("n1", #""amount":"5""#)["error"]?.text == "conflict")
        #expect(try credit("n2", #""amount":"18.07""#)["error"]?.text == "bad_request")
        #expect(try credit("n2", #""amount":"1.005""#)["error"]?.text == "bad_request")
        #expect(
            try credit("n3", #""amount":"18.06","settle":"outside""#)["outcome"]?.text == "recorded"
        )
        // The line is used up: a retry still is a retry.
        #expect(try credit("n1", #""part":"3/31""#)["outcome"]?.text == "duplicate")
        #expect(try credit("n4", #""amount":"0.01""#)["field"]?.text == "amount")
        let next = try book.send(#"{"request":"invoice","account":"acme","period":"2026-04"}"#)
        #expect(amounts(next)["credit_note/2"] == "-2.13")
        #expect(amounts(next)["credit_note/3"] == nil)
        book.clock.set("2026-05-02T00:00:00Z")
        _ = try finalise(book, "2026-04")
        let may = try book.send(#"{"request":"invoice","account":"acme","period":"2026-05"}"#)
        #expect(amounts(may)["credit_note/2"] == nil)
    }

    /// A credit in one currency waits for an invoice in it: one in another currency does not use it up.
    @Test func aCreditInAnotherCurrencyWaits() throws {
        let book = try book()
        _ = try finalise(book)
        try book.record(
            #"{"request":"publish","id":"eur","catalog":\#(Self.catalog.replacingOccurrences(of: "USD", with: "EUR"))}"#
        )
        let note = try book.send(
            #"{"request":"credit_note","id":"n","account":"acme","period":"2026-03","#
                + #""line":"base","amount":"2","reason":"r"}"#)
        #expect(note["outcome"]?.text == "recorded")
        book.clock.set("2026-06-02T00:00:00Z")
        let may = try finalise(book, "2026-05")
        #expect(may["currency"]?.text == "EUR")
        #expect(amounts(may)["credit_note/2"] == nil)
        let april = try book.send(#"{"request":"invoice","account":"acme","period":"2026-05"}"#)
        #expect(april["status"]?.text == "final")
        let facts = try book.engine.books(asOf: book.engine.durablePosition)
            .billingFacts(of: "acme")
        #expect(facts.state.openNotes.count == 1)
    }

    /// Parts of lines and their tax, each rounded once: the rows of others' credit notes.
    @Test(arguments: [
        ("JPY", "1000", "0", "1/31", "-32", "-32"), ("USD", "60.00", "0", "3/28", "-6.43", "-6.43"),
        ("USD", "200.00", "25", "29/30", "-193.33", "-241.66"),
        ("USD", "160.00", "25", "29/30", "-154.67", "-193.34"),
        ("USD", "29.99", "23.33", "6/7", "-25.71", "-31.71"),
    ])
    func creditNotesRoundOnce(
        _ currency: String, _ fee: String, _ rate: String, _ part: String, _ net: String,
        _ total: String
    ) throws {
        let book = try Book()
        book.clock.set("2026-03-01T00:00:00Z")
        try book.publish(
            #"{"catalog":1,"currency":"\#(currency)","default_plan":"p","meters":{},"#
                + #""plans":{"p":{"prices":{"base":{"fee":"\#(fee)"}},"tax":{"rate":"\#(rate)"}}}}"#
        )
        try book.event("e", "e", "acme")
        book.clock.set("2026-04-02T00:00:00Z")
        _ = try finalise(book)
        let note = try book.send(
            #"{"request":"credit_note","id":"n","account":"acme","period":"2026-03","#
                + #""line":"base","part":"\#(part)","reason":"r"}"#)
        #expect(note["subtotal"]?.text == net)
        #expect(note["total"]?.text == total)
    }

    @Test func documentsAreNumberedWithoutAGapUnderManyAtOnce() throws {
        let book = try book()
        for number in 0..<20 {
            try book.event(
                "x\(number)", "call", "account \(number)", #"{"n":1}"#, time: "2026-03-10T00:00:00Z"
            )
        }
        let engine = book.engine
        let numbers = Numbers()
        DispatchQueue.concurrentPerform(iterations: 40) { index in
            let reply = engine.reply(
                to: #"{"request":"finalise","account":"account \#(index % 20)","period":"2026-03"}"#
            )
            numbers.add(reply)
        }
        let found = try numbers.values.map { try ValueCoder.value(json: $0) }
        let recorded = found.filter { $0["outcome"]?.text == "recorded" }
        #expect(recorded.count == 20, "\(found.compactMap { $0["message"]?.text })")
        let sorted = recorded.compactMap { value -> Int128? in
            guard case .number(let number)? = value["number"] else { return nil }
            return number.mantissa
        }.sorted()
        #expect(sorted == Array(1...20))
    }

    /// The outbox: documents in the order of their numbers, by kind.
    @Test func documentsAreFollowedByKind() throws {
        let book = try book()
        _ = try finalise(book)
        var request = FollowRequest()
        request.kinds = [.finalise, .creditNote]
        var feed = try EntryFeed(book.engine, request)
        var out = ByteBuffer(capacity: 1 << 16)
        _ = try feed.fill(&out, byteLimit: 1 << 20)
        let text = String(decoding: out.copyBytes(in: 0..<out.count), as: UTF8.self)
        let lines = text.split(separator: "\n")
        #expect(lines.count == 1)
        #expect(lines.first?.contains(#""kind":"finalise""#) == true)
    }

    /// Opening, prices and residue are the line, for each model.
    @Test func theEventsOfALineSumToIt() throws {
        let book = try Book()
        book.clock.set("2026-03-01T00:00:00Z")
        try book.publish(
            """
            {"catalog":1,"currency":"USD","default_plan":"p",
             "meters":{"n":{"event":"e","aggregate":"sum","value":"n"},
               "level":{"event":"e","aggregate":"sum","value":"n","carry":true},
               "time":{"event":"e","aggregate":"time_weighted","value":"n"},
               "peak":{"event":"e","aggregate":"max","value":"n","window":"day"},
               "mean":{"event":"e","aggregate":"average","value":"n"}},
             "plans":{"p":{"prices":{
               "graduated":{"meter":"n","graduated":[{"up_to":7,"amount":0.333,"flat":2},{"amount":0.1,"flat":1}]},
               "volume":{"meter":"n","volume":[{"up_to":7,"amount":1},{"amount":0.5}],"free":3},
               "package":{"meter":"n","package":{"size":4,"amount":1.11}},
               "percent":{"meter":"n","percentage":{"rate":1.7,"fixed":0.3,"free_units":5}},
               "matrix":{"meter":"n","matrix":{"by":["r"],"rows":{"eu":{"r":"eu","amount":1.005}},"other":2}},
               "over":{"meter":"level","prorate":"day","graduated":[{"up_to":5,"amount":3,"flat":9},{"amount":1,"flat":4}]},
               "tier":{"meter":"level","prorate":"second","volume":[{"up_to":9,"amount":3},{"amount":1}]},
               "each":{"meter":"level","prorate":"second","amount":7},
               "time":{"meter":"time","amount":3},"peak":{"meter":"peak","amount":1.5},
               "mean":{"meter":"mean","amount":1}}}}}
            """)
        for (index, n) in [3, 5, -2, 9, 1, 0, 4].enumerated() {
            try book.event(
                "e\(index)", "e", "acme", #"{"n":\#(n),"r":"\#(index % 2 == 0 ? "eu" : "us")"}"#,
                time: "2026-03-\(10 + (index * 5) % 9)T0\(index):00:00Z")
        }
        book.clock.set("2026-05-01T00:00:00Z")
        let invoice = try book.send(#"{"request":"invoice","account":"acme","period":"2026-03"}"#)
        let lines = amounts(invoice)
        #expect(lines.count == 12, "\(lines.keys.sorted())")
        for (line, amount) in lines {
            let told = try book.send(
                #"{"request":"explain","account":"acme","period":"2026-03","line":"\#(line)"}"#)
            guard case .array(let events)? = told["events"] else {
                Issue.record("\(line): \(told)")
                continue
            }
            #expect(!events.isEmpty, "\(line)")
            var sum = try Self.fraction(told["opening"])
            for event in events { sum = sum + (try Self.fraction(event["amount"])) }
            #expect(told["total"]?.text == amount)
            let rest =
                sum + (try Self.fraction(told["residue"])) - (try Self.fraction(told["total"]))
            #expect(rest.isZero, "\(line): \(rest)")
            let last = try Self.fraction(events.last?["running_total"])
            #expect(
                (last - (try Self.fraction(told["unrounded"]))).isZero, "\(line)")
        }
    }

    private static func fraction(_ value: Value?) throws -> Fraction {
        Fraction(try #require(value?.text.flatMap { Quantity($0) }))
    }
}

/// Replies of several threads.
private final class Numbers: @unchecked Sendable {
    private let lock = NSLock()
    private(set) var values: [[UInt8]] = []
    func add(_ value: [UInt8]) { lock.withLock { values.append(value) } }
}
