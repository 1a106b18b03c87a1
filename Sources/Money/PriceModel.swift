/// How a quantity becomes money.
///
/// A model is a function of the *cumulative* quantity of a period, so a period rated in one run
/// costs what it costs in any number of runs, and the price of one event is a difference of totals.
/// A quantity below zero costs what zero costs, unless the price credits corrections.
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
}
