import Money
import Seeds
import Testing

/// What holds for all price models and all quantities.
@Suite struct PriceModelTests {
    private static func models(_ generator: inout SeededGenerator) -> [PriceModel] {
        func number(_ most: Int128) -> Quantity {
            Quantity(units: Int128.random(in: 0...most, using: &generator))
        }
        let large: Int128 = 1_000_000_000_000_000_000
        var bounds = (0..<4).map { _ in number(large) }.filter { $0 > .zero }
        bounds = Set(bounds).sorted()
        var tiers = bounds.map {
            PriceModel.Tier(upTo: $0, rate: number(large), flat: number(large))
        }
        tiers.append(PriceModel.Tier(upTo: nil, rate: number(large), flat: number(1)))
        return [
            .perUnit(rate: number(large)),
            .package(size: Quantity(units: number(large).units + 1), price: number(large)),
            .graduated(tiers), .graduatedPercentage(tiers), .dynamic(multiplier: number(large)),
        ]
    }

    /// The price of each event is the difference of two totals. Taken together, in whatever parts
    /// the usage came, they are what the usage costs as one.
    @Test(arguments: Seeds.all)
    func partsSumToTheWhole(seed: UInt64) {
        var generator = SeededGenerator(seed)
        for _ in 0..<40 {
            for model in Self.models(&generator) {
                var used = Fraction.zero
                var last = model.total(.zero)
                var sum = last
                for _ in 0..<30 {
                    let step = Fraction(
                        Quantity(
                            units: Int128.random(in: -(1 << 52)...(1 << 58), using: &generator)))
                    used = used + step
                    let total = model.total(used)
                    if step > .zero { #expect(total >= last, "\(model) at \(used)") }
                    sum = sum + (total - last)
                    last = total
                }
                #expect(model.total(used) == sum)
            }
        }
    }

    /// A quantity below zero costs what none costs, or is credited as its mirror image.
    @Test(arguments: Seeds.all)
    func correctionsCannotEarnUnlessTheyMay(seed: UInt64) {
        var generator = SeededGenerator(seed)
        for model in Self.models(&generator) {
            let zero = model.total(.zero)
            for units: Int128 in [.min, -(1 << 40), -1] {
                let below = Fraction(Quantity(units: units))
                #expect(model.total(below) == zero)
                let credited = model.total(below, allowsNegative: true)
                #expect(zero - credited == model.total(-below) - zero)
            }
        }
    }

    /// Per unit and graduated totals against the sums done on paper.
    @Test(arguments: Seeds.all)
    func tiersAgreeWithPaper(seed: UInt64) throws {
        var generator = SeededGenerator(seed)
        for _ in 0..<100 {
            guard case .graduated(let tiers, _) = Self.models(&generator)[2] else { continue }
            let used = Int128.random(in: 0...(1 << 60), using: &generator)
            var paper = SlowInteger(0)
            var lower: Int128 = 0
            for (index, tier) in tiers.enumerated() {
                let isEntered = used > lower || index == 0
                let upper = min(used, tier.upTo?.units ?? used)
                if isEntered {
                    paper = paper + SlowInteger(tier.flat.units) * SlowInteger.power(10, 12)
                }
                if upper > lower {
                    paper = paper + SlowInteger(upper - lower) * SlowInteger(tier.rate.units)
                }
                lower = tier.upTo?.units ?? used
            }
            let total = PriceModel.graduated(tiers).total(Fraction(Quantity(units: used)))
            #expect(total.rounded(decimals: 12) == paper.roundedOff(12).int128)
            #expect(total.rounded(decimals: 24) == paper.int128)
        }
    }

    /// The one tier of volume and stairstep prices against a search from the other end.
    @Test(arguments: Seeds.all)
    func theTierOfTheWholeQuantityPricesIt(seed: UInt64) {
        var generator = SeededGenerator(seed)
        for _ in 0..<100 {
            guard case .graduated(let tiers, _) = Self.models(&generator)[2] else { continue }
            let steps = tiers.map { PriceModel.Step(upTo: $0.upTo, amount: $0.flat) }
            let bounds = tiers.compactMap(\.upTo).flatMap {
                [$0.units - 1, $0.units, $0.units + 1]
            }
            for units in bounds + [0, Int128.random(in: 0...(1 << 60), using: &generator)] {
                let quantity = Quantity(units: units)
                // The last tier whose lower bound the quantity exceeds.
                let lower = [nil] + tiers.dropLast().map(\.upTo)
                let tier = tiers[lower.lastIndex { $0.map { quantity > $0 } ?? true } ?? 0]
                for flatAtZero in [true, false] {
                    let flat = units > 0 || flatAtZero ? Fraction(tier.flat) : .zero
                    #expect(
                        PriceModel.volume(tiers, flatAtZero: flatAtZero).total(Fraction(quantity))
                            == Fraction(quantity) * Fraction(tier.rate) + flat)
                    #expect(
                        PriceModel.stairstep(steps, flatAtZero: flatAtZero)
                            .total(Fraction(quantity)) == flat)
                }
            }
        }
    }

    /// A level that does not change costs over the whole period what the same quantity costs, in
    /// however many pieces the period comes.
    @Test(arguments: Seeds.all)
    func aConstantLevelCostsItsTotal(seed: UInt64) {
        var generator = SeededGenerator(seed)
        for _ in 0..<20 {
            guard case .graduated(let tiers, _) = Self.models(&generator)[2] else { continue }
            let level = Fraction(
                Int128.random(in: 0...(1 << 60), using: &generator), over: 1_000_000_000_007)
            let lengths = (0..<6).map { _ in Int128.random(in: 1...(1 << 50), using: &generator) }
            let whole = lengths.reduce(0, +)
            let levels = lengths.map { (level: level, weight: Fraction($0, over: whole)) }
            for model in [
                PriceModel.perUnit(rate: tiers[0].rate), .graduated(tiers), .volume(tiers),
                .graduated(tiers, flatAtZero: false), .volume(tiers, flatAtZero: false),
            ] {
                let total = model.prorated(levels, end: level, peak: level)
                #expect(total == model.total(level), "\(model) of \(level)")
            }
        }
    }

    @Test func onlyPricesOfLevelsAreProrated() {
        let percentage = PriceModel.Percentage(rate: .one)
        let models: [PriceModel] = [
            .perUnit(rate: .one), .graduated([]), .volume([]), .package(size: .one, price: .one),
            .stairstep([]), .percentage(percentage), .graduatedPercentage([]),
            .dynamic(multiplier: .one), .matrix, .fee(.one),
        ]
        #expect(models.map(\.isProratable) == models.indices.map { $0 < 3 })
    }

    /// Usage is summed without a limit, and so is what it costs: more packages than 128 bits count.
    @Test func packagesAreCountedWithoutALimit() {
        let most = Fraction(Quantity(units: .max))
        let model = PriceModel.package(size: Quantity(units: 1), price: Quantity(units: 3))
        let one = model.total(most)
        #expect(one == Fraction(.max) * Fraction(Quantity(units: 3)))
        #expect(model.total(most + most + most) == one + one + one)
        #expect(
            model.total(most + most + Fraction(1, over: .max)) - one - one
                == Fraction(Quantity(units: 3)))
    }

    /// The largest quantities and prices never trap.
    @Test func nothingTraps() {
        let ends = [Int128.min, .min + 1, -1, 0, 1, .max - 1, .max].map { Quantity(units: $0) }
        let beyond = Fraction(ends[6]) * Fraction(ends[6])
        for quantity in ends.map({ Fraction($0) }) + [beyond, -beyond] {
            for first in ends {
                for second in ends {
                    _ = PriceModel.perUnit(rate: first).total(quantity, allowsNegative: true)
                    _ = PriceModel.package(size: first, price: second).total(quantity)
                    for bound in ends {
                        let tiers = [
                            PriceModel.Tier(upTo: bound, rate: first, flat: second),
                            PriceModel.Tier(upTo: second, rate: second, flat: first),
                            PriceModel.Tier(upTo: nil, rate: first, flat: first),
                        ]
                        _ = PriceModel.graduated(tiers).total(quantity)
                        _ = PriceModel.volume(tiers).total(quantity)
                        _ = PriceModel.graduatedPercentage(tiers).total(quantity)
                    }
                }
            }
        }
        #expect(PriceModel.package(size: .zero, price: .one).total(.one) == .zero)
        #expect(PriceModel.graduated([]).total(.one) == .zero)
    }
}
