import Billing

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
    package init(containing nanoseconds: Int64) {
        index = Int32(Timestamp(nanoseconds: nanoseconds).monthIndex)
    }

    /// Earlier months first.
    package static func < (left: Month, right: Month) -> Bool { left.index < right.index }
}
