import Money

/// A use that drew credits when it was recorded.
package struct CreditUse: Sendable {
    /// When it was.
    package let time: Timestamp
    /// The credit unit's key.
    package let unit: String
    /// The meters that it feeds: restricted grants must name one.
    package let meters: [String]
    /// What it drew, without what was refunded.
    package var draws: [Draw]
    /// What nothing covered, without what was refunded; above or equal to zero.
    package var shortfall: Int128

    /// A use; see the properties.
    package init(
        time: Timestamp, unit: String, meters: [String], draws: [Draw], shortfall: Int128
    ) {
        self.time = time
        self.unit = unit
        self.meters = meters
        self.draws = draws
        self.shortfall = shortfall
    }

    /// Takes off what was refunded: of the overage first, then of its draws in reverse.
    package mutating func take(off refunded: Int128) {
        var rest = refunded
        func part(_ piece: Int128) -> Int128 {
            let gone = min(rest, piece)
            rest -= gone
            return piece - gone
        }
        shortfall = part(shortfall)
        var left: [Draw] = []
        for draw in draws.reversed() {
            let units = part(draw.units)
            if units > 0 { left.append(Draw(grant: draw.grant, units: units)) }
        }
        draws = left.reversed()
    }
}

/// What makes the draws of some uses those of the order of their times.
package struct Reconciliation: Sendable, Equatable {
    /// What each grant pays more, or less (below zero); ascending by grant, none of zero.
    package var draws: [Draw] = []
    /// Of each unit what was owed by these uses, and what is; ascending by unit.
    package var shortfalls: [Shortfall] = []

    /// What uses of a unit owe.
    package struct Shortfall: Sendable, Equatable {
        /// The unit's key.
        package let unit: String
        /// What nothing covered as they were recorded, in 10⁻¹² credits.
        package let before: Int128
        /// What nothing covers in the order of their times.
        package let after: Int128

        /// A change; see the properties.
        package init(unit: String, before: Int128, after: Int128) {
            self.unit = unit
            self.before = before
            self.after = after
        }
    }

    /// Nothing to compensate.
    package init() {}

    /// Whether the draws are right as they are.
    package var isEmpty: Bool { draws.isEmpty && shortfalls.allSatisfy { $0.before == $0.after } }
}

extension CreditAccount {
    /// What draws would have to be compensated so that uses drew in the order of their times.
    ///
    /// Only what these uses drew is laid open; decisions, holds, renewals and what was voided stay as they are.
    /// - Parameters:
    ///   - uses: in billing order.
    ///   - earlier: what was compensated before, for the same uses.
    package func reconciliation(
        of uses: [CreditUse], after earlier: [Reconciliation]
    ) -> Reconciliation {
        var opened = self
        var paid: [UInt32: Int128] = [:]
        var owed: [String: Int128] = [:]
        for draw in uses.flatMap(\.draws) + earlier.flatMap(\.draws) {
            paid[draw.grant, default: 0] += draw.units
        }
        for use in uses { owed[use.unit, default: 0] += use.shortfall }
        for shortfall in earlier.flatMap(\.shortfalls) {
            owed[shortfall.unit, default: 0] += shortfall.after - shortfall.before
        }
        // What a void grant paid stays paid: opened, it would be lost.
        let isVoid = { (grant: UInt32) in grants[Int(grant)].isVoid }
        var fixed: [String: Int128] = [:]
        for (grant, units) in paid.sorted(by: { $0.key < $1.key }) {
            if isVoid(grant) {
                fixed[grants[Int(grant)].terms.unit, default: 0] += units
            } else {
                opened.giveBack(units, to: grant)
            }
        }
        for (unit, units) in owed.sorted(by: { $0.key < $1.key }) {
            opened.forgive(units, of: unit)
        }
        var pays: [UInt32: Int128] = [:]
        var owes: [String: Int128] = [:]
        for use in uses {
            var need = use.draws.reduce(use.shortfall) { $0 + $1.units }
            let byVoid = min(fixed[use.unit] ?? 0, need)
            fixed[use.unit, default: 0] -= byVoid
            need -= byVoid
            let drawdown = opened.drawdown(
                Quantity(units: need), of: use.unit, for: use.meters, at: use.time, most: .max)
            _ = opened.pay(drawdown.draws)
            for draw in drawdown.draws { pays[draw.grant, default: 0] += draw.units }
            owes[use.unit, default: 0] += drawdown.shortfall.units
        }
        var result = Reconciliation()
        for grant in Set(paid.keys).union(pays.keys).sorted() where !isVoid(grant) {
            let more = (pays[grant] ?? 0) - (paid[grant] ?? 0)
            if more != 0 { result.draws.append(Draw(grant: grant, units: more)) }
        }
        for unit in Set(owed.keys).union(owes.keys).sorted() {
            result.shortfalls.append(
                .init(unit: unit, before: owed[unit] ?? 0, after: owes[unit] ?? 0))
        }
        return result
    }

    /// Compensates draws.
    /// - Returns: false where it does not fit the state: other entries came between.
    package mutating func compensate(_ reconciliation: Reconciliation) -> Bool {
        for shortfall in reconciliation.shortfalls {
            forgive(shortfall.before, of: shortfall.unit)
        }
        for draw in reconciliation.draws where draw.units < 0 {
            guard Int(draw.grant) < grants.count else { return false }
            giveBack(-draw.units, to: draw.grant)
        }
        guard pay(reconciliation.draws.filter { $0.units > 0 }) else { return false }
        for shortfall in reconciliation.shortfalls {
            guard shortfall.after >= 0 else { return false }
            addShortfall(of: shortfall.unit, shortfall.after)
        }
        repay(at: now)
        return true
    }

    /// Takes back what was owed; of what was repaid meanwhile, the credits go back to the grants that paid.
    private mutating func forgive(_ units: Int128, of unit: String) {
        let owed = min(shortfall(of: unit).units, units)
        reduceShortfall(of: unit, by: owed)
        unwindRepayments(of: unit, units - owed)
    }
}
