/// The state of a subscription. The numbers stand in the log's caches and never change their meaning.
///
/// The words are those of https://docs.stripe.com/api/subscriptions/object#subscription_object-status
package enum SubscriptionStatus: UInt8, Sendable, CaseIterable, BitwiseCopyable {
    case active = 0
    case trialing = 1
    case pastDue = 2
    case unpaid = 3
    case paused = 4
    case incomplete = 5
    case incompleteExpired = 6
    case canceled = 7

    /// The word of the protocol and the catalog.
    package var name: String {
        switch self {
        case .active: "active"
        case .trialing: "trialing"
        case .pastDue: "past_due"
        case .unpaid: "unpaid"
        case .paused: "paused"
        case .incomplete: "incomplete"
        case .incompleteExpired: "incomplete_expired"
        case .canceled: "canceled"
        }
    }

    /// The status with this name.
    package init?(name: String) {
        guard let status = Self.allCases.first(where: { $0.name == name }) else { return nil }
        self = status
    }

    /// Whether the subscription is over: a later one, or the default plan, takes its place.
    package var hasEnded: Bool { self == .canceled || self == .incompleteExpired }

    /// Whether its plan is charged.
    package var isCharged: Bool { self == .active || self == .pastDue || self == .unpaid }

    /// Why access is denied, where its rule denies it.
    package var denial: Reason {
        switch self {
        case .pastDue, .unpaid: .subscriptionPastDue
        case .paused: .subscriptionPaused
        case .incomplete: .subscriptionIncomplete
        case .active, .trialing, .incompleteExpired, .canceled: .noActiveSubscription
        }
    }
}

/// What a status means for access.
package enum StatusRule: Hashable, Sendable {
    /// The plan's entitlements hold.
    case allow
    /// Nothing is allowed.
    case deny
    /// They hold for so many nanoseconds from the beginning of the status on.
    case grace(Int64)
}

/// What each status means for access, as a catalog says it.
package struct StatusRules: Hashable, Sendable {
    /// Rules that the catalog names.
    package var named: [SubscriptionStatus: StatusRule] = [:]

    /// The rules of a catalog that says nothing.
    package init() {}

    /// The rule of a status.
    package subscript(status: SubscriptionStatus) -> StatusRule {
        if let rule = named[status] { return rule }
        switch status {
        case .active, .trialing, .pastDue: return .allow
        case .unpaid, .paused, .incomplete, .incompleteExpired, .canceled: return .deny
        }
    }

    /// Statuses whose rule a catalog may set: one that has ended gives no access, and an active one all.
    static let ofCatalog: [SubscriptionStatus] = [
        .trialing, .pastDue, .unpaid, .paused, .incomplete,
    ]

    static func read(_ parent: inout CatalogReader) -> StatusRules {
        parent.group("subscriptions", known: ofCatalog.map(\.name)) { reader in
            var rules = StatusRules()
            for status in ofCatalog {
                switch reader.text(status.name) {
                case nil: break
                case "allow": rules.named[status] = .allow
                case "deny": rules.named[status] = .deny
                default:
                    if let grace = EventRules.duration(status.name, &reader) {
                        rules.named[status] = .grace(grace)
                    }
                }
            }
            return rules
        } ?? StatusRules()
    }

    var value: Value {
        .object(
            of: Self.ofCatalog.compactMap { status in
                named[status].map { rule in
                    switch rule {
                    case .allow: (status.name, .string("allow"))
                    case .deny: (status.name, .string("deny"))
                    case .grace(let length): (status.name, .string(EventRules.text(length)))
                    }
                }
            })
    }
}
