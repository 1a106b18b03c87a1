package import Money

/// # The credits of one account
///
/// A fold over what was granted and drawn. It decides nothing: which grants pay is found by `drawdown`, becomes a
/// fact of an entry, and is applied. What falls due without an entry (expiry of holds, renewal of recurring
/// grants, repayment of overage) is done by `advance(to:)`, a pure function of this state and an instant, so it does
/// not matter how often or when anybody looks.
///
/// Per unit, at every position:
/// granted = drawn + held + remaining + expired + voided + rolled, and used = drawn + shortfall.
package struct CreditAccount: Sendable {
    /// All grants in the order of their making; the index is the ordinal.
    package internal(set) var grants: [CreditGrant] = []
    /// Recurring grants in the order of their making.
    package internal(set) var recurring: [RecurringGrant] = []
    /// Open holds, by position.
    package internal(set) var holds: [CreditHold] = []
    /// Credits used beyond all grants, by unit: above zero, ascending by unit.
    package internal(set) var shortfalls: [Shortfall] = []
    /// What of earlier entries was given back, by their position: ascending.
    package internal(set) var refunds: [Refunded] = []
    /// What grants paid for overage and was not given back since, in the order in which they did.
    package internal(set) var repayments: [Draw] = []
    /// Times of automatic top-ups, by unit, in log order; only of the newest period.
    package internal(set) var topUps: [TopUpCount] = []
    /// Up to when the credits of plans were taken in; nil: nothing was.
    package internal(set) var plannedTo: Timestamp?
    /// Grants of plans that are given once, by plan and name, in the order in which they were.
    package internal(set) var onceGiven: [String] = []
    /// The last instant that `advance` saw.
    package internal(set) var now = Timestamp.min

    /// Ordinals of grants with something left that had not expired at `now`, in burn order.
    var live: [UInt32] = []
    /// Ordinals of grants with something left that had expired at `now`: late usage may still want them.
    var lapsed: [UInt32] = []
    /// When the last of these expired.
    var lapsedUntil = Timestamp.min
    /// What can be spent now; nil: it is not summed up.
    var spendable: Spendable?
    /// The order of `live`, and what else the catalog says.
    var rules: CreditRules

    /// Credits used beyond all grants.
    package struct Shortfall: Hashable, Sendable {
        /// The unit's key.
        package let unit: String
        /// Above zero.
        package internal(set) var quantity: Quantity
    }

    /// What was given back of an entry's draws.
    package struct Refunded: Hashable, Sendable {
        /// The entry that drew.
        package let position: UInt64
        /// The unit's key.
        package let unit: String
        /// Credits.
        package internal(set) var quantity: Quantity
    }

    /// Automatic top-ups of a period.
    package struct TopUpCount: Hashable, Sendable {
        /// The unit's key.
        package let unit: String
        /// Start of the period.
        package internal(set) var period: Timestamp
        /// How many there were in it.
        package internal(set) var count: Int
        /// The last one.
        package internal(set) var last: Timestamp
    }

    /// An account without credits.
    package init(rules: CreditRules = .standard) { self.rules = rules }

    /// Whether there is nothing that anybody could draw, hold or owe.
    package var isEmpty: Bool {
        grants.isEmpty && recurring.isEmpty && holds.isEmpty && shortfalls.isEmpty
    }

    /// Credits used beyond all grants of a unit.
    package func shortfall(of unit: String) -> Quantity {
        shortfalls.first { $0.unit == unit }?.quantity ?? .zero
    }

    /// The open hold that an entry placed.
    package func hold(at position: UInt64) -> CreditHold? {
        holds.first { $0.position == position }
    }

    /// What is reserved of some features: all that one meter counts.
    /// - Parameter scope: only of this value of a property; nil: of all.
    package func heldQuantity(
        of features: [String], in scope: CreditHold.Scope? = nil
    ) -> Quantity {
        holds.reduce(.zero) { sum, hold in
            guard features.contains(hold.feature), scope.map({ hold.scopes.contains($0) }) ?? true
            else {
                return sum
            }
            return sum.adding(hold.quantity) ?? sum
        }
    }

    // MARK: Time

    /// Does what fell due up to an instant, that included, in the order of instants. An instant before the last
    /// one changes nothing.
    /// - Parameters:
    ///   - position: of the entry that is about to be applied; it is noted with grants that are made.
    ///   - rules: those of the newest catalog.
    package mutating func advance(to time: Timestamp, position: UInt64, rules: CreditRules) {
        sort(by: rules)
        while let due = nextInstant(), due <= time {
            now = max(now, due)
            // Sums are of one instant: what begins and ends here changes them.
            spendable = nil
            expireHolds(at: due)
            renew(at: due, position)
            lapse(at: due)
            repay(at: due)
        }
        now = max(now, time)
        lapse(at: now)
    }

    /// The next instant at which something happens by itself.
    private func nextInstant() -> Timestamp? {
        var next: Timestamp?
        func consider(_ time: Timestamp) { next = next.map { min($0, time) } ?? time }
        for hold in holds { consider(hold.expires) }
        for recurring in recurring where recurring.isDue(at: recurring.next) {
            consider(recurring.next)
        }
        if shortfalls.contains(where: { rules.repays($0.unit) }) {
            for ordinal in live where grants[Int(ordinal)].effective > now {
                consider(grants[Int(ordinal)].effective)
            }
        }
        return next
    }

    private mutating func expireHolds(at time: Timestamp) {
        for hold in holds where hold.expires <= time { release(hold) }
    }

    /// Makes the grants that are due, and rolls over what is left of those before them.
    private mutating func renew(at time: Timestamp, _ position: UInt64) {
        for index in recurring.indices where recurring[index].isDue(at: time) {
            makePeriod(index, position)
        }
    }

    /// Makes the next grant of a recurring one.
    private mutating func makePeriod(_ index: Int, _ position: UInt64) {
        let start = recurring[index].next
        var end = recurring[index].recurrence.period(containing: start).end
        if let ends = recurring[index].ends { end = min(end, ends) }
        recurring[index].next = end
        let ended = recurring[index].current.count
        let kept = rollOver(UInt32(index), at: start, until: end, position)
        recurring[index].current.removeFirst(ended)
        recurring[index].current.append(UInt32(grants.count))
        var amount = recurring[index].amount
        // The first one has nothing before it that could go over.
        if let rollover = recurring[index].rollover, kept < rollover.min,
            start > recurring[index].effective
        {
            amount = amount.adding(rollover.min.subtracting(kept) ?? .zero) ?? amount
        }
        add(
            CreditGrant(
                ordinal: UInt32(grants.count), terms: recurring[index].terms, amount: amount,
                effective: start, expires: end, origin: UInt32(index), position: position))
    }

    /// Moves what is left of a recurring grant's ending period into a grant of the next one.
    private mutating func rollOver(
        _ index: UInt32, at boundary: Timestamp, until end: Timestamp, _ position: UInt64
    ) -> Quantity {
        guard let rollover = recurring[Int(index)].rollover else { return .zero }
        let ending = recurring[Int(index)].current.filter {
            grants[Int($0)].expires == boundary && grants[Int($0)].remaining > .zero
        }
        let rest = ending.reduce(Int128(0)) { $0 + grants[Int($1)].remaining.units }
        var cut = rest - rollover.kept(of: Quantity(units: rest)).units
        let kept = rest - cut
        for ordinal in ending {
            // What is too much stays with the oldest, and expires.
            let left = grants[Int(ordinal)].remaining.units
            let stays = min(cut, left)
            cut -= stays
            let moved = left - stays
            guard moved > 0 else { continue }
            grants[Int(ordinal)].remaining = Quantity(units: stays)
            grants[Int(ordinal)].rolled =
                Quantity(units: grants[Int(ordinal)].rolled.units + moved)
        }
        guard kept > 0 else { return .zero }
        // One grant for all of it: the number of grants must not grow with each period.
        recurring[Int(index)].current.append(UInt32(grants.count))
        add(
            CreditGrant(
                ordinal: UInt32(grants.count), terms: recurring[Int(index)].terms,
                amount: Quantity(units: kept), effective: boundary, expires: end, origin: index,
                position: position))
        return Quantity(units: kept)
    }

    /// Takes grants that have expired out of the burn order, and sums up what is left where time has changed it.
    mutating func lapse(at time: Timestamp) {
        if let spendable, time < spendable.until { return }
        var expired: [UInt32] = []
        live.removeAll { ordinal in
            let index = Int(ordinal)
            guard grants[index].remaining > .zero else { return true }
            guard grants[index].isExpired(at: time) else { return false }
            expired.append(ordinal)
            return true
        }
        lapsed += expired.sorted()
        for ordinal in expired {
            lapsedUntil = max(lapsedUntil, grants[Int(ordinal)].expires ?? .max)
        }
        spendable = summed()
    }

    /// Called whenever credits become usable or overage arises, so that it never matters when somebody looks.
    ///
    /// New credits that may pay for everything first pay for what was used without cover.
    mutating func repay(at time: Timestamp) {
        guard shortfalls.contains(where: { rules.repays($0.unit) }) else { return }
        var drained: [UInt32] = []
        defer { dropDrained(drained) }
        for ordinal in live.sorted() {
            let grant = grants[Int(ordinal)]
            guard grant.isUsable(at: time), grant.terms.features.isEmpty,
                rules.repays(grant.terms.unit),
                let owed = shortfalls.firstIndex(where: { $0.unit == grant.terms.unit })
            else { continue }
            let paid = min(grant.remaining.units, shortfalls[owed].quantity.units)
            grants[Int(ordinal)].remaining = Quantity(units: grant.remaining.units - paid)
            noteChange(of: ordinal, by: -paid)
            drained.append(ordinal)
            noteRepayment(Draw(grant: ordinal, units: paid))
            reduceShortfall(of: grant.terms.unit, by: paid)
        }
    }

    private mutating func noteRepayment(_ draw: Draw) {
        guard draw.units > 0 else { return }
        if let last = repayments.last, last.grant == draw.grant {
            repayments[repayments.count - 1] = Draw(
                grant: draw.grant, units: last.units + draw.units)
        } else {
            repayments.append(draw)
        }
    }

    /// Gives back what was paid for overage that turned out not to be owed: the newest payments first.
    /// - Returns: what was not paid by any grant.
    @discardableResult
    mutating func unwindRepayments(of unit: String, _ units: Int128) -> Int128 {
        var rest = units
        for index in repayments.indices.reversed() where rest > 0 {
            let draw = repayments[index]
            guard grants[Int(draw.grant)].terms.unit == unit else { continue }
            let part = min(draw.units, rest)
            rest -= part
            repayments[index] = Draw(grant: draw.grant, units: draw.units - part)
            giveBack(part, to: draw.grant)
        }
        repayments.removeAll { $0.units == 0 }
        return rest
    }

    // MARK: Grants

    /// Adds a grant at its place in the burn order.
    package mutating func add(_ grant: CreditGrant) {
        precondition(Int(grant.ordinal) == grants.count, "grants are numbered densely")
        grants.append(grant)
        guard grant.remaining > .zero else { return }
        if grant.isExpired(at: now) {
            addLapsed(grant.ordinal)
        } else {
            insertLive(grant.ordinal)
        }
        repay(at: now)
    }

    /// Adds a recurring grant. Its first period is made at once, so that it stands where it was given; later
    /// ones are made by `advance`.
    package mutating func add(_ grant: RecurringGrant, position: UInt64) {
        recurring.append(grant)
        if grant.ends.map({ grant.next < $0 }) ?? true {
            makePeriod(recurring.count - 1, position)
        }
    }

    /// What is left of grants that are not of a plan and have not expired.
    package func movable(at time: Timestamp) -> [CreditGrant] {
        grants.filter { grant in
            let isOfPlan =
                grant.isOnceOfPlan || grant.origin.map { recurring[Int($0)].source != nil } ?? false
            return grant.remaining > .zero && !grant.isVoid && !grant.isExpired(at: time)
                && !isOfPlan
        }
    }

    /// Ends all recurring grants that are of no plan: what was given stays, and nothing is given any more.
    package mutating func endRecurring(at time: Timestamp) {
        for index in recurring.indices
        where recurring[index].source == nil && recurring[index].ends.map({ $0 > time }) ?? true {
            recurring[index].ends = max(time, recurring[index].effective)
        }
    }

    /// Puts the grants into another burn order.
    private mutating func sort(by rules: CreditRules) {
        guard rules != self.rules else { return }
        self.rules = rules
        live.sort { rules.precedes(grants[Int($0)], grants[Int($1)]) }
        spendable = nil
        // Where the new rules let credits pay for what is owed, they do so now and not when somebody looks.
        repay(at: now)
    }

    /// Puts the grants in order again, after one of them changed.
    mutating func resort() {
        spendable = nil
        live.sort { rules.precedes(grants[Int($0)], grants[Int($1)]) }
        lapse(at: now)
    }

    private mutating func insertLive(_ ordinal: UInt32) {
        live.insert(ordinal, at: placeForLive(ordinal))
        noteLive(ordinal)
    }

    /// Puts credits back into a grant.
    mutating func giveBack(_ units: Int128, to ordinal: UInt32) {
        guard units > 0 else { return }
        let index = Int(ordinal)
        guard !grants[index].isVoid else {
            grants[index].voided = Quantity(units: grants[index].voided.units + units)
            return
        }
        let wasEmpty = grants[index].remaining <= .zero
        grants[index].remaining = Quantity(units: grants[index].remaining.units + units)
        guard wasEmpty else {
            noteChange(of: ordinal, by: units)
            return
        }
        if live.contains(ordinal) {
            noteChange(of: ordinal, by: units)
            return
        }
        if lapsed.contains(ordinal) { return }
        if grants[index].isExpired(at: now) {
            addLapsed(ordinal)
        } else {
            insertLive(ordinal)
        }
    }

    private mutating func addLapsed(_ ordinal: UInt32) {
        lapsed.append(ordinal)
        lapsed.sort()
        lapsedUntil = max(lapsedUntil, grants[Int(ordinal)].expires ?? .max)
    }

    mutating func addShortfall(of unit: String, _ units: Int128) {
        guard units > 0 else { return }
        if let index = shortfalls.firstIndex(where: { $0.unit == unit }) {
            shortfalls[index].quantity = Quantity(units: shortfalls[index].quantity.units + units)
        } else {
            let place = shortfalls.firstIndex { $0.unit > unit } ?? shortfalls.count
            shortfalls.insert(Shortfall(unit: unit, quantity: Quantity(units: units)), at: place)
        }
    }

    mutating func reduceShortfall(of unit: String, by units: Int128) {
        guard let index = shortfalls.firstIndex(where: { $0.unit == unit }) else { return }
        let left = shortfalls[index].quantity.units - units
        if left > 0 {
            shortfalls[index].quantity = Quantity(units: left)
        } else {
            shortfalls.remove(at: index)
        }
    }
}
