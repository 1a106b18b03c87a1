/// What an account has bought, over all time: stretches without a gap between them, on each of which
/// one plan held or none.
///
///     time ──►   (no plan)   │ team, monthly          │ team at new prices │ pro, weekly
///     runs                   └────── recurrence 1 ───────────────────────┘ └ recurrence 2 ─ …
///
/// A run is what has the same billing periods: a change of plan inside one cuts a period into spans,
/// a change to another recurrence ends the period and begins a new one.
package struct Contract: Hashable, Sendable {
    /// One plan, or none, from a time on.
    package struct Stretch: Hashable, Sendable {
        /// First instant.
        package let start: Timestamp
        /// First instant after it; that of the last is the end of time.
        package var end: Timestamp
        /// nil: none.
        package let plan: Plan?
        /// Ordinal of the catalog version that the plan is of; of merged stretches the first's.
        package let version: UInt32
        /// The zone whose days count.
        package let zone: TimeZoneTable
        /// The periods; nil without a plan.
        package fileprivate(set) var recurrence: Recurrence?
    }

    /// What holds from an instant on, as the log says it.
    package struct Change: Sendable {
        /// From when.
        package let effective: Timestamp
        /// nil: no plan.
        package let plan: Plan?
        /// Ordinal of the catalog version.
        package let version: UInt32
        /// The zone whose days count.
        package let zone: TimeZoneTable
        /// The instant from which periods are counted, if the subscription names one.
        package let anchor: Timestamp?

        /// A change; see the properties.
        package init(
            effective: Timestamp, plan: Plan?, version: UInt32, zone: TimeZoneTable,
            anchor: Timestamp?
        ) {
            self.effective = effective
            self.plan = plan
            self.version = version
            self.zone = zone
            self.anchor = anchor
        }
    }

    /// Ascending and without gaps, from the beginning of time to its end.
    package let stretches: [Stretch]

    /// A contract of changes in the order of their effective times; before the first, nothing holds.
    package init(changes: [Change]) {
        var stretches = [
            Stretch(
                start: .min, end: .max, plan: nil, version: 0, zone: .utc, recurrence: nil)
        ]
        var anchor: Timestamp?
        for change in changes {
            let last = stretches[stretches.count - 1]
            if last.plan == change.plan, last.zone == change.zone, anchor == change.anchor {
                continue
            }
            let previous = last.start < change.effective ? last : Self.before(last, stretches)
            var next = Stretch(
                start: change.effective, end: .max, plan: change.plan, version: change.version,
                zone: change.zone, recurrence: nil)
            next.recurrence = Self.recurrence(of: change, after: previous, anchoredAs: anchor)
            if last.start < change.effective {
                stretches[stretches.count - 1].end = change.effective
            } else {
                stretches.removeLast()
            }
            anchor = change.anchor
            stretches.append(next)
        }
        self.stretches = stretches
    }

    /// The stretch before one that is about to be replaced.
    private static func before(_ last: Stretch, _ stretches: [Stretch]) -> Stretch? {
        stretches.count > 1 ? stretches[stretches.count - 2] : nil
    }

    /// The recurrence of a change: that of the stretch before it, if that goes on without a gap and is
    /// counted in the same way.
    private static func recurrence(
        of change: Change, after previous: Stretch?, anchoredAs anchor: Timestamp?
    ) -> Recurrence? {
        guard let plan = change.plan else { return nil }
        if let previous, let old = previous.plan, anchor == change.anchor,
            previous.zone == change.zone, old.terms.cycle.isSame(as: plan.terms.cycle)
        {
            return previous.recurrence
        }
        // The default plan before all subscriptions began at no time that could be an anchor.
        let began = change.effective == .min ? Timestamp(nanoseconds: 0) : change.effective
        return Recurrence(
            cycle: plan.terms.cycle, subscribedAt: change.anchor ?? began, zone: change.zone)
    }

    /// The plan in force at an instant.
    package func plan(at time: Timestamp) -> Plan? { stretch(at: time).plan }

    /// The stretch in which an instant lies.
    package func stretch(at time: Timestamp) -> Stretch {
        stretches.last { $0.start <= time } ?? stretches[0]
    }
}

extension BillingCycle {
    /// Whether two plans can share billing periods, given the same zone.
    fileprivate func isSame(as other: BillingCycle) -> Bool {
        count == other.count && unit == other.unit && anchor == other.anchor
    }
}
