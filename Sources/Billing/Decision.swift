package import Money

/// Why a decision is what it is. The numbers stand in the log: they never change their meaning and
/// are never used again.
package enum Reason: UInt8, Sendable, CaseIterable, BitwiseCopyable {
    case allowed = 0
    case allowedOverage = 1
    case allowedOverride = 2
    case accountUnknown = 3
    case featureUnknown = 4
    case noActiveSubscription = 5
    case subscriptionPastDue = 6
    case notInPlan = 7
    case limitReached = 8
    case creditInsufficient = 9
    case spendCapReached = 10
    case overrideDenied = 11
    case valueMismatch = 12
    case subscriptionPaused = 13
    case subscriptionIncomplete = 14
    case accountArchived = 15

    /// The word of the protocol.
    package var name: String {
        switch self {
        case .allowed: "allowed"
        case .allowedOverage: "allowed_overage"
        case .allowedOverride: "allowed_override"
        case .accountUnknown: "account_unknown"
        case .featureUnknown: "feature_unknown"
        case .noActiveSubscription: "no_active_subscription"
        case .subscriptionPastDue: "subscription_past_due"
        case .notInPlan: "not_in_plan"
        case .limitReached: "limit_reached"
        case .creditInsufficient: "credit_insufficient"
        case .spendCapReached: "spend_cap_reached"
        case .overrideDenied: "override_denied"
        case .valueMismatch: "value_mismatch"
        case .subscriptionPaused: "subscription_paused"
        case .subscriptionIncomplete: "subscription_incomplete"
        case .accountArchived: "account_archived"
        }
    }
}

/// A decision with the numbers it was made from.
package struct Judgement: Hashable, Sendable {
    /// Whether the request may go on.
    package let allowed: Bool
    /// Why.
    package let reason: Reason
    /// The plan's limit; nil: none.
    package var limit: Quantity?
    /// Usage in the limit's window after the decision; nil for a switch.
    package var used: Quantity?
    /// Left of the limit or, without one, of the credits that pay.
    package var remaining: Quantity?
}

/// The access decision, as a pure function. Checked in this order, the first that applies counts:
/// override, state of the subscription, plan and add-ons, value, limit, credits, spending cap; where nothing says anything of
/// a feature, its own default.
package struct Entitlement {
    /// The feature that is asked for.
    package let feature: Feature
    /// Whether the log knows the account.
    package var isKnown = true
    /// What was decided for the account apart from its plan; nil: nothing.
    package var override: PlanEntitlement.Allowance?
    /// Whether the account is on a plan.
    package var hasPlan = true
    /// Why the state of the subscription denies everything; nil: it does not.
    package var denial: Reason?
    /// What the plan and its add-ons allow; nil: they do not name the feature.
    package var allowance: PlanEntitlement.Allowance?
    /// The value that is asked for; nil: none.
    package var value: FeatureValue?
    /// Usage of the feature's meter in the limit's window before the request, in the meter's unit.
    package var used = Quantity.zero
    /// How much more is asked for, zero or more.
    package var quantity = Quantity.zero
    /// Usage with the request, where it is not the sum of both: of a maximum, or of distinct values.
    package var usedAfter: Quantity?
    /// What that costs in credits; nil if the feature is not paid by credits.
    package var creditCost: Quantity?
    /// What can be spent now.
    package var creditBalance = Quantity.zero
    /// Whether the request would take the month's usage beyond what it may cost.
    package var passesSpendCap = false

    /// A request of a feature by an account on a plan that does not name it.
    package init(of feature: Feature) { self.feature = feature }

    /// What is allowed, if the state of the subscription stands not against it.
    package var granted: PlanEntitlement.Allowance {
        override ?? allowance ?? (feature.isOnByDefault ? .on : .off)
    }

    /// Decides.
    package func judge() -> Judgement {
        if let denial = denialOfAccess { return Judgement(allowed: false, reason: denial) }
        if case .value(let has) = granted, let value, !has.covers(value) {
            return Judgement(allowed: false, reason: .valueMismatch)
        }
        guard feature.meterKey != nil else {
            return Judgement(allowed: true, reason: plainReason)
        }
        return judgeUsage()
    }

    private var plainReason: Reason { override == nil ? .allowed : .allowedOverride }

    private var denialOfAccess: Reason? {
        if let override { return override == .off ? .overrideDenied : nil }
        if let denial { return denial }
        if !hasPlan, !feature.isOnByDefault {
            return isKnown ? .noActiveSubscription : .accountUnknown
        }
        return granted == .off ? .notInPlan : nil
    }

    private func judgeUsage() -> Judgement {
        // Usage that no Int128 holds is beyond every limit.
        let after = usedAfter ?? used.adding(quantity) ?? Quantity(units: Int128.max)
        var reason = plainReason
        var limit: Quantity?
        if case .limit(let given) = granted {
            limit = given.amount
            // What adds nothing passes no limit.
            let isMore = usedAfter.map { $0 > used } ?? (quantity > .zero)
            if after > given.amount, isMore {
                if let bound = given.bound, after > bound {
                    return Judgement(
                        allowed: false, reason: .limitReached, limit: limit, used: used,
                        remaining: Self.left(of: bound, used))
                }
                reason = .allowedOverage
            }
        }
        if let creditCost, creditCost > creditBalance {
            return Judgement(
                allowed: false, reason: .creditInsufficient, limit: limit, used: used,
                remaining: creditBalance)
        }
        if passesSpendCap {
            return Judgement(
                allowed: false, reason: .spendCapReached, limit: limit, used: used,
                remaining: limit.map { Self.left(of: $0, used) })
        }
        var remaining = limit.map { Self.left(of: $0, after) }
        if remaining == nil, let creditCost { remaining = creditBalance.subtracting(creditCost) }
        return Judgement(
            allowed: true, reason: reason, limit: limit, used: after, remaining: remaining)
    }

    private static func left(of limit: Quantity, _ used: Quantity) -> Quantity {
        guard let left = limit.subtracting(used) else { return .zero }
        return max(left, .zero)
    }
}

extension FeatureValue {
    /// Whether a value that is asked for is allowed: a number up to this one, words that are among these.
    package func covers(_ wanted: FeatureValue) -> Bool {
        switch (self, wanted) {
        case (.number(let most), .number(let number)): number <= most
        case (.words(let mine), .words(let words)): words.allSatisfy(mine.contains)
        case (.number, .words), (.words, .number): false
        }
    }
}
