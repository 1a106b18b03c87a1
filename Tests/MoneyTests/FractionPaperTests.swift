import Money
import Seeds
import Testing

/// Fractions far beyond 128 bits against the same sums done on paper.
@Suite struct FractionPaperTests {
    /// Of one to `most` limbs of 64 bits, often such as carries and borrows run through and such as
    /// mislead the guess of a quotient's digit.
    private static func integer(
        _ generator: inout SeededGenerator, limbs most: Int
    ) -> SlowInteger {
        let edges: [UInt64] = [0, 0, 1, 2, 1 << 63, (1 << 63) - 1, .max, .max - 1]
        let base = SlowInteger.power(2, 64)
        var value = SlowInteger(0)
        for _ in 0..<Int.random(in: 1...most, using: &generator) {
            let limb =
                Int.random(in: 0..<4, using: &generator) > 0
                ? edges.randomElement(using: &generator) ?? 0 : generator.next()
            value = value * base + SlowInteger(limb)
        }
        return Bool.random(using: &generator) ? value : -value
    }

    private static func fraction(_ generator: inout SeededGenerator) -> SlowFraction {
        let numerator = integer(&generator, limbs: 4)
        let denominator = integer(&generator, limbs: 3)
        guard denominator != SlowInteger(0) else { return fraction(&generator) }
        return SlowFraction(
            numerator, over: denominator.isNegative ? -denominator : denominator)
    }

