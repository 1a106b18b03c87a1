import Money
import Seeds
import Testing

/// What quantities cost: rows a billing person can check, and what holds for all of them.
@Suite struct PriceModelTests {
    @Test func theSheetHolds() throws {
        let rows = try PriceSheet.rows("totals.csv")
        #expect(rows.count > 30)
        for row in rows {
            #expect(row.model.total(row.quantity) == ExactAmount(row.total), "\(row.name)")
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
            .graduated(tiers),
        ]
    }

    /// The price of each event is the difference of two totals. Taken together, in whatever parts
    /// the usage came, they are what the usage costs as one.
    @Test(arguments: Seeds.all)
    func partsSumToTheWhole(seed: UInt64) throws {
        var generator = SeededGenerator(seed)
        for _ in 0..<40 {
            for model in Self.models(&generator) {
                var used = Quantity.zero
                var last = try #require(model.total(.zero))
                var sum = last
                for _ in 0..<30 {
                    let step = Quantity(
                        units: Int128.random(in: -(1 << 52)...(1 << 58), using: &generator))
                    used = try #require(used.adding(step))
                    let total = try #require(model.total(used))
                    let marginal = try #require(total.subtracting(last))
                    if step > .zero { #expect(!marginal.isNegative, "\(model) at \(used)") }
                    sum = try #require(sum.adding(marginal))
                    last = total
                }
                #expect(model.total(used) == sum)
            }
        }
    }

    /// A price below zero usage is the price of none.
    @Test(arguments: Seeds.all)
    func correctionsCannotEarn(seed: UInt64) {
        var generator = SeededGenerator(seed)
        for model in Self.models(&generator) {
            for units in [Int128.min, -1, 0] {
                #expect(model.total(Quantity(units: units)) == model.total(.zero))
            }
        }
    }

    /// Per unit and graduated totals against the sums done on paper.
    @Test(arguments: Seeds.all)
    func tiersAgreeWithPaper(seed: UInt64) throws {
        var generator = SeededGenerator(seed)
        for _ in 0..<100 {
            guard case .graduated(let tiers) = Self.models(&generator)[2] else { continue }
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
            let total = try #require(PriceModel.graduated(tiers).total(Quantity(units: used)))
            #expect(total.rounded(decimals: 12) == paper.roundedOff(12).int128)
            #expect(total.rounded(decimals: 24) == paper.int128)
        }
    }

    /// The largest quantities and prices, and prices that make no sense, have no total, or one; they
    /// never trap.
    @Test func nothingTraps() {
        let ends = [Int128.min, .min + 1, -1, 0, 1, .max - 1, .max].map { Quantity(units: $0) }
        for quantity in ends {
            for first in ends {
                for second in ends {
                    _ = PriceModel.perUnit(rate: first).total(quantity)
                    _ = PriceModel.package(size: first, price: second).total(quantity)
                    for bound in ends {
                        let tiers = [
                            PriceModel.Tier(upTo: bound, rate: first, flat: second),
                            PriceModel.Tier(upTo: second, rate: second, flat: first),
                            PriceModel.Tier(upTo: nil, rate: first, flat: first),
                        ]
                        _ = PriceModel.graduated(tiers).total(quantity)
                    }
                }
            }
        }
        let most = Quantity(units: .max)
        #expect(PriceModel.package(size: Quantity(units: 1), price: most).total(most) == nil)
        #expect(PriceModel.package(size: .zero, price: .one).total(.one) == nil)
        #expect(PriceModel.graduated([]).total(.one) == .zero)
    }
}
