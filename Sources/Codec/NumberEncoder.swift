import Bytes

/// A JSON number as a node: exact, normalised, without floating point.
///
/// Value = mantissa × 10^exponent with at most 38 digits becomes an integer or a decimal of up to
/// 128 bits. Whatever does not fit keeps its digits and exponent as text, in one spelling
/// (`-12e40`), so that equal values have equal bytes there too.
enum NumberEncoder {
    /// Scales up to here are kept as decimals; smaller numbers become text.
    static let scaleMax = 255

    /// Appends the node of a number in JSON's grammar.
    static func append(_ text: RawSpan, to bytes: inout ByteBuffer) {
        if let small = smallInteger(text) {
            bytes.append(NodeTag.integer)
            bytes.appendZigzag(small)
            return
        }
        var number = Digits(text)
        number.normalise()
        if number.isZero {
            bytes.append(NodeTag.integer)
            bytes.append(0)
        } else if let mantissa = number.mantissa, number.exponent >= 0,
            let integer = Digits.scaled(mantissa, by: number.exponent)
        {
            bytes.append(NodeTag.integer)
            bytes.appendZigzag128(integer)
        } else if let mantissa = number.mantissa, number.exponent < 0,
            number.exponent >= -scaleMax
        {
            bytes.append(NodeTag.decimal)
            bytes.append(UInt8(-number.exponent))
            bytes.appendZigzag128(mantissa)
        } else {
            bytes.append(NodeTag.numberText)
            let spelling = number.spelling
            bytes.appendVarint(UInt64(spelling.count))
            bytes.append(spelling)
        }
    }

    /// The common case: a plain integer of at most 18 digits.
    private static func smallInteger(_ text: RawSpan) -> Int64? {
        let isNegative = text.byteCount > 0 && text.byte(at: 0) == UInt8(ascii: "-")
        let start = isNegative ? 1 : 0
        guard text.byteCount > start, text.byteCount - start <= 18 else { return nil }
        var value: Int64 = 0
        for offset in start..<text.byteCount {
            let digit = text.byte(at: offset) &- UInt8(ascii: "0")
            guard digit < 10 else { return nil }
            // Safe: 18 digits stay below 2^63.
            value = value &* 10 &+ Int64(digit)
        }
        return isNegative ? -value : value
    }

    /// A number as digits and a decimal exponent.
    private struct Digits {
        var isNegative = false
        var digits: [UInt8] = []
        var exponent = 0

        init(_ text: RawSpan) {
            var fraction = 0
            var seenPoint = false
            var offset = 0
            while offset < text.byteCount {
                let byte = text.byte(at: offset)
                switch byte {
                case UInt8(ascii: "-"): isNegative = true
                case UInt8(ascii: "."): seenPoint = true
                case UInt8(ascii: "e"), UInt8(ascii: "E"):
                    exponent = Self.exponent(text, from: offset + 1)
                    offset = text.byteCount
                default:
                    digits.append(byte - UInt8(ascii: "0"))
                    if seenPoint { fraction += 1 }
                }
                offset += 1
            }
            exponent -= fraction
        }

        /// An exponent; beyond ± 10^15 it is held there: no two such numbers are told apart, and a
        /// line is too short to hold digits that could make up for it.
        private static func exponent(_ text: RawSpan, from start: Int) -> Int {
            var value = 0
            var isNegative = false
            for offset in start..<text.byteCount {
                let byte = text.byte(at: offset)
                if byte == UInt8(ascii: "-") { isNegative = true }
                guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { continue }
                if value < 1_000_000_000_000_000 { value = value * 10 + Int(byte - 48) }
            }
            return isNegative ? -value : value
        }

        mutating func normalise() {
            while digits.count > 1, digits.last == 0 {
                digits.removeLast()
                exponent += 1
            }
            let leading = digits.prefix { $0 == 0 }.count
            digits.removeFirst(min(leading, digits.count - 1))
            // 120 is 12 × 10^1: as an integer it is written out again below.
        }

        var isZero: Bool { digits == [0] }

        /// The digits as a number; nil beyond 128 bits.
        var mantissa: Int128? {
            guard digits.count <= 39 else { return nil }
            var value: Int128 = 0
            for digit in digits {
                let (product, tooLarge) = value.multipliedReportingOverflow(by: 10)
                let (sum, over) = product.addingReportingOverflow(Int128(digit))
                if tooLarge || over { return nil }
                value = sum
            }
            return isNegative ? -value : value
        }

        static func scaled(_ mantissa: Int128, by exponent: Int) -> Int128? {
            guard exponent <= 38 else { return nil }
            var value = mantissa
            for _ in 0..<exponent {
                let (product, overflow) = value.multipliedReportingOverflow(by: 10)
                if overflow { return nil }
                value = product
            }
            return value
        }

        var spelling: [UInt8] {
            (isNegative ? [UInt8(ascii: "-")] : []) + digits.map { $0 + 48 }
                + [UInt8(ascii: "e")] + Array(String(exponent).utf8)
        }
    }
}
