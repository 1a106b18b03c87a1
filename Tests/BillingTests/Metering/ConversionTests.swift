import Billing
import Money
import Testing

/// Conversion of units, with its own rounding.
@Suite struct ConversionTests {
    private typealias Conversion = MeterTerms.Conversion

    @Test(
        arguments: [
            ("1247", "1", "1000", "none", 0, "1.247"), ("1247", "1", "1000", "ceiling", 0, "2"),
            ("2000", "1", "1000", "ceiling", 0, "2"), ("-1999", "1", "1000", "ceiling", 0, "-1"),
            ("1999", "1", "1000", "floor", 0, "1"), ("-1001", "1", "1000", "floor", 0, "-2"),
            ("2400", "1", "1000", "half_up", 0, "2"), ("2500", "1", "1000", "half_up", 0, "3"),
            ("2600", "1", "1000", "half_up", 0, "3"), ("3500", "1", "1000", "half_up", 0, "4"),
            ("-2500", "1", "1000", "half_up", 0, "-3"), ("245", "1", "100", "half_up", 1, "2.5"),
            ("244", "1", "100", "half_up", 1, "2.4"), ("7", "60", "0.5", "none", 0, "840"),
            ("1", "1", "3", "none", 0, "0.333333333333"), ("1", "2", "3", "floor", 2, "0.66"),
            ("1", "2", "3", "ceiling", 12, "0.666666666667"), ("0", "2", "3", "ceiling", 0, "0"),
        ] as [(String, String, String, String, Int, String)])
    func aQuantityIsConverted(
        _ quantity: String, _ multiply: String, _ divide: String, _ rounding: String,
        _ decimals: Int, _ expected: String
    ) throws {
        let conversion = Conversion(
            multiply: try #require(Quantity(multiply)), divide: try #require(Quantity(divide)),
            rounding: try #require(Conversion.Rounding(rawValue: rounding)), decimals: decimals)
        let converted = conversion.apply(Fraction(try #require(Quantity(quantity))))
        #expect(converted.description == expected)
    }

    /// Without a rounding nothing is lost.
    @Test func withoutRoundingThirdsStayThirds() throws {
        let conversion = Conversion(
            multiply: .one, divide: try #require(Quantity("3")), rounding: .none, decimals: 0)
        #expect(conversion.apply(.one) * Fraction(3) == .one)
    }

    /// It is what is summed that is rounded, not each use.
    @Test func theAggregateIsConvertedAndNotEachUse() throws {
        let meter = try Usages.meter(#"sum convert:{"divide":1000,"round":"ceiling"}"#)
        let uses = try (0..<4).map { try Usages.use($0, Usages.march.start, "400") }
        let usage = MeteredUsage(meter: meter, uses: uses, zone: .utc)
        #expect(usage.quantity(in: Usages.march, of: Usages.march) == Fraction(2))
        let raw = usage.rawQuantity(in: Usages.march, of: Usages.march)
        #expect(raw == Fraction(1600))
        let running = usage.running(in: Usages.march, of: Usages.march).map(\.quantity)
        #expect(running == [1, 1, 2, 2].map { Fraction($0) })
    }
}
