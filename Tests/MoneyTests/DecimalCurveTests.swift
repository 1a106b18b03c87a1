import Money
import Seeds
import Testing

/// The prepared curve says what the price model says, or nothing.
@Suite struct DecimalCurveTests {
    private static func quantity(_ generator: inout SeededGenerator) -> Quantity {
        switch Int.random(in: 0...3, using: &generator) {
        case 0:
            Quantity(units: Int128(Int.random(in: 0...30, using: &generator)) * 1_000_000_000_000)
        case 1: Quantity(units: Int128(Int.random(in: 0...1 << 45, using: &generator)))
        case 2: Quantity(units: Int128.random(in: -(1 << 100)...(1 << 100), using: &generator))
        default: Quantity(units: Int128.random(in: 0...(1 << 70), using: &generator))
        }
    }

    private static func rate(_ generator: inout SeededGenerator) -> Quantity {
        let units = Int.random(in: -1_000...5_000_000, using: &generator)
        return Quantity(units: Int128(units) * (Bool.random(using: &generator) ? 1 : 1_000_000))
    }

    private static func bounds(_ generator: inout SeededGenerator) -> [Quantity?] {
        var last: Int128 = 0
        var bounds: [Quantity?] = (0..<Int.random(in: 0...3, using: &generator)).map { _ in
            last += Int128(Int.random(in: 1...8, using: &generator)) * 500_000_000_000
            return Quantity(units: last)
        }
        if Int.random(in: 0...4, using: &generator) > 0 || bounds.isEmpty { bounds.append(nil) }
        return bounds
    }

    private static func model(_ generator: inout SeededGenerator) -> PriceModel {
        let flatAtZero = Bool.random(using: &generator)
        let bounds = bounds(&generator)
        let tiers = bounds.map {
            PriceModel.Tier(upTo: $0, rate: rate(&generator), flat: rate(&generator))
        }
        switch Int.random(in: 0...6, using: &generator) {
        case 0: return .perUnit(rate: rate(&generator))
        case 1:
            let size = Quantity(units: max(1, rate(&generator).units))
            return .package(size: size, price: rate(&generator))
        case 2: return .graduated(tiers, flatAtZero: flatAtZero)
        case 3: return .volume(tiers, flatAtZero: flatAtZero)
        case 4:
            return .stairstep(
                bounds.map { .init(upTo: $0, amount: rate(&generator)) }, flatAtZero: flatAtZero)
        case 5: return .dynamic(multiplier: rate(&generator))
        default: return .graduatedPercentage(tiers, flatAtZero: flatAtZero)
        }
    }

    @Test(arguments: Seeds.all) func itSaysWhatTheModelSays(seed: UInt64) throws {
        var generator = SeededGenerator(seed)
        var known = 0
        for _ in 0..<2_000 {
            let model = Self.model(&generator)
            let quantity = Self.quantity(&generator)
            guard let point = DecimalCurve(model)?.total(quantity) else { continue }
            known += 1
            let total = model.total(Fraction(quantity))
            #expect(
                Fraction(Quantity(units: point.units)) * Fraction(Quantity(units: 1)) == total,
                "\(model) \(quantity)")
            #expect(point.printed == total.rounded(decimals: 12), "\(model) \(quantity)")
            if let tier = model.tier(of: Fraction(quantity)) { #expect(point.tier == tier) }
        }
        #expect(known > 500)
    }

    @Test func whereItStopsItSaysNothing() {
        let rate = Quantity(units: 2_000_000_000_000)
        let bounded = PriceModel.volume([.init(upTo: .one, rate: rate, flat: .zero)])
        #expect(DecimalCurve(bounded)?.total(Quantity(units: 1_000_000_000_001)) == nil)
        #expect(DecimalCurve(bounded)?.total(.one)?.printed == 2_000_000_000_000)
        #expect(DecimalCurve(.perUnit(rate: rate))?.total(Quantity(units: -1)) == nil)
        #expect(DecimalCurve(.perUnit(rate: rate))?.total(Quantity(units: .max)) == nil)
        #expect(DecimalCurve(.matrix) == nil)
    }
}
