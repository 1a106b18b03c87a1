extension PriceModel {
    /// The exact price of a cumulative quantity. Of a percentage, as if it were one event; of a
    /// matrix nothing, for its rows are priced one by one.
    /// - Parameter allowsNegative: whether a quantity below zero is credited, as the mirror image of
    ///   what the same quantity above zero costs; otherwise it costs what zero costs.
    package func total(_ quantity: Fraction, allowsNegative: Bool = false) -> Fraction {
        guard quantity.isNegative else { return total(atLeastZero: quantity) }
        let atZero = total(atLeastZero: .zero)
        guard allowsNegative else { return atZero }
        return atZero - (total(atLeastZero: -quantity) - atZero)
    }

    private func total(atLeastZero quantity: Fraction) -> Fraction {
        switch self {
        case .perUnit(let rate): return quantity * Fraction(rate)
        case .package(let size, let price):
            guard size > .zero else { return .zero }
            let begun = quantity.divided(by: Fraction(size)).rounded(toDecimals: 0, .ceiling)
            return begun * Fraction(price)
        case .graduated(let tiers, let flatAtZero):
            return Self.variable(tiers, quantity)
                + Self.flats(tiers, enteredBy: quantity, flatAtZero)
        case .graduatedPercentage(let tiers, let flatAtZero):
            return Self.variable(tiers, quantity) * Self.percent
                + Self.flats(tiers, enteredBy: quantity, flatAtZero)
        case .volume(let tiers, let flatAtZero):
            guard let tier = Self.tier(of: quantity, tiers.map(\.upTo)) else { return .zero }
            return quantity * Fraction(tiers[tier].rate)
                + Self.flat(tiers[tier].flat, quantity, flatAtZero)
        case .stairstep(let steps, let flatAtZero):
            guard let step = Self.tier(of: quantity, steps.map(\.upTo)) else { return .zero }
            return Self.flat(steps[step].amount, quantity, flatAtZero)
        case .percentage(let percentage):
            var run = PercentageRun(percentage, allowsNegative: false)
            return run.price(quantity)
        case .dynamic(let multiplier): return quantity * Fraction(multiplier)
        case .matrix: return .zero
        case .fee(let amount): return Fraction(amount)
        }
    }

    /// Whether the price can be taken over time, of a level that changes.
    package var isProratable: Bool {
        switch self {
        case .perUnit, .graduated, .volume: true
        case .package, .stairstep, .percentage, .graduatedPercentage, .dynamic, .matrix, .fee: false
        }
    }

    /// The price of a level that changes over time: what its units cost, each level weighted by the
    /// part of the period in which it held.
    ///
    /// A graduated price's flat amounts are due once the level has entered their tier, however short;
    /// a volume price is that of the tier in which the level ends.
    /// - Parameters:
    ///   - levels: not below zero; the weights add up to at most one.
    ///   - end: the level at the end.
    ///   - peak: the highest level.
    package func prorated(
        _ levels: [(level: Fraction, weight: Fraction)], end: Fraction, peak: Fraction
    ) -> Fraction {
        switch self {
        case .perUnit(let rate): return Self.mean(levels) { $0 } * Fraction(rate)
        case .graduated(let tiers, let flatAtZero):
            return Self.mean(levels) { Self.variable(tiers, $0) }
                + Self.flats(tiers, enteredBy: peak, flatAtZero)
        case .volume(let tiers, let flatAtZero):
            guard let tier = Self.tier(of: end, tiers.map(\.upTo)) else { return .zero }
            return Self.mean(levels) { $0 } * Fraction(tiers[tier].rate)
                + Self.flat(tiers[tier].flat, end, flatAtZero)
        case .package, .stairstep, .percentage, .graduatedPercentage, .dynamic, .matrix, .fee:
            preconditionFailure("a catalog prorates no such price")
        }
    }

    private static func mean(
        _ levels: [(level: Fraction, weight: Fraction)], _ value: (Fraction) -> Fraction
    ) -> Fraction {
        levels.reduce(Fraction.zero) { $0 + value($1.level) * $1.weight }
    }

    // MARK: Tiers

    static let percent = Fraction(1, over: 100)

    /// What the units cost, each in its own tier, without the flat amounts.
    package static func variable(_ tiers: [Tier], _ quantity: Fraction) -> Fraction {
        var total = Fraction.zero
        var lower = Fraction.zero
        for tier in tiers {
            let upper = tier.upTo.map { min(Fraction($0), quantity) } ?? quantity
            if upper > lower { total = total + (upper - lower) * Fraction(tier.rate) }
            guard let bound = tier.upTo, Fraction(bound) < quantity else { break }
            lower = max(lower, Fraction(bound))
        }
        return total
    }

    /// The flat amounts of the tiers that a quantity has entered.
    package static func flats(
        _ tiers: [Tier], enteredBy quantity: Fraction, _ flatAtZero: Bool
    ) -> Fraction {
        var total = Fraction.zero
        var lower = Fraction.zero
        for (index, tier) in tiers.enumerated() {
            guard quantity > lower || (index == 0 && flatAtZero) else { break }
            total = total + Fraction(tier.flat)
            guard let bound = tier.upTo else { break }
            lower = Fraction(bound)
        }
        return total
    }

    private static func flat(
        _ flat: Quantity, _ quantity: Fraction, _ flatAtZero: Bool
    ) -> Fraction {
        quantity.isZero && !flatAtZero ? .zero : Fraction(flat)
    }

    /// The tier in which a quantity lies; bounds are inclusive.
    static func tier(of quantity: Fraction, _ bounds: [Quantity?]) -> Int? {
        bounds.firstIndex { bound in bound.map { quantity <= Fraction($0) } ?? true }
    }
}
