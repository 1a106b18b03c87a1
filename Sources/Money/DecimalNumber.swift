/// An exact decimal number: mantissa × 10^−scale, normalised so that equal values are equal.
package struct DecimalNumber: Hashable, Sendable, CustomStringConvertible {
    /// All digits as one integer.
    package let mantissa: Int128
    /// Digits behind the point, zero or more; the last of them is not zero.
    package let scale: Int

    /// The number mantissa × 10^−scale.
    package init(mantissa: Int128, scale: Int) {
        precondition(scale >= 0, "a negative scale is written out into the mantissa")
        var mantissa = mantissa
        var scale = mantissa == 0 ? 0 : scale
        while scale > 0, mantissa % 10 == 0 {
            mantissa /= 10
            scale -= 1
        }
        self.mantissa = mantissa
        self.scale = scale
    }

    /// Reads `-12.50`: digits with an optional sign and point, no exponent, within Int128.
    package init?(_ text: String) {
        // Counted down from zero: the range reaches one further there.
        var mantissa: Int128 = 0
        var scale = 0
        var digits = 0
        var isNegative = false
        var seenPoint = false
        for (index, byte) in text.utf8.enumerated() {
            switch byte {
            case UInt8(ascii: "-") where index == 0: isNegative = true
            case UInt8(ascii: ".") where !seenPoint && digits > 0: seenPoint = true
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                let (product, tooLarge) = mantissa.multipliedReportingOverflow(by: 10)
                let (sum, over) = product.subtractingReportingOverflow(Int128(byte - 48))
                guard !tooLarge, !over else { return nil }
                mantissa = sum
                digits += 1
                if seenPoint { scale += 1 }
            default: return nil
            }
        }
        guard digits > 0, !seenPoint || scale > 0, isNegative || mantissa > .min else {
            return nil
        }
        self.init(mantissa: isNegative ? mantissa : -mantissa, scale: scale)
    }

    /// Plain digits, no exponent: `-12.5`.
    package var description: String { Digits.text(mantissa.magnitude, scale, mantissa < 0) }
}

extension Int128 {
    /// The number −magnitude; nil below the range.
    init?(negating magnitude: UInt128) {
        guard magnitude <= Int128.min.magnitude else { return nil }
        self.init(truncatingIfNeeded: 0 &- magnitude)
    }
}

/// Decimal digits of scaled integers.
enum Digits {
    /// A magnitude × 10^−scale as text with exactly `scale` digits behind the point.
    static func text(_ magnitude: UInt128, _ scale: Int, _ isNegative: Bool) -> String {
        var digits = Array(String(magnitude).utf8)
        while digits.count <= scale { digits.insert(UInt8(ascii: "0"), at: 0) }
        if scale > 0 { digits.insert(UInt8(ascii: "."), at: digits.count - scale) }
        return (isNegative ? "-" : "") + String(decoding: digits, as: UTF8.self)
    }

    /// 10^exponent; nil beyond Int128.
    static func power(_ exponent: Int) -> Int128? {
        guard exponent >= 0, exponent < powers.count else { return nil }
        return powers[exponent]
    }

    /// Each event's quantity is scaled by one of these.
    private static let powers: [Int128] = {
        var powers: [Int128] = [1]
        for _ in 1...38 { powers.append(powers[powers.count - 1] * 10) }
        return powers
    }()
}
