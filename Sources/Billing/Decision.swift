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

/// A grant of credits and what is left of it.
package struct GrantState: Hashable, Sendable {
    /// Number among the account's grants, in log order.
    package let ordinal: UInt32
    /// What was given.
    package let amount: Quantity
    /// What is left.
    package var remaining: Quantity
    /// Lower pays first.
    package let priority: Int
    /// First instant at which it can pay.
    package let effective: Timestamp
    /// First instant at which it can pay no more; nil: never.
    package let expires: Timestamp?

    /// A grant.
    package init(
        ordinal: UInt32, amount: Quantity, remaining: Quantity, priority: Int,
        effective: Timestamp, expires: Timestamp?
    ) {
        self.ordinal = ordinal
        self.amount = amount
        self.remaining = remaining
        self.priority = priority
        self.effective = effective
        self.expires = expires
    }

    /// Whether it can pay for something at an instant.
    package func isUsable(at time: Timestamp) -> Bool {
        guard effective <= time else { return false }
        guard let expires else { return true }
        return time < expires
    }
}

/// What one grant pays.
package struct Draw: Hashable, Sendable {
    /// The grant's ordinal.
    package let grant: UInt32
    /// Credits in 10⁻¹².
    package let units: Int128

    /// A draw.
    package init(grant: UInt32, units: Int128) {
        self.grant = grant
        self.units = units
    }
}

/// Which grants pay, as a pure function.
package enum BurnDown {
    /// What pays for something, and what nothing pays for.
    package struct Drawdown: Hashable, Sendable {
        /// Draws in paying order.
        package let draws: [Draw]
        /// What is not covered.
        package let shortfall: Quantity
    }

    /// Takes `need` from the grants usable at `time`, in this order: priority, then earlier expiry
    /// (never last), then earlier effective time, then ordinal. The order is total: no ties.
    package static func draw(
        _ need: Quantity, from grants: [GrantState], at time: Timestamp
    ) -> Drawdown {
        let usable = grants.filter { $0.isUsable(at: time) && $0.remaining > .zero }
            .sorted(by: paysBefore)
        var draws: [Draw] = []
        var left = need.units
        for grant in usable where left > 0 {
            let part = min(left, grant.remaining.units)
            draws.append(Draw(grant: grant.ordinal, units: part))
            left -= part
        }
        return Drawdown(draws: draws, shortfall: Quantity(units: max(0, left)))
    }

    private static func paysBefore(_ left: GrantState, _ right: GrantState) -> Bool {
        if left.priority != right.priority { return left.priority < right.priority }
        let never = Int64.max
        let expiries = (
            left.expires?.nanoseconds ?? never, right.expires?.nanoseconds ?? never
        )
        if expiries.0 != expiries.1 { return expiries.0 < expiries.1 }
        if left.effective != right.effective { return left.effective < right.effective }
        return left.ordinal < right.ordinal
    }
}
