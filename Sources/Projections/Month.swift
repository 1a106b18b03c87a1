/// A calendar month in UTC, numbered from year 0: `year * 12 + (month − 1)`.
///
/// Counters keep one cell a month; the number is small, ordered and free of time zones.
package struct Month: Hashable, Comparable, Sendable {
    /// `year * 12 + (month − 1)`.
    package let index: Int32

    /// The month with this number.
    package init(index: Int32) { self.index = index }

    /// The month in which an instant lies.
    /// - Parameter nanoseconds: since 1970-01-01T00:00:00Z.
    ///
    /// Civil-from-days as published by Howard Hinnant ("chrono-compatible low-level date
    /// algorithms"): exact for the proleptic Gregorian calendar, no table, no branch per year.
    package init(containing nanoseconds: Int64) {
        let nanosecondsPerDay: Int64 = 86_400_000_000_000
        var days = nanoseconds / nanosecondsPerDay
        if nanoseconds % nanosecondsPerDay < 0 { days -= 1 }
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra =
            (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        index = Int32(year * 12 + month - 1)
    }

    /// Earlier months first.
    package static func < (left: Month, right: Month) -> Bool { left.index < right.index }
}
