import Billing
import Money
import Testing

@testable import daybook

/// What Stripe's events become. What the fixtures' events should become stands beside them, in
/// files that were not written by this code.
@Suite struct StripeFeedTests {
    /// A step as the fixtures write it.
    private static func value(_ step: SyncStep) -> Value {
        switch step {
        case .skipped(let why): return .object(of: [("skipped", .string(why))])
        case .request(let word, .object(let members)):
            return .object(
                of: [("request", .string(word))] + members.map { ($0.name, $0.value) })
        case .request: return .null
        }
    }

    private static func members(_ event: Value, _ mapping: StripeMapping) throws -> Value {
        guard
            case .request("subscription", let members) = try StripeFeed(mapping: mapping)
                .step(event)
        else {
            Issue.record("not a request")
            return .null
        }
        return members
    }

    @Test(arguments: ["subscriptions", "plans", "item-periods"])
    func eachEventBecomesWhatIsWrittenBesideIt(_ name: String) throws {
        let feed = StripeFeed(mapping: try StripeFixtures.mapping())
        let events = try StripeFixtures.values("\(name).ndjson")
        let expected = try StripeFixtures.values("\(name).expected.ndjson")
        #expect(events.count == expected.count)
        for (event, expected) in zip(events, expected) {
            let id = Optional(event)?["id"].shown ?? ""
            #expect(Self.value(try feed.step(event)) == expected, "\(id)")
        }
    }

