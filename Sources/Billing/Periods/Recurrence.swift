/// Billing periods one after the other: each boundary is so many units of the calendar behind the
/// anchor, computed from the anchor itself and never from the boundary before it, so that a period
/// anchored on the 31st comes back to the 31st after every short month.
///
/// Two boundaries are the same instant only where the clocks leapt over a whole date (Apia,
/// 2011-12-30). The period between them holds nothing, and no instant lies in it.
package struct Recurrence: Hashable, Sendable {
    /// Units in a period, 1…1000.
    package let count: Int
    /// Hours, days, weeks, months or years.
    package let unit: BillingCycle.Unit
    /// The instant from which boundaries are counted.
    package let anchor: Timestamp
    /// The zone in whose local time they are.
    package let zone: TimeZoneTable
    /// Whether periods are the calendar's own.
    package let isCalendar: Bool

    private init(
        count: Int, unit: BillingCycle.Unit, anchor: Timestamp, zone: TimeZoneTable,
        isCalendar: Bool
    ) {
        precondition((1...1000).contains(count), "a period has 1 to 1000 units")
        self.count = count
        self.unit = unit
        self.anchor = anchor
        self.zone = zone
        self.isCalendar = isCalendar
    }

    /// Periods counted from an instant.
    package init(
        count: Int, unit: BillingCycle.Unit, anchor: Timestamp, zone: TimeZoneTable
    ) {
        self.init(count: count, unit: unit, anchor: anchor, zone: zone, isCalendar: false)
    }

    /// The calendar's own days, weeks from Monday, months or years, counted from 1970 where a period
    /// has several.
    package static func calendar(
        count: Int, unit: BillingCycle.Unit, zone: TimeZoneTable
    ) -> Recurrence {
        let day = unit == .week ? 5 : 1
        let anchor = zone.instant(
            of: LocalTime(date: CivilDate(year: 1970, month: 1, day: day), nanoseconds: 0))
        return Recurrence(count: count, unit: unit, anchor: anchor, zone: zone, isCalendar: true)
    }

    /// The periods of a plan.
    /// - Parameter subscribedAt: the anchor, where the plan counts from the subscription.
    package init(cycle: BillingCycle, subscribedAt: Timestamp, zone: TimeZoneTable) {
        switch cycle.anchor {
        case .calendar: self = .calendar(count: cycle.count, unit: cycle.unit, zone: zone)
        case .subscription:
            self.init(count: cycle.count, unit: cycle.unit, anchor: subscribedAt, zone: zone)
        }
    }

    /// The boundary so many periods after the anchor; before it, if negative.
    package func boundary(_ index: Int) -> Timestamp {
        if unit == .hour { return Self.hours(index * count, after: anchor) }
        let local = zone.local(anchor)
        let date: CivilDate
        switch unit {
        case .hour, .day: date = local.date.adding(days: index * count)
        case .week: date = local.date.adding(days: index * count * 7)
        case .month: date = local.date.adding(months: index * count)
        case .year: date = local.date.adding(months: index * count * 12)
        }
        if index == 0 { return anchor }
        return zone.instant(of: LocalTime(date: date, nanoseconds: local.nanoseconds))
    }

    private static let hourNanoseconds: Int64 = 3_600_000_000_000

    /// Hours are of the same length everywhere. What no time can say is the end of time.
    private static func hours(_ hours: Int, after anchor: Timestamp) -> Timestamp {
        // Wider than any time: an anchor may lie centuries from the instant.
        let sum = Int128(anchor.nanoseconds) + Int128(hours) * Int128(hourNanoseconds)
        return Int64(exactly: sum).map { Timestamp(nanoseconds: $0) } ?? (hours < 0 ? .min : .max)
    }

    /// The number of the period in which an instant lies: boundary(n) ≤ time < boundary(n + 1). Only
    /// the last instant of all lies at the end of its period: nothing comes after it.
    package func index(containing time: Timestamp) -> Int {
        let time = Swift.min(time, Timestamp(nanoseconds: .max - 1))
        let (first, now) = (zone.local(anchor).date, zone.local(time).date)
        let guess: Int
        switch unit {
        case .hour:
            let distance = Int128(time.nanoseconds) - Int128(anchor.nanoseconds)
            guess = Int(distance / Int128(Self.hourNanoseconds)) / count
        case .day: guess = (now.daysSinceEpoch - first.daysSinceEpoch) / count
        case .week: guess = (now.daysSinceEpoch - first.daysSinceEpoch) / (count * 7)
        case .month: guess = (now.monthNumber - first.monthNumber) / count
        case .year: guess = (now.monthNumber - first.monthNumber) / (count * 12)
        }
        // By whole units alone it is a few periods off: for times of day, short months and dates that
        // the clocks leap over. The boundaries decide; they never go back.
        var index = guess
        while boundary(index) > time { index -= 1 }
        while boundary(index + 1) <= time { index += 1 }
        return index
    }

    /// The period in which an instant lies.
    package func period(containing time: Timestamp) -> Period {
        let index = index(containing: time)
        return Period(start: boundary(index), end: boundary(index + 1))
    }

    /// A period's name: `2026-03` for a calendar month, else the local date of its first day.
    package func name(of period: Period) -> String {
        let date = zone.local(period.start).date
        return isCalendar && unit == .month && count == 1 ? date.monthText : date.text
    }

    /// The period with a name. A month, `2026-03`, also names the only period that starts in it.
    /// - Returns: nil if no period, or more than one, has the name.
    package func period(named text: String) -> Period? {
        if let date = CivilDate(text) {
            // Its first instant may be any time of that day.
            let day = zone.instant(of: LocalTime(date: date, nanoseconds: 0))
            let next = zone.instant(of: LocalTime(date: date.adding(days: 1), nanoseconds: 0))
            return starting(from: day, before: next)
        }
        guard let month = CivilDate(text + "-01") else { return nil }
        let first = zone.instant(of: LocalTime(date: month, nanoseconds: 0))
        let next = zone.instant(of: LocalTime(date: month.adding(months: 1), nanoseconds: 0))
        return starting(from: first, before: next)
    }

    private func starting(from first: Timestamp, before end: Timestamp) -> Period? {
        var found = index(containing: first)
        if boundary(found) < first { found += 1 }
        guard boundary(found) < end, boundary(found + 1) >= end else { return nil }
        return Period(start: boundary(found), end: boundary(found + 1))
    }
}

