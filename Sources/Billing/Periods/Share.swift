/// Parts of periods.
package enum Share {
    /// Which fraction of a period a part of it is.
    /// - Parameter part: lies in the period.
    /// - Returns: a numerator, and a denominator above zero.
    package static func of(
        _ part: Period, in period: Period, by proration: Proration, zone: TimeZoneTable
    ) -> (numerator: Int128, denominator: Int128) {
        switch proration {
        case .none: return (1, 1)
        case .second:
            let whole = length(period)
            return whole > 0 ? (length(part), whole) : (1, 1)
        case .day:
            let whole = days(period, zone)
            // No day to count: a period between two boundaries of one date.
            if whole == 0 { return of(part, in: period, by: .second, zone: zone) }
            return (days(part, zone), whole)
        }
    }

    /// Nanoseconds of a period.
    package static func length(_ period: Period) -> Int128 {
        Int128(period.end.nanoseconds) - Int128(period.start.nanoseconds)
    }

    /// Local days from the day of a period's start to that of its end: the day of a change belongs to
    /// what comes after it.
    package static func days(_ period: Period, _ zone: TimeZoneTable) -> Int128 {
        Int128(zone.day(containing: period.end) - zone.day(containing: period.start))
    }

    /// The first instant of the local hour or day in which an instant lies. An hour that comes twice
    /// is two windows. Where the clocks change by half an hour, what is left of an hour is a window by
    /// itself, named by the instant at which the new clocks would have begun it.
    package static func windowStart(
        containing time: Timestamp, _ window: MeterTerms.Window, _ zone: TimeZoneTable
    ) -> Timestamp {
        switch window {
        case .day: return zone.startOfDay(containing: time)
        case .hour:
            let passed = zone.local(time).nanoseconds % 3_600_000_000_000
            return Timestamp(clamping: Int128(time.nanoseconds) - Int128(passed))
        }
    }
}
