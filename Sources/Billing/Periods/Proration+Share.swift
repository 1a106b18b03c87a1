/// Which part of a period a part of it is: an exact fraction.
package enum Share {
    /// The share of a part in the whole.
    ///
    /// By second it is the ratio of their lengths in nanoseconds: on a day with 23 hours an hour
    /// weighs more of that day and the same of the month. By day it is the ratio of their local
    /// days, from the date of the start up to the date of the end: the day of a change belongs to
    /// what comes after it, so the parts of a whole always add up to it. A whole that begins and
    /// ends on one date has no day to count; its parts are shared by second.
    /// - Parameters:
    ///   - part: within the whole.
    ///   - zone: whose days count.
    /// - Returns: 0 ≤ numerator ≤ denominator, 0 < denominator; not reduced.
    package static func of(
        _ part: Period, in whole: Period, by proration: Proration, zone: TimeZoneTable
    ) -> (numerator: Int128, denominator: Int128) {
        precondition(
            whole.start <= part.start && part.end <= whole.end, "a part lies in its whole")
        switch proration {
        case .none: return (1, 1)
        case .day:
            let days = days(of: whole, in: zone)
            guard days > 0 else { fallthrough }
            return (Int128(self.days(of: part, in: zone)), Int128(days))
        case .second:
            let length = whole.length
            return length > 0 ? (part.length, length) : (0, 1)
        }
    }

    /// How many local days lie from the date of a period's start up to the date of its end.
    package static func days(of period: Period, in zone: TimeZoneTable) -> Int {
        zone.day(containing: period.end) - zone.day(containing: period.start)
    }
}

extension Period {
    /// In nanoseconds.
    package var length: Int128 { Int128(end.nanoseconds) - Int128(start.nanoseconds) }
}
