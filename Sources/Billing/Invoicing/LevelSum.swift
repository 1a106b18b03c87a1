import Money

/// A price over the levels so far, for explanations that go from use to use.
struct LevelSum {
    /// What was used, over time.
    private(set) var quantity = Fraction.zero
    private var mean = Fraction.zero
    private var variable = Fraction.zero
    private var peak: Fraction?

    /// Adds a level that held for a part of the period.
    /// - Parameter raw: the level with what is free of it.
    mutating func add(
        _ level: Fraction, raw: Fraction, _ model: PriceModel, _ weight: Fraction
    ) {
        guard !weight.isZero else { return }
        quantity = quantity + raw * weight
        mean = mean + level * weight
        if case .graduated(let tiers, _) = model {
            variable = variable + PriceModel.variable(tiers, level) * weight
        }
        peak = max(peak ?? level, level)
    }

    /// The price of all levels so far.
    /// - Parameter end: the level at the end.
    func amount(_ model: PriceModel, end: Fraction) -> Fraction {
        if case .graduated(let tiers, let flatAtZero) = model {
            return variable + PriceModel.flats(tiers, enteredBy: peak ?? end, flatAtZero)
        }
        return model.prorated([(mean, .one)], end: end, peak: peak ?? end)
    }
}
