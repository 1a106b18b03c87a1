import Billing
import Codec
import Engine
import Foundation
import Money
import Projections
import Testing

/// Credits and holds through the protocol: what is decided, what falls due, and that a replay gives the same.
@Suite struct CreditLifeTests {
    private static func catalog(_ credit: String = "", plan: String = "", more: String = "")
        -> String
    {
        """
        {"catalog":1,"currency":"USD","default_plan":"p",
         "meters":{"tokens":{"event":"llm","aggregate":"sum","value":"n"},
           "calls":{"event":"call","aggregate":"sum","value":"n"}\(more)},
         "features":{"tokens":{"meter":"tokens"},"calls":{"meter":"calls"}},
         "credit":{"unit":"cr","burn":{"tokens":"2"}\(credit)},
         "plans":{"p":{"entitlements":{"tokens":true,"calls":{"limit":10}}\(plan),
           "prices":{"tokens":{"meter":"tokens","amount":1},"calls":{"meter":"calls","amount":3}}}}}
        """.replacing("\n", with: " ")
    }

    private func book(_ catalog: String) throws -> Book {
        let book = try Book()
        book.clock.set("2026-03-01T00:00:00Z")
        try book.publish(catalog)
        return book
    }

    private func grant(_ book: Book, _ amount: String, _ more: String = "") throws {
        try book.record(
            #"{"request":"grant","id":"\#(UUID().uuidString)","account":"a","amount":"\#(amount)"\#(more)}"#
        )
    }

