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
    /// Usage in the month after the decision; nil for a switch.
    package var used: Quantity?
    /// Left of the limit or, without one, of the credits that pay.
    package var remaining: Quantity?
}

/// The access decision, as a pure function. Checked in this order, the first that applies counts:
/// no plan, not in the plan, hard limit, credits.
package enum Entitlement {
    /// Decides.
    /// - Parameters:
    ///   - plan: the account's plan; nil if it has none.
    ///   - used: usage of the feature's meter in this month, before the request.
    ///   - quantity: how much more is asked for, zero or more.
    ///   - creditCost: what that costs in credits; nil if the feature is not paid by credits.
    ///   - creditBalance: what can be spent now.
    package static func decide(
        feature: Feature, plan: Plan?, used: Quantity, quantity: Quantity,
        creditCost: Quantity?, creditBalance: Quantity
    ) -> Judgement {
        guard let plan else { return Judgement(allowed: false, reason: .noActiveSubscription) }
        guard let entitlement = plan.entitlement(feature.key), entitlement.allowance != .off
        else { return Judgement(allowed: false, reason: .notInPlan) }
        guard feature.meterKey != nil else { return Judgement(allowed: true, reason: .allowed) }
        // Usage that no Int128 holds is beyond every limit.
        let after = used.adding(quantity) ?? Quantity(units: Int128.max)
        var reason = Reason.allowed
        var limit: Quantity?
        if case .limit(let bound, let isHard) = entitlement.allowance {
            limit = bound
            if after > bound, quantity > .zero {
                guard !isHard else {
                    return Judgement(
                        allowed: false, reason: .limitReached, limit: bound, used: used,
                        remaining: left(of: bound, used))
                }
                reason = .allowedOverage
            }
        }
        if let creditCost, creditCost > creditBalance {
            return Judgement(
                allowed: false, reason: .creditInsufficient, limit: limit, used: used,
                remaining: creditBalance)
        }
        var remaining = limit.map { left(of: $0, after) }
        if remaining == nil, let creditCost { remaining = creditBalance.subtracting(creditCost) }
        return Judgement(
            allowed: true, reason: reason, limit: limit, used: after, remaining: remaining)
    }

    private static func left(of limit: Quantity, _ used: Quantity) -> Quantity {
        guard let left = limit.subtracting(used) else { return .zero }
        return max(left, .zero)
    }
}
