import Money

/// A quotient of integers done on paper, never reduced: the model that exact fractions are held to.
struct SlowFraction: CustomStringConvertible {
    let numerator: SlowInteger
    /// Above zero.
    let denominator: SlowInteger

    init(_ numerator: SlowInteger, over denominator: SlowInteger) {
        precondition(SlowInteger(0) < denominator, "a denominator is above zero")
        self.numerator = numerator
        self.denominator = denominator
    }

    var description: String { "\(numerator)/\(denominator)" }

    /// The number under test that this one is the model of.
    var fraction: Fraction { Fraction(numerator).divided(by: Fraction(denominator)) }

    static prefix func - (value: SlowFraction) -> SlowFraction {
        SlowFraction(-value.numerator, over: value.denominator)
    }

    static func + (left: SlowFraction, right: SlowFraction) -> SlowFraction {
        SlowFraction(
            left.numerator * right.denominator + right.numerator * left.denominator,
            over: left.denominator * right.denominator)
    }

    static func - (left: SlowFraction, right: SlowFraction) -> SlowFraction { left + -right }

    static func * (left: SlowFraction, right: SlowFraction) -> SlowFraction {
        SlowFraction(
            left.numerator * right.numerator, over: left.denominator * right.denominator)
    }

    func divided(by divisor: SlowFraction) -> SlowFraction {
        let (above, below) = (
            numerator * divisor.denominator, denominator * divisor.numerator
        )
        return below.isNegative
            ? SlowFraction(-above, over: -below) : SlowFraction(above, over: below)
    }

    static func == (left: SlowFraction, right: SlowFraction) -> Bool {
        left.numerator * right.denominator == right.numerator * left.denominator
    }

    static func < (left: SlowFraction, right: SlowFraction) -> Bool {
        left.numerator * right.denominator < right.numerator * left.denominator
    }

    /// Whether a fraction is this number, to the last digit: multiplied by the denominator it prints
    /// the numerator.
    func isExactly(_ fraction: Fraction) -> Bool {
        (fraction * Fraction(denominator)).description == numerator.description
    }

    /// Whether a whole number is this one × 10^decimals, rounded. Nothing is divided to find out.
    func isRounded(to whole: SlowInteger, decimals: Int, _ rule: Fraction.Rounding) -> Bool {
        let scaled = numerator * SlowInteger.power(10, decimals)
        let one = SlowInteger(1)
        switch rule {
        case .floor:
            return !(scaled < whole * denominator) && scaled < (whole + one) * denominator
        case .ceiling:
            return (whole - one) * denominator < scaled && !(whole * denominator < scaled)
        case .halfAwayFromZero:
            if scaled.isNegative {
                return (-self).isRounded(to: -whole, decimals: decimals, rule)
            }
            let two = SlowInteger(2)
            return !(two * scaled < (two * whole - one) * denominator)
                && two * scaled < (two * whole + one) * denominator
        }
    }
}

extension Fraction {
    /// The same whole number, read eighteen digits at a time.
    init(_ integer: SlowInteger) {
        var magnitude = Fraction.zero
        let high = Array(integer.digits.reversed())
        for start in stride(from: 0, to: high.count, by: 18) {
            let part = high[start..<min(start + 18, high.count)]
            let value = part.reduce(Int128(0)) { $0 * 10 + Int128($1) }
            let power = part.reduce(Int128(1)) { power, _ in power * 10 }
            magnitude = magnitude * Fraction(power) + Fraction(value)
        }
        self = integer.isNegative ? -magnitude : magnitude
    }
}
