/// A part of a billing period during which one plan held.
package struct BillingSpan: Hashable, Sendable {
    /// The plan.
    package let plan: Plan
    /// Ordinal of the catalog version that the plan is of.
    package let version: UInt32
    /// When it held, within the billing period.
    package let period: Period

    /// A span; see the properties.
    package init(plan: Plan, version: UInt32, period: Period) {
        self.plan = plan
        self.version = version
        self.period = period
    }
}

/// What one invoice is about.
package struct BillingPeriod: Hashable, Sendable {
    /// The part of it that belongs to this invoice: all of it, unless the account went to a plan with
    /// other periods in its middle.
    package let period: Period
    /// The period as the recurrence counts it: shares are shares of this.
    package let whole: Period
    /// `2026-03` for a calendar month, else the local date of its first day; also of a month that
    /// begins where a plan with other periods ended.
    package let name: String
    /// The zone whose days count.
    package let zone: TimeZoneTable
    /// In time order; empty where no plan held.
    package let spans: [BillingSpan]
    /// The plan in force just before the period; nil: none.
    package let planBefore: Plan?
    /// What holds from the end of the period on; nil: nothing.
    package let next: Next?

    /// The plan at the end of a period, and the period that it goes on in.
    package struct Next: Sendable {
        /// The plan.
        package let plan: Plan
        /// The period as its recurrence counts it.
        package let period: Period
        /// What is left of it from the end of the period at hand on; mostly all.
        package let part: Period
        /// The zone whose days count.
        package let zone: TimeZoneTable
    }

    /// Equal if all but the neighbours are.
    package static func == (left: BillingPeriod, right: BillingPeriod) -> Bool {
        left.period == right.period && left.whole == right.whole && left.name == right.name
            && left.spans == right.spans
    }

    /// Hashes the name and the time.
    package func hash(into hasher: inout Hasher) {
        hasher.combine(name)
        hasher.combine(period)
    }

    /// Whether the period is exactly one calendar month in UTC on one plan: what month counters hold.
    package var isCounted: Bool {
        spans.count == 1 && spans[0].period == whole && period == whole
            && whole == .calendarMonth(containing: whole.start)
            && spans[0].plan.terms.cycle.timezone == zone.name && zone.transitions.isEmpty
    }
}

extension Contract {
    /// The billing period in which an instant lies.
    package func billingPeriod(at time: Timestamp) -> BillingPeriod {
        let runs = runs()
        guard let index = runs.lastIndex(where: { $0.range.start <= time }) ?? runs.indices.first
        else { return unplanned(.calendarMonth(containing: time)) }
        // Behind the last span of a run its periods go on, until another run begins.
        return period(runs[index].recurrence.period(containing: time), of: index, runs)
    }

    /// The billing period with a name: a month as `2026-03`, or the date on which it begins.
    /// - Returns: nil if the text is no such name, or no period of the account has it.
    package func billingPeriod(named text: String) -> BillingPeriod? {
        let runs = runs()
        // What a change of recurrence has cut goes by its first day: a month may hold several periods.
        for index in runs.indices.reversed() {
            let first = period(
                runs[index].recurrence.period(containing: runs[index].range.start), of: index, runs)
            if first.name == text, !first.spans.isEmpty { return first }
        }
        for index in runs.indices.reversed() {
            guard let found = runs[index].recurrence.period(named: text) else { continue }
            let period = period(found, of: index, runs)
            if period.name == text, !period.spans.isEmpty { return period }
        }
        for index in runs.indices.reversed() {
            guard let found = runs[index].recurrence.period(named: text) else { continue }
            let period = period(found, of: index, runs)
            if !period.spans.isEmpty { return period }
        }
        // Nothing was bought then: a bill of nothing.
        if let only = runs.first, let found = only.recurrence.period(named: text) {
            return period(found, of: 0, runs)
        }
        return Period(month: text).map { unplanned($0) }
    }

    /// A period that was finalised, under this contract: the same as ever if it is still one of the
    /// account's periods, else what the contract says of that time.
    package func billingPeriod(_ period: Period, named name: String) -> BillingPeriod {
        let found = billingPeriod(at: period.start)
        if found.period == period { return found }
        let spans = stretches.compactMap { stretch -> BillingSpan? in
            let start = max(stretch.start, period.start)
            let end = min(stretch.end, period.end)
            guard let plan = stretch.plan, start < end else { return nil }
            return BillingSpan(
                plan: plan, version: stretch.version, period: Period(start: start, end: end))
        }
        return BillingPeriod(
            period: period, whole: period, name: name, zone: stretch(at: period.start).zone,
            spans: spans, planBefore: plan(before: period.start), next: next(after: period.end))
    }

    private struct Run {
        let recurrence: Recurrence
        var range: Period
    }

    /// The stretches that share periods, joined; gaps without a plan belong to none.
    private func runs() -> [Run] {
        var runs: [Run] = []
        for stretch in stretches {
            guard let recurrence = stretch.recurrence else { continue }
            if let last = runs.last, last.recurrence == recurrence {
                runs[runs.count - 1].range = Period(start: last.range.start, end: stretch.end)
            } else {
                runs.append(
                    Run(
                        recurrence: recurrence,
                        range: Period(start: stretch.start, end: stretch.end)))
            }
        }
        return runs
    }

    private func period(_ whole: Period, of index: Int, _ runs: [Run]) -> BillingPeriod {
        let run = runs[index]
        let before = index > 0 ? runs[index - 1].range.end : Timestamp.min
        let after = index + 1 < runs.count ? runs[index + 1].range.start : Timestamp.max
        let start = max(whole.start, min(before, whole.end))
        let covered = Period(start: start, end: max(start, min(whole.end, after)))
        var spans: [BillingSpan] = []
        for stretch in stretches where stretch.recurrence == run.recurrence {
            let start = max(stretch.start, covered.start)
            let end = min(stretch.end, covered.end)
            guard let plan = stretch.plan, start < end else { continue }
            spans.append(
                BillingSpan(
                    plan: plan, version: stretch.version, period: Period(start: start, end: end)))
        }
        return BillingPeriod(
            period: covered, whole: whole,
            name: covered.start == whole.start
                ? run.recurrence.name(of: whole)
                : run.recurrence.zone.local(covered.start).date.text,
            zone: run.recurrence.zone, spans: spans,
            planBefore: plan(before: covered.start), next: next(after: covered.end))
    }

    private func plan(before time: Timestamp) -> Plan? {
        time == .min ? nil : plan(at: Timestamp(nanoseconds: time.nanoseconds - 1))
    }

    private func next(after end: Timestamp) -> BillingPeriod.Next? {
        guard end < .max else { return nil }
        let stretch = stretch(at: end)
        guard let plan = stretch.plan, let recurrence = stretch.recurrence else { return nil }
        let period = recurrence.period(containing: end)
        return BillingPeriod.Next(
            plan: plan, period: period, part: Period(start: end, end: period.end),
            zone: recurrence.zone)
    }

    private func unplanned(_ month: Period) -> BillingPeriod {
        BillingPeriod(
            period: month, whole: month, name: month.monthName, zone: .utc, spans: [],
            planBefore: nil, next: next(after: month.end))
    }
}
