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
    /// What nothing covered, without what was refunded; below zero: so much of what was owed it took off.
    package var shortfall: Int128
    /// What it costs now, where that is not what it drew: it was corrected; below zero: so much goes back.
    package var cost: Int128?

    /// A use; see the properties.
    package init(
        time: Timestamp, unit: String, meters: [String], draws: [Draw], shortfall: Int128,
        cost: Int128? = nil
    ) {
        self.cost = cost
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
        shortfall = shortfall > 0 ? part(shortfall) : shortfall
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
    /// - Returns: nil where sums leave Int128.
    package func reconciliation(
        of uses: [CreditUse], after earlier: [Reconciliation]
    ) -> Reconciliation? {
        var opened = Reopened(account: self)
        for draw in uses.flatMap(\.draws) + earlier.flatMap(\.draws) {
            guard opened.note(draw) else { return nil }
        }
        for use in uses {
            guard opened.note(owed: use.shortfall, of: use.unit) else { return nil }
        }
        for shortfall in earlier.flatMap(\.shortfalls) {
            let (change, overflow) = shortfall.after.subtractingReportingOverflow(shortfall.before)
            guard !overflow, opened.note(owed: change, of: shortfall.unit) else { return nil }
        }
        guard opened.open() else { return nil }
        for use in uses { guard opened.draw(use) else { return nil } }
        return opened.result
    }

    /// Compensates draws.
    /// - Returns: false where it does not fit the state: other entries came between.
    package mutating func compensate(_ reconciliation: Reconciliation) -> Bool {
        for shortfall in reconciliation.shortfalls {
            guard shortfall.before >= 0, shortfall.after >= 0,
                forgive(shortfall.before, of: shortfall.unit) == 0
            else { return false }
        }
        for draw in reconciliation.draws where draw.units < 0 {
            guard Int(draw.grant) < grants.count else { return false }
            giveBack(-draw.units, to: draw.grant)
        }
        guard pay(reconciliation.draws.filter { $0.units > 0 }) else { return false }
        for shortfall in reconciliation.shortfalls {
            let owed = self.shortfall(of: shortfall.unit).units
            guard shortfall.after <= Self.shortfallMax - owed else { return false }
            addShortfall(of: shortfall.unit, shortfall.after)
        }
        repay(at: now)
        return true
    }

    /// Takes back what was owed; of what was repaid meanwhile, the credits go back to the grants that paid.
    /// - Returns: what was neither owed any more nor repaid: other entries took it off.
    fileprivate mutating func forgive(_ units: Int128, of unit: String) -> Int128 {
        let owed = min(shortfall(of: unit).units, units)
        reduceShortfall(of: unit, by: owed)
        return unwindRepayments(of: unit, units - owed)
    }
}

/// An account in which what some uses drew is laid open, to be drawn again.
private struct Reopened {
    private var account: CreditAccount
    /// By grant: what the uses paid, and what they pay now.
    private var paid: [UInt32: Int128] = [:]
    private var pays: [UInt32: Int128] = [:]
    /// By unit: what they owed, what they owe now, and what was settled in another way.
    private var owed: [String: Int128] = [:]
    private var owes: [String: Int128] = [:]
    private var fixed: [String: Int128] = [:]
    /// Draws so far, for what gives back: the newest first.
    private var drawn: [Draw] = []

    init(account: CreditAccount) { self.account = account }

    mutating func note(_ draw: Draw) -> Bool {
        let (sum, overflow) = paid[draw.grant, default: 0].addingReportingOverflow(draw.units)
        paid[draw.grant] = sum
        return !overflow && Int(draw.grant) < account.grants.count
    }

    mutating func note(owed units: Int128, of unit: String) -> Bool {
        let (sum, overflow) = owed[unit, default: 0].addingReportingOverflow(units)
        owed[unit] = sum
        return !overflow
    }

    private func isVoid(_ grant: UInt32) -> Bool { account.grants[Int(grant)].isVoid }

    /// - Returns: false where a sum leaves Int128.
    mutating func open() -> Bool {
        for (unit, units) in owed.sorted(by: { $0.key < $1.key }) {
            // What these uses took off is more than they owed: that was of other periods, and stays.
            let left = units > 0 ? account.forgive(units, of: unit) : units
            guard Self.add(left, to: &fixed[unit, default: 0]) else { return false }
            owed[unit] = max(units, 0) - max(left, 0)
        }
        for (grant, units) in paid.sorted(by: { $0.key < $1.key }) {
            if isVoid(grant) {
                // What a void grant paid stays paid: laid open, it would be lost.
                let unit = account.grants[Int(grant)].terms.unit
                guard Self.add(units, to: &fixed[unit, default: 0]) else { return false }
            } else {
                account.giveBack(units, to: grant)
            }
        }
        return true
    }

    private static func add(_ units: Int128, to sum: inout Int128) -> Bool {
        let (result, overflow) = sum.addingReportingOverflow(units)
        sum = result
        return !overflow
    }

    /// - Returns: false where a sum leaves Int128.
    mutating func draw(_ use: CreditUse) -> Bool {
        let unit = use.unit
        let given = use.cost ?? min(use.shortfall, 0)
        if given < 0 { return giveBack(-given, of: unit) }
        var need =
            use.cost
            ?? use.draws.reduce(use.shortfall) { $0.addingReportingOverflow($1.units).partialValue }
        guard need >= 0 else { return false }
        let settled = min(max(fixed[unit] ?? 0, 0), need)
        fixed[unit, default: 0] -= settled
        need -= settled
        let drawdown = account.drawdown(
            Quantity(units: need), of: unit, for: use.meters, at: use.time, most: .max)
        _ = account.pay(drawdown.draws)
        for draw in drawdown.draws {
            guard Self.add(draw.units, to: &pays[draw.grant, default: 0]) else { return false }
            drawn.append(draw)
        }
        return Self.add(drawdown.shortfall.units, to: &owes[unit, default: 0])
    }

    /// A negative quantity takes off what is owed, then gives back what was drawn, and then settles what comes.
    private mutating func giveBack(_ units: Int128, of unit: String) -> Bool {
        var rest = units
        // What it took off of other periods stays taken off there.
        if let excess = fixed[unit], excess < 0 {
            let other = min(-excess, rest)
            fixed[unit] = excess + other
            rest -= other
        }
        let off = min(owes[unit] ?? 0, rest)
        owes[unit, default: 0] -= off
        rest -= off
        for index in drawn.indices.reversed() where rest > 0 {
            let draw = drawn[index]
            guard account.grants[Int(draw.grant)].terms.unit == unit else { continue }
            let part = min(draw.units, rest)
            rest -= part
            drawn[index] = Draw(grant: draw.grant, units: draw.units - part)
            pays[draw.grant, default: 0] -= part
            account.giveBack(part, to: draw.grant)
        }
        return Self.add(rest, to: &fixed[unit, default: 0])
    }

    var result: Reconciliation {
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
}