    @Test func theFixturesHaveEveryStatusAndEveryType() throws {
        let expected = try StripeFixtures.values("subscriptions.expected.ndjson")
        #expect(
            Set(expected.compactMap { $0["status"]?.text }) == [
                "trialing", "active", "past_due", "unpaid", "canceled", "incomplete",
                "incomplete_expired", "paused",
            ])
        let types = try StripeFixtures.values("subscriptions.ndjson").compactMap {
            $0["type"]?.text
        }
        #expect(
            Set(types) == [
                "customer.subscription.created", "customer.subscription.updated",
                "customer.subscription.paused", "customer.subscription.resumed",
                "customer.subscription.pending_update_applied",
                "customer.subscription.pending_update_expired",
                "customer.subscription.trial_will_end", "customer.subscription.deleted",
                "invoice.paid",
            ])
    }

    // MARK: Which events

    @Test(arguments: [
        "invoice.paid", "customer.updated", "customer.subscription", "customer.subscription.new",
        "subscription_schedule.updated", "customer.subscription.updated ", "entitlements.x",
    ])
    func otherTypesAreSkippedAndNamed(_ type: String) throws {
        let event = try StripeFixtures.event().setting("type", .string(type))
        let step = try StripeFeed(mapping: StripeFixtures.mapping()).step(event)
        #expect(step == .skipped("\"\(type)\" does not change a subscription"))
    }

    @Test func eventsOfTestModeAreTakenIfTheMappingSaysSo() throws {
        let event = try StripeFixtures.event().setting("livemode", .bool(false))
        let mapping = try StripeFixtures.mapping()
        let skipped = try StripeFeed(mapping: mapping).step(event)
        guard case .skipped(let why) = skipped, why.contains("test: true") else {
            Issue.record("\(skipped)")
            return
        }
        let testing = StripeMapping(
            prices: mapping.prices, account: mapping.account, test: true)
        #expect(try Self.members(event, testing)["plan"] == .string("team"))
        let live = try StripeFixtures.event()
        #expect(try Self.members(live, testing) == Self.members(event, testing))
    }

    /// A subscription that is deleted is over, whatever its snapshot still says of it.
    @Test func aDeletedSubscriptionIsCanceled() throws {
        let event = try StripeFixtures.event()
            .setting("type", .string("customer.subscription.deleted"))
            .setting(
                "data.object.pause_collection",
                .object(of: [("resumes_at", .whole(1_800_000_000))]))
        let members = try Self.members(event, StripeFixtures.mapping())
        #expect(members["status"] == .string("canceled"))
        #expect(members["pause_until"] == nil)
        #expect(members["effective"] == .string("2025-01-10T12:30:00Z"))
    }

    // MARK: Whose

    @Test func theAccountIsTheCustomerUnlessTheMappingNamesAPlace() throws {
        let event = try StripeFixtures.event()
        let prices = try StripeFixtures.mapping().prices
        let plain = StripeMapping(prices: prices)
        #expect(try Self.members(event, plain)["account"] == .string("cus_RVa1"))
        let expanded = event.setting(
            "data.object.customer",
            .object(of: [
                ("id", .string("cus_Full")), ("object", .string("customer")),
                ("metadata", .object(of: [("name", .string("initech"))])),
            ]))
        #expect(try Self.members(expanded, plain)["account"] == .string("cus_Full"))
        let deep = StripeMapping(prices: prices, account: ["customer", "metadata", "name"])
        #expect(try Self.members(expanded, deep)["account"] == .string("initech"))
    }

    // MARK: What for

    @Test func aPriceCountsBeforeItsProductAndThatBeforeAPlan() throws {
        let event = try StripeFixtures.event()
        let all: [(String, StripeMapping.Target)] = [
            ("price_team_monthly", .plan("by price")), ("prod_team", .plan("by product")),
            ("plan_9", .plan("by plan")), ("prod_9", .plan("by the plan's product")),
        ]
        let item = event.at("data.object.items.data.0") ?? .null
        let one = event.setting(
            "data.object.items.data",
            .array([
                item.setting("plan.id", .string("plan_9"))
                    .setting("plan.product", .string("prod_9"))
            ]))
        for first in all.indices {
            let prices = Dictionary(uniqueKeysWithValues: all[first...])
            let plan = try Self.members(one, StripeMapping(prices: prices))["plan"]
            guard case .plan(let key) = all[first].1 else { continue }
            #expect(plan == .string(key))
        }
    }

    @Test func noItemsAreNoPlan() throws {
        let event = try StripeFixtures.event().setting("data.object.items.data", .array([]))
        let members = try Self.members(event, StripeFixtures.mapping())
        #expect(members["plan"] == .null)
        #expect(members["quantity"] == .whole(1))
        #expect(members["addons"] == .object([]))
    }

    @Test func anUnmappedPriceIsNamedWithTheLineToAdd() throws {
        let event = try StripeFixtures.event()
        let feed = StripeFeed(mapping: StripeMapping(prices: ["prod_team": .plan("team")]))
        let fault = #expect(throws: SyncFault.self) { try feed.step(event) }
        #expect(fault?.path == "data.object.items.data[1].price")
        #expect(
            fault?.message == #""price_seat", "prod_seat": not in the mapping; "#
                + #"add to its file, under prices: "price_seat": {plan: KEY} or {addon: KEY}"#)
        let old = event.setting("data.object.items.data.1.price", nil)
        #expect(
            #expect(throws: SyncFault.self) { try feed.step(old) }?.path
                == "data.object.items.data[1].plan")
    }

    // MARK: What is wrong

    /// A path to change, what to, and the place and words of the fault.
    struct Wrong: Sendable, CustomTestStringConvertible {
        let change: String
        let value: Value?
        let path: String
        let words: String
        var testDescription: String { "\(change) = \(value.shown)" }

        /// A fault at the place of the change.
        init(_ change: String, _ value: Value?, _ words: String, at path: String? = nil) {
            self.change = change
            self.value = value
            self.path = path ?? change
            self.words = words
        }
    }

    private static let item = "data.object.items.data[0]"

    static let wrongs: [Wrong] = [
        Wrong("object", .string("subscription"), "an event is needed"),
        Wrong("object", nil, "is missing"),
        Wrong("object", .string("v2.core.event"), "an event is needed"),
        Wrong("id", nil, "is missing; a text is needed"),
        Wrong("id", .string(""), "a text is needed"),
        Wrong("id", .whole(7), "is 7; a text is needed"),
        Wrong("type", .null, "is missing"),
        Wrong("livemode", nil, "is missing"),
        Wrong("livemode", .string("true"), "true or false is needed"),
        Wrong("created", nil, "is missing"),
        Wrong("created", .string("2025-01-01T00:00:00Z"), "Unix seconds"),
        Wrong("created", .whole(-1), "is -1; a time in whole Unix seconds"),
        Wrong("created", .whole(1_735_689_600_000), "the years 1970 to 2261"),
        Wrong("created", .number(.init(mantissa: 5, scale: 1)), "whole Unix seconds"),
        Wrong("data", nil, "an object is needed", at: "data.object"),
        Wrong("data.object", .string("sub_1"), "an object is needed"),
        Wrong("data.object.object", .string("invoice"), "a subscription is needed"),
        Wrong("data.object.id", nil, "is missing"),
        Wrong("data.object.status", nil, "is missing"),
        Wrong("data.object.status", .string("ended"), "known are trialing, active"),
        Wrong("data.object.created", .null, "is missing"),
        Wrong("data.object.billing_cycle_anchor", nil, "is missing"),
        Wrong("data.object.trial_end", .string("now"), "Unix seconds"),
        Wrong("data.object.cancel_at", .string("min_period_end"), "Unix seconds"),
        Wrong("data.object.cancel_at_period_end", .string("yes"), "true or false"),
        Wrong("data.object.pause_collection", .bool(true), "an object is needed"),
        Wrong("data.object.metadata", nil, "is missing", at: "data.object.metadata.account"),
        Wrong("data.object.metadata.account", .string(""), "set it in Stripe"),
        Wrong("data.object.metadata.account", .whole(4), "a text is needed"),
        Wrong("data.object.items", nil, "an object is needed"),
        Wrong("data.object.items.data", nil, "an array is needed"),
        Wrong("data.object.items.has_more", .bool(true), "more items than the event carries"),
        Wrong("data.object.items.data.0", .null, "an object is needed", at: item),
        Wrong("data.object.items.data.0", .object([]), "neither a price nor a plan", at: item),
        Wrong(
            "data.object.items.data.0.quantity", .whole(-1), "a whole number from 0",
            at: "\(item).quantity"),
        Wrong(
            "data.object.items.data.0.quantity", .string("3"), "a whole number",
            at: "\(item).quantity"),
        Wrong(
            "data.object.items.data.0.quantity", .number(.init(mantissa: 15, scale: 1)),
            "is 1.5; a whole number", at: "\(item).quantity"),
        Wrong(
            "data.object.items.data.0.quantity", .whole(1_000_000_000_001), "a whole number",
            at: "\(item).quantity"),
        Wrong(
            "data.object.items.data.0.deleted", .string("no"), "true or false",
            at: "\(item).deleted"),
        Wrong(
            "data.object.items.data.0.current_period_end", .string("soon"), "Unix seconds",
            at: "\(item).current_period_end"),
        Wrong(
            "data.object.items.data.1.price.id", .string("price_pro"),
            "is for plan pro, and an item before it for plan team",
            at: "data.object.items.data[1]"),
    ]

    @Test(arguments: wrongs)
    func whatIsWrongIsSaidWithItsPlace(_ wrong: Wrong) throws {
        let event = try StripeFixtures.event().setting(wrong.change, wrong.value)
        let feed = StripeFeed(mapping: try StripeFixtures.mapping())
        let fault = #expect(throws: SyncFault.self) { try feed.step(event) }
        #expect(fault?.path == wrong.path)
        #expect(fault?.message.contains(wrong.words) == true, "\(fault?.message ?? "")")
    }

    @Test func anEndAtAPeriodOfUnknownEndIsAFault() throws {
        let event = try StripeFixtures.event()
            .setting("data.object.cancel_at_period_end", .bool(true))
            .setting("data.object.current_period_end", nil)
        let feed = StripeFeed(mapping: try StripeFixtures.mapping())
        let fault = #expect(throws: SyncFault.self) { try feed.step(event) }
        #expect(fault?.path == "data.object.current_period_end")
    }

    @Test func twoPricesOfOneAddonCountTogetherUpToALimit() throws {
        let most = Value.whole(1_000_000_000_000)
        let event = try StripeFixtures.event()
            .setting("data.object.items.data.1.quantity", most)
        let mapping = try StripeFixtures.mapping()
        #expect(try Self.members(event, mapping)["addons"]?["seats"] == most)
        let both = event.setting("data.object.items.data.2.price.id", .string("prod_seat"))
        let fault = #expect(throws: SyncFault.self) {
            try StripeFeed(mapping: mapping).step(both)
        }
        #expect(fault?.path == "data.object.items.data[2].quantity")
    }

    /// Times at both ends of the range come out, the ones beyond do not.
    @Test func timesReachFrom1970To2261() throws {
        let mapping = try StripeFixtures.mapping()
        let event = try StripeFixtures.event()
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"), (9_214_646_399, "2261-12-31T23:59:59Z"),
        ] {
            let members = try Self.members(
                event.setting("data.object.trial_end", .whole(seconds)), mapping)
            #expect(members["trial_until"] == .string(text))
        }
        #expect(throws: SyncFault.self) {
            try Self.members(
                event.setting("data.object.trial_end", .whole(9_214_646_400)), mapping)
        }
    }

    /// What a stranger wrote reaches a terminal through messages.
    @Test func messagesAreShortAndHarmless() throws {
        let status = "\u{1B}[2J\n" + String(repeating: "x", count: 10_000)
        let event = try StripeFixtures.event()
            .setting("data.object.status", .string(status))
        let feed = StripeFeed(mapping: try StripeFixtures.mapping())
        let fault = #expect(throws: SyncFault.self) { try feed.step(event) }
        let message = fault?.message ?? ""
        #expect(message.unicodeScalars.count < 300)
        #expect(!message.unicodeScalars.contains { $0.value < 32 })
    }

    /// Each part of an event replaced by anything: a request, a skip, or a fault that names the
    /// part, what holds it, or what lies in it.
    @Test(arguments: ["evt_104", "evt_205", "evt_401"])
    func garbageAnywhereIsReadOrRefusedInItsPlace(_ id: String) throws {
        let feed = StripeFeed(mapping: try StripeFixtures.mapping())
        let event = try #require(
            try StripeFixtures.values("subscriptions.ndjson").first { $0["id"] == .string(id) })
        let garbage: [Value] = [
            .null, .bool(true), .whole(-5), .numberText("1e400"), .string("?"), .array([.null]),
            .object(of: [("id", .whole(0))]),
        ]
        var refused = 0
        for path in event.paths where !path.contains("previous_attributes") {
            for value in garbage {
                do throws(SyncFault) {
                    _ = try feed.step(event.setting(path, value))
                } catch {
                    refused += 1
                    let place = error.path.replacing("[", with: ".").replacing("]", with: "")
                    #expect(
                        place.hasPrefix(path) || path.hasPrefix(place),
                        "\(path) = \(Optional(value).shown): \(error)")
                }
            }
        }
        #expect(refused > 100)
    }
}
