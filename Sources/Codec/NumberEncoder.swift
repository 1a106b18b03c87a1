import Bytes
import Money

/// A JSON number as a node: exact, normalised, without floating point.
///
/// Value = mantissa × 10^exponent becomes an integer or a decimal where 128 bits hold it. Whatever
/// does not fit keeps its digits and exponent as text, in one spelling (`-12e40`), so that equal
/// values have equal bytes there too.
enum NumberEncoder {
    /// Scales up to here are kept as decimals; smaller numbers become text.
    static let scaleMax = 255

    /// Digits of an exponent, once the digits before it are normalised. Longer ones are refused:
    /// cut off, two different numbers would have the same bytes.
    static let exponentDigitsMax = 15
    private static let exponentMax = 999_999_999_999_999

    /// Appends the node of a number in JSON's grammar.
    static func append(_ text: RawSpan, to bytes: inout ByteBuffer) throws(DocumentFault) {
        if appendShort(text, to: &bytes) { return }
        guard let number = Digits(text), abs(number.exponent) <= exponentMax else {
            throw .exponent(text.makeString() ?? "")
        }
        number.append(to: &bytes)
    }

    /// Appends the node of a number.
    static func append(_ number: DecimalNumber, to bytes: inout ByteBuffer) {
        if number.scale <= scaleMax {
            append(number.mantissa, scale: number.scale, to: &bytes)
        } else {
            appendText(
                Array(String(number.mantissa).utf8), exponent: -number.scale, to: &bytes)
        }
    }

    /// Whether a text is the one spelling of a number that no other node holds.
    static func isCanonicalText(_ text: RawSpan) -> Bool {
        for offset in 0..<text.byteCount {
            let byte = text.byte(at: offset)
            guard byte &- 48 < 10 || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "e") else {
                return false
            }
        }
        var node = ByteBuffer(capacity: text.byteCount + 16)
        var expected = ByteBuffer(capacity: text.byteCount + 16)
        expected.append(NodeTag.numberText)
        expected.appendPrefixed(text)
        guard let number = Digits(text), abs(number.exponent) <= exponentMax else { return false }
        number.append(to: &node)
        return node.bytes.isEqual(to: expected.bytes)
    }

    /// The common case: at most 18 digits without an exponent.
    private static func appendShort(_ text: RawSpan, to bytes: inout ByteBuffer) -> Bool {
        let isNegative = text.byteCount > 0 && text.byte(at: 0) == UInt8(ascii: "-")
        let start = isNegative ? 1 : 0
        guard text.byteCount > start, text.byteCount - start <= 18 else { return false }
        var value: Int64 = 0
        var scale = 0
        for offset in start..<text.byteCount {
            let byte = text.byte(at: offset)
            let digit = byte &- UInt8(ascii: "0")
            if digit < 10 {
                // Safe: 18 digits stay below 2^63.
                value = value &* 10 &+ Int64(digit)
            } else if byte == UInt8(ascii: ".") {
                scale = text.byteCount - offset - 1
            } else {
                return false
            }
        }
        while scale > 0, value % 10 == 0 {
            value /= 10
            scale -= 1
        }
        if scale == 0 {
            bytes.append(NodeTag.integer)
        } else {
            bytes.append(NodeTag.decimal)
            bytes.append(UInt8(truncatingIfNeeded: scale))
        }
        bytes.appendZigzag(isNegative ? -value : value)
        return true
    }

    /// A normalised mantissa: it does not end in zero where the scale is above zero.
    private static func append(_ mantissa: Int128, scale: Int, to bytes: inout ByteBuffer) {
        if scale == 0 {
            bytes.append(NodeTag.integer)
        } else {
            bytes.append(NodeTag.decimal)
            bytes.append(UInt8(scale))
        }
        bytes.appendZigzag128(mantissa)
    }

    private static func appendText(
        _ digits: [UInt8], exponent: Int, to bytes: inout ByteBuffer
    ) {
        let spelling = digits + [UInt8(ascii: "e")] + Array(String(exponent).utf8)
        bytes.append(NodeTag.numberText)
        bytes.appendVarint(UInt64(spelling.count))
        bytes.append(spelling)
    }

    /// A number of any length as digits and a decimal exponent, without zeros at either end.
    private struct Digits {
        private var isNegative = false
        private var digits: [UInt8] = []
        /// The power of ten of the last digit; 0 for zero.
        private(set) var exponent = 0

        /// Reads a number; nil if it has no digit, or an exponent that Int does not hold.
        init?(_ text: RawSpan) {
            var fraction = 0
            var seenPoint = false
            var offset = 0
            var written: Int? = 0
            while offset < text.byteCount {
                let byte = text.byte(at: offset)
                switch byte {
                case UInt8(ascii: "-"): isNegative = true
                case UInt8(ascii: "."): seenPoint = true
                case UInt8(ascii: "e"), UInt8(ascii: "E"):
                    written = Self.exponent(text, from: offset + 1)
                    offset = text.byteCount
                default:
                    digits.append(byte &- UInt8(ascii: "0"))
                    if seenPoint { fraction += 1 }
                }
                offset += 1
            }
            guard !digits.isEmpty else { return nil }
            let trailing = digits.reversed().prefix { $0 == 0 }.count
            guard trailing < digits.count else {
                (isNegative, digits) = (false, [])
                return
            }
            guard let written else { return nil }
            digits.removeLast(trailing)
            digits.removeFirst(digits.prefix { $0 == 0 }.count)
            // Safe: a written exponent stays far from the ends of Int, a line's length farther.
            exponent = written - fraction + trailing
        }

        /// An exponent of up to 18 digits; nil beyond them, or if it is none. No line is long enough
        /// to make up for a longer one with its digits.
        private static func exponent(_ text: RawSpan, from start: Int) -> Int? {
            var value = 0
            var isNegative = false
            var hasDigits = false
            for offset in start..<text.byteCount {
                let byte = text.byte(at: offset)
                if byte == UInt8(ascii: "-") { isNegative = true }
                let digit = byte &- UInt8(ascii: "0")
                guard digit < 10 else { continue }
                guard value < 100_000_000_000_000_000 else { return nil }
                value = value * 10 + Int(digit)
                hasDigits = true
            }
            return hasDigits ? (isNegative ? -value : value) : nil
        }

        /// Appends the node.
        func append(to bytes: inout ByteBuffer) {
            guard !digits.isEmpty else {
                return NumberEncoder.append(0, scale: 0, to: &bytes)
            }
            if exponent < 0, exponent >= -scaleMax, let mantissa = value(zeros: 0) {
                NumberEncoder.append(mantissa, scale: -exponent, to: &bytes)
            } else if exponent >= 0, let integer = value(zeros: exponent) {
                NumberEncoder.append(integer, scale: 0, to: &bytes)
            } else {
                let sign = isNegative ? [UInt8(ascii: "-")] : []
                appendText(sign + digits.map { $0 + 48 }, exponent: exponent, to: &bytes)
            }
        }

        /// The digits and so many zeros behind them as a number; nil beyond 128 bits.
        private func value(zeros: Int) -> Int128? {
            guard digits.count + zeros <= 39 else { return nil }
            var value: Int128 = 0
            for place in 0..<(digits.count + zeros) {
                let digit = Int128(place < digits.count ? digits[place] : 0)
                let (product, tooLarge) = value.multipliedReportingOverflow(by: 10)
                let (sum, over) = product.addingReportingOverflow(isNegative ? -digit : digit)
                if tooLarge || over { return nil }
                value = sum
            }
            return value
        }
    }
}
