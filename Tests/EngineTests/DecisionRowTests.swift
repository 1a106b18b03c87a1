import Billing
import Codec
import Engine
import Foundation
import Money
import Projections
import Testing

/// Decisions through the protocol, number by number: distinct values, shared meters, spending, credits.
@Suite struct DecisionRowTests: EntitlementSteps {
    /// A consume of nothing is a new value all the same, and a maximum is no sum.
    @Test func whatIsNoSumIsDecidedAsItCounts() throws {
        let book = try book(Self.catalog(#""people":{"limit":2}"#))
        func seen(_ who: Int, _ quantity: Int) throws -> String {
            try consume(book, "\(quantity)", "people", data: #"{"who":\#(who)}"#)
        }
        #expect(try seen(1, 1) == "allowed" && seen(2, 5) == "allowed")
        #expect(try seen(3, 0) == "limit_reached" && seen(3, 1) == "limit_reached")
        #expect(try seen(1, 1) == "allowed")
        #expect(try check(book, "people").printed("used") == "2")
        let disk = Self.catalog(
            #""disk":{"limit":15,"warn":[80]}"#, features: #","disk":{"meter":"disk"}"#
        )
        .replacing(
            #""people":{"event""#,
            with: #""disk":{"event":"d","aggregate":"max","value":"n"},"people":{"event""#)
        try book.publish(disk)
        try ask(book, "subscribe", #""plan":"p""#)
        #expect(try consume(book, "10", "disk") == "allowed")
        let same = try ask(book, "consume", #""feature":"disk","quantity":6"#)
        #expect(same.printed("used") == "10" && same["warnings"] == nil)
        #expect(try consume(book, "16", "disk") == "limit_reached")
        let more = try ask(book, "consume", #""feature":"disk","quantity":12"#)
        #expect(more.printed("remaining") == "3" && more.list("warnings").count == 1)
        try settlesDown(book)
    }

    /// Features that share a meter are warned of by each other's use, also by the first entry of an account.
    @Test func aSharedMeterWarnsForAll() throws {
        let book = try Book()
        try book.publish(
            Self.catalog(
                #""calls":{"limit":10,"warn":[50]},"batch":{"limit":4,"warn":[50]}"#,
                more: #","default_plan":"p""#))
        let first = try book.record(
            #"{"specversion":"1.0","id":"e","source":"s","type":"call","subject":"a","data":{"n":2}}"#
        )
        #expect(first.list("warnings").map { $0.printed("feature") } == ["batch"])
        let second = try ask(book, "consume", #""feature":"batch","quantity":2"#)
        #expect(second.list("warnings").isEmpty)
        let third = try ask(book, "consume", #""feature":"calls","quantity":1"#)
        #expect(third.list("warnings").map { $0.printed("feature") } == ["calls"])
    }

    @Test func spendingEndsAtTheCap() throws {
        let catalog = """
            {"catalog":1,"currency":"USD","meters":{"calls":{"event":"call","aggregate":"sum","value":"n"},
               "gb":{"event":"d","aggregate":"sum","value":"n"}},
             "features":{"calls":{"meter":"calls"},"gb":{"meter":"gb"}},
             "plans":{"p":{"entitlements":{"calls":true,"gb":true},"spend_cap":10,
               "prices":{"base":{"fee":100},"calls":{"meter":"calls","amount":1,"free":2},
                 "gb":{"meter":"gb","package":{"size":10,"amount":3}}}}}}
            """.replacing("\n", with: " ")
        let book = try book(catalog)
        #expect(try consume(book, "9") == "allowed")
        #expect(try consume(book, "1", "gb") == "allowed")
        // 7 + 3 is the cap; what adds nothing goes on.
        #expect(try consume(book, "1") == "spend_cap_reached")
        #expect(try consume(book, "9", "gb") == "allowed")
        #expect(try consume(book, "1", "gb") == "spend_cap_reached")
        book.clock.set("2026-04-01T00:00:00Z")
        let held = try ask(book, "hold", #""feature":"calls","quantity":10"#)
        #expect(held.printed("allowed") == "true")
        #expect(try consume(book, "3") == "spend_cap_reached")
        #expect(try consume(book, "2") == "allowed")
        try settlesDown(book)
        let perEvent = catalog.replacing(
            #""package":{"size":10,"amount":3}"#, with: #""percentage":{"rate":1}"#)
        let refused = try book.send(#"{"request":"publish","id":"x","catalog":\#(perEvent)}"#)
        #expect(refused.list("problems").first?.printed("path") == "plans.p.spend_cap")
    }

    /// T-15 and T-16: windows of a subscription that begins later are the calendar's until then, and none goes beyond
    /// its end.
    @Test func windowsEndWithTheSubscription() throws {
        let book = try book(
            Self.catalog(#""calls":{"limit":3,"reset":"month","anchor":"subscription"}"#))
        try ask(book, "subscribe", #""plan":"p","anchor":"2026-03-20T12:00:00Z""#)
        #expect(try check(book, "calls").printed("resets_at") == "2026-03-20T12:00:00Z")
        book.clock.set("2026-03-21T00:00:00Z")
        #expect(try check(book, "calls").printed("resets_at") == "2026-04-20T12:00:00Z")
        try book.record(
            #"{"request":"subscription","id":"s","source":"x","account":"a","subscription":"o","started":"2026-03-20T00:00:00Z","#
                + #""effective":"2026-03-20T00:00:00Z","status":"active","plan":"p","cancel_at":"2026-04-01T00:00:00Z"}"#
        )
        #expect(try check(book, "calls").printed("resets_at") == "2026-04-01T00:00:00Z")
    }

    /// D-01, D-02, D-06 to D-09: limits and credits, with exact costs.
    @Test func creditsAndLimitsDecideExactly() throws {
        func reason(_ rate: String, credits: String, asking: String) throws -> String {
            let book = try self.book(
                Self.catalog(
                    #""calls":{"limit":100000}"#,
                    more: #","credit":{"unit":"cr","burn":{"calls":"\#(rate)"}}"#))
            try ask(book, "grant", #""amount":"\#(credits)""#)
            let reply = try check(book, "calls", #","quantity":"\#(asking)""#)
            return try #require(reply.printed("reason"))
        }
        #expect(try reason("50", credits: "100", asking: "1") == "allowed")
        #expect(try reason("50", credits: "10", asking: "1") == "credit_insufficient")
        #expect(try reason("0.0001", credits: "1", asking: "50") == "allowed")
        #expect(try reason("0.0001", credits: "1", asking: "20000") == "credit_insufficient")
        #expect(try reason("0.05", credits: "10", asking: "100") == "allowed")
        let book = try book(Self.catalog(#""calls":{"limit":10},"batch":{"limit":5}"#))
        #expect(try consume(book, "5") == "allowed")
        #expect(
            try consume(book, "1") == "allowed" && consume(book, "1", "batch") == "limit_reached")
    }

    private static func simple(
        _ meter: String, _ entitlement: String, zones: String = "", plan: String = "p"
    ) -> String {
        """
        {"catalog":1,"currency":"USD","meters":{"m":{"event":"m","aggregate":"sum","value":"n"},
           "k":{"event":"k","aggregate":"sum","value":"n"}},"features":{"chat":{"meter":"\(meter)"},
           "region":{"value":"text"}},
         "plans":{"\(plan)":{"entitlements":{\(entitlement)}}}\(zones)}
        """.replacing("\n", with: " ")
    }

    /// A limit of an old catalog holds for the meter that its feature has now.
    @Test func aLimitFollowsItsFeaturesMeter() throws {
        let book = try book(Self.simple("m", #""chat":{"limit":10,"reset":"day"}"#))
        try book.publish(Self.simple("k", "", plan: "q"))
        #expect(try consume(book, "8", "chat") == "allowed")
        #expect(try consume(book, "8", "chat") == "limit_reached")
        try settlesDown(book)
    }

    /// Whatever zone the account has, and had: what it used counts.
    @Test func aChangeOfZoneGivesNothingAnew() throws {
        let zones = #","timezones":{"Europe/Berlin":[[0,3600]],"A/B":[[0,7200]]}"#
        let book = try book(Self.simple("m", ""))
        try ask(book, "override", #""feature":"chat","entitlement":{"limit":10}"#)
        #expect(try consume(book, "4", "chat") == "allowed_override")
        try book.publish(Self.simple("m", "", zones: zones))
        for zone in ["Europe/Berlin", "A/B", "UTC"] {
            try ask(book, "subscribe", #""plan":"p","timezone":"\#(zone)""#)
            #expect(try consume(book, "2", "chat") == "allowed_override", "\(zone)")
        }
        #expect(try consume(book, "1", "chat") == "limit_reached")
        try ask(book, "subscribe", #""plan":"p","timezone":"A/B""#)
        #expect(try consume(book, "1", "chat") == "limit_reached")
        try settlesDown(book)
    }

    @Test func aWordIsAnOverrideToo() throws {
        let book = try book(Self.simple("m", ""))
        try ask(book, "override", #""feature":"region","entitlement":{"value":"eu"}"#)
        #expect(
            try check(book, "region", #","value":"eu""#).printed("reason") == "allowed_override")
        #expect(try check(book, "region", #","value":"us""#).printed("reason") == "value_mismatch")
        try settlesDown(book)
    }

    /// Usage that no number holds is beyond every limit, and stays there.
    @Test func sumsOfLongWindowsDoNotWrap() throws {
        let book = try book(Self.catalog(#""calls":{"limit":10,"reset":"year"}"#))
        for month in ["02", "03", "04"] {
            try book.record(
                #"{"specversion":"1.0","id":"\#(month)","source":"s","type":"call","subject":"a","#
                    + #""time":"2026-\#(month)-01T00:00:00Z","data":{"n":160000000000000000000000000}}"#
            )
        }
        #expect(try consume(book, "1") == "limit_reached")
    }

    /// What was settled counts for its value also when history is metered again.
    @Test func settledUsageKeepsItsValue() throws {
        let book = try book(Self.catalog(#""calls":{"limit":10,"by":"ws"}"#))
        let held = try ask(book, "hold", #""feature":"calls","quantity":9,"data":{"ws":1}"#)
        let hold = try #require(held.printed("hold"))
        #expect(
            try ask(book, "settle", #""hold":"\#(hold)","quantity":9,"data":{"ws":1}"#)
                .printed("allowed") == "true")
        try book.publish(
            Self.catalog(#""calls":{"limit":10,"by":"ws"},"batch":{"limit":99,"reset":"day"}"#))
        #expect(try consume(book, "2", data: #"{"ws":1}"#) == "limit_reached")
        #expect(try consume(book, "9", data: #"{"ws":2}"#) == "allowed")
        try settlesDown(book)
    }

    /// Each event counts in all windows of its meter, so there are only so many.
    @Test func aMeterHasSoManyWindows() throws {
        let book = try book(Self.simple("m", ""))
        func override(_ days: Int) throws -> String? {
            try ask(
                book, "override",
                #""feature":"chat","entitlement":{"limit":1,"reset":"\#(days) days"}"#
            ).printed("error")
        }
        for days in 2..<(2 + LimitUsage.definitionsMax) { #expect(try override(days) == nil) }
        #expect(try override(100) == "bad_request")
        #expect(try override(2) == nil)
        let more = try book.send(
            #"{"request":"publish","id":"x","catalog":\#(Self.simple("m", #""chat":{"limit":1,"reset":"hour"}"#))}"#
        )
        #expect(more.list("problems").first?.printed("path") == "meters.m")
    }

    /// Of a plan that is recorded years late the credits of the last year are given, not those of all time.
    @Test func latePlansGiveNoEndOfCredits() throws {
        let book = try book(
            #"{"catalog":1,"currency":"USD","meters":{"m":{"event":"m","aggregate":"count"}},"credit":{"unit":"c","burn":{"m":1}},"#
                + #""plans":{"p":{"grants":{"g":{"amount":1,"every":"day"}}}}}"#)
        try ask(book, "subscribe", #""plan":"p","effective":"1990-01-01T00:00:00Z""#)
        let credits = try book.send(#"{"request":"credits","account":"a"}"#)
        #expect(credits.list("grants").count < 400)
        try settlesDown(book)
    }

    /// What can be erased is nothing that a limit counts by.
    @Test func personalPropertiesAreNotCountedBy() throws {
        let book = try book(Self.simple("m", "", zones: #","personal":["user.email"]"#))
        func override(_ by: String) throws -> String? {
            try ask(
                book, "override", #""feature":"chat","entitlement":{"limit":5,"by":"\#(by)"}"#
            ).printed("field")
        }
        #expect(try override("user.email") == "entitlement.by")
        #expect(try override("user") == "entitlement.by")
        #expect(try override("team") == nil)
        let personal = Self.simple("m", "", zones: #","personal":["team"]"#)
        let refused = try book.send(#"{"request":"publish","id":"x","catalog":\#(personal)}"#)
        #expect(refused.list("problems").first?.printed("path") == "personal")
    }
}
