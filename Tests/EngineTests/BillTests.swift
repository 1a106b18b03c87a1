import Billing
import Engine
import Foundation
import Money
import Testing

/// Usage, invoices and the events behind a line.
@Suite struct BillTests {
    private func invoice(_ book: Book, _ account: String, _ period: String) throws -> Value {
        try book.send(
            #"{"request":"invoice","account":"\#(account)","period":"\#(period)"}"#)
    }

    private func lines(_ invoice: Value) -> [[String?]] {
        invoice.list("lines").map {
            ["id", "quantity", "unrounded", "amount"].map($0.printed)
        }
    }

    @Test func theDefaultPlanBillsByEventTime() throws {
        let book = try Book()
        try book.publish(testCatalog)
        try book.event(
            "e1", "llm.call", "acme", #"{"tokens":1234567}"#, time: "2026-01-31T23:59:59.999Z")
        try book.event("e2", "llm.call", "acme", #"{"tokens":1000}"#, time: "2026-02-01T00:00:00Z")
        let january = try invoice(book, "acme", "2026-01")
        #expect(lines(january) == [["tokens", "1234567", "3.086417500000", "3.09"]])
        #expect(january.printed("total") == "3.09")
        #expect(january.printed("currency") == "USD")
        #expect(january["period"]?.printed("end") == "2026-02-01T00:00:00Z")
        #expect(
            lines(try invoice(book, "acme", "2026-02")) == [
                ["tokens", "1000", "0.002500000000", "0.00"]
            ])
        #expect(
            lines(try invoice(book, "nobody", "2026-02")) == [
                ["tokens", "0", "0.000000000000", "0.00"]
            ])
    }

    @Test func aPlanOfTheWholeMonthIsBilledFromCounters() throws {
        let book = try Book()
        try book.publish(testCatalog)
        try book.record(
            #"{"request":"subscribe","id":"s","account":"acme","plan":"pro","effective":"2025-12-01T00:00:00Z"}"#
        )
        for number in 0..<11 {
            try book.event(
                "e\(number)", "llm.call", "acme", #"{"tokens":15}"#, time: "2026-01-10T00:00:00Z")
        }
        // 11 calls are two begun packages of ten; 165 tokens are 100 at 0.01 and 65 at 0.005.
        let bill = try invoice(book, "acme", "2026-01")
        #expect(
            lines(bill) == [
                ["calls", "11", "2.000000000000", "2.00"],
                ["tokens", "165", "1.325000000000", "1.33"],
            ])
        #expect(bill.printed("total") == "3.33")
    }

    @Test func aPlanChangeInsideTheMonthSplitsAtItsInstant() throws {
        let book = try Book()
        try book.publish(testCatalog)
        for (id, time) in [("a", "01-05"), ("b", "01-15"), ("c", "01-25")] {
            try book.event(
                id, "llm.call", "acme", #"{"tokens":1000000}"#, time: "2026-\(time)T12:00:00Z")
        }
        try book.record(
            #"{"request":"subscribe","id":"s","account":"acme","plan":"pro","effective":"2026-01-15T12:00:00Z"}"#
        )
        let bill = try invoice(book, "acme", "2026-01")
        #expect(
            lines(bill) == [
                ["tokens", "1000000", "2.500000000000", "2.50"],
                ["calls@2", "2", "1.000000000000", "1.00"],
                ["tokens@2", "2000000", "10000.500000000000", "10000.50"],
            ])
        let rows = try book.send(
            #"{"request":"explain","account":"acme","line":"tokens@2","period":"2026-01"}"#)
        #expect(rows.list("events").map { $0.printed("id") } == ["b", "c"])
    }

    @Test func yenHaveNoDecimals() throws {
        let book = try Book()
        try book.publish(
            #"{"catalog":1,"currency":"JPY","default_plan":"p","meters":{"m":{"event":"t","aggregate":"sum","value":"n"}},"#
                + #""plans":{"p":{"prices":{"m":{"meter":"m","amount":"0.5"}}}}}"#)
        try book.event("e", "t", "acme", #"{"n":2001}"#, time: "2026-01-01T00:00:00Z")
        let bill = try invoice(book, "acme", "2026-01")
        #expect(lines(bill) == [["m", "2001", "1000.500000000000", "1001"]])
        #expect(bill.printed("total") == "1001")
    }

    @Test func marginalPricesSumToTheLineOnEveryPage() throws {
        let book = try Book()
        try book.publish(testCatalog)
        try book.record(
            #"{"request":"subscribe","id":"s","account":"acme","plan":"pro","effective":"2025-12-01T00:00:00Z"}"#
        )
        for number in 0..<25 {
            try book.event(
                "e\(number)", "llm.call", "acme", #"{"tokens":\#(number).125}"#,
                time: "2026-01-\(10 + number % 9)T00:00:00Z")
        }
        for line in ["tokens", "calls"] {
            var from: String? = "0"
            var sum = ExactAmount.zero
            var events = 0
            var last: Value?
            while let start = from {
                let page = try book.send(
                    #"{"request":"explain","account":"acme","line":"\#(line)","period":"2026-01","from":\#(start),"limit":7}"#
                )
                for row in page.list("events") {
                    let price = try #require(row.printed("amount").flatMap { Quantity($0) })
                    sum = try #require(sum.adding(ExactAmount(price)))
                    #expect(row.printed("running_total") == sum.unrounded)
                    events += 1
                }
                last = page
                from = page.printed("next")
            }
            let page = try #require(last)
            #expect(events == 25)
            #expect(page.printed("unrounded") == sum.unrounded)
            let bill = try invoice(book, "acme", "2026-01")
            let billed = try #require(bill.list("lines").first { $0.printed("id") == line })
            #expect(billed.printed("unrounded") == sum.unrounded)
            let residue = try #require(page.printed("residue").flatMap { Quantity($0) })
            let total = try #require(page.printed("total").flatMap { Quantity($0) })
            #expect(sum.adding(ExactAmount(residue)) == ExactAmount(total))
        }
    }

    @Test func usageIsKeptByGroupAndAggregation() throws {
        let book = try Book()
        try book.publish(testCatalog)
        let events = [
            ("llm.call", #"{"tokens":5,"model":"a"}"#), ("llm.call", #"{"tokens":7,"model":"b"}"#),
            ("llm.call", #"{"tokens":1,"model":"a"}"#), ("gauge", #"{"level":3}"#),
            ("gauge", #"{"level":9.5}"#), ("gauge", #"{"level":-1}"#),
            ("login", #"{"person":"x"}"#), ("login", #"{"person":"y"}"#),
            ("login", #"{"person":"x"}"#),
        ]
        for (number, event) in events.enumerated() {
            try book.event("e\(number)", event.0, "acme", event.1, time: "2026-01-10T00:00:00Z")
        }
        for _ in 0..<2 {
            let usage = try book.send(#"{"request":"usage","account":"acme","period":"2026-01"}"#)
            let rows = usage.list("meters").map { [$0.printed("meter"), $0.printed("quantity")] }
            #expect(
                rows == [["calls", "3"], ["peak", "9.5"], ["people", "2"], ["tokens", "13"]])
            let groups = try #require(usage.list("meters").last).list("groups")
            #expect(groups.map { $0["by"]?.printed("model") } == ["a", "b"])
            #expect(groups.map { $0.printed("quantity") } == ["6", "7"])
            try book.restart()
        }
    }

    @Test func aChangedMeterCountsHistoryAgain() throws {
        let book = try Book()
        try book.publish(testCatalog)
        try book.event(
            "e1", "llm.call", "acme", #"{"tokens":5,"cached":2}"#, time: "2026-01-10T00:00:00Z")
        try book.publish(
            testCatalog.replacingOccurrences(
                of: #""value":"tokens","group_by":["model"]"#, with: #""value":"cached""#))
        try book.event(
            "e2", "llm.call", "acme", #"{"tokens":5,"cached":1}"#, time: "2026-01-11T00:00:00Z")
        let usage = try book.send(#"{"request":"usage","account":"acme","period":"2026-01"}"#)
        #expect(usage.list("meters").last?.printed("quantity") == "3")
        #expect(try book.verifies())
        let digest = book.digest
        try book.restart()
        #expect(book.digest == digest)
    }
}
