import Money
import Seeds
import Testing

/// What quantities cost: rows a billing person can check, and what holds for all of them.
@Suite struct PriceModelTests {
    @Test func theSheetHolds() throws {
        let rows = try PriceSheet.rows("totals.csv")
        #expect(rows.count > 30)
        for row in rows {
            #expect(row.model.total(Fraction(row.quantity)) == Fraction(row.total), "\(row.name)")
        }
    }

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

    /// The largest quantities and prices never trap.
    @Test func nothingTraps() {
        let ends = [Int128.min, .min + 1, -1, 0, 1, .max - 1, .max].map { Quantity(units: $0) }
        for quantity in ends.map({ Fraction($0) }) {
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
                    }
                }
            }
        }
        #expect(PriceModel.package(size: .zero, price: .one).total(.one) == .zero)
        #expect(PriceModel.graduated([]).total(.one) == .zero)
    }
}
