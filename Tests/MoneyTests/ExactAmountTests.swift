import Money
import Seeds
import Testing

/// 256-bit money against the same sums done on paper.
@Suite struct ExactAmountTests {
    /// Numbers where carries, signs and limits lie, and random ones of every length.
    private static func samples(_ generator: inout SeededGenerator) -> [Int128] {
        var samples: [Int128] = [0, 1, -1, 5, -5, .max, .min, .max - 1, .min + 1]
        for shift in [12, 63, 64, 65, 126] {
            samples += [Int128(1) << shift, -(Int128(1) << shift), (Int128(1) << shift) - 1]
        }
        for _ in 0..<20 {
            let bits = Int.random(in: 1...128, using: &generator)
            let word = UInt128.random(in: 0...UInt128.max, using: &generator)
            samples.append(Int128(truncatingIfNeeded: word) >> (128 - bits))
        }
        return samples
    }

    private static func product(_ left: Int128, _ right: Int128) -> ExactAmount {
        ExactAmount(product: Quantity(units: left), Quantity(units: right))
    }

    @Test(arguments: Seeds.all)
    func productsAndSumsAgreeWithPaper(seed: UInt64) {
        var generator = SeededGenerator(seed)
        let numbers = Self.samples(&generator)
        for _ in 0..<120 {
            let pick = (0..<4).map { _ in numbers.randomElement(using: &generator) ?? 0 }
            let (left, right) = (Self.product(pick[0], pick[1]), Self.product(pick[2], pick[3]))
            let slowLeft = SlowInteger(pick[0]) * SlowInteger(pick[1])
            let slowRight = SlowInteger(pick[2]) * SlowInteger(pick[3])
            check(left, slowLeft)
            check(left.adding(right), slowLeft + slowRight)
            check(left.subtracting(right), slowLeft - slowRight)
            #expect((left < right) == (slowLeft < slowRight), "\(slowLeft) < \(slowRight)")
            #expect((left == right) == (slowLeft == slowRight))
        }
    }

    /// Sums of sums reach the ends of 256 bits, where a wrong carry shows.
    @Test func theEndsOfTheRangeAreExact() throws {
        let most = Self.product(.min, .min)
        let least = Self.product(.min, .max)
        let slowMost = SlowInteger(Int128.min) * SlowInteger(Int128.min)
        let slowLeast = SlowInteger(Int128.min) * SlowInteger(Int128.max)
        var ends: [(ExactAmount, SlowInteger)] = [(.zero, SlowInteger(0))]
        for (step, slowStep) in [(most, slowMost), (least, slowLeast)] {
            var sum = ExactAmount.zero
            var slow = SlowInteger(0)
            while let next = sum.adding(step) {
                (sum, slow) = (next, slow + slowStep)
                ends.append((sum, slow))
            }
            #expect(!(slow + slowStep).fits256Bits)
        }
        for small in [Int128(1), -1, Int128.max, .min] {
            ends.append((Self.product(small, 1), SlowInteger(small)))
        }
        let reach = Self.product(.max, .max)
        let slowReach = SlowInteger(Int128.max) * SlowInteger(Int128.max)
        ends += ends.compactMap { end in
            end.0.adding(reach).map { ($0, end.1 + slowReach) }
        }
        for (left, slowLeft) in ends {
            for (right, slowRight) in ends {
                check(left.adding(right), slowLeft + slowRight)
                check(left.subtracting(right), slowLeft - slowRight)
            }
        }
    }

    /// A carry out of the low half may bring a high half that had left the range back into it.
    @Test func aCarryBringsASumBackIntoTheRange() throws {
        // −2^255 + 2^128 − 1 and −2^128 + … : built from products that fit.
        let half = Self.product(.min, .max)
        let slowHalf = SlowInteger(Int128.min) * SlowInteger(Int128.max)
        let bottom = try #require(half.adding(half))
        let slowBottom = slowHalf + slowHalf
        for low in [Int128(1), -1, 1 << 100, -(1 << 100), .max, .min] {
            for other in [Int128.min, -2, -1, 0, 1, .max] {
                let left = bottom.adding(Self.product(low, 1))
                let right = Self.product(other, 2)
                let slowLeft = slowBottom + SlowInteger(low)
                let slowRight = SlowInteger(other) * SlowInteger(2)
                check(left, slowLeft)
                check(left?.adding(right), slowLeft + slowRight)
                check(left?.subtracting(right), slowLeft - slowRight)
            }
        }
    }

