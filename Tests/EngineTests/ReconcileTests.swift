import Billing
import Codec
import Engine
import Foundation
import Money
import Projections
import Seeds
import Testing

/// Draws that are compensated so that a period's events drew in the order of their own times.
@Suite struct ReconcileTests {
    private static func catalog(_ credit: String = "") -> String {
        """
        {"catalog":1,"currency":"USD","default_plan":"p",
         "meters":{"calls":{"event":"call","aggregate":"sum","value":"n"},
           "other":{"event":"else","aggregate":"sum","value":"n"}},
         "features":{"calls":{"meter":"calls"}},
         "credit":{"unit":"cr","burn":{"calls":"1","other":"1"}\(credit)},
         "plans":{"p":{"entitlements":{"calls":true},"prices":{"calls":{"meter":"calls","amount":1}}}}}
        """.replacing("\n", with: " ")
    }

    private func book(_ credit: String = "") throws -> Book {
        let book = try Book()
        book.clock.set("2026-03-01T00:00:00Z")
        try book.publish(Self.catalog(credit))
        book.clock.set("2026-03-20T00:00:00Z")
        return book
    }

    private func grant(_ book: Book, _ id: String, _ amount: Int, _ more: String) throws {
        try book.record(
            #"{"request":"grant","id":"\#(id)","account":"a","amount":\#(amount),\#(more)}"#)
    }

    private func use(_ book: Book, _ id: String, _ day: String, _ n: Int, type: String = "call")
        throws
    {
        try book.record(
            #"{"specversion":"1.0","id":"\#(id)","source":"s","type":"\#(type)","subject":"a","#
                + #""time":"2026-03-\#(day)T00:00:00Z","data":{"n":\#(n)}}"#)
    }

    private func reconcile(_ book: Book, _ period: String = "2026-03") throws -> Value {
        try book.send(#"{"request":"reconcile","account":"a","period":"\#(period)"}"#)
    }

    private func credits(_ book: Book) throws -> Value {
        try book.send(#"{"request":"credits","account":"a"}"#)
    }

    private func remaining(_ book: Book) throws -> [String] {
        try credits(book).list("grants").map { $0.printed("remaining") ?? "" }
    }

    /// The late event was there first: it has what expired, and the other one what did not.
    @Test func aLateEventGetsWhatWasThere() throws {
        let book = try book()
        try grant(
            book, "g0", 10, #""effective":"2026-03-01T00:00:00Z","expires":"2026-03-10T00:00:00Z""#)
        try grant(book, "g1", 10, #""effective":"2026-03-05T00:00:00Z""#)
        try use(book, "b", "06", 10)
        try use(book, "a", "02", 10)
        #expect(try credits(book).printed("overage") == "10")
        let reply = try reconcile(book)
        #expect(reply.printed("outcome") == "recorded")
        #expect(
            reply.list("draws").map {
                "\($0.printed("grant") ?? "") \($0.printed("credits") ?? "")"
            } == ["1 10"])
        #expect(reply.list("shortfalls").map { $0.printed("after") ?? "" } == ["0"])
        let shown = try credits(book)
        #expect(shown.printed("overage") == "0" && shown.printed("drawn") == "20")
        #expect(try remaining(book) == ["0", "0"])
        // It is right now, and stays.
        #expect(try reconcile(book).printed("outcome") == "unchanged")
        #expect(try book.verifies())
        let digest = book.digest
        _ = try book.send(#"{"request":"snapshot"}"#)
        try book.restart()
        #expect(book.digest == digest)
        // A third one, later still, is compensated beside what was compensated before.
        try use(book, "c", "01", 4)
        #expect(try credits(book).printed("overage") == "4")
        #expect(try reconcile(book).printed("outcome") == "unchanged")
    }

    @Test func decisionsStayAsTheyWere() throws {
        let book = try book()
        try grant(book, "g0", 10, #""effective":"2026-03-01T00:00:00Z","priority":1"#)
        try grant(book, "g1", 10, #""effective":"2026-03-15T00:00:00Z","priority":0"#)
        let consumed = try book.send(
            #"{"request":"consume","id":"c","account":"a","feature":"calls","quantity":4}"#)
        #expect(consumed.printed("allowed") == "true")
        try use(book, "x", "16", 6)
        try use(book, "y", "02", 6)
        #expect(try remaining(book) == ["4", "0"])
        #expect(try reconcile(book).printed("outcome") == "unchanged")
    }

    /// What was void stays void, and what was refunded is not drawn again.
    @Test func voidsAndRefundsStay() throws {
        let book = try book()
        try grant(
            book, "g0", 10, #""effective":"2026-03-01T00:00:00Z","expires":"2026-03-10T00:00:00Z""#)
        try grant(book, "g1", 10, #""effective":"2026-03-01T00:00:00Z""#)
        try use(book, "b", "06", 8)
        try use(book, "a", "02", 8)
        try book.record(#"{"request":"refund","id":"r","account":"a","entry":3,"credits":3}"#)
        try book.record(#"{"request":"void","id":"v","account":"a","grant":0}"#)
        let before = try credits(book)
        #expect(try reconcile(book).printed("outcome") == "unchanged")
        #expect(try remaining(book) == before.list("grants").map { $0.printed("remaining") ?? "" })
    }

    /// Overage that later credits paid for is laid open too.
    @Test func repaidOverageIsLaidOpen() throws {
        let book = try book(#","overage":"repay""#)
        try grant(
            book, "g0", 10, #""effective":"2026-03-01T00:00:00Z","expires":"2026-03-04T00:00:00Z""#)
        try use(book, "b", "06", 5)
        #expect(try credits(book).printed("overage") == "5")
        try grant(book, "g1", 20, #""effective":"2026-03-05T00:00:00Z""#)
        #expect(try remaining(book) == ["10", "15"])
        let reply = try reconcile(book)
        // What was owed and repaid by the grant is now drawn from it.
        #expect(reply.list("draws").map { $0.printed("credits") ?? "" } == ["5"])
        #expect(try remaining(book) == ["10", "15"])
        #expect(try credits(book).printed("drawn") == "5")
        #expect(try reconcile(book).printed("outcome") == "unchanged")
    }

    @Test func finalisingReconcilesFirst() throws {
        let book = try book()
        try grant(
            book, "g0", 10, #""effective":"2026-03-01T00:00:00Z","expires":"2026-03-10T00:00:00Z""#)
        try grant(book, "g1", 10, #""effective":"2026-03-05T00:00:00Z""#)
        try use(book, "b", "06", 10)
        try use(book, "a", "02", 10)
        book.clock.set("2026-04-02T00:00:00Z")
        let invoice = try book.send(#"{"request":"finalise","account":"a","period":"2026-03"}"#)
        #expect(invoice.printed("outcome") == "recorded", "\(invoice)")
        #expect(try credits(book).printed("overage") == "0")
        #expect(try reconcile(book).printed("error") == "period_final")
        #expect(
            try book.send(#"{"request":"reconcile","account":"nobody"}"#).printed("error")
                == "unknown_account")
        #expect(try book.verifies())
    }

    /// Any order of arrival ends, reconciled, in the same draws as the order of time.
    @Test(arguments: Seeds.all) func anyOrderOfArrivalEndsTheSame(_ seed: UInt64) throws {
        var generator = SeededGenerator(seed)
        for _ in 0..<3 {
            var uses: [(id: String, day: Int, n: Int, type: String)] = []
            for number in 0..<12 {
                uses.append(
                    (
                        "u\(number)", Int.random(in: 1...19, using: &generator),
                        Int.random(in: 1...9, using: &generator),
                        Int.random(in: 0...2, using: &generator) == 0 ? "else" : "call"
                    ))
            }
            var grants: [String] = []
            for _ in 0..<5 {
                let from = Int.random(in: 1...12, using: &generator)
                var more = #""effective":"2026-03-\#(from < 10 ? "0" : "")\#(from)T00:00:00Z""#
                if Bool.random(using: &generator) {
                    more +=
                        #","expires":"2026-03-\#(from + Int.random(in: 9...12, using: &generator))T00:00:00Z""#
                }
                more += #","priority":\#(Int.random(in: 0...2, using: &generator))"#
                if Int.random(in: 0...3, using: &generator) == 0 {
                    more += #","features":["calls"]"#
                }
                grants.append(more)
            }
            func state(_ order: [(id: String, day: Int, n: Int, type: String)]) throws -> [String] {
                let book = try book()
                for (index, more) in grants.enumerated() { try grant(book, "g\(index)", 12, more) }
                for (index, use) in order.enumerated() {
                    try self.use(
                        book, use.id, use.day < 10 ? "0\(use.day)" : "\(use.day)", use.n,
                        type: use.type)
                    if index == 6 { _ = try reconcile(book) }
                }
                _ = try reconcile(book)
                #expect(try book.verifies())
                return try remaining(book) + [credits(book).printed("overage") ?? ""]
            }
            let sorted = uses.sorted { ($0.day, "s\u{0}\($0.id)") < ($1.day, "s\u{0}\($1.id)") }
            let expected = try state(sorted)
            for _ in 0..<2 { #expect(try state(uses.shuffled(using: &generator)) == expected) }
        }
    }

    /// What negative quantities took off stays taken off, in whatever order they came.
    @Test func negativeQuantitiesCount() throws {
        let book = try book()
        try use(book, "a", "03", 10)
        try use(book, "b", "04", -10)
        try grant(book, "g0", 5, #""effective":"2026-03-01T00:00:00Z""#)
        #expect(try reconcile(book).printed("outcome") == "unchanged")
        #expect(try credits(book).printed("balance") == "5")
        try use(book, "c", "05", 7)
        try use(book, "d", "02", 3)
        let before = try credits(book)
        #expect(before.printed("overage") == "5")
        _ = try reconcile(book)
        let after = try credits(book)
        #expect(after.printed("overage") == "5" && after.printed("drawn") == "5")
        #expect(try reconcile(book).printed("outcome") == "unchanged")
        #expect(try book.verifies())
    }

    /// Sums beyond all numbers are refused, and an invoice is made all the same.
    @Test func sumsBeyondAllNumbersAreRefused() throws {
        let book = try book()
        for number in 0..<10 {
            for sign in ["", "-"] {
                try book.record(
                    #"{"specversion":"1.0","id":"x\#(number)\#(sign)","source":"s","type":"call","subject":"a","#
                        + #""time":"2026-03-1\#(number)T0\#(sign.isEmpty ? 1 : 0):00:00Z","data":{"n":\#(sign)42000000000000000000000000}}"#
                )
            }
        }
        _ = try reconcile(book)
        book.clock.set("2026-04-02T00:00:00Z")
        let invoice = try book.send(#"{"request":"finalise","account":"a","period":"2026-03"}"#)
        #expect(invoice.printed("ok") != nil)
        #expect(try book.verifies())
    }

    /// What other periods took off is more than any number holds together with it.
    @Test func sumsOfManyPeriodsDoNotTrap() throws {
        let book = try book()
        func huge(_ id: String, _ time: String, _ sign: String) throws {
            try book.record(
                #"{"specversion":"1.0","id":"\#(id)","source":"s","type":"call","subject":"a","#
                    + #""time":"\#(time)T00:00:00Z","data":{"n":\#(sign)42000000000000000000000000}}"#
            )
        }
        for number in 0..<4 {
            try huge("p\(number)", "2026-03-1\(number)", "")
            try huge("n\(number)", "2026-03-0\(number + 1)", "-")
        }
        for number in 0..<3 {
            try huge("q\(number)", "2026-03-1\(number + 5)", "")
            try huge("o\(number)", "2026-02-0\(number + 1)", "-")
        }
        #expect(try reconcile(book).printed("ok") != nil)
        #expect(try book.verifies())
    }

    /// Credits that may pay for what is owed, because a new catalog says so, do it at once.
    @Test func aNewRuleOfOverageHoldsAtOnce() throws {
        let book = try book()
        try use(book, "a", "02", 10)
        try grant(book, "g", 5, #""effective":"2026-03-01T00:00:00Z""#)
        try book.publish(
            Self.catalog(
                #","overage":"repay","top_up":{"below":100,"amount":4,"per_month":5}"#), id: "v2")
        try use(book, "b", "20", 1)
        let shown = try credits(book)
        #expect(shown.printed("balance") == "0" && shown.printed("overage") == "2")
        #expect(try book.verifies())
        let early = try book.send(
            #"{"request":"grant","id":"e","account":"a","amount":1,"effective":"1678-01-01T00:00:00Z","every":"month"}"#
        )
        #expect(early.printed("field") == "effective")
        try grant(
            book, "h", 1,
            #""effective":"2026-03-20T00:00:00Z","every":"hour","anchor":"1678-01-01T00:30:00Z""#)
        #expect(try credits(book).list("grants").last?.printed("expires") == "2026-03-20T00:30:00Z")
    }
}
