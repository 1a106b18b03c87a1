/// A signed integer of any size: what exact fractions are made of.
///
/// Almost all values fit 128 bits and are kept so; what does not fit is a list of 64-bit limbs. Each
/// value has one representation, so equal values are equal.
enum BigInteger: Hashable, Sendable {
    case small(Int128)
    /// Beyond Int128; the lowest limb first, the highest not zero.
    case large(isNegative: Bool, magnitude: [UInt64])

    static let zero = BigInteger.small(0)
    static let one = BigInteger.small(1)

    init(_ value: Int128) { self = .small(value) }

    /// The number of these limbs and sign.
    init(isNegative: Bool, magnitude: [UInt64]) {
        var limbs = magnitude
        while limbs.last == 0 { limbs.removeLast() }
        if limbs.count <= 2 {
            let low = UInt128(limbs.first ?? 0)
            let value = limbs.count == 2 ? UInt128(limbs[1]) << 64 | low : low
            if isNegative, let small = Int128(negating: value) {
                self = .small(small)
                return
            }
            if !isNegative, let small = Int128(exactly: value) {
                self = .small(small)
                return
            }
        }
        self = .large(isNegative: isNegative, magnitude: limbs)
    }

    var isNegative: Bool {
        switch self {
        case .small(let value): value < 0
        case .large(let isNegative, _): isNegative
        }
    }

    var isZero: Bool { self == .zero }

    /// The value, where 128 bits hold it.
    var int128: Int128? {
        if case .small(let value) = self { return value }
        return nil
    }

    var limbs: [UInt64] {
        switch self {
        case .large(_, let magnitude): return magnitude
        case .small(let value):
            let magnitude = value.magnitude
            let (low, high) = (UInt64(truncatingIfNeeded: magnitude), UInt64(magnitude >> 64))
            return high > 0 ? [low, high] : low > 0 ? [low] : []
        }
    }

    static prefix func - (value: BigInteger) -> BigInteger {
        if case .small(let small) = value, small != .min { return .small(-small) }
        return BigInteger(isNegative: !value.isNegative, magnitude: value.limbs)
    }

    static func + (left: BigInteger, right: BigInteger) -> BigInteger {
        if case .small(let first) = left, case .small(let second) = right {
            let (sum, overflow) = first.addingReportingOverflow(second)
            if !overflow { return .small(sum) }
        }
        let (first, second) = (left.limbs, right.limbs)
        if left.isNegative == right.isNegative {
            return BigInteger(isNegative: left.isNegative, magnitude: Limbs.sum(first, second))
        }
        return Limbs.isLess(first, second)
            ? BigInteger(isNegative: right.isNegative, magnitude: Limbs.difference(second, first))
            : BigInteger(isNegative: left.isNegative, magnitude: Limbs.difference(first, second))
    }

    static func - (left: BigInteger, right: BigInteger) -> BigInteger { left + -right }

    static func * (left: BigInteger, right: BigInteger) -> BigInteger {
        if case .small(let first) = left, case .small(let second) = right {
            let (product, overflow) = first.multipliedReportingOverflow(by: second)
            if !overflow { return .small(product) }
        }
        return BigInteger(
            isNegative: left.isNegative != right.isNegative,
            magnitude: Limbs.product(left.limbs, right.limbs))
    }

    /// The quotient towards zero and the remainder, which has the sign of the dividend.
    func dividedBy(_ divisor: BigInteger) -> (quotient: BigInteger, remainder: BigInteger) {
        precondition(!divisor.isZero, "nothing is divided by zero")
        if case .small(let first) = self, case .small(let second) = divisor,
            !(first == .min && second == -1)
        {
            let (quotient, remainder) = first.quotientAndRemainder(dividingBy: second)
            return (.small(quotient), .small(remainder))
        }
        let (quotient, remainder) = Limbs.division(limbs, divisor.limbs)
        return (
            BigInteger(isNegative: isNegative != divisor.isNegative, magnitude: quotient),
            BigInteger(isNegative: isNegative, magnitude: remainder)
        )
    }

    /// The greatest common divisor of two values, zero or more.
    static func commonDivisor(_ left: BigInteger, _ right: BigInteger) -> BigInteger {
        var (first, second) = (left.isNegative ? -left : left, right.isNegative ? -right : right)
        while !second.isZero { (first, second) = (second, first.dividedBy(second).remainder) }
        return first
    }

    static func isLess(_ left: BigInteger, _ right: BigInteger) -> Bool {
        if case .small(let first) = left, case .small(let second) = right { return first < second }
        guard left.isNegative == right.isNegative else { return left.isNegative }
        return left.isNegative
            ? Limbs.isLess(right.limbs, left.limbs) : Limbs.isLess(left.limbs, right.limbs)
    }

    /// Decimal digits.
    var digits: String {
        if case .small(let value) = self { return String(value) }
        var parts: [String] = []
        var rest = self.isNegative ? -self : self
        let billion = BigInteger(1_000_000_000_000_000_000)
        while !rest.isZero {
            let (quotient, remainder) = rest.dividedBy(billion)
            parts.append(String(remainder.int128 ?? 0))
            rest = quotient
        }
        var text = isNegative ? "-" : ""
        for (index, part) in parts.reversed().enumerated() {
            text += index == 0 ? part : String(repeating: "0", count: 18 - part.utf8.count) + part
        }
        return text
    }
}

/// Arithmetic of magnitudes: 64-bit limbs, the lowest first.
private enum Limbs {
    static func isLess(_ left: [UInt64], _ right: [UInt64]) -> Bool {
        guard left.count == right.count else { return left.count < right.count }
        for index in left.indices.reversed() where left[index] != right[index] {
            return left[index] < right[index]
        }
        return false
    }