    @Test(arguments: Seeds.all)
    func roundingIsHalfAwayFromZero(seed: UInt64) {
        var generator = SeededGenerator(seed)
        let numbers = Self.samples(&generator)
        for decimals in [0, 2, 3, 4, 12, 23, 24] {
            for _ in 0..<60 {
                let left = numbers.randomElement(using: &generator) ?? 0
                let right = numbers.randomElement(using: &generator) ?? 0
                let paper = (SlowInteger(left) * SlowInteger(right)).roundedOff(24 - decimals)
                #expect(
                    Self.product(left, right).rounded(decimals: decimals) == paper.int128,
                    "\(left) × \(right) with \(decimals) decimals")
            }
        }
    }

    /// A half, and one part in 10^24 to either side of it, of both signs, for every currency.
    @Test(arguments: [("JPY", 0), ("USD", 2), ("KWD", 3), ("CLF", 4)])
    func aHalfOfAMinorUnitRoundsAway(code: String, exponent: Int) throws {
        let currency = try #require(Currency(code: code))
        #expect(currency.exponent == exponent)
        let unit = SlowInteger.power(10, 24 - exponent)
        let half = try #require((SlowInteger(5) * SlowInteger.power(10, 23 - exponent)).int128)
        let whole = try #require(unit.int128)
        for cents in [Int128(0), 1, 2, 99, 100] {
            for (offset, up) in [(Int128(-1), 0), (0, 1), (1, 1)] {
                let units = cents * whole + half + offset
                for sign in [Int128(1), -1] {
                    let amount = Self.product(sign * units, 1)
                    let expected = sign * (cents + Int128(up))
                    #expect(amount.rounded(to: currency)?.minorUnits == expected)
                }
            }
        }
    }

    @Test func aQuantityIsItsOwnAmount() {
        for units in [Int128.min, -1, 0, 1, .max] {
            let quantity = Quantity(units: units)
            #expect(ExactAmount(quantity).roundedUnits == units)
        }
    }

    @Test(arguments: [
        ("10.275", "1", "USD", "10.28", "10.275000000000"),
        ("-10.275", "1", "USD", "-10.28", "-10.275000000000"),
        ("10.2749", "1", "USD", "10.27", "10.274900000000"),
        ("1000.5", "1", "JPY", "1001", "1000.500000000000"),
        ("-0.5", "1", "JPY", "-1", "-0.500000000000"),
        ("-0.4", "1", "JPY", "0", "-0.400000000000"),
        ("1.2345", "1", "KWD", "1.235", "1.234500000000"),
        ("1.23445", "1", "CLF", "1.2345", "1.234450000000"),
        ("1000000", "0.000001", "USD", "1.00", "1.000000000000"),
        ("3", "0.1", "USD", "0.30", "0.300000000000"),
        ("0.000001", "0.0000001", "USD", "0.00", "0.000000000000"),
        ("0.000001", "0.0000005", "USD", "0.00", "0.000000000001"),
        ("-0.000001", "0.0000005", "USD", "0.00", "-0.000000000001"),
    ])
    func linesPrint(
        quantity: String, rate: String, code: String, rounded: String, unrounded: String
    ) throws {
        let exact = ExactAmount(
            product: try #require(Quantity(quantity)), try #require(Quantity(rate)))
        let currency = try #require(Currency(code: code))
        #expect(exact.rounded(to: currency)?.description == rounded)
        #expect(exact.unrounded == unrounded)
    }

    @Test func whatDoesNotFitSaysSo() {
        let large = Self.product(.max, .max)
        #expect(large.rounded(decimals: 24) == nil)
        #expect(large.roundedUnits == nil)
        #expect(large.unrounded == "overflow")
        #expect(Self.product(.max, .min).unrounded == "-overflow")
        #expect(large.adding(large)?.adding(large) == nil)
    }

    private func check(_ amount: ExactAmount?, _ paper: SlowInteger) {
        guard paper.fits256Bits else {
            #expect(amount == nil, "\(paper) does not fit")
            return
        }
        // The value is read back in two parts: what rounds away and what stays.
        guard let amount else {
            Issue.record("\(paper) fits 256 bits")
            return
        }
        #expect(amount.isNegative == paper.isNegative, "\(paper)")
        for decimals in [0, 12, 24] {
            let rounded = amount.rounded(decimals: decimals)
            #expect(rounded == paper.roundedOff(24 - decimals).int128, "\(paper)")
        }
    }
}
