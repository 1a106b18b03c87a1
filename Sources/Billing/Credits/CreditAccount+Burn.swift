package import Money

/// What pays for something, and what nothing pays for.
package struct Drawdown: Hashable, Sendable {
    /// Draws in paying order.
    package let draws: [Draw]
    /// What is not covered.
    package let shortfall: Quantity
}

extension CreditAccount {
    /// Grants that one decision draws from at most: twice as many, of a hold and beyond it, and the largest
    /// content fit a record.
    package static let drawsMax = 4_096
    /// Overage of one unit at most: sums of it with all that was granted stay inside Int128.
    package static let shortfallMax = Int128.max / 4

    /// Which grants pay for a use, in burn order. It changes nothing.
    /// - Parameters:
    ///   - use: the feature and the meter: a restricted grant must name one of them.
    ///   - most: grants that it draws from at most; what they do not cover is not covered.
    ///   - time: the use's own time; an instant before the last one that was advanced to is late, and draws from what was
    ///     valid then.
    package func drawdown(
        _ need: Quantity, of unit: String, for use: [String], at time: Timestamp,
        most: Int = drawsMax
    ) -> Drawdown {
        var rest = need.units
        var draws: [Draw] = []
        for ordinal in candidates(at: time) {
            guard rest > 0, draws.count < most else { break }
            let grant = grants[Int(ordinal)]
            guard grant.remaining > .zero, grant.terms.unit == unit, grant.isUsable(at: time),
                grant.terms.pays(for: use)
            else { continue }
            let part = min(grant.remaining.units, rest)
            draws.append(Draw(grant: ordinal, units: part))
            rest -= part
        }
        return Drawdown(draws: draws, shortfall: Quantity(units: max(rest, 0)))
    }

    /// Grants with something left, in burn order: those that have expired only for a late use.
    private func candidates(at time: Timestamp) -> [UInt32] {
        guard time < now, time < lapsedUntil else { return live }
        let late = lapsed.filter { grants[Int($0)].isUsable(at: time) }
        guard !late.isEmpty else { return live }
        return (live + late).sorted { rules.precedes(grants[Int($0)], grants[Int($1)]) }
    }

    // MARK: Facts

    /// Subtracts what an entry drew, and adds what nothing covered; below zero, that much is no longer owed.
    /// - Returns: false where a draw names no grant or exceeds it: the entry contradicts the log.
    package mutating func draw(_ draws: [Draw], shortfall: Quantity, unit: String) -> Bool {
        let owed = self.shortfall(of: unit).units
        guard !owed.addingReportingOverflow(shortfall.units).overflow, pay(draws) else {
            return false
        }
        if shortfall < .zero { reduceShortfall(of: unit, by: -shortfall.units) }
        addShortfall(of: unit, shortfall.units)
        repay(at: now)
        return true
    }

    mutating func pay(_ draws: [Draw]) -> Bool {
        for draw in draws {
            let index = Int(draw.grant)
            guard index < grants.count, draw.units >= 0,
                grants[index].remaining.units >= draw.units
            else { return false }
            grants[index].remaining = Quantity(units: grants[index].remaining.units - draw.units)
            noteChange(of: draw.grant, by: -draw.units)
        }
        dropDrained(draws.map(\.grant))
        return true
    }

    /// Reserves what a hold drew.
    package mutating func place(_ hold: CreditHold) -> Bool {
        guard pay(hold.draws) else { return false }
        for draw in hold.draws {
            let held = grants[Int(draw.grant)].held.units + draw.units
            grants[Int(draw.grant)].held = Quantity(units: held)
        }
        holds.append(hold)
        return true
    }

    /// Moves the end of an open hold.
    package mutating func extend(_ position: UInt64, to expires: Timestamp) -> Bool {
        guard let index = holds.firstIndex(where: { $0.position == position }) else {
            return false
        }
        holds[index].expires = expires
        return true
    }

    /// Ends a hold and gives back everything.
    mutating func release(_ hold: CreditHold) {
        settle(hold, keeping: 0)
    }

