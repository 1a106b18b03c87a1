import Money
import Seeds
import Testing

/// Percentages of events against sums in which no event is looked at by itself.
@Suite struct PercentageRunTests {
    private static func values(_ generator: inout SeededGenerator) -> [Quantity] {
        (0..<Int.random(in: 0...12, using: &generator)).map { _ in
            let most = [Int128(0), 3, 1_000_000_000_000, 1 << 70].randomElement(using: &generator)
            return Quantity(units: Int128.random(in: 0...(most ?? 0), using: &generator))
        }
    }

    private static func quantity(_ generator: inout SeededGenerator) -> Quantity {
        Quantity(units: Int128.random(in: 0...(1 << 60), using: &generator))
    }

    private static func sum(_ values: some Sequence<Quantity>) -> Fraction {
        values.reduce(Fraction.zero) { $0 + Fraction($1) }
    }

    private static func total(
        _ terms: PriceModel.Percentage, _ values: [Quantity], allowsNegative: Bool = false
    ) -> Fraction {
        var run = PercentageRun(terms, allowsNegative: allowsNegative)
        for value in values { _ = run.add(value) }
        return run.total
    }

    /// Without a part for each event only sums count: those of all, less what is free of the first.
    @Test(arguments: Seeds.all) func freeUnitsAreTakenOffTheSum(seed: UInt64) {
        var generator = SeededGenerator(seed)
        for _ in 0..<100 {
            let values = Self.values(&generator)
            let (rate, free) = (Self.quantity(&generator), Self.quantity(&generator))
            let events = Int.random(in: 0...14, using: &generator)
            let share = Fraction(rate) * Fraction(1, over: 100)
            let all = Self.sum(values)
            let first = Self.sum(values.prefix(events))

            let none = Self.total(.init(rate: rate), values)
            #expect(none == share * all)
            let units = Self.total(.init(rate: rate, freeUnits: free), values)
            #expect(units == share * max(.zero, all - Fraction(free)))
            let counted = Self.total(.init(rate: rate, freeEvents: events), values)
            #expect(counted == share * (all - first))
            let both = Self.total(
                .init(rate: rate, freeEvents: events, freeUnits: free), values)
            #expect(both == share * (all - min(first, Fraction(free))))
        }
    }

    /// What is due for each event is due as often as there are events that are not free.
    @Test(arguments: Seeds.all) func theFixedPartIsDueForEachEvent(seed: UInt64) {
        var generator = SeededGenerator(seed)
        for _ in 0..<100 {
            let values = Self.values(&generator)
            let (rate, fixed) = (Self.quantity(&generator), Self.quantity(&generator))
            let events = Int.random(in: 0...14, using: &generator)
            let share = Fraction(rate) * Fraction(1, over: 100)
            let paid = values.dropFirst(events)
            let total = Self.total(.init(rate: rate, fixed: fixed, freeEvents: events), values)
            #expect(
                total == share * Self.sum(paid) + Fraction(Int128(paid.count)) * Fraction(fixed))
        }
    }

    /// Corrections change nothing of what the other events cost, wherever they stand.
    @Test(arguments: Seeds.all) func correctionsCountByThemselves(seed: UInt64) {
        var generator = SeededGenerator(seed)
        for _ in 0..<100 {
            let terms = PriceModel.Percentage(
                rate: Self.quantity(&generator), fixed: Self.quantity(&generator), freeEvents: 3,
                freeUnits: Self.quantity(&generator), minimum: Self.quantity(&generator),
                maximum: Self.quantity(&generator))
            let values = Self.values(&generator)
            var corrected = values
            var corrections: [Quantity] = []
            for _ in 0..<3 {
                let units = -1 - Self.quantity(&generator).units
                corrections.append(Quantity(units: units))
                corrected.insert(
                    Quantity(units: units),
                    at: Int.random(in: 0...corrected.count, using: &generator))
            }
            let total = Self.total(terms, values)
            #expect(Self.total(terms, corrected) == total)
            let share = Fraction(terms.rate) * Fraction(1, over: 100)
            #expect(
                Self.total(terms, corrected, allowsNegative: true)
                    == total + share * Self.sum(corrections))
        }
    }

    /// No event costs less than nothing, more than the most, or, unless it is free, less than the least.
    @Test(arguments: Seeds.all) func eachEventCostsAtLeastAndAtMost(seed: UInt64) {
        var generator = SeededGenerator(seed)
        for _ in 0..<100 {
            let bounds = [Self.quantity(&generator), Self.quantity(&generator)].sorted()
            let terms = PriceModel.Percentage(
                rate: Self.quantity(&generator), freeUnits: Self.quantity(&generator),
                minimum: bounds[0], maximum: bounds[1])
            var run = PercentageRun(terms, allowsNegative: false)
            var last = Fraction.zero
            for value in Self.values(&generator) {
                let price = run.add(value) - last
                last = run.total
                #expect(price <= Fraction(bounds[1]))
                #expect(price.isZero || price >= Fraction(bounds[0]))
            }
        }
    }
}