    @Test(arguments: Seeds.all) func sumsProductsAndQuotientsAreExact(seed: UInt64) {
        var generator = SeededGenerator(seed)
        for _ in 0..<60 {
            let (left, right) = (Self.fraction(&generator), Self.fraction(&generator))
            let (a, b) = (left.fraction, right.fraction)
            #expect(left.isExactly(a), "\(left)")
            #expect((left + right).isExactly(a + b), "\(left) + \(right)")
            #expect((left - right).isExactly(a - b), "\(left) - \(right)")
            #expect((left * right).isExactly(a * b), "\(left) × \(right)")
            if !b.isZero {
                #expect(
                    left.divided(by: right).isExactly(a.divided(by: b)), "\(left) ÷ \(right)")
            }
            #expect(a.isNegative == left.numerator.isNegative)
            #expect(a.magnitude == (left.numerator.isNegative ? -a : a))
        }
    }

    /// Also of numbers that are almost or wholly the same, and the hash of those that are.
    @Test(arguments: Seeds.all) func orderAndEqualityAgreeWithPaper(seed: UInt64) {
        var generator = SeededGenerator(seed)
        for _ in 0..<40 {
            let (left, other) = (Self.fraction(&generator), Self.fraction(&generator))
            let tiny = SlowFraction(
                SlowInteger(Int.random(in: -1...1, using: &generator)),
                over: SlowInteger.power(10, 40))
            let factor = Self.integer(&generator, limbs: 2)
            guard factor != SlowInteger(0) else { continue }
            let same = SlowFraction(factor, over: SlowInteger(1))
            let near = (left * same).divided(by: same) + tiny
            let (a, b, c) = (left.fraction, near.fraction, other.fraction)
            #expect((a == b) == (left == near), "\(left) \(near)")
            #expect((a < b) == (left < near), "\(left) \(near)")
            #expect((a < c) == (left < other), "\(left) \(other)")
            let round = ((a + c) - c) * same.fraction
            #expect(round.divided(by: same.fraction) == a)
            #expect(round.divided(by: same.fraction).hashValue == a.hashValue, "\(left)")
        }
    }

    @Test(arguments: Seeds.all) func roundingAgreesWithPaper(seed: UInt64) {
        var generator = SeededGenerator(seed)
        let rules: [Fraction.Rounding] = [.halfAwayFromZero, .ceiling, .floor]
        for _ in 0..<60 {
            let paper = Self.fraction(&generator)
            check(paper, paper.fraction, rules, decimals: Int.random(in: 0...38, using: &generator))
        }
        // Halves, and a hair to either side of them.
        for _ in 0..<60 {
            let whole = Int.random(in: -3...3, using: &generator)
            let decimals = Int.random(in: 0...4, using: &generator)
            let half = SlowFraction(
                SlowInteger(2 * whole + 1), over: SlowInteger(2) * SlowInteger.power(10, decimals))
            let hair = SlowFraction(
                SlowInteger(Int.random(in: -1...1, using: &generator)),
                over: SlowInteger.power(3, 90))
            check(half + hair, (half + hair).fraction, rules, decimals: decimals)
        }
    }

    private func check(
        _ paper: SlowFraction, _ fraction: Fraction, _ rules: [Fraction.Rounding], decimals: Int
    ) {
        for rule in rules {
            let text = fraction.rounded(toDecimals: decimals, rule)
            let scaled = text * Fraction(SlowInteger.power(10, decimals))
            let whole = SlowInteger(text: scaled.description)
            #expect(
                paper.isRounded(to: whole, decimals: decimals, rule), "\(paper) \(decimals) \(rule)"
            )
            #expect(fraction.rounded(decimals: decimals, rule) == whole.int128, "\(paper)")
        }
        let printed = SlowInteger(text: fraction.unrounded.filter { $0 != "." })
        #expect(paper.isRounded(to: printed, decimals: 12, .halfAwayFromZero), "\(paper)")
    }

    /// The last number that 128 bits hold, and the next, of both signs.
    @Test func whatLeavesTheRangeIsNil() {
        let half = Fraction(1, over: 2)
        let hair = Fraction(1, over: .max)
        let (most, least) = (Fraction(.max), Fraction(.min))
        #expect(most.rounded(decimals: 0) == .max)
        #expect((most + half - hair).rounded(decimals: 0) == .max)
        #expect((most + half).rounded(decimals: 0) == nil)
        #expect((most + hair).rounded(decimals: 0, .floor) == .max)
        #expect((most + hair).rounded(decimals: 0, .ceiling) == nil)
        #expect(least.rounded(decimals: 0) == .min)
        #expect((least - half + hair).rounded(decimals: 0) == .min)
        #expect((least - half).rounded(decimals: 0) == nil)
        #expect((least - hair).rounded(decimals: 0, .ceiling) == .min)
        #expect((least - hair).rounded(decimals: 0, .floor) == nil)
        #expect(-least == most + .one)
        #expect((-least).description == "170141183460469231731687303715884105728")
        #expect(least.divided(by: Fraction(-1)) == most + .one)
    }

    /// A quantity goes into a fraction and comes out of it; what is none does not.
    @Test(arguments: Seeds.all) func quantitiesComeBack(seed: UInt64) {
        var generator = SeededGenerator(seed)
        let third = Fraction(1, over: 3)
        var units: [Int128] = [0, 1, -1, .max, .min, 1_000_000_000_000, -5_000_000_000_000]
        units += (0..<100).map { _ in
            Int128(truncatingIfNeeded: UInt128.random(in: 0...UInt128.max, using: &generator))
                >> Int.random(in: 0...127, using: &generator)
        }
        for units in units {
            let quantity = Quantity(units: units)
            let fraction = Fraction(quantity)
            #expect(fraction.quantity == quantity)
            #expect((fraction + third - third).quantity == quantity)
            #expect((fraction + third).quantity == nil)
            #expect(fraction.description == quantity.description)
        }
        let unit = Fraction(Quantity(units: 1))
        #expect((Fraction(Quantity(units: .max)) + unit).quantity == nil)
        #expect((Fraction(Quantity(units: .min)) - unit).quantity == nil)
    }

    @Test(arguments: ["JPY", "USD", "KWD", "CLF"]) func amountsComeBack(code: String) throws {
        let currency = try #require(Currency(code: code))
        for units in [Int128.min, -12_345, -1, 0, 1, 100, .max] {
            let amount = Amount(minorUnits: units, currency: currency)
            #expect(Fraction(amount).rounded(to: currency) == amount)
            #expect(Fraction(amount) == Fraction(units) * Fraction(minorUnit: currency))
        }
    }
}

extension Fraction {
    fileprivate init(minorUnit currency: Currency) {
        self.init(1, over: (0..<currency.exponent).reduce(Int128(1)) { power, _ in power * 10 })
    }
}