extension CivilDate {
    /// Months since January of year 0.
    var monthNumber: Int { year * 12 + month - 1 }

    /// The date so many days later.
    package func adding(days: Int) -> CivilDate {
        CivilDate(daysSinceEpoch: daysSinceEpoch + days)
    }

    /// The date so many months later; of a day that the month does not have, its last.
    package func adding(months: Int) -> CivilDate {
        let number = monthNumber + months
        let year = number >= 0 ? number / 12 : (number - 11) / 12
        let month = number - year * 12 + 1
        return CivilDate(year: year, month: month, day: min(day, Self.days(year, month)))
    }

    /// How many days a month has.
    package static func days(_ year: Int, _ month: Int) -> Int {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// The date written as `2026-03-15`; years 1678 to 2261.
    package init?(_ text: String) {
        let parts = text.utf8.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
        guard parts.map(\.count) == [4, 2, 2],
            parts.joined().allSatisfy({ (48...57).contains($0) })
        else { return nil }
        let numbers = parts.map { $0.reduce(0) { $0 * 10 + Int($1 - 48) } }
        guard (1678...2261).contains(numbers[0]), (1...12).contains(numbers[1]),
            (1...Self.days(numbers[0], numbers[1])).contains(numbers[2])
        else { return nil }
        self.init(year: numbers[0], month: numbers[1], day: numbers[2])
    }

    /// `2026-03-15`.
    package var text: String { "\(monthText)-\(day < 10 ? "0" : "")\(day)" }

    /// `2026-03`.
    package var monthText: String { "\(year)-\(month < 10 ? "0" : "")\(month)" }
}
