/// An instant: nanoseconds since 1970-01-01T00:00:00Z, without leap seconds.
package struct Timestamp: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// Since 1970-01-01T00:00:00Z; the range reaches from 1677 to 2262.
    package let nanoseconds: Int64

    /// An instant.
    package init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    /// Earlier first.
    package static func < (left: Timestamp, right: Timestamp) -> Bool {
        left.nanoseconds < right.nanoseconds
    }

    /// RFC 3339 in UTC with as many fraction digits as needed.
    package var description: String {
        var digits = 9
        var fraction = Self.split(nanoseconds, 1_000_000_000).1
        while digits > 0, fraction % 10 == 0 {
            fraction /= 10
            digits -= 1
        }
        return formatted(fractionDigits: digits)
    }

    /// RFC 3339 in UTC.
    /// - Parameter fractionDigits: 0…9; further digits are cut.
    package func formatted(fractionDigits: Int) -> String {
        let (seconds, nanosecond) = Self.split(nanoseconds, 1_000_000_000)
        let (day, second) = Self.split(seconds, 86_400)
        let date = CivilDate(daysSinceEpoch: Int(day))
        var text = "\(date.year)-\(Self.two(date.month))-\(Self.two(date.day))T"
        text += "\(Self.two(Int(second / 3600))):\(Self.two(Int(second / 60 % 60)))"
        text += ":\(Self.two(Int(second % 60)))"
        if fractionDigits > 0 {
            let digits = String(1_000_000_000 + nanosecond).dropFirst().prefix(fractionDigits)
            text += "." + digits
        }
        return text + "Z"
    }

    /// The calendar month in UTC in which it lies: year × 12 + month − 1.
    package var monthIndex: Int {
        let days = Self.split(nanoseconds, 86_400_000_000_000).0
        let date = CivilDate(daysSinceEpoch: Int(days))
        return date.year * 12 + date.month - 1
    }

    /// Floor division and its remainder, which is never negative.
    static func split(_ value: Int64, _ divisor: Int64) -> (Int64, Int64) {
        let quotient = value / divisor
        let remainder = value % divisor
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }

    private static func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
}

/// A date of the proleptic Gregorian calendar. Conversions as published by Howard Hinnant
/// ("chrono-compatible low-level date algorithms").
package struct CivilDate: Hashable, Sendable {
    /// The year.
    package let year: Int
    /// 1…12.
    package let month: Int
    /// 1…31.
    package let day: Int

    /// A date.
    package init(year: Int, month: Int, day: Int) {
        self.year = year
        self.month = month
        self.day = day
    }

    /// The date so many days after 1970-01-01.
    package init(daysSinceEpoch days: Int) {
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra =
            (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    }

    /// Days since 1970-01-01.
    package var daysSinceEpoch: Int {
        let shifted = month <= 2 ? year - 1 : year
        let era = (shifted >= 0 ? shifted : shifted - 399) / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
            - 719_468
    }

    /// The date's first instant in UTC; of a date beyond the range of timestamps, its nearest end.
    package var start: Timestamp {
        let days = daysSinceEpoch
        let (nanoseconds, overflow) = Int64(days)
            .multipliedReportingOverflow(by: 86_400_000_000_000)
        guard !overflow else { return Timestamp(nanoseconds: days < 0 ? .min : .max) }
        return Timestamp(nanoseconds: nanoseconds)
    }
}

/// A half-open span of time: `start` belongs to it, `end` to the next.
package struct Period: Hashable, Sendable {
    /// First instant.
    package let start: Timestamp
    /// First instant after it.
    package let end: Timestamp

    /// A period.
    package init(start: Timestamp, end: Timestamp) {
        precondition(start <= end, "a period ends after it starts")
        self.start = start
        self.end = end
    }

    /// The calendar month in UTC with number year × 12 + month − 1.
    package init(monthIndex: Int) {
        let next = monthIndex + 1
        start = CivilDate(year: monthIndex / 12, month: monthIndex % 12 + 1, day: 1).start
        end = CivilDate(year: next / 12, month: next % 12 + 1, day: 1).start
    }

    /// The month written as `2026-03`; years 1678 to 2261.
    package init?(month text: String) {
        let bytes = Array(text.utf8)
        let digits = bytes.prefix(4) + bytes.suffix(2)
        guard bytes.count == 7, bytes[4] == UInt8(ascii: "-"),
            digits.allSatisfy({ (48...57).contains($0) }),
            let year = Int(text.prefix(4)), let month = Int(text.suffix(2)),
            (1678...2261).contains(year), (1...12).contains(month)
        else { return nil }
        self.init(monthIndex: year * 12 + month - 1)
    }

    /// The calendar month in UTC in which an instant lies.
    package static func calendarMonth(containing time: Timestamp) -> Period {
        Period(monthIndex: time.monthIndex)
    }

    /// Whether an instant lies in it.
    package func contains(_ time: Timestamp) -> Bool { start <= time && time < end }

    /// The month of its start: `2026-03`.
    package var monthName: String { String(start.description.prefix(7)) }
}
