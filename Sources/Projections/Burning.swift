package import Billing
import Codec
package import Money

extension CompiledMeter {
    /// What one unit of a meter costs in credits.
    package struct Burn: Sendable {
        /// The credit unit's key.
        package let unit: String
        /// Credits for one unit of the meter, where no row of the matrix matches.
        package let rate: Quantity
        /// Rates by properties; nil: there are none.
        package let matrix: Matrix?

        /// Burn rates.
        package init(unit: String, rate: Quantity, matrix: Matrix? = nil) {
            self.unit = unit
            self.rate = rate
            self.matrix = matrix
        }
    }

    /// The credits that a quantity of this meter costs, in 10⁻¹² credits, rounded half away from
    /// zero; nil if it burns none, saturated at the largest Int128.
    /// - Parameter record: whose properties say the rate.
    func cost(units: Int128, of record: borrowing RecordView) -> Int128? {
        guard let burn else { return nil }
        guard let matrix = burn.matrix else { return cost(units, burn.rate) }
        var values: [Value?] = []
        for path in burnPaths {
            if let node = record.property(path) {
                values.append(try? ValueCoder.value(node))
            } else {
                values.append(nil)
            }
        }
        return cost(units, matrix.row(for: values)?.rate ?? burn.rate)
    }

    /// What a request costs in credits, zero or more; nil if the meter burns none.
    func credits(for quantity: Quantity, of record: borrowing RecordView) -> Quantity? {
        cost(units: quantity.units, of: record).map { Quantity(units: max($0, 0)) }
    }

    /// The same by properties as a check gives them; nil: it gives none.
    func credits(for quantity: Quantity, in data: Value?) -> Quantity? {
        guard let burn else { return nil }
        let values = burn.matrix?.by.map { path in path.reduce(data) { $0?[$1] } }
        let row = values.flatMap { burn.matrix?.row(for: $0) }
        return Quantity(units: max(cost(quantity.units, row?.rate ?? burn.rate), 0))
    }

    /// What the settlement of a hold costs. One that names none of the properties by which the rates differ is
    /// of what the hold was of, and costs as much a unit.
    /// - Parameter held: what the hold reserved, in 10⁻¹² credits.
    func cost(
        units: Int128, settling record: borrowing RecordView, _ hold: CreditHold, held: Int128
    ) -> Int128? {
        var namesNone = !burnPaths.isEmpty
        for path in burnPaths where record.property(path) != nil { namesNone = false }
        guard burn != nil, namesNone, hold.quantity > .zero else {
            return cost(units: units, of: record)
        }
        let part = Fraction(units, over: hold.quantity.units)
        return (Fraction(held, over: 1) * part).rounded(decimals: 0) ?? .max
    }

    private func cost(_ units: Int128, _ rate: Quantity) -> Int128 {
        ExactAmount(product: Quantity(units: units), rate).roundedUnits
            ?? (units < 0 ? -Int128.max : Int128.max)
    }
}
