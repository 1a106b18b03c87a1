extension Catalog {
    /// All of it that decisions depend on: two catalogs with the same decide the same, whatever they charge.
    /// nil where decisions depend on prices too, because a plan has a cap on what is spent.
    package var decisive: Catalog? {
        guard offers.allSatisfy({ $0.terms.spendCap == nil }) else { return nil }
        var copy = self
        copy.plans = plans.map(\.withoutPrices)
        copy.addons = addons.map(\.withoutPrices)
        return copy
    }
}

extension Plan {
    /// The plan without anything that is charged. Its periods stay: credits and limits may follow them.
    fileprivate var withoutPrices: Plan {
        var copy = self
        copy.prices = []
        copy.terms = PlanTerms()
        copy.terms.cycle = terms.cycle
        return copy
    }
}
