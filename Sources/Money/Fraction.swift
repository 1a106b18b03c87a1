/// An exact rational number of any size: quantities, shares of a period, and amounts of money until
/// the one rounding of their line.
///
/// No operation on it loses anything or fails. It is reduced only where that is needed, so that sums
/// of decimals stay cheap.
package struct Fraction: Sendable, CustomStringConvertible {
    private let numerator: BigInteger
    /// Above zero.
    private let denominator: BigInteger

    /// Nothing.
    package static let zero = Fraction(0)
    /// One whole.
    package static let one = Fraction(1)

    private init(_ numerator: BigInteger, _ denominator: BigInteger) {
        // Denominators that 128 bits hold need no reduction: the next product still is exact.
        if denominator.int128 == nil {
            let divisor = BigInteger.commonDivisor(numerator, denominator)
            self.numerator = numerator.dividedBy(divisor).quotient
            self.denominator = denominator.dividedBy(divisor).quotient
        } else {
            self.numerator = numerator
            self.denominator = denominator
        }
    }

    /// A quotient of whole numbers.
    /// - Parameter denominator: above zero.
    package init(_ numerator: Int128, over denominator: Int128 = 1) {
        precondition(denominator > 0, "a denominator is above zero")
        self.init(BigInteger(numerator), BigInteger(denominator))
    }

    /// The same number.
    package init(_ quantity: Quantity) {
        let whole = quantity.units.quotientAndRemainder(dividingBy: Quantity.one.units)
        if whole.remainder == 0 {
            self.init(whole.quotient)
        } else {
            self.init(quantity.units, over: Quantity.one.units)
        }
    }

    /// The amount in major units.
    package init(_ amount: Amount) {
        self.init(
            amount.minorUnits, over: Digits.power(amount.currency.exponent) ?? 1)
    }

    /// The sum.
    package static func + (left: Fraction, right: Fraction) -> Fraction {
        if left.denominator == right.denominator {
            return Fraction(left.numerator + right.numerator, left.denominator)
        }
        // One of two decimals often divides the other.
        let (factor, rest) = left.denominator.dividedBy(right.denominator)
        if rest.isZero {
            return Fraction(left.numerator + right.numerator * factor, left.denominator)
        }
        let (other, otherRest) = right.denominator.dividedBy(left.denominator)
        if otherRest.isZero {
            return Fraction(left.numerator * other + right.numerator, right.denominator)
        }
        return Fraction(
            left.numerator * right.denominator + right.numerator * left.denominator,
            left.denominator * right.denominator)
    }

    /// The difference.
    package static func - (left: Fraction, right: Fraction) -> Fraction { left + -right }

    /// The number on the other side of zero.
    package static prefix func - (value: Fraction) -> Fraction {
        Fraction(-value.numerator, value.denominator)
    }

    /// The product.
    package static func * (left: Fraction, right: Fraction) -> Fraction {
        Fraction(left.numerator * right.numerator, left.denominator * right.denominator)
    }

    /// The quotient.
    /// - Parameter divisor: not zero.
    package func divided(by divisor: Fraction) -> Fraction {
        precondition(!divisor.isZero, "nothing is divided by zero")
        let (above, below) = (numerator * divisor.denominator, denominator * divisor.numerator)
        return below.isNegative ? Fraction(-above, -below) : Fraction(above, below)
    }

    /// Whether it is nothing.
    package var isZero: Bool { numerator.isZero }
    /// Whether it is below zero.
    package var isNegative: Bool { numerator.isNegative }
    /// Its distance from zero.
    package var magnitude: Fraction { isNegative ? -self : self }

    // MARK: Rounding

    /// Where a number between two goes.
    package enum Rounding: Sendable {
        /// To the nearer; from the middle away from zero.
        case halfAwayFromZero
        /// To the larger.
        case ceiling
        /// To the smaller.
        case floor
    }

    /// The number × 10^decimals, rounded; nil beyond Int128.
    /// - Parameter decimals: 0…38.
    package func rounded(decimals: Int, _ rule: Rounding = .halfAwayFromZero) -> Int128? {
        scaled(decimals, rule).int128
    }

    /// The number with at most so many decimals, of any size: a step before the line's own rounding,
    /// like counting begun packages.
    /// - Parameter decimals: 0…38.
    package func rounded(toDecimals decimals: Int, _ rule: Rounding) -> Fraction {
        Fraction(scaled(decimals, rule), BigInteger(Digits.power(decimals) ?? 1))
    }

    private func scaled(_ decimals: Int, _ rule: Rounding) -> BigInteger {
        guard let power = Digits.power(decimals) else {
            preconditionFailure("numbers are rounded to at most 38 decimals")
        }
        let (quotient, remainder) = (numerator * BigInteger(power)).dividedBy(denominator)
        guard !remainder.isZero else { return quotient }
        let away = remainder.isNegative ? BigInteger(-1) : .one
        switch rule {
        case .halfAwayFromZero:
            let twice = remainder.isNegative ? -(remainder + remainder) : remainder + remainder
            return BigInteger.isLess(twice, denominator) ? quotient : quotient + away
        case .ceiling: return remainder.isNegative ? quotient : quotient + away
        case .floor: return remainder.isNegative ? quotient + away : quotient
        }
    }

    /// Rounded once, half away from zero, to the currency's minor unit; nil beyond Int128.
    package func rounded(to currency: Currency) -> Amount? {
        rounded(decimals: currency.exponent).map { Amount(minorUnits: $0, currency: currency) }
    }

    /// The same number, where twelve decimals and the range of quantities hold it.
    package var quantity: Quantity? {
        let (units, remainder) = (numerator * BigInteger(Quantity.one.units))
            .dividedBy(denominator)
        return remainder.isZero ? units.int128.map { Quantity(units: $0) } : nil
    }

    /// With exactly twelve decimals, rounded half away from zero, as it is printed.
    package var unrounded: String {
        let units = scaled(Quantity.scale, .halfAwayFromZero)
        var digits = Array((units.isNegative ? -units : units).digits.utf8)
        while digits.count <= Quantity.scale { digits.insert(UInt8(ascii: "0"), at: 0) }
        digits.insert(UInt8(ascii: "."), at: digits.count - Quantity.scale)
        return (units.isNegative ? "-" : "") + String(decoding: digits, as: UTF8.self)
    }

    /// The shortest decimal, where twelve decimals hold it; else with twelve, rounded.
    package var description: String {
        var text = Substring(unrounded)
        while text.hasSuffix("0") { text.removeLast() }
        if text.hasSuffix(".") { text.removeLast() }
        return String(text)
    }
}

extension Fraction: Hashable, Comparable {
    /// Equal numbers, however they came about.
    package static func == (left: Fraction, right: Fraction) -> Bool {
        if left.denominator == right.denominator { return left.numerator == right.numerator }
        return left.numerator * right.denominator == right.numerator * left.denominator
    }

    /// Smaller first.
    package static func < (left: Fraction, right: Fraction) -> Bool {
        if left.denominator == right.denominator {
            return BigInteger.isLess(left.numerator, right.numerator)
        }
        return BigInteger.isLess(
            left.numerator * right.denominator, right.numerator * left.denominator)
    }

    /// Hashes the reduced number.
    package func hash(into hasher: inout Hasher) {
        let divisor = BigInteger.commonDivisor(numerator, denominator)
        hasher.combine(numerator.dividedBy(divisor).quotient)
        hasher.combine(denominator.dividedBy(divisor).quotient)
    }
}