    /// Ends an open hold and gives back everything.
    package mutating func release(at position: UInt64) -> Bool {
        guard let hold = hold(at: position) else { return false }
        release(hold)
        return true
    }

    /// Ends an open hold: so much of what it reserved is drawn, in paying order, and the rest goes back.
    package mutating func settle(_ hold: CreditHold, keeping units: Int128) {
        var rest = units
        for draw in hold.draws {
            let index = Int(draw.grant)
            let used = min(draw.units, max(rest, 0))
            rest -= used
            grants[index].held = Quantity(units: grants[index].held.units - draw.units)
            giveBack(draw.units - used, to: draw.grant)
        }
        holds.removeAll { $0.position == hold.position }
        repay(at: now)
    }

    /// Takes away what is left of a grant.
    package mutating func void(_ ordinal: UInt32) -> Bool {
        let index = Int(ordinal)
        guard index < grants.count, !grants[index].isVoid else { return false }
        grants[index].voided =
            Quantity(units: grants[index].voided.units + grants[index].remaining.units)
        noteChange(of: ordinal, by: -grants[index].remaining.units)
        grants[index].remaining = .zero
        grants[index].isVoid = true
        if let origin = grants[index].origin, recurring[Int(origin)].next > now {
            recurring[Int(origin)].ends = min(recurring[Int(origin)].ends ?? .max, now)
        }
        dropDrained([ordinal])
        return true
    }

    // MARK: Giving back

    /// What was given back of an entry's credits of a unit already.
    package func refunded(at position: UInt64, unit: String) -> Quantity {
        refunds.first { $0.position == position && $0.unit == unit }?.quantity ?? .zero
    }

    /// How a part of an entry's credits is given back: its overage first, then its draws in reverse. It
    /// changes nothing.
    /// - Returns: what goes back to each grant as draws below zero, and to the shortfall; nil if the entry drew less.
    package func refund(
        _ units: Quantity, of position: UInt64, unit: String, draws: [Draw], shortfall: Quantity
    ) -> Drawdown? {
        let burnt = draws.reduce(shortfall.units) { $0 + $1.units }
        var skipped = refunded(at: position, unit: unit).units
        guard units.units > 0, units.units <= burnt - skipped else { return nil }
        var rest = units.units
        func part(of piece: Int128) -> Int128 {
            let gone = min(skipped, piece)
            skipped -= gone
            let part = min(piece - gone, rest)
            rest -= part
            return part
        }
        let uncovered = part(of: shortfall.units)
        var back: [Draw] = []
        for draw in draws.reversed() {
            let units = part(of: draw.units)
            if units > 0 { back.append(Draw(grant: draw.grant, units: -units)) }
        }
        return Drawdown(draws: back, shortfall: Quantity(units: uncovered))
    }

    /// Gives back what `refund` found. Of overage that was repaid meanwhile, the credits go back to the grants
    /// that paid, the newest payment first.
    /// - Returns: false where a part names no grant: the entry contradicts the log.
    package mutating func giveBack(
        _ back: [Draw], shortfall: Quantity, of position: UInt64, unit: String
    ) -> Bool {
        var sum = shortfall.units
        for draw in back {
            guard Int(draw.grant) < grants.count, draw.units < 0 else { return false }
            giveBack(-draw.units, to: draw.grant)
            sum -= draw.units
        }
        let owed = self.shortfall(of: unit).units
        reduceShortfall(of: unit, by: min(owed, shortfall.units))
        unwindRepayments(of: unit, shortfall.units - min(owed, shortfall.units))
        repay(at: now)
        if let place = refunds.firstIndex(where: { $0.position == position && $0.unit == unit }) {
            refunds[place].quantity = Quantity(units: refunds[place].quantity.units + sum)
        } else {
            let place = refunds.firstIndex { $0.position > position } ?? refunds.count
            refunds.insert(
                Refunded(position: position, unit: unit, quantity: Quantity(units: sum)),
                at: place)
        }
        return true
    }
}