    static func sum(_ left: [UInt64], _ right: [UInt64]) -> [UInt64] {
        var sum: [UInt64] = []
        var carry: UInt64 = 0
        for index in 0..<max(left.count, right.count) {
            let first = index < left.count ? left[index] : 0
            let second = index < right.count ? right[index] : 0
            let (part, over) = first.addingReportingOverflow(second)
            let (limb, overCarry) = part.addingReportingOverflow(carry)
            sum.append(limb)
            carry = over || overCarry ? 1 : 0
        }
        if carry > 0 { sum.append(carry) }
        return sum
    }

    /// Of a larger or equal and a smaller one.
    static func difference(_ left: [UInt64], _ right: [UInt64]) -> [UInt64] {
        var difference: [UInt64] = []
        var borrow: UInt64 = 0
        for index in left.indices {
            let second = index < right.count ? right[index] : 0
            let (part, under) = left[index].subtractingReportingOverflow(second)
            let (limb, underBorrow) = part.subtractingReportingOverflow(borrow)
            difference.append(limb)
            borrow = under || underBorrow ? 1 : 0
        }
        return difference
    }

    static func product(_ left: [UInt64], _ right: [UInt64]) -> [UInt64] {
        var product = [UInt64](repeating: 0, count: left.count + right.count)
        for (offset, limb) in left.enumerated() {
            var carry: UInt64 = 0
            for (index, other) in right.enumerated() {
                let sum =
                    UInt128(limb) * UInt128(other) + UInt128(product[offset + index])
                    + UInt128(carry)
                product[offset + index] = UInt64(truncatingIfNeeded: sum)
                carry = UInt64(sum >> 64)
            }
            product[offset + right.count] = carry
        }
        return product
    }

    /// Knuth, The Art of Computer Programming, volume 2, 4.3.1, algorithm D.
    static func division(
        _ dividend: [UInt64], _ divisor: [UInt64]
    ) -> (quotient: [UInt64], remainder: [UInt64]) {
        if isLess(dividend, divisor) { return ([], dividend) }
        if divisor.count == 1 { return division(dividend, divisor[0]) }
        let shift = UInt64(divisor[divisor.count - 1].leadingZeroBitCount)
        let low = shifted(divisor, by: shift)
        var rest = shifted(dividend, by: shift)
        if rest.count == dividend.count { rest.append(0) }
        let count = divisor.count
        let (first, second) = (UInt128(low[count - 1]), UInt128(low[count - 2]))
        var quotient = [UInt64](repeating: 0, count: rest.count - count)
        for place in quotient.indices.reversed() {
            let top = UInt128(rest[place + count]) << 64 | UInt128(rest[place + count - 1])
            var guess = top / first
            var remainder = top % first
            while guess >> 64 > 0
                || guess * second > (remainder << 64 | UInt128(rest[place + count - 2]))
            {
                guess -= 1
                remainder += first
                if remainder >> 64 > 0 { break }
            }
            if subtract(low, times: UInt64(guess), from: &rest, at: place) {
                guess -= 1
                add(low, to: &rest, at: place)
            }
            quotient[place] = UInt64(guess)
        }
        rest.removeLast(rest.count - count)
        return (quotient, unshifted(rest, by: shift))
    }

    private static func division(
        _ dividend: [UInt64], _ divisor: UInt64
    ) -> (quotient: [UInt64], remainder: [UInt64]) {
        var quotient = dividend
        var rest: UInt64 = 0
        for index in dividend.indices.reversed() {
            (quotient[index], rest) = divisor.dividingFullWidth((rest, dividend[index]))
        }
        return (quotient, [rest])
    }

    /// Subtracts a multiple at a place.
    /// - Returns: whether it was larger than what was there.
    private static func subtract(
        _ divisor: [UInt64], times factor: UInt64, from rest: inout [UInt64], at place: Int
    ) -> Bool {
        var carry: UInt64 = 0
        var borrow: UInt64 = 0
        for index in 0...divisor.count {
            let limb = index < divisor.count ? divisor[index] : 0
            let product = UInt128(limb) * UInt128(factor) + UInt128(carry)
            carry = UInt64(product >> 64)
            let part = UInt64(truncatingIfNeeded: product)
            let (first, under) = rest[place + index].subtractingReportingOverflow(part)
            let (second, underBorrow) = first.subtractingReportingOverflow(borrow)
            rest[place + index] = second
            borrow = under || underBorrow ? 1 : 0
        }
        return borrow > 0
    }

    private static func add(_ divisor: [UInt64], to rest: inout [UInt64], at place: Int) {
        var carry: UInt64 = 0
        for index in 0...divisor.count {
            let limb = index < divisor.count ? divisor[index] : 0
            let sum = UInt128(rest[place + index]) + UInt128(limb) + UInt128(carry)
            rest[place + index] = UInt64(truncatingIfNeeded: sum)
            carry = UInt64(sum >> 64)
        }
    }

    private static func shifted(_ limbs: [UInt64], by shift: UInt64) -> [UInt64] {
        guard shift > 0 else { return limbs }
        var shifted: [UInt64] = []
        var carry: UInt64 = 0
        for limb in limbs {
            shifted.append(limb << shift | carry)
            carry = limb >> (64 - shift)
        }
        if carry > 0 { shifted.append(carry) }
        return shifted
    }

    private static func unshifted(_ limbs: [UInt64], by shift: UInt64) -> [UInt64] {
        guard shift > 0 else { return limbs }
        return limbs.indices.map { index in
            let high = index + 1 < limbs.count ? limbs[index + 1] << (64 - shift) : 0
            return limbs[index] >> shift | high
        }
    }
}
