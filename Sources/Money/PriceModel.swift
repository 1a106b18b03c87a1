/// How a quantity becomes money.
///
/// A model is a function of the *cumulative* quantity of a period, so a period rated in one run
/// costs what it costs in any number of runs, and the price of one event is a difference of totals.
/// A quantity below zero costs what zero costs: corrections cannot earn money.
package enum PriceModel: Hashable, Sendable {
    /// Every unit costs the same.
    case perUnit(rate: Quantity)
    /// Each begun package costs the same.
    case package(size: Quantity, price: Quantity)
    /// Each tier's rate holds for the part of the quantity that lies in it.
    case graduated([Tier], flatAtZero: Bool = true)
    /// The tier in which the whole quantity lies prices all of it.
    case volume([Tier], flatAtZero: Bool = true)
    /// The step in which the whole quantity lies is the price.
    case stairstep([Step], flatAtZero: Bool = true)
    /// A share of each event's value.
    case percentage(Percentage)
    /// As graduated, with rates in percent.
    case graduatedPercentage([Tier], flatAtZero: Bool = true)
    /// The quantity is money already, and is multiplied.
    case dynamic(multiplier: Quantity)
    /// Every unit costs what the row says to which the event's dimensions belong; see `Matrix`.
    case matrix
    /// The same amount whatever the usage.
    case fee(Quantity)

    /// One tier of a graduated price.
    package struct Tier: Hashable, Sendable {
        /// The tier's last quantity, inclusive; nil: no end.
        package let upTo: Quantity?
        /// Price of one unit inside the tier.
        package let rate: Quantity
        /// Due as soon as the tier is entered; the first tier's is due at zero usage too.
        package let flat: Quantity

        /// A tier.
        package init(upTo: Quantity?, rate: Quantity, flat: Quantity) {
            self.upTo = upTo
            self.rate = rate
            self.flat = flat
        }
    }

    /// The exact price of a cumulative quantity; nil out of range, and for packages of nothing.
    package func total(_ quantity: Quantity) -> ExactAmount? {
        let quantity = max(quantity, .zero)
        switch self {
        case .perUnit(let rate): return ExactAmount(product: quantity, rate)
        case .package(let size, let price):
            guard size > .zero else { return nil }
            let begun =
                quantity.units / size.units + (quantity.units % size.units > 0 ? 1 : 0)
            let (units, overflow) = begun.multipliedReportingOverflow(by: price.units)
            return overflow ? nil : ExactAmount(Quantity(units: units))
        case .graduated(let tiers, _): return Self.graduated(tiers, quantity)
        default: return nil
        }
    }

    private static func graduated(_ tiers: [Tier], _ quantity: Quantity) -> ExactAmount? {
        var total = ExactAmount.zero
        var lower = Quantity.zero
        for (index, tier) in tiers.enumerated() {
            guard index == 0 || quantity > lower else { break }
            // Between zero and the quantity, so that no part of it has a length out of range.
            let upper = max(tier.upTo.map { min($0, quantity) } ?? quantity, .zero)
            let part = Quantity(units: max(0, upper.units - lower.units))
            guard let withRate = total.adding(ExactAmount(product: part, tier.rate)),
                let sum = withRate.adding(ExactAmount(tier.flat))
            else { return nil }
            total = sum
            guard let bound = tier.upTo else { break }
            lower = max(lower, bound)
        }
        return total
    }
}
