package import Money

/// When and how much an account's credits are topped up by themselves.
package struct TopUp: Hashable, Sendable {
    /// Once the balance is below that.
    package let below: Quantity
    /// So much is granted.
    package let amount: Quantity
    /// At most so often in a calendar month, UTC.
    package let perMonth: Int
    /// Nanoseconds that lie between two at least.
    package let cooldown: Int64
    /// What one of them costs, in major units of the currency of the account's plan; nil: nothing.
    package let price: Quantity?
    /// Whether that is put on invoices.
    package let paid: PaidWhere
    /// Nanoseconds after which what is left of it expires; nil: never.
    package let lifetime: Int64?

    /// A top-up; see the properties.
    package init(
        below: Quantity, amount: Quantity, perMonth: Int, cooldown: Int64, price: Quantity?,
        lifetime: Int64?, paid: PaidWhere = .invoice
    ) {
        self.below = below
        self.amount = amount
        self.perMonth = perMonth
        self.cooldown = cooldown
        self.price = price
        self.paid = paid
        self.lifetime = lifetime
    }
}

extension CreditAccount {
    // MARK: Resets

    /// Cuts what is left of grants with a rollover to what goes over, or fills it up to the least that must be there.
    package mutating func reset(_ unit: String) {
        for index in grants.indices {
            guard let rollover = grants[index].rollover, grants[index].terms.unit == unit,
                grants[index].isUsable(at: now), !grants[index].isVoid
            else { continue }
            let rest = grants[index].remaining
            let kept = max(rollover.kept(of: rest), rollover.min)
            if kept < rest {
                grants[index].voided = Quantity(
                    units: grants[index].voided.units + rest.units - kept.units)
                grants[index].remaining = kept
                spendable = nil
            } else if kept > rest {
                grants[index].amount = Quantity(
                    units: grants[index].amount.units + kept.units - rest.units)
                giveBack(kept.units - rest.units, to: grants[index].ordinal)
            }
        }
        spendable = nil
        lapse(at: now)
        repay(at: now)
    }

    // MARK: Top-ups

    /// Whether a top-up may be made at an instant.
    package func allows(_ topUp: TopUp, of unit: String, at time: Timestamp) -> Bool {
        guard let count = topUps.first(where: { $0.unit == unit }) else { return true }
        let (since, overflow) = time.nanoseconds
            .subtractingReportingOverflow(count.last.nanoseconds)
        guard overflow || since >= topUp.cooldown else { return false }
        let month = Period.calendarMonth(containing: time).start
        return count.period != month || count.count < topUp.perMonth
    }

    /// Notes a top-up.
    package mutating func countTopUp(of unit: String, at time: Timestamp) {
        let month = Period.calendarMonth(containing: time).start
        guard let index = topUps.firstIndex(where: { $0.unit == unit }) else {
            topUps.append(TopUpCount(unit: unit, period: month, count: 1, last: time))
            return
        }
        topUps[index].count = topUps[index].period == month ? topUps[index].count + 1 : 1
        topUps[index].period = month
        topUps[index].last = time
    }

    // MARK: Totals

    /// What became of the credits of a unit, as of the instant that was advanced to.
    package func totals(of unit: String) -> CreditTotals {
        var totals = CreditTotals()
        for grant in grants where grant.terms.unit == unit {
            totals.granted += grant.amount.units
            totals.drawn += grant.drawn.units
            totals.held += grant.held.units
            totals.voided += grant.voided.units
            totals.rolled += grant.rolled.units
            if grant.isExpired(at: now) {
                totals.expired += grant.remaining.units
            } else {
                totals.remaining += grant.remaining.units
            }
        }
        totals.shortfall = shortfall(of: unit).units
        return totals
    }

    /// The units that the account has anything to do with, ascending.
    package var units: [String] {
        Set(grants.map(\.terms.unit) + shortfalls.map(\.unit) + recurring.map(\.terms.unit))
            .sorted()
    }
}

/// What became of the credits of a unit, in 10⁻¹² credits.
package struct CreditTotals: Hashable, Sendable {
    /// Given, what rolled over counted again.
    package var granted: Int128 = 0
    /// Used of it for good.
    package var drawn: Int128 = 0
    /// Reserved.
    package var held: Int128 = 0
    /// What can pay, now or later.
    package var remaining: Int128 = 0
    /// What can pay no more.
    package var expired: Int128 = 0
    /// Taken away.
    package var voided: Int128 = 0
    /// Gone over into later grants.
    package var rolled: Int128 = 0
    /// Used beyond all grants.
    package var shortfall: Int128 = 0

    /// Nothing was ever given or used.
    package init() {}

    /// Used, whether it was covered or not.
    package var used: Int128 { drawn + held + shortfall }

    /// granted = used + remaining + expired + voided + rolled − overage.
    package var isBalanced: Bool {
        granted == used + remaining + expired + voided + rolled - shortfall
    }
}
