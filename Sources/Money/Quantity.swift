/// An amount of usage, of credits, or a rate: an integer number of 10⁻¹².
///
/// Twelve decimals hold a price per token of a price per million and a quantity of nanoseconds;
/// the range is ± 1.7 × 10^26.
package struct Quantity: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The value × 10^12.
    package let units: Int128

    /// Digits behind the point.
    package static let scale = 12
    /// Nothing.
    package static let zero = Quantity(units: 0)
    /// One whole.
    package static let one = Quantity(units: 1_000_000_000_000)

    /// The quantity units × 10^−12.
    package init(units: Int128) { self.units = units }

    /// The same number exactly; nil with more than twelve decimals or out of range.
    package init?(_ number: DecimalNumber) {
        guard number.scale <= Self.scale, let factor = Digits.power(Self.scale - number.scale)
        else { return nil }
        let (units, overflow) = number.mantissa.multipliedReportingOverflow(by: factor)
        guard !overflow else { return nil }
        self.units = units
    }

    /// Reads a decimal text.
    package init?(_ text: String) {
        guard let number = DecimalNumber(text) else { return nil }
        self.init(number)
    }

    /// The shortest decimal text.
    package var description: String {
        DecimalNumber(mantissa: units, scale: Self.scale).description
    }

    /// With exactly twelve decimals, as exact amounts are printed.
    package var unrounded: String { Digits.text(units.magnitude, Self.scale, units < 0) }

    /// The sum; nil out of range.
    package func adding(_ other: Quantity) -> Quantity? {
        let (sum, overflow) = units.addingReportingOverflow(other.units)
        return overflow ? nil : Quantity(units: sum)
    }

    /// The difference; nil out of range.
    package func subtracting(_ other: Quantity) -> Quantity? {
        let (difference, overflow) = units.subtractingReportingOverflow(other.units)
        return overflow ? nil : Quantity(units: difference)
    }

    /// Smaller first.
    package static func < (left: Quantity, right: Quantity) -> Bool { left.units < right.units }
}
