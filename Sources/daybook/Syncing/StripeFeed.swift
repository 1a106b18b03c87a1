import Billing

/// What an event of a feed becomes.
enum SyncStep: Equatable, Sendable {
    /// A request for the engine: its word, and its members without `request` itself, an object.
    case request(String, Value)
    /// Nothing to do, and why: said to the operator, counted.
    case skipped(String)
}

/// # What Stripe says about subscriptions, as requests
///
/// An event about a subscription carries the whole subscription as it was then, so each event
/// becomes one request that says all of it, and none depends on the one before. `effective` and,
/// within one second, `rank` tell which of two is the later: events may come in any order.
///
/// Pure: no state, no clock; the same event and mapping give the same request, and its identity is
/// the event's, so that a feed can be read twice. The shapes are those of
/// https://docs.stripe.com/api/events/object and https://docs.stripe.com/api/subscriptions/object
/// in the API versions with plans, with prices, and with periods of items.
struct StripeFeed {
    let mapping: StripeMapping

    /// - Parameter mapping: what Stripe's ids mean here.
    init(mapping: StripeMapping) { self.mapping = mapping }

    /// How an event changes a subscription. The raw value is its rank among those of one second.
    private enum Change: Int {
        case created, updated, deleted

        init?(_ type: String) {
            switch type {
            case "customer.subscription.created": self = .created
            case "customer.subscription.updated", "customer.subscription.paused",
                "customer.subscription.resumed", "customer.subscription.pending_update_applied",
                "customer.subscription.pending_update_expired",
                "customer.subscription.trial_will_end":
                self = .updated
            case "customer.subscription.deleted": self = .deleted
            default: return nil
            }
        }
    }

    /// What an event becomes.
    /// - Throws: `SyncFault` with what is wrong, where (path in the event), what to do.
    func step(_ event: Value) throws(SyncFault) -> SyncStep {
        let event = try StripeNode(event).object()
        guard try event["object"].text() == "event" else {
            throw event["object"].fault(
                "is \(event["object"].shown); an event is needed, as Stripe's webhooks send them")
        }
        let type = try event["type"].text()
        guard let change = Change(type) else {
            return .skipped("\(event["type"].shown) does not change a subscription")
        }
        guard !event["livemode"].isAbsent else {
            throw event["livemode"].fault("is missing; true or false is needed")
        }
        if try !event["livemode"].flag(), !mapping.test {
            return .skipped("of Stripe's test mode; the mapping does not say test: true")
        }
        return .request("subscription", try members(event, change))
    }

    private func members(_ event: StripeNode, _ change: Change) throws(SyncFault) -> Value {
        let subscription = try event["data"]["object"].object()
        guard try subscription["object"].text() == "subscription" else {
            throw subscription["object"].fault(
                "is \(subscription["object"].shown); a subscription is needed")
        }
        let created = try event["created"].instant()
        let items = try StripeItems(subscription["items"], mapping)
        let (status, pauseUntil) = try standing(subscription, change)
        var members: [(String, Value)] = [
            ("id", .string(try event["id"].text())),
            ("source", .string("stripe")),
            ("account", .string(try account(subscription))),
            ("subscription", .string(try subscription["id"].text())),
            ("started", Self.text(try subscription["created"].instant())),
            ("effective", Self.text(try effective(subscription, change) ?? created)),
            ("rank", .whole(change.rawValue)),
            ("status", .string(status.rawValue)),
            ("plan", items.plan.map { .string($0) } ?? .null),
            ("quantity", .whole(items.quantity)),
            ("addons", .object(of: items.addons.map { ($0.key, .whole($0.value)) })),
            ("anchor", Self.text(try subscription["billing_cycle_anchor"].instant())),
        ]
        let optional = [
            ("trial_until", try subscription["trial_end"].instantIfSet()),
            ("cancel_at", change == .deleted ? nil : try cancelAt(subscription, items)),
            ("pause_until", pauseUntil),
        ]
        for case (let name, let time?) in optional { members.append((name, Self.text(time))) }
        return .object(of: members)
    }

    /// https://docs.stripe.com/api/subscriptions/object#subscription_object-status
    private enum Status: String, CaseIterable {
        case trialing, active, paused, unpaid, canceled, incomplete
        case pastDue = "past_due"
        case incompleteExpired = "incomplete_expired"
    }

    /// The status, and how long it is a pause.
    private func standing(
        _ subscription: StripeNode, _ change: Change
    ) throws(SyncFault) -> (Status, pauseUntil: Timestamp?) {
        let node = subscription["status"]
        guard let status = Status(rawValue: try node.text()) else {
            let known = Status.allCases.map(\.rawValue).joined(separator: ", ")
            throw node.fault("is \(node.shown); known are \(known)")
        }
        if change == .deleted { return (.canceled, nil) }
        // A pause of collection leaves Stripe's own status as it was.
        let pause = subscription["pause_collection"]
        guard status == .active, !pause.isAbsent else { return (status, nil) }
        return (.paused, try pause.object()["resumes_at"].instantIfSet())
    }

    /// From when on it holds, where that is not the time of the event. `canceled_at` is when the
    /// end was asked for, `ended_at` when it came.
    private func effective(
        _ subscription: StripeNode, _ change: Change
    ) throws(SyncFault) -> Timestamp? {
        guard change == .deleted else { return nil }
        if let time = try subscription["ended_at"].instantIfSet() { return time }
        return try subscription["canceled_at"].instantIfSet()
    }

    /// When it will end. One that has ended has no such time any more.
    private func cancelAt(
        _ subscription: StripeNode, _ items: StripeItems
    ) throws(SyncFault) -> Timestamp? {
        if let time = try subscription["cancel_at"].instantIfSet() { return time }
        guard try subscription["cancel_at_period_end"].flag() else { return nil }
        let node = subscription["current_period_end"]
        if let end = try node.instantIfSet() ?? items.periodEnd { return end }
        throw node.fault(
            "is missing, here and in the items; with cancel_at_period_end it is the end of the "
                + "subscription")
    }

    private func account(_ subscription: StripeNode) throws(SyncFault) -> String {
        let node = mapping.account.reduce(subscription) { $0[$1] }
        guard !node.isAbsent, node.value != .string("") else {
            throw node.fault(
                "is missing; the account's name is needed there: set it in Stripe, or name "
                    + "another place in the mapping, such as account: customer")
        }
        return try node.identifier()
    }

    private static func text(_ time: Timestamp) -> Value { .string(time.description) }
}
