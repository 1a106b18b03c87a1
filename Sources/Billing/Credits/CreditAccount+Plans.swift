import Money

extension CreditAccount {
    /// Takes in the credits that an account's plans include, up to an instant: each goes on while its plan holds, and
    /// ends with it.
    /// - Parameters:
    ///   - contract: what the account has bought.
    ///   - time: that of the entry at hand.
    ///   - position: of that entry.
    ///   - rules: those of the newest catalog.
    package mutating func follow(
        _ contract: Contract, to time: Timestamp, position: UInt64, rules: CreditRules
    ) {
        // The default plan before all subscriptions began with the account, which is now.
        let from = plannedTo ?? time
        for stretch in contract.stretches where stretch.end > from && stretch.start <= time {
            let start = plannedTo == nil ? max(stretch.start, time) : stretch.start
            let begin = stretch.start == .min ? from : start
            if begin > now { advance(to: begin, position: position, rules: rules) }
            include(stretch.plan, from: begin, zone: stretch.zone, stretch.recurrence, position)
        }
        plannedTo = time
        advance(to: time, position: position, rules: rules)
    }

    /// Takes the credits of plans in again from an instant on: what was bought changed there.
    package mutating func replan(from time: Timestamp) {
        if let plannedTo { self.plannedTo = min(plannedTo, time) }
    }

    private mutating func include(
        _ plan: Plan?, from start: Timestamp, zone: TimeZoneTable, _ cycle: Recurrence?,
        _ position: UInt64
    ) {
        let wanted = plan?.grants ?? []
        for index in recurring.indices {
            guard let source = recurring[index].source,
                recurring[index].ends.map({ $0 > start }) ?? true
            else { continue }
            let stays = wanted.contains {
                Self.source($0, plan) == source && $0.amount == recurring[index].amount
            }
            if !stays { end(UInt32(index), at: start) }
        }
        for grant in wanted {
            let source = Self.source(grant, plan)
            let isThere = recurring.contains {
                $0.source == source && $0.amount == grant.amount
                    && ($0.ends.map { $0 > start } ?? true)
            }
            guard !isThere else { continue }
            guard let every = grant.every else {
                includeOnce(grant, source, start, position)
                continue
            }
            if reopen(source, grant.amount, at: start) { continue }
            let recurrence: Recurrence =
                every.anchor == .calendar
                ? .calendar(count: every.count, unit: every.unit, zone: zone)
                : Recurrence(
                    count: every.count, unit: every.unit, anchor: cycle?.anchorForGrants ?? start,
                    zone: zone)
            add(
                RecurringGrant(
                    terms: grant.terms, amount: grant.amount, recurrence: recurrence,
                    effective: start, ends: nil, rollover: grant.rollover, source: source),
                position: position)
        }
    }

    /// Goes on with a grant of a plan that ended within the period that still runs: a pause, or a plan that was left and
    /// taken again, gives nothing anew.
    private mutating func reopen(_ source: String, _ amount: Quantity, at start: Timestamp) -> Bool
    {
        guard
            let index = recurring.lastIndex(where: { $0.source == source && $0.amount == amount }),
            let ended = recurring[index].ends, ended <= start, start < recurring[index].next,
            !recurring[index].current.contains(where: { grants[Int($0)].isVoid })
        else { return false }
        recurring[index].ends = nil
        for ordinal in recurring[index].current where grants[Int(ordinal)].expires == ended {
            grants[Int(ordinal)].expires = recurring[index].next
            lapsed.removeAll { $0 == ordinal }
            if grants[Int(ordinal)].remaining > .zero, !live.contains(ordinal) {
                live.append(ordinal)
            }
        }
        resort()
        repay(at: now)
        return true
    }

    /// A grant that a plan gives when it begins, once in the life of the account.
    private mutating func includeOnce(
        _ grant: PlanGrant, _ source: String, _ start: Timestamp, _ position: UInt64
    ) {
        guard !onceGiven.contains(source) else { return }
        onceGiven.append(source)
        var once = CreditGrant(
            ordinal: UInt32(grants.count), terms: grant.terms, amount: grant.amount,
            effective: start, expires: nil, rollover: grant.rollover, position: position)
        once.isOnceOfPlan = true
        add(once)
    }

    /// Ends a recurring grant, and what is there of it with it.
    private mutating func end(_ index: UInt32, at time: Timestamp) {
        recurring[Int(index)].ends = time
        for ordinal in recurring[Int(index)].current {
            let expires = grants[Int(ordinal)].expires ?? .max
            grants[Int(ordinal)].expires = min(expires, max(time, grants[Int(ordinal)].effective))
        }
        resort()
    }

    private static func source(_ grant: PlanGrant, _ plan: Plan?) -> String {
        // A slash is in no name, so that no two grants of an account share a source.
        "\(plan?.key ?? "")/\(grant.addon.map { "\($0)/" } ?? "")\(grant.key)"
    }
}

extension Recurrence {
    /// The instant from which the grants of a plan are counted: that of its billing periods, if these are not the
    /// calendar's.
    fileprivate var anchorForGrants: Timestamp? { isCalendar ? nil : anchor }
}
