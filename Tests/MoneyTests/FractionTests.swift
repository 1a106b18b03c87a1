import Money
import Seeds
import Testing

/// Exact rational numbers against integers done on paper.
@Suite struct FractionTests {
    private static func integer(_ generator: inout SeededGenerator) -> Int128 {
        let bits = Int.random(in: 0...126, using: &generator)
        let most: Int128 = (1 << bits)
        return Int128.random(in: -most...most, using: &generator)
    }

    private static func fraction(_ generator: inout SeededGenerator) -> Fraction {
        Fraction(integer(&generator), over: max(1, integer(&generator).magnitude.small))
    }

    /// What holds for numbers whatever their size.
    @Test(arguments: Seeds.all) func theLawsOfNumbersHold(seed: UInt64) {
        var generator = SeededGenerator(seed)
        for _ in 0..<150 {
            let (a, b, c) = (
                Self.fraction(&generator), Self.fraction(&generator), Self.fraction(&generator)
            )
            #expect(a + b == b + a)
            #expect((a + b) + c == a + (b + c))
            #expect((a * b) * c == a * (b * c))
            #expect(a * (b + c) == a * b + a * c)
            #expect((a - b) + b == a)
            if !b.isZero { #expect(a.divided(by: b) * b == a) }
            #expect((a < b) == (b - a > .zero))
            var (left, right) = (Set([a * b]), Set([b * a]))
            #expect(left == right)
            left.insert(b * a)
            right.insert(a * b)
            #expect(left.count == 1 && right.count == 1)
        }
    }

    /// Products and sums of wide numbers, digit by digit.
    @Test(arguments: Seeds.all) func wideNumbersAgreeWithPaper(seed: UInt64) throws {
        var generator = SeededGenerator(seed)
        for _ in 0..<300 {
            let (a, b, c) = (
                Self.integer(&generator), Self.integer(&generator), Self.integer(&generator)
            )
            let product = Fraction(a) * Fraction(b) + Fraction(c)
            let paper = SlowInteger(a) * SlowInteger(b) + SlowInteger(c)
            #expect(product.rounded(decimals: 0) == paper.int128)
            // Too wide for an Int128: compared by what is left of it.
            if b != 0 { #expect((product - Fraction(c)).divided(by: Fraction(b)) == Fraction(a)) }
            let power = Fraction(1, over: 1_000_000_000_000)
            #expect((product * power).rounded(decimals: 0) == paper.roundedOff(12).int128)
        }
    }

    @Test func halvesGoAwayFromZeroAndBoundsToTheirSide() {
        let half = Fraction(5, over: 2)
        #expect(half.rounded(decimals: 0) == 3)
        #expect((-half).rounded(decimals: 0) == -3)
        #expect(half.rounded(decimals: 0, .floor) == 2)
        #expect((-half).rounded(decimals: 0, .floor) == -3)
        #expect(half.rounded(decimals: 0, .ceiling) == 3)
        #expect((-half).rounded(decimals: 0, .ceiling) == -2)
        #expect(Fraction(1, over: 3).rounded(decimals: 4) == 3333)
        #expect(Fraction(2, over: 3).rounded(decimals: 4) == 6667)
        #expect(Fraction(6).rounded(decimals: 0, .ceiling) == 6)
    }

    @Test func textsAreAsShortAsTheyCanBe() throws {
        #expect(Fraction(try #require(Quantity("12.50"))).description == "12.5")
        #expect(Fraction(0).description == "0")
        #expect(Fraction(-3).description == "-3")
        #expect(Fraction(1, over: 3).description == "0.333333333333")
        #expect(Fraction(-1, over: 3).unrounded == "-0.333333333333")
        #expect(Fraction(5).unrounded == "5.000000000000")
        #expect(Fraction(1, over: 3).quantity == nil)
        #expect(Fraction(1, over: 8).quantity == Quantity("0.125"))
        let most = Fraction(.max) * Fraction(.max)
        #expect(
            most.description
                == "28948022309329048855892746252171976962977213799489202546401021394546514198529")
        #expect(most.rounded(decimals: 0) == nil)
    }
}

extension UInt128 {
    /// Within Int128, and not large where denominators meet.
    fileprivate var small: Int128 { Int128(self >> 1) }
}
