import Money

/// Whole numbers as decimal digits, computed as on paper: an independent model of the arithmetic
/// under test. Slow, without a limit, and with nothing of `Money` in it.
struct SlowInteger: Equatable, CustomStringConvertible {
    /// Low digit first; no zeros at the high end; empty for zero.
    private(set) var digits: [Int]
    private(set) var isNegative: Bool

    init(digits: [Int], isNegative: Bool) {
        var digits = digits
        while digits.last == 0 { digits.removeLast() }
        self.digits = digits
        self.isNegative = isNegative && !digits.isEmpty
    }

    init(_ value: some BinaryInteger) { self.init(text: String(value)) }

    /// Reads digits with an optional sign.
    init(text: String) {
        self.init(
            digits: text.drop { $0 == "-" }.reversed().map { $0.wholeNumberValue ?? 0 },
            isNegative: text.hasPrefix("-"))
    }

    static func + (left: SlowInteger, right: SlowInteger) -> SlowInteger {
        if left.isNegative == right.isNegative {
            var digits: [Int] = []
            var carry = 0
            for place in 0...max(left.digits.count, right.digits.count) {
                let sum = left.digit(place) + right.digit(place) + carry
                digits.append(sum % 10)
                carry = sum / 10
            }
            return SlowInteger(digits: digits, isNegative: left.isNegative)
        }
        let leftIsLarger = !isLess(left.digits, right.digits)
        let (large, small) = leftIsLarger ? (left, right) : (right, left)
        var digits: [Int] = []
        var borrow = 0
        for place in 0..<large.digits.count {
            var difference = large.digit(place) - small.digit(place) - borrow
            borrow = difference < 0 ? 1 : 0
            if difference < 0 { difference += 10 }
            digits.append(difference)
        }
        return SlowInteger(digits: digits, isNegative: large.isNegative)
    }

    static prefix func - (value: SlowInteger) -> SlowInteger {
        SlowInteger(digits: value.digits, isNegative: !value.isNegative)
    }

    static func - (left: SlowInteger, right: SlowInteger) -> SlowInteger { left + -right }

    static func * (left: SlowInteger, right: SlowInteger) -> SlowInteger {
        var digits = [Int](repeating: 0, count: left.digits.count + right.digits.count + 1)
        for (place, digit) in left.digits.enumerated() {
            var carry = 0
            for other in 0..<(right.digits.count + 1) {
                let sum = digits[place + other] + digit * right.digit(other) + carry
                digits[place + other] = sum % 10
                carry = sum / 10
            }
        }
        return SlowInteger(digits: digits, isNegative: left.isNegative != right.isNegative)
    }

    static func < (left: SlowInteger, right: SlowInteger) -> Bool {
        if left.isNegative != right.isNegative { return left.isNegative }
        return left.isNegative
            ? isLess(right.digits, left.digits) : isLess(left.digits, right.digits)
    }

    static func power(_ base: Int, _ exponent: Int) -> SlowInteger {
        (0..<exponent).reduce(SlowInteger(1)) { power, _ in power * SlowInteger(base) }
    }

    /// Divided by 10^places, half away from zero: on paper, one looks at the first digit cut off.
    func roundedOff(_ places: Int) -> SlowInteger {
        let kept = SlowInteger(digits: Array(digits.dropFirst(places)), isNegative: isNegative)
        guard places > 0, digit(places - 1) >= 5 else { return kept }
        return kept + SlowInteger(digits: [1], isNegative: isNegative)
    }

    /// The number as an Int128; nil beyond it.
    var int128: Int128? { Int128(description) }

    var description: String {
        let text = digits.isEmpty ? "0" : digits.reversed().map(String.init).joined()
        return (isNegative ? "-" : "") + text
    }

    /// Whether the number fits 256 bits with a sign.
    var fits256Bits: Bool {
        let bound = Self.power(2, 255)
        return self < bound && !(self < -bound)
    }

    private func digit(_ place: Int) -> Int { place < digits.count ? digits[place] : 0 }

    private static func isLess(_ left: [Int], _ right: [Int]) -> Bool {
        if left.count != right.count { return left.count < right.count }
        for place in left.indices.reversed() where left[place] != right[place] {
            return left[place] < right[place]
        }
        return false
    }
}