    private func ask(_ book: Book, _ word: String, _ members: String) throws -> Value {
        try book.send(
            #"{"request":"\#(word)","id":"\#(UUID().uuidString)","account":"a",\#(members)}"#)
    }

    private func consume(_ book: Book, _ quantity: Int, _ feature: String = "tokens") throws
        -> Value
    {
        try ask(book, "consume", #""feature":"\#(feature)","quantity":\#(quantity)"#)
    }

    private func credits(_ book: Book, _ name: String) throws -> String? {
        try book.send(#"{"request":"credits","account":"a"}"#).printed(name)
    }

    /// The live books, a replay, and a start from a snapshot are the same.
    private func settlesDown(_ book: Book) throws {
        #expect(try book.verifies())
        let (digest, shown) = (book.digest, try book.send(#"{"request":"credits","account":"a"}"#))
        #expect(try book.send(#"{"request":"snapshot"}"#).printed("ok") == "true")
        try book.restart()
        #expect(book.engine.report.snapshot > 0)
        #expect(book.digest == digest)
        #expect(try book.send(#"{"request":"credits","account":"a"}"#) == shown)
    }

    @Test func aHoldIsSettledForLessAndExpires() throws {
        let book = try book(Self.catalog())
        try grant(book, "100")
        let held = try ask(book, "hold", #""feature":"tokens","quantity":30,"seconds":60"#)
        let hold = try #require(held.printed("hold"))
        #expect(
            held.printed("allowed") == "true" && held.printed("expires") == "2026-03-01T00:01:00Z")
        #expect(hold == "tokens/2" && held.printed("credits") == "60")
        // What is held nobody else can use.
        #expect(try consume(book, 21).printed("reason") == "credit_insufficient")
        #expect(try consume(book, 20).printed("allowed") == "true")
        #expect(try credits(book, "balance") == "0" && credits(book, "held") == "60")
        let done = try ask(book, "settle", #""hold":"\#(hold)","quantity":10"#)
        #expect(done.printed("allowed") == "true", "\(done)")
        #expect(try credits(book, "balance") == "40" && credits(book, "drawn") == "60")
        // Of a hold nothing was used; of its settlement, all that was.
        #expect(try ask(book, "refund", #""entry":2"#).printed("error") == "bad_request")
        let settled = try #require(done.printed("position"))
        #expect(
            try ask(book, "refund", #""entry":\#(settled),"credits":20"#).printed("outcome")
                == "recorded")
        #expect(try credits(book, "balance") == "60" && credits(book, "drawn") == "40")
        #expect(try consume(book, 10).printed("allowed") == "true")
        #expect(
            try ask(book, "settle", #""hold":"\#(hold)","quantity":10"#).printed("error")
                == "hold_not_open")
        // It counts what was settled, not what was held.
        let bill = try book.send(#"{"request":"invoice","account":"a","period":"2026-03"}"#)
        #expect(
            bill.list("lines").first { $0.printed("id") == "tokens" }?.printed("amount") == "40.00")
        let second = try ask(book, "hold", #""feature":"tokens","quantity":20,"seconds":60"#)
        let name = try #require(second.printed("hold"))
        #expect(
            try ask(book, "extend", #""hold":"\#(name)","seconds":120"#).printed("outcome")
                == "recorded")
        #expect(
            try ask(book, "extend", #""hold":"\#(name)","seconds":60"#).printed("error")
                == "bad_request")
        book.clock.set("2026-03-01T00:01:59Z")
        #expect(try credits(book, "balance") == "0")
        #expect(
            try ask(book, "release", #""hold":"calls/7"#.appending("\"")).printed("error")
                == "hold_not_open")
        book.clock.set("2026-03-01T00:02:00Z")
        #expect(try credits(book, "balance") == "40" && credits(book, "held") == "0")
        #expect(try ask(book, "release", #""hold":"\#(name)""#).printed("error") == "hold_not_open")
        try settlesDown(book)
    }

    @Test func aHoldCountsAgainstAHardLimit() throws {
        let book = try book(Self.catalog())
        let held = try ask(book, "hold", #""feature":"calls","quantity":6"#)
        let hold = try #require(held.printed("hold"))
        #expect(try consume(book, 5, "calls").printed("reason") == "limit_reached")
        #expect(try consume(book, 3, "calls").printed("allowed") == "true")
        // Beyond the hold it must be allowed like a request.
        let over = try ask(book, "settle", #""hold":"\#(hold)","quantity":8"#)
        #expect(over.printed("allowed") == "false" && over.printed("reason") == "limit_reached")
        let fits = try ask(book, "settle", #""hold":"\#(hold)","quantity":7"#)
        #expect(fits.printed("allowed") == "true", "\(fits)")
        #expect(try consume(book, 1, "calls").printed("reason") == "limit_reached")
        let usage = try book.send(#"{"request":"usage","account":"a","period":"2026-03"}"#)
        #expect(
            usage.list("meters").first { $0.printed("meter") == "calls" }?.printed("quantity")
                == "10")
        // A new catalog meters history again: settlements too.
        try book.publish(
            Self.catalog().replacing(
                #""calls":{"event":"call","aggregate":"sum","value":"n"}"#,
                with: #""calls":{"event":"call","aggregate":"sum","value":"m"}"#))
        let again = try book.send(#"{"request":"usage","account":"a","period":"2026-03"}"#)
        #expect(
            again.list("meters").first { $0.printed("meter") == "calls" }?.printed("quantity")
                == "10")
        try settlesDown(book)
    }

    @Test func aPlanGivesCreditsEachMonth() throws {
        let book = try book(
            Self.catalog(
                plan: #","grants":{"monthly":{"amount":40,"every":"month","anchor":"calendar","#
                    + #""rollover":{"max":30}},"welcome":{"amount":7,"kind":"promotional"}}"#))
        book.clock.set("2026-03-10T00:00:00Z")
        #expect(try consume(book, 10).printed("allowed") == "true")
        #expect(try credits(book, "balance") == "27")
        book.clock.set("2026-04-01T00:00:00Z")
        // What expires sooner paid: 20 of the 40 are left, and go over.
        #expect(try credits(book, "balance") == "67")
        book.clock.set("2026-05-02T00:00:00Z")
        #expect(try consume(book, 1).printed("allowed") == "true")
        // Of 60, 30 went over: 30 + 40 + 7 − 2.
        #expect(try credits(book, "balance") == "75")
        #expect(try credits(book, "expired") == "30")
        // The plan ends, and its credits with it.
        try book.publish(
            #"{"catalog":1,"currency":"USD","default_plan":"q","credit":{"unit":"cr","burn":{"tokens":2}},"#
                + #""meters":{"tokens":{"event":"llm","aggregate":"sum","value":"n"}},"features":{"tokens":{"meter":"tokens"}},"#
                + #""plans":{"q":{"entitlements":{"tokens":true}}}}"#)
        #expect(try credits(book, "balance") == "7")
        #expect(try consume(book, 4).printed("reason") == "credit_insufficient")
        try settlesDown(book)
    }

    @Test func creditsAreToppedUp() throws {
        let book = try book(
            Self.catalog(
                #","top_up":{"below":10,"amount":50,"per_month":2,"cooldown":"1 hour"}"#))
        try grant(book, "20")
        let first = try consume(book, 6)
        #expect(first.printed("allowed") == "true" && first.printed("topped_up") == "50")
        #expect(try credits(book, "balance") == "58")
        // Not within the cooldown.
        #expect(try consume(book, 30).printed("reason") == "credit_insufficient")
        #expect(try consume(book, 29).printed("topped_up") == nil)
        book.clock.set("2026-03-01T02:00:00Z")
        // It may make possible what is asked for.
        #expect(try consume(book, 20).printed("allowed") == "true")
        #expect(try credits(book, "balance") == "10")
        book.clock.set("2026-03-01T04:00:00Z")
        #expect(try consume(book, 5).printed("topped_up") == nil)
        book.clock.set("2026-04-01T04:00:00Z")
        try book.event("late", "llm", "a", #"{"n":1}"#)
        #expect(try credits(book, "balance") == "50" || credits(book, "overage") == "2")
        try settlesDown(book)
    }

    @Test func overageIsRepaidAndUsageGivesBack() throws {
        let book = try book(
            Self.catalog(#","overage":"repay","overdraft":6,"adjustments_expire":"365 days""#))
        try book.event("e1", "llm", "a", #"{"n":10}"#)
        #expect(try credits(book, "overage") == "20")
        try grant(book, "50")
        #expect(try credits(book, "balance") == "30" && credits(book, "overage") == "0")
        // Six beyond the balance.
        #expect(try consume(book, 19).printed("reason") == "credit_insufficient")
        #expect(try consume(book, 18).printed("allowed") == "true")
        #expect(try credits(book, "overage") == "6")
        #expect(try consume(book, 1).printed("reason") == "credit_insufficient")
        // Negative usage: first what is owed, then an adjustment.
        let back = try book.event("e2", "llm", "a", #"{"n":-8}"#, time: "2026-03-01T00:00:00Z")
        #expect(back.printed("given_back") == "10", "\(back)")
        #expect(try credits(book, "overage") == "0" && credits(book, "balance") == "10")
        let grants = try book.send(#"{"request":"credits","account":"a"}"#).list("grants")
        #expect(grants.last?.printed("kind") == "adjustment")
        #expect(grants.last?.printed("expires") == "2027-03-01T00:00:00Z")
        try settlesDown(book)
    }

    @Test func anEntrysCreditsAreGivenBack() throws {
        let book = try book(Self.catalog())
        try grant(book, "10", #","expires":"2026-03-02T00:00:00Z""#)
        try grant(book, "10")
        let use = try consume(book, 8)
        let position = try #require(use.printed("position"))
        let entry = #""entry":\#(position)"#
        #expect(
            try ask(book, "refund", entry + #","credits":17"#).printed("error") == "bad_request")
        #expect(try ask(book, "refund", entry + #","credits":5"#).printed("outcome") == "recorded")
        #expect(try credits(book, "balance") == "9")
        #expect(try ask(book, "refund", entry).printed("outcome") == "recorded")
        #expect(try credits(book, "balance") == "20" && credits(book, "drawn") == "0")
        #expect(try ask(book, "refund", entry).printed("error") == "bad_request")
        #expect(try ask(book, "refund", #""entry":9999"#).printed("error") == "unknown_position")
        #expect(try ask(book, "refund", #""entry":0"#).printed("error") == "bad_request")
        // A void grant takes nothing back.
        #expect(try ask(book, "void", #""grant":1"#).printed("outcome") == "recorded")
        #expect(try ask(book, "void", #""grant":1"#).printed("error") == "bad_request")
        #expect(try ask(book, "void", #""grant":5"#).printed("error") == "bad_request")
        #expect(try credits(book, "balance") == "10" && credits(book, "voided") == "10")
        try settlesDown(book)
    }

    @Test func unitsDoNotMix() throws {
        let catalog = Self.catalog().replacing(
            #""credit":{"unit":"cr","burn":{"tokens":"2"}}"#,
            with:
                #""credits":{"cr":{"burn":{"tokens":2}},"min":{"burn":{"calls":1},"order":["effective"]}}"#
        )
        let book = try book(catalog)
        #expect(
            try ask(book, "grant", #""amount":5"#).printed("error") == "bad_request")
        #expect(try ask(book, "grant", #""amount":5,"unit":"x""#).printed("error") == "bad_request")
        try grant(book, "20", #","unit":"cr""#)
        try grant(book, "3", #","unit":"min""#)
        #expect(try consume(book, 4, "calls").printed("reason") == "credit_insufficient")
        #expect(try consume(book, 3, "calls").printed("allowed") == "true")
        try book.event("e", "call", "a", #"{"n":2}"#)
        let shown = try book.send(#"{"request":"credits","account":"a"}"#)
        #expect(shown.printed("balance") == "20" && shown.printed("overage") == "0")
        let minutes = try #require(shown.list("units").first)
        #expect(minutes.printed("unit") == "min" && minutes.printed("overage") == "2")
        try settlesDown(book)
    }

    @Test func overdraftIsOfItsOwnUnit() throws {
        let catalog = Self.catalog().replacing(
            #""credit":{"unit":"cr","burn":{"tokens":"2"}}"#,
            with:
                #""credits":{"cr":{"burn":{"tokens":2}},"min":{"burn":{"calls":1},"overdraft":4}}"#)
        let book = try book(catalog)
        let use = try consume(book, 3, "calls")
        #expect(use.printed("allowed") == "true")
        let shown = try book.send(#"{"request":"credits","account":"a"}"#)
        #expect(shown.printed("overage") == "0")
        #expect(shown.list("units").first?.printed("overage") == "3")
        #expect(try consume(book, 2, "calls").printed("reason") == "credit_insufficient")
        let entry = #""entry":\#(use.printed("position") ?? ""),"credits":2"#
        #expect(try ask(book, "refund", entry + #","unit":"cr""#).printed("error") == "bad_request")
        #expect(try ask(book, "refund", entry + #","unit":"min""#).printed("outcome") == "recorded")
        #expect(try consume(book, 2, "calls").printed("allowed") == "true")
        try settlesDown(book)
    }

    /// What no Int128 could sum up is refused or cut, and never stops the engine.
    @Test func hugeNumbersAreBounded() throws {
        let book = try book(Self.catalog())
        let huge = "1" + String(repeating: "0", count: 25)
        #expect(
            try ask(book, "grant", #""amount":5,"every":"hour","rollover":{"min":\#(huge)}"#)
                .printed("error") == "bad_request")
        for number in 0..<4 {
            try book.event("up-\(number)", "llm", "a", #"{"n":\#(huge)}"#)
            try book.event("down-\(number)", "llm", "a", #"{"n":-\#(huge)}"#)
        }
        try grant(book, "1000000000000000")
        let entry = try book.event("last", "llm", "a", #"{"n":\#(huge)}"#)
        #expect(
            try ask(book, "refund", #""entry":\#(entry.printed("position") ?? "")"#)
                .printed("outcome") == "recorded")
        try settlesDown(book)
    }

    /// One request cannot draw from more grants than an entry can name.
    @Test func manySmallGrantsDoNotBreakARecord() throws {
        let book = try book(Self.catalog())
        for _ in 0..<(CreditAccount.drawsMax + 10) { try grant(book, "0.000000000001") }
        #expect(
            try ask(book, "consume", #""feature":"tokens","quantity":"0.000000002051""#)
                .printed("reason") == "credit_insufficient")
        #expect(
            try ask(book, "consume", #""feature":"tokens","quantity":"0.000000002048""#)
                .printed("allowed") == "true")
        #expect(try book.verifies())
    }

    /// Many clients and small balances: no balance is passed, and nothing is lost.
    @Test func manyThreadsPassNoBalance() async throws {
        let book = try book(Self.catalog())
        try grant(book, "400")
        let engine = book.engine
        let allowed = await withTaskGroup(of: Int.self) { group in
            for client in 0..<8 {
                group.addTask {
                    var used = 0
                    for number in 0..<40 {
                        let hold = String(
                            decoding: engine.reply(
                                to:
                                    #"{"request":"hold","id":"h\#(client)-\#(number)","account":"a","feature":"tokens","quantity":2}"#
                            ),
                            as: UTF8.self)
                        guard let name = hold.firstMatch(of: #/"hold":"([^"]+)"/#)?.1 else {
                            continue
                        }
                        let done = String(
                            decoding: engine.reply(
                                to:
                                    #"{"request":"settle","id":"s\#(client)-\#(number)","account":"a","hold":"\#(name)","quantity":\#(number % 3)}"#
                            ),
                            as: UTF8.self)
                        if done.contains(#""allowed":true"#) { used += number % 3 }
                    }
                    return used
                }
            }
            return await group.reduce(0, +)
        }
        let shown = try book.send(#"{"request":"credits","account":"a"}"#)
        #expect(shown.printed("drawn") == "\(2 * allowed)" && shown.printed("held") == "0")
        #expect(shown.printed("balance") == "\(400 - 2 * allowed)" && allowed <= 200)
        try settlesDown(book)
    }
}
