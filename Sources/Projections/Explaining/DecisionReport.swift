package import Billing
import Bytes
package import Codec
package import Money
import SegmentedLog

/// Everything that made a decision, and what would have made another one.
///
/// The books are those right before the entry; the decision is made again from them, by the rules as they
/// are now. What was decided stands in the entry, and stays.
package struct DecisionReport: Sendable {
    /// The account.
    package let account: String
    /// The feature.
    package let feature: String
    /// How much of it was asked for.
    package let quantity: Quantity
    /// What the entry says.
    package let decided: OutcomeDecision
    /// What the entry drew and made.
    package let outcome: Outcome
    /// What is decided of it again; the same, unless the rules have changed since. nil: it is refused now.
    package let again: OutcomeDecision?
    /// The numbers that it was made from.
    package let evidence: Evidence
    /// What held when it was decided.
    package let circumstances: Circumstances
    /// What would have allowed it; empty if it was.
    package let remedies: [DecisionRemedy]
    /// What was left; nil if it was denied, or may be any quantity.
    package let room: DecisionRoom?

    /// What held for an account and a feature at an instant.
    package struct Circumstances: Sendable {
        /// The limit that counts; nil: none.
        package var limit: Limit?
        /// The window of time it is about.
        package var window: Period?
        /// What was used in it before; nil: nothing measures the feature.
        package var used: Quantity?
        /// What holds reserve beside that.
        package var held = Quantity.zero
        /// The subscription; nil: none.
        package var holding: Holding?
        /// Number of the catalog version, from 1; nil: none.
        package var version: Int?
        /// The unit in which the feature is paid; nil: it is not paid by credits.
        package var creditUnit: String?
        /// What the account could spend of it on the feature.
        package var balance = Quantity.zero
        /// The grants that could pay, in paying order.
        package var grants: [CreditGrant] = []
    }

    /// Explains the decision of an entry.
    /// - Parameter books: as they stood right before it.
    /// - Throws: `Refusal` for an entry that was not decided.
    package init(
        _ books: consuming Books, _ record: borrowing RecordView, _ outcome: Outcome,
        recordedAt: Int64
    ) throws(Refusal) {
        guard let decided = outcome.decision else {
            throw .bad(
                "entry",
                "the entry is of kind \(record.kind.name), and only a consume, a hold or a settle is "
                    + "decided; `explain --position` says what any entry did")
        }
        var probe = try DecisionProbe(books, record, recordedAt: recordedAt)
        account = probe.account
        feature = probe.feature
        quantity = probe.quantity
        self.decided = decided
        self.outcome = outcome
        var held = Circumstances()
        let (name, key, time) = (probe.account, probe.feature, probe.time)
        probe.withBooks { held = $0.circumstances(of: name, key, record, at: time) }
        circumstances = held
        let again = probe.decide()
        self.again = again?.decision
        evidence = again?.evidence ?? Evidence()
        remedies = decided.allowed ? [] : probe.remedies()
        room = decided.allowed && again?.decision.allowed == true ? probe.room() : nil
    }

    /// The rule that decided, by the word of the protocol.
    package var rule: String {
        switch decided.reason {
        case .accountUnknown, .accountArchived: "account"
        case .featureUnknown: "feature"
        case .overrideDenied, .allowedOverride: "override"
        case .noActiveSubscription, .subscriptionPastDue, .subscriptionPaused,
            .subscriptionIncomplete:
            "subscription"
        case .notInPlan: "plan"
        case .valueMismatch: "value"
        case .limitReached, .allowedOverage: "limit"
        case .creditInsufficient: "credits"
        case .spendCapReached: "spend_cap"
        case .allowed: evidence.plan == nil ? "default" : "plan"
        }
    }
}

extension Books {
    /// What holds for an account and a feature.
    func circumstances(
        of name: String, _ feature: String, _ record: borrowing RecordView, at time: Timestamp
    ) -> DecisionReport.Circumstances {
        var held = DecisionReport.Circumstances()
        let account = account(name)
        let standing = standing(of: account, at: time)
        held.holding = standing.holding
        held.version = standing.version.map { $0 + 1 }
        guard let meter = meter(ofFeature: feature) else { return held }
        held.limit = limit(of: feature, account: account, standing, at: time)
        let scopes = scopes(of: record, meter: meter.number, prefix: ["data"])
        let place = place(
            of: held.limit ?? Limit(.zero), meter: meter.number, account: account, standing,
            scopes, at: time)
        if held.limit != nil { held.window = place.window }
        held.used = Quantity(units: usage(of: meter.number, account: account, in: place))
        let state = creditAccount(of: account, at: time)
        let by = held.limit?.by
        held.held = state.heldQuantity(
            of: registry.features(countedBy: meter.key),
            in: by.flatMap { by in scopes.first { $0.by == by } })
        guard let burn = meter.burn else { return held }
        held.creditUnit = burn.unit
        let uses = [feature, meter.key]
        held.balance = state.balance(of: burn.unit, for: uses)
        held.grants = state.grants.filter {
            $0.terms.unit == burn.unit && $0.remaining > .zero && !$0.isVoid
                && $0.isUsable(at: time) && $0.terms.pays(for: uses)
        }.sorted { registry.creditRules.precedes($0, $1) }
        return held
    }
}
