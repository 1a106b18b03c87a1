/// An exact amount of money or credits: a 256-bit integer number of 10⁻²⁴ major units.
///
/// That is the scale of a quantity times a rate, so a price is never rounded before its line is.
package struct ExactAmount: Hashable, Comparable, Sendable {
    /// The value is high × 2^128 + low, in 10⁻²⁴.
    private let high: Int128
    private let low: UInt128

    /// Nothing.
    package static let zero = ExactAmount(high: 0, low: 0)

    private init(high: Int128, low: UInt128) {
        self.high = high
        self.low = low
    }

    /// The product of two quantities, exact.
    package init(product left: Quantity, _ right: Quantity) {
        let (high, low) = left.units.multipliedFullWidth(by: right.units)
        self.init(high: high, low: low)
    }

    /// A quantity of major units.
    package init(_ quantity: Quantity) { self.init(product: quantity, .one) }

    /// The sum; nil out of range.
    package func adding(_ other: ExactAmount) -> ExactAmount? {
        let (low, carry) = self.low.addingReportingOverflow(other.low)
        let (sum, over) = high.addingReportingOverflow(other.high)
        let (high, overCarry) = sum.addingReportingOverflow(carry ? 1 : 0)
        // Both at once: the carry brings the sum back into the range.
        return over != overCarry ? nil : ExactAmount(high: high, low: low)
    }

    /// The difference; nil out of range.
    package func subtracting(_ other: ExactAmount) -> ExactAmount? {
        let (low, borrow) = self.low.subtractingReportingOverflow(other.low)
        let (difference, over) = high.subtractingReportingOverflow(other.high)
        let (high, overBorrow) = difference.subtractingReportingOverflow(borrow ? 1 : 0)
        return over != overBorrow ? nil : ExactAmount(high: high, low: low)
    }

    /// Smaller first.
    package static func < (left: ExactAmount, right: ExactAmount) -> Bool {
        (left.high, left.low) < (right.high, right.low)
    }

    /// Whether it is below zero.
    package var isNegative: Bool { high < 0 }

    private var magnitude: (high: UInt128, low: UInt128) {
        guard high < 0 else { return (UInt128(high), low) }
        let (negatedLow, carry) = (~low).addingReportingOverflow(1)
        return (~UInt128(bitPattern: high) &+ (carry ? 1 : 0), negatedLow)
    }

    /// The amount × 10^decimals, rounded half away from zero; nil beyond Int128.
    /// - Parameter decimals: 0…24.
    package func rounded(decimals: Int) -> Int128? {
        precondition((0...24).contains(decimals), "amounts have 24 decimals")
        guard let power = Digits.power(24 - decimals) else { return nil }
        let divisor = UInt128(power)
        let (high, low) = magnitude
        guard high < divisor else { return nil }
        let (quotient, remainder) = divisor.dividingFullWidth((high, low))
        let up: UInt128 = remainder >= divisor - remainder ? 1 : 0
        let (sum, overflow) = quotient.addingReportingOverflow(divisor == 1 ? 0 : up)
        guard !overflow else { return nil }
        return isNegative ? Int128(negating: sum) : Int128(exactly: sum)
    }

    /// The amount in 10⁻¹², rounded half away from zero; nil beyond Int128.
    package var roundedUnits: Int128? { rounded(decimals: Quantity.scale) }

    /// The amount with exactly twelve decimals, as it is printed.
    package var unrounded: String {
        guard let units = roundedUnits else { return isNegative ? "-overflow" : "overflow" }
        return Digits.text(units.magnitude, Quantity.scale, units < 0)
    }

    /// Rounded once, half away from zero, to the currency's minor unit; nil beyond Int128.
    package func rounded(to currency: Currency) -> Amount? {
        rounded(decimals: currency.exponent).map { Amount(minorUnits: $0, currency: currency) }
    }
}
