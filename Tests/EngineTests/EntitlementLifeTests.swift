import Billing
import Codec
import Engine
import Foundation
import Money
import Projections
import Testing

/// What an account may do, through the protocol: windows, properties, add-ons, overrides, values, warnings.
@Suite struct EntitlementLifeTests: EntitlementSteps {
    /// The window, the last instant of it, the first of the next.
    @Test(
        arguments: [
            (#""hour""#, "2026-03-04T10:59:59.999999999Z", "2026-03-04T11:00:00Z"),
            (#""day""#, "2026-03-04T23:59:59.999999999Z", "2026-03-05T00:00:00Z"),
            (#""week""#, "2026-03-08T23:59:59.999999999Z", "2026-03-09T00:00:00Z"),
            (#""month""#, "2026-03-31T23:59:59.999999999Z", "2026-04-01T00:00:00Z"),
            (#""year""#, "2026-12-31T23:59:59.999999999Z", "2027-01-01T00:00:00Z"),
            (
                #""day","anchor":"subscription""#, "2026-03-05T10:29:59.999999999Z",
                "2026-03-05T10:30:00Z"
            ),
            (
                #""3 months","anchor":"subscription""#, "2026-06-04T10:29:59.999999999Z",
                "2026-06-04T10:30:00Z"
            ),
        ])
    func usageBeginsAnewAtTheInstant(_ reset: String, _ last: String, _ next: String) throws {
        let book = try book(Self.catalog(#""calls":{"limit":3,"reset":\#(reset)}"#))
        #expect(try consume(book, "2") == "allowed")
        book.clock.set(last)
        #expect(try consume(book, "2") == "limit_reached")
        #expect(try consume(book, "1") == "allowed")
        #expect(try check(book, "calls").printed("resets_at") == next)
        book.clock.set(next)
        #expect(try consume(book, "3") == "allowed")
        #expect(try consume(book, "0.000000000001") == "limit_reached")
        try settlesDown(book)
    }

    @Test func aLimitForEverNeverBeginsAnew() throws {
        let book = try book(Self.catalog(#""calls":{"limit":3,"reset":"never"}"#))
        #expect(try consume(book, "2") == "allowed")
        book.clock.set("2029-03-04T00:00:00Z")
        #expect(try consume(book, "2") == "limit_reached")
        #expect(try check(book, "calls").printed("resets_at") == nil)
    }

    /// An event counts in the window of its own time, whenever it comes.
    @Test func lateAndEarlyEventsCountInTheirWindow() throws {
        let book = try book(Self.catalog(#""calls":{"limit":3,"reset":"day"}"#))
        for (id, day, n) in [("l", "03", 5), ("t", "04", 1), ("e", "05", 2)] {
            try book.record(
                #"{"specversion":"1.0","id":"\#(id)","source":"s","type":"call","subject":"a","#
                    + #""time":"2026-03-\#(day)T12:00:00Z","data":{"n":\#(n)}}"#)
        }
        #expect(try check(book, "calls").printed("used") == "2")
        book.clock.set("2026-03-05T00:00:00Z")
        #expect(try check(book, "calls").printed("used") == "3")
        try settlesDown(book)
    }

    @Test func eachValueOfAPropertyHasItsLimit() throws {
        let book = try book(Self.catalog(#""calls":{"limit":2,"by":"team.name","reset":"day"}"#))
        func of(_ team: String) -> String { #"{"team":{"name":"\#(team)"}}"# }
        #expect(try consume(book, "2", data: of("x")) == "allowed")
        #expect(try consume(book, "1", data: of("x")) == "limit_reached")
        #expect(try consume(book, "1", data: of("y")) == "allowed")
        // Without the property they share one.
        #expect(try consume(book, "2") == "allowed")
        #expect(try consume(book, "1", data: "{\"team\":null}") == "limit_reached")
        let held = try ask(
            book, "hold", #""feature":"calls","quantity":1,"data":\#(of("y"))"#)
        #expect(held.printed("allowed") == "true")
        #expect(try consume(book, "1", data: of("y")) == "limit_reached")
        #expect(try consume(book, "2", data: of("z")) == "allowed")
        let hold = try #require(held.printed("hold"))
        // What was held of y is settled for y.
        for data in ["", #","data":\#(of("x"))"#] {
            let refused = try ask(book, "settle", #""hold":"\#(hold)","quantity":1\#(data)"#)
            #expect(refused.printed("field") == "data.team.name")
        }
        try ask(book, "settle", #""hold":"\#(hold)","quantity":1,"data":\#(of("y"))"#)
        #expect(try consume(book, "1", data: of("y")) == "limit_reached")
        #expect(
            try check(book, "calls", #","data":\#(of("y"))"#).printed("used") == "2")
        try settlesDown(book)
    }

    /// D-25.
    @Test func aSoftLimitMayEndToo() throws {
        let book = try book(
            Self.catalog(#""calls":{"limit":1000,"enforce":"soft","overage":5000}"#))
        #expect(try consume(book, "1000") == "allowed")
        #expect(try consume(book, "5000") == "allowed_overage")
        #expect(try consume(book, "0.1") == "limit_reached")
    }

    /// What is held of one feature counts against all that the meter counts.
    @Test func holdsCountByMeter() throws {
        let book = try book(Self.catalog(#""calls":{"limit":20},"batch":{"limit":20}"#))
        let held = try ask(book, "hold", #""feature":"calls","quantity":15"#)
        #expect(held.printed("allowed") == "true")
        #expect(try consume(book, "15", "batch") == "limit_reached")
        #expect(try consume(book, "5", "batch") == "allowed")
    }

    @Test func quantityAndAddonsMakeTheLimit() throws {
        let book = try book(
            Self.catalog(
                #""calls":{"limit":10,"per":"quantity","reset":"week"},"days":{"value":30},"region":{"value":"eu"}"#,
                addons: """
                    "more":{"entitlements":{"calls":{"add":5},"days":{"value":90},"region":{"values":["us","eu"]},
                      "sso":true},"prices":{"more":{"fee":3}}},
                    "fast":{"entitlements":{"calls":{"limit":8,"reset":"day"}}}
                    """))
        #expect(try check(book, "calls").printed("limit") == "10")
        try ask(book, "subscribe", #""plan":"p","quantity":3,"addons":{"more":2}"#)
        #expect(try check(book, "calls").printed("limit") == "40")
        #expect(try check(book, "sso").printed("allowed") == "true")
        #expect(try check(book, "days", #","value":90"#).printed("reason") == "allowed")
        #expect(try check(book, "days", #","value":90.5"#).printed("reason") == "value_mismatch")
        #expect(try check(book, "region", #","value":["us","eu"]"#).printed("allowed") == "true")
        #expect(
            try check(book, "region", #","value":"cn""#).printed("reason") == "value_mismatch")
        // Eight a day are more than forty a week, and what is added comes on top.
        try ask(book, "subscribe", #""plan":"p","quantity":3,"addons":{"more":1,"fast":1}"#)
        #expect(try check(book, "calls").printed("limit") == "13")
        let refused = try ask(book, "subscribe", #""plan":"p","addons":{"none":1}"#)
        #expect(refused.printed("error") == "bad_request" && refused.printed("field") == "addons")
        try settlesDown(book)
    }

    /// D-15: an override wins, also negatively, and over the state of the subscription.
    @Test func anOverrideWins() throws {
        let book = try book(Self.catalog(#""calls":{"limit":1},"sso":true"#))
        try ask(book, "override", #""feature":"sso","entitlement":false,"reason":"r""#)
        #expect(try check(book, "sso").printed("reason") == "override_denied")
        try ask(
            book, "override",
            #""feature":"calls","entitlement":{"limit":3,"reset":"day"},"expires":"2026-03-06T00:00:00Z""#
        )
        #expect(try consume(book, "3") == "allowed_override")
        #expect(try consume(book, "1") == "limit_reached")
        try ask(book, "pause", "\"until\":\"2026-04-01T00:00:00Z\"")
        book.clock.set("2026-03-05T23:59:59.999999999Z")
        #expect(try consume(book, "1") == "allowed_override")
        book.clock.set("2026-03-06T00:00:00Z")
        #expect(try consume(book, "1") == "subscription_paused")
        try ask(book, "override", #""feature":"sso","remove":true"#)
        try ask(book, "resume", #""effective":"2026-03-06T00:00:00Z""#)
        #expect(try check(book, "sso").printed("reason") == "allowed")
        #expect(try consume(book, "1") == "limit_reached")
        for bad in [
            #""feature":"none","entitlement":true"#, #""feature":"sso""#,
            #""feature":"sso","entitlement":{"limit":1}"#,
            #""feature":"calls","entitlement":{"add":1}"#,
            #""feature":"calls","entitlement":true,"remove":true"#,
            #""feature":"calls","entitlement":true,"expires":"2026-01-01T00:00:00Z""#,
        ] {
            #expect(try ask(book, "override", bad).printed("error") == "bad_request", "\(bad)")
        }
        try settlesDown(book)
    }

    @Test func aThresholdIsWarnedOfOnceInAWindow() throws {
        let book = try book(
            Self.catalog(#""calls":{"limit":10,"reset":"day","warn":[50,80,100]}"#))
        func warned(_ reply: Value) -> [String] {
            guard case .array(let list)? = reply["warnings"] else { return [] }
            return list.compactMap { $0.printed("threshold") }
        }
        func use(_ n: Int) throws -> [String] {
            warned(try ask(book, "consume", #""feature":"calls","quantity":\#(n)"#))
        }
        #expect(try use(4) == [])
        #expect(warned(try check(book, "calls")) == ["50"])
        #expect(try use(4) == ["50", "80"])
        #expect(try use(1) == [])
        let event = try book.record(
            #"{"specversion":"1.0","id":"e","source":"s","type":"call","subject":"a","data":{"n":1}}"#
        )
        #expect(warned(event) == ["100"])
        // Below and above again: said once.
        try book.record(
            #"{"specversion":"1.0","id":"f","source":"s","type":"call","subject":"a","data":{"n":-5}}"#
        )
        #expect(try use(5) == [])
        try settlesDown(book)
        book.clock.set("2026-03-05T00:00:00Z")
        #expect(try use(10) == ["50", "80", "100"])
    }

    /// Of distinct values it is warned by the event that brings the new one.
    @Test func distinctValuesWarnInTime() throws {
        let book = try book(Self.catalog(#""people":{"limit":2,"warn":[100]}"#))
        func seen(_ id: String, _ who: Int) throws -> Bool {
            try book.record(
                #"{"specversion":"1.0","id":"\#(id)","source":"s","type":"seen","subject":"a","data":{"who":\#(who)}}"#
            )["warnings"] != nil
        }
        #expect(try !seen("a", 1) && !seen("b", 1))
        #expect(try seen("c", 2))
        #expect(try !seen("d", 3))
    }

    /// T-18: what began anew in this minute does not begin anew again.
    @Test func usageBeginsAnewByHand() throws {
        let book = try book(Self.catalog(#""calls":{"limit":3,"reset":"day"},"batch":{"limit":5}"#))
        #expect(try consume(book, "3") == "allowed")
        try ask(book, "reset", #""feature":"calls""#)
        #expect(try ask(book, "reset", #""feature":"calls""#).printed("error") == "bad_request")
        #expect(try check(book, "calls").printed("used") == "1")
        #expect(try check(book, "batch").printed("used") == "1")
        #expect(try check(book, "calls").printed("resets_at") == "2026-03-05T00:00:00Z")
        // What happened before and comes now belongs to what was forgotten.
        try book.record(
            #"{"specversion":"1.0","id":"e","source":"s","type":"call","subject":"a","time":"2026-03-04T09:00:00Z","data":{"n":3}}"#
        )
        #expect(try consume(book, "3") == "allowed")
        #expect(try consume(book, "1") == "limit_reached")
        book.clock.set("2026-03-04T18:00:00Z")
        try ask(book, "reset", #""feature":"calls","anchor":"move""#)
        #expect(try check(book, "calls").printed("resets_at") == "2026-03-05T18:00:00Z")
        #expect(try check(book, "batch").printed("resets_at") == "2026-04-04T18:00:00Z")
        try settlesDown(book)
        book.clock.set("2026-03-05T00:00:00Z")
        #expect(try consume(book, "3") == "allowed")
        book.clock.set("2026-03-05T17:59:59Z")
        #expect(try consume(book, "1") == "limit_reached")
        book.clock.set("2026-03-05T18:00:00Z")
        #expect(try consume(book, "1") == "allowed")
        for bad in [
            #""feature":"sso""#, #""feature":"people""#, #""feature":"calls","anchor":"x""#,
        ] {
            #expect(try ask(book, "reset", bad).printed("error") == "bad_request", "\(bad)")
        }
        // Bills know nothing of it.
        let usage = try book.send(#"{"request":"usage","account":"a","period":"2026-03"}"#)
        guard case .array(let meters)? = usage["meters"] else { return }
        #expect(meters.first?.printed("quantity") == "13")
    }

    /// A window that a later catalog names counts what was before.
    @Test func aNewWindowCountsHistory() throws {
        let book = try book(Self.catalog(#""calls":{"limit":100}"#))
        #expect(try consume(book, "3") == "allowed")
        try book.publish(Self.catalog(#""calls":{"limit":4,"reset":"year","by":"x"}"#), id: "v2")
        try ask(book, "subscribe", #""plan":"p""#)
        #expect(try consume(book, "2") == "limit_reached")
        #expect(try consume(book, "1") == "allowed")
        // A change to a plan with another window finds the usage of that one.
        try ask(book, "subscribe", #""plan":"q""#)
        #expect(try check(book, "calls").printed("used") == "4")
        try settlesDown(book)
    }

    @Test func unknownAccountsAndDefaults() throws {
        let book = try Book()
        try book.publish(Self.catalog(#""sso":true"#, features: #","free":{"default":true}"#))
        func reason(_ account: String, _ feature: String) throws -> String? {
            try book.send(
                #"{"request":"check","account":"\#(account)","feature":"\#(feature)"}"#
            ).printed("reason")
        }
        #expect(try reason("zoe", "sso") == "account_unknown")
        #expect(try reason("zoe", "free") == "allowed")
        try book.record(
            #"{"specversion":"1.0","id":"e","source":"s","type":"x","subject":"zoe"}"#)
        #expect(try reason("zoe", "sso") == "no_active_subscription")
    }
}
