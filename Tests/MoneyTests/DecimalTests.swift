import Money
import Seeds
import Testing

/// Decimal texts to numbers and back.
@Suite struct DecimalTests {
    @Test(arguments: [
        ("0", "0"), ("-0", "0"), ("0.000", "0"), ("-0.0", "0"), ("1.50", "1.5"), ("007", "7"),
        ("-12.50", "-12.5"), ("0.000000000001", "0.000000000001"), ("100", "100"),
        ("170141183460469231731687303715884105727", "170141183460469231731687303715884105727"),
        ("0.170141183460469231731687303715884105727", "0.170141183460469231731687303715884105727"),
    ])
    func reads(text: String, canonical: String) {
        #expect(DecimalNumber(text)?.description == canonical)
    }

    @Test(arguments: [
        "", "-", ".", "-.5", ".5", "5.", "1..2", "1.2.3", "+1", "1e3", "1 ", " 1", "1,5", "--1",
        "1-", "0x1", "١", "170141183460469231731687303715884105729",
        "999999999999999999999999999999999999999999",
    ])
    func refuses(text: String) {
        #expect(DecimalNumber(text) == nil)
        #expect(Quantity(text) == nil)
    }

    @Test(arguments: Seeds.all)
    func whatIsPrintedIsReadBack(seed: UInt64) {
        var generator = SeededGenerator(seed)
        for _ in 0..<2000 {
            let bits = Int.random(in: 1...128, using: &generator)
            let word = UInt128.random(in: 0...UInt128.max, using: &generator)
            let mantissa = Int128(truncatingIfNeeded: word) >> (128 - bits)
            let scale = Int.random(in: 0...40, using: &generator)
            let number = DecimalNumber(mantissa: mantissa, scale: scale)
            #expect(DecimalNumber(number.description) == number)
            let quantity = Quantity(units: mantissa)
            #expect(Quantity(quantity.description) == quantity)
        }
    }

    @Test func theEndsOfTheRangeAreReadBack() {
        for units in [Int128.min, .min + 1, .max] {
            let quantity = Quantity(units: units)
            #expect(Quantity(quantity.description) == quantity, "\(units)")
        }
    }

    @Test func equalValuesAreEqual() {
        #expect(DecimalNumber("1") == DecimalNumber("1.000"))
        #expect(DecimalNumber(mantissa: 10, scale: 1) == DecimalNumber(mantissa: 1, scale: 0))
        #expect(DecimalNumber(mantissa: 0, scale: 9) == DecimalNumber(mantissa: 0, scale: 0))
        #expect(DecimalNumber(mantissa: 10, scale: 0).mantissa == 10)
    }

    /// Twelve decimals are kept; a thirteenth is refused, not cut.
    @Test func quantitiesAreExactOrRefused() {
        #expect(Quantity("0.000000000001")?.units == 1)
        #expect(Quantity("0.0000000000010")?.units == 1)
        #expect(Quantity("0.0000000000001") == nil)
        #expect(Quantity("170141183460469231731687303.715884105727")?.units == .max)
        #expect(Quantity("170141183460469231731687303.715884105728") == nil)
        #expect(Quantity("170141183460469231731687304") == nil)
    }

    @Test func sumsOutOfRangeAreNil() {
        let most = Quantity(units: .max)
        let least = Quantity(units: .min)
        let one = Quantity(units: 1)
        #expect(most.adding(one) == nil)
        #expect(least.subtracting(one) == nil)
        #expect(most.adding(least)?.units == -1)
        #expect(Quantity.zero.subtracting(least) == nil)
    }
}
