import Billing
import Codec
import Engine
import Foundation
import Platform
import Testing

/// Checks and consumes: limits, credits, resets, and that a decision is a fact.
@Suite struct DecisionTests {
    private func consume(
        _ book: Book, _ id: String, _ account: String, _ feature: String, _ quantity: String = "1"
    ) throws -> Value {
        try book.send(
            #"{"request":"consume","id":"\#(id)","account":"\#(account)","#
                + #""feature":"\#(feature)","quantity":"\#(quantity)"}"#)
    }

    private func check(
        _ book: Book, _ account: String, _ feature: String, _ quantity: String = "1"
    ) throws -> Value {
        try book.send(
            #"{"request":"check","account":"\#(account)","feature":"\#(feature)","#
                + #""quantity":"\#(quantity)"}"#)
    }

    @Test func aHardLimitStopsAtTheLimit() throws {
        let book = try Book()
        try book.publish(testCatalog)
        for number in 1...5 {
            let reply = try consume(book, "c\(number)", "acme", "api")
            #expect(reply.printed("allowed") == "true")
            #expect(reply.printed("used") == "\(number)")
            #expect(reply.printed("remaining") == "\(5 - number)")
        }
        let denied = try consume(book, "c6", "acme", "api")
        #expect(denied.printed("outcome") == "recorded")
        #expect(denied.printed("allowed") == "false")
        #expect(denied.printed("reason") == "limit_reached")
        #expect(denied.printed("position") == "6")
        #expect(try check(book, "acme", "api").printed("allowed") == "false")
        #expect(try check(book, "acme", "api", "0").printed("allowed") == "true")
        #expect(try check(book, "other", "api", "6").printed("reason") == "limit_reached")
        #expect(try book.verifies())
    }

    @Test func aDenialIsAFact() throws {
        let book = try Book()
        try book.publish(testCatalog)
        let first = try consume(book, "c", "acme", "api", "6")
        #expect(first.printed("allowed") == "false")
        try book.record(#"{"request":"subscribe","id":"s","account":"acme","plan":"pro"}"#)
        for _ in 0..<2 {
            let again = try consume(book, "c", "acme", "api", "6")
            #expect(again.printed("outcome") == "duplicate")
            #expect(again.printed("allowed") == "false")
            #expect(again.printed("reason") == "limit_reached")
            #expect(again.printed("position") == first.printed("position"))
            try book.restart()
        }
        #expect(try consume(book, "d", "acme", "api", "6").printed("allowed") == "true")
    }

    @Test func aSoftLimitAllowsAndSaysSo() throws {
        let book = try Book()
        try book.publish(testCatalog)
        try book.record(#"{"request":"subscribe","id":"s","account":"acme","plan":"pro"}"#)
        #expect(try consume(book, "c1", "acme", "api", "10").printed("reason") == "allowed")
        let over = try consume(book, "c2", "acme", "api", "3")
        #expect(over.printed("allowed") == "true")
        #expect(over.printed("reason") == "allowed_overage")
        #expect(over.printed("remaining") == "0")
        #expect(over.printed("used") == "13")
    }

    /// What a request beyond the limit costs is what the month's bill grows by.
    @Test func beyondASoftLimitThePriceIsSaid() throws {
        let book = try Book()
        try book.publish(
            """
            {"catalog":1,"currency":"USD","default_plan":"p",
             "meters":{"calls":{"event":"call","aggregate":"count"}},
             "features":{"api":{"meter":"calls"}},
             "plans":{"p":{"entitlements":{"api":{"limit":10,"enforce":"soft"}},"prices":{
               "calls":{"meter":"calls","free":2,"graduated":[{"up_to":9,"amount":1},{"amount":0.5}]}}}}}
            """)
        #expect(try consume(book, "c1", "acme", "api", "10").printed("overage_price") == nil)
        // 8 of 10 were paid; of 3 more one costs 1 and two cost 0.5.
        let check = try book.send(
            #"{"request":"check","account":"acme","feature":"api","quantity":"3"}"#)
        #expect(check.printed("overage_price") == "2.000000000000")
        let over = try consume(book, "c2", "acme", "api", "3")
        #expect(over.printed("overage_price") == "2.000000000000")
        let invoice = try book.send(#"{"request":"invoice","account":"acme"}"#)
        #expect(invoice.printed("total") == "10.00")
    }

    /// Meters that counters do not keep say so instead of nothing.
    @Test func usageSaysOnlyWhatCountersKnow() throws {
        let book = try Book()
        try book.publish(
            """
            {"catalog":1,"currency":"USD","meters":{
              "mean":{"event":"e","aggregate":"average","value":"n"},
              "last":{"event":"e","aggregate":"latest","value":"n"}},"plans":{}}
            """)
        for (id, n) in [1, 2, 2].enumerated() {
            try book.event("e\(id)", "e", "acme", #"{"n":\#(n)}"#)
        }
        let meters = try book.send(#"{"request":"usage","account":"acme"}"#).list("meters")
        #expect(meters.map { $0.printed("meter") } == ["last", "mean"])
        #expect(meters.map { $0.printed("quantity") } == [nil, "1.666666666667"])
        #expect(meters.map { $0.printed("events") } == ["3", "3"])
    }

    @Test func limitsResetWithTheMonthOfRecording() throws {
        let book = try Book()
        try book.publish(testCatalog)
        book.clock.set("2026-03-31T23:59:59.999999999Z")
        #expect(try consume(book, "c1", "acme", "api", "5").printed("allowed") == "true")
        #expect(try consume(book, "c2", "acme", "api").printed("allowed") == "false")
        book.clock.set("2026-04-01T00:00:00Z")
        let next = try consume(book, "c3", "acme", "api")
        #expect(next.printed("allowed") == "true")
        #expect(next.printed("resets_at") == "2026-05-01T00:00:00Z")
        // A clock that goes back does not take the log with it.
        book.clock.set("2026-03-15T00:00:00Z")
        #expect(try consume(book, "c4", "acme", "api").printed("used") == "2")
    }

    @Test func recordedUsageGoesBeyondALimitAndIsShown() throws {
        let book = try Book()
        try book.publish(testCatalog)
        for number in 0..<7 { try book.event("e\(number)", "api.call", "acme") }
        let state = try book.send(#"{"request":"entitlements","account":"acme"}"#)
        let api = try #require(state.list("features").first { $0.printed("feature") == "api" })
        #expect(api.printed("used") == "7")
        #expect(api.printed("remaining") == "0")
        #expect(api.printed("allowed") == "false")
        #expect(api.printed("enforce") == "hard")
    }

    @Test(arguments: [
        ("sso", "free", "not_in_plan"), ("sso", "pro", "allowed"),
        ("tokens", "free", "not_in_plan"),
        ("telepathy", "pro", "feature_unknown"),
    ])
    func switchesAndUnknownFeatures(_ feature: String, _ plan: String, _ reason: String) throws {
        let book = try Book()
        try book.publish(testCatalog)
        try book.record(#"{"request":"subscribe","id":"s","account":"acme","plan":"\#(plan)"}"#)
        #expect(try check(book, "acme", feature).printed("reason") == reason)
    }

    @Test func withoutACatalogNothingIsAllowed() throws {
        let book = try Book()
        #expect(try check(book, "acme", "api").printed("reason") == "feature_unknown")
        let grant = try book.send(#"{"request":"grant","id":"g","account":"a","amount":"1"}"#)
        #expect(grant.printed("error") == "no_catalog")
    }

    @Test func creditsPayInOrderAndStopAtTheBalance() throws {
        let book = try Book()
        try book.publish(testCatalog)
        let grants = [
            ("late", "5", 1, "2026-12-01T00:00:00Z"), ("soon", "5", 1, "2026-04-01T00:00:00Z"),
            ("first", "2", 0, "2027-01-01T00:00:00Z"),
        ]
        for (id, amount, priority, expires) in grants {
            try book.record(
                #"{"request":"grant","id":"\#(id)","account":"a","amount":"\#(amount)","#
                    + #""priority":\#(priority),"expires":"\#(expires)"}"#)
        }
        let paid = try consume(book, "c1", "a", "images", "3")
        #expect(paid.printed("credits") == "7.5")
        #expect(paid.printed("remaining") == "4.5")
        var credits = try book.send(#"{"request":"credits","account":"a"}"#)
        #expect(credits.list("grants").map { $0.printed("remaining") } == ["4.5", "0", "0"])
        let denied = try consume(book, "c2", "a", "images", "2")
        #expect(denied.printed("reason") == "credit_insufficient")
        #expect(denied.printed("remaining") == "4.5")
        // At the instant of expiry a grant pays no more.
        book.clock.set("2026-12-01T00:00:00Z")
        #expect(try check(book, "a", "images").printed("reason") == "credit_insufficient")
        credits = try book.send(#"{"request":"credits","account":"a"}"#)
        #expect(credits.printed("balance") == "0")
        #expect(try book.verifies())
    }

    @Test func eventsDrawCreditsAndTheRestIsOverage() throws {
        let book = try Book()
        try book.publish(testCatalog)
        try book.record(#"{"request":"grant","id":"g","account":"a","amount":"6"}"#)
        for number in 0..<3 { try book.event("i\(number)", "image.made", "a") }
        let credits = try book.send(#"{"request":"credits","account":"a"}"#)
        #expect(credits.printed("balance") == "0")
        #expect(credits.printed("drawn") == "6")
        #expect(credits.printed("overage") == "1.5")
        try book.restart()
        #expect(try book.send(#"{"request":"credits","account":"a"}"#).printed("overage") == "1.5")
    }

    @Test func aRetriedGrantGivesOnce() throws {
        let book = try Book()
        try book.publish(testCatalog)
        let line = #"{"request":"grant","id":"g","account":"a","amount":"6"}"#
        try book.record(line)
        #expect(try book.send(line).printed("outcome") == "duplicate")
        #expect(try book.send(#"{"request":"credits","account":"a"}"#).printed("balance") == "6")
    }

    /// Law 7: whatever the interleaving, no more than the limit and the balance is allowed.
    @Test func manyThreadsPassNoLimit() throws {
        let book = try Book()
        try book.publish(testCatalog)
        try book.record(#"{"request":"grant","id":"g","account":"a","amount":"50"}"#)
        let allowed = Tally()
        let engine = book.engine
        DispatchQueue.concurrentPerform(iterations: 8) { thread in
            for number in 0..<25 {
                for feature in ["api", "images"] {
                    let line =
                        #"{"request":"consume","id":"\#(thread)-\#(number)-\#(feature)","#
                        + #""account":"a","feature":"\#(feature)"}"#
                    let reply = try? ValueCoder.value(json: engine.reply(to: line))
                    if reply?.printed("allowed") == "true" {
                        allowed.add(feature)
                    }
                }
            }
        }
        #expect(allowed.count("api") == 5)
        #expect(allowed.count("images") == 20)
        #expect(try book.send(#"{"request":"credits","account":"a"}"#).printed("balance") == "0")
        #expect(try book.verifies())
    }
}

/// Counts by name, from many threads.
final class Tally: Sendable {
    private let counts = Monitor<[String: Int]>([:])

    func add(_ name: String) { counts.withLock { $0[name, default: 0] += 1 } }
    func count(_ name: String) -> Int { counts.read { $0[name, default: 0] } }
}
