/// Periods without end in both directions: every so many days, weeks, months or years from an anchor,
/// by the calendar and the clocks of a time zone.
///
/// Boundary k is the anchor's local date and k times the step, at the anchor's local time of day. In
/// a month that lacks the anchor's day it is the month's last day. That is always worked out from
/// the anchor itself: from 31 January months go 28 February, 31 March, 30 April. Stepping from the
/// last boundary would stay at the 28th for ever.
///
/// Boundaries never go back. Two are the same instant only where a zone skipped a whole date (Apia,
/// 2011-12-30); the empty period between them contains nothing and is never returned.
package struct Recurrence: Hashable, Sendable {
    /// How many units a period has, 1…1000.
    package let count: Int
    /// Days, weeks, months or years.
    package let unit: BillingCycle.Unit
    /// The start of period 0.
    package let anchor: Timestamp
    /// Whose days and midnights count.
    package let zone: TimeZoneTable
    /// Whether the periods begin with the calendar's own months, weeks or years.
    package let isCalendar: Bool
    /// The anchor on the zone's clocks.
    private let local: LocalTime

    /// Periods from an instant on.
    package init(count: Int, unit: BillingCycle.Unit, anchor: Timestamp, zone: TimeZoneTable) {
        self.init(count: count, unit: unit, local: zone.local(anchor), anchor: anchor, in: zone)
    }

    /// Periods that begin with the calendar: counted from local midnight of 1 January 1970, weeks
    /// from Monday, 5 January 1970.
    package static func calendar(
        count: Int, unit: BillingCycle.Unit, zone: TimeZoneTable
    ) -> Recurrence {
        let first = LocalTime(date: CivilDate(year: 1970, month: 1, day: unit == .week ? 5 : 1))
        return Recurrence(
            count: count, unit: unit, local: first, anchor: zone.instant(of: first), in: zone,
            isCalendar: true)
    }

    /// The periods of a plan.
    /// - Parameters:
    ///   - subscribedAt: the anchor, unless the plan follows the calendar.
    ///   - zone: that of the plan or the subscription.
    package init(cycle: BillingCycle, subscribedAt: Timestamp, zone: TimeZoneTable) {
        switch cycle.anchor {
        case .calendar: self = .calendar(count: cycle.count, unit: cycle.unit, zone: zone)
        case .subscription:
            self.init(count: cycle.count, unit: cycle.unit, anchor: subscribedAt, zone: zone)
        }
    }

    private init(
        count: Int, unit: BillingCycle.Unit, local: LocalTime, anchor: Timestamp,
        in zone: TimeZoneTable, isCalendar: Bool = false
    ) {
        precondition((1...1000).contains(count), "a period has 1 to 1000 units")
        self.count = count
        self.unit = unit
        self.anchor = anchor
        self.zone = zone
        self.isCalendar = isCalendar
        self.local = local
    }

    /// The start of period k, which is the end of period k − 1. Boundary 0 is the anchor. Beyond
    /// the range of timestamps: its nearest end.
    package func boundary(_ number: Int) -> Timestamp {
        // An anchor in the second run of an hour that occurs twice would come out as the first.
        guard number != 0 else { return anchor }
        return zone.instant(
            of: LocalTime(date: date(number), nanosecondOfDay: local.nanosecondOfDay))
    }

    /// The number of the period in which an instant lies: the last that has begun. Of the last
    /// instant that can be represented: that of the instant before it.
    package func index(containing time: Timestamp) -> Int {
        let time = min(time, Timestamp(nanoseconds: .max - 1))
        let date = zone.local(time).date
        let passed =
            steps.months != 0
            ? Self.monthNumber(date) - Self.monthNumber(local.date)
            : date.daysSinceEpoch - local.date.daysSinceEpoch
        // By dates alone the guess is at most a few periods off; the boundaries decide.
        var index = Self.floor(passed, steps.months + steps.days)
        while boundary(index) > time { index -= 1 }
        while boundary(index + 1) <= time { index += 1 }
        return index
    }

    /// The period in which an instant lies: start ≤ time < end. Only the last instant that can be
    /// represented lies at the end of its period, because nothing comes after it.
    package func period(containing time: Timestamp) -> Period {
        let index = index(containing: time)
        return Period(start: boundary(index), end: boundary(index + 1))
    }

    /// A period in months or in days; the other is 0.
    private var steps: (months: Int, days: Int) {
        switch unit {
        case .day: (0, count)
        case .week: (0, 7 * count)
        case .month: (count, 0)
        case .year: (12 * count, 0)
        }
    }

    /// The local date of a boundary, or one far beyond the range of timestamps.
    private func date(_ number: Int) -> CivilDate {
        func after(_ start: Int, _ step: Int) -> Int {
            // Ten million days or months are out of every timestamp's range and safe to add to.
            let (passed, overflow) = number.multipliedReportingOverflow(by: step)
            let bounded = overflow ? number.signum() * 10_000_000 : passed
            return start + min(max(bounded, -10_000_000), 10_000_000)
        }
        let steps = self.steps
        guard steps.months != 0 else {
            return CivilDate(daysSinceEpoch: after(local.date.daysSinceEpoch, steps.days))
        }
        let month = after(Self.monthNumber(local.date), steps.months)
        let first = CivilDate(
            year: Self.floor(month, 12), month: month - 12 * Self.floor(month, 12) + 1, day: 1)
        return CivilDate(
            year: first.year, month: first.month, day: min(local.date.day, first.daysInMonth))
    }

    private static func monthNumber(_ date: CivilDate) -> Int { date.year * 12 + date.month - 1 }

    private static func floor(_ value: Int, _ divisor: Int) -> Int {
        value >= 0 ? value / divisor : (value + 1) / divisor - 1
    }
}

extension CivilDate {
    /// How many days the date's month has.
    package var daysInMonth: Int {
        let next =
            month == 12
            ? CivilDate(year: year + 1, month: 1, day: 1)
            : CivilDate(year: year, month: month + 1, day: 1)
        return next.daysSinceEpoch - CivilDate(year: year, month: month, day: 1).daysSinceEpoch
    }
}
