import Money

/// Of several entitlements to one feature the most generous: what a plan, its add-ons and the feature's
/// own default allow together.
extension PlanEntitlement.Allowance {
    /// Joins entitlements in the order plan, add-ons.
    ///
    /// On beats every limit; of limits, the one with the larger rate a day counts, of equal rates a soft one,
    /// and of equal ones the first. Amounts that are said to be added come on top of it. Values allow what
    /// any of them allows.
    package static func mostGenerous(_ all: [Self]) -> Self {
        var best = Self.off
        var additions: [Limit] = []
        for allowance in all {
            if case .limit(let limit) = allowance, limit.isAddition {
                additions.append(limit)
            } else {
                best = best.orBetter(allowance)
            }
        }
        // By itself it is a limit too: an add-on may bring a feature that the plan lacks.
        if best == .off, let first = additions.first { best = .limit(first.emptied) }
        let added = additions.reduce(Int128(0)) { sum, limit in
            let (more, overflow) = sum.addingReportingOverflow(limit.amount.units)
            return overflow ? .max : more
        }
        guard case .limit(var limit) = best else { return best }
        limit.amount = limit.amount.adding(Quantity(units: added)) ?? Quantity(units: .max)
        return .limit(limit)
    }

    private func orBetter(_ other: Self) -> Self {
        switch (self, other) {
        case (_, .off), (.on, _): self
        case (.off, _), (_, .on): other
        case (.limit(let left), .limit(let right)): right.isMoreGenerous(than: left) ? other : self
        case (.value(let left), .value(let right)): .value(left.joined(with: right))
        case (.limit, .value), (.value, .limit): self
        }
    }
}

extension Limit {
    /// Without its amount, as what additions come on top of.
    fileprivate var emptied: Limit {
        var limit = self
        limit.amount = .zero
        limit.isAddition = false
        return limit
    }

    /// Compares by what may be used in a day. A month counts as 30 days and a year as 365; a limit for
    /// ever is less than any that begins anew.
    func isMoreGenerous(than other: Limit) -> Bool {
        // An empty one is only there for what is added to it.
        if amount != other.amount, amount == .zero || other.amount == .zero {
            return amount > other.amount
        }
        if amount == .zero { return !isHard && other.isHard }
        switch (window.hours, other.window.hours) {
        case (nil, nil):
            if amount != other.amount { return amount > other.amount }
        case (nil, _?): return false
        case (_?, nil): return true
        case (let mine?, let its?):
            let left = Fraction(amount) * Fraction(1, over: mine)
            let right = Fraction(other.amount) * Fraction(1, over: its)
            if left != right { return left > right }
        }
        return !isHard && other.isHard
    }
}

extension LimitWindow {
    /// Its length; nil: for ever.
    fileprivate var hours: Int128? {
        guard let every else { return nil }
        let unit: Int128 =
            switch every.unit {
            case .hour: 1
            case .day: 24
            case .week: 7 * 24
            case .month: 30 * 24
            case .year: 365 * 24
            }
        return Int128(every.count) * unit
    }
}
