import Money

/// The aggregate of some uses, added one after the other in billing order.
struct Aggregate {
    let aggregation: Aggregation
    private(set) var units: Int128 = 0
    private var uses: Int128 = 0
    private(set) var present: Set<UInt128> = []

    init(_ aggregation: Aggregation) { self.aggregation = aggregation }

    var isEmpty: Bool { uses == 0 }

    mutating func add(_ use: MeterUse) {
        let value = use.value.units
        switch aggregation {
        case .count, .sum, .average, .timeWeighted:
            let isOne = aggregation == .count && !use.isConsume
            let (sum, overflow) = units.addingReportingOverflow(isOne ? Quantity.one.units : value)
            // As the counters do: a use with which no Int128 holds the sum is not counted.
            if overflow { return }
            units = sum
        case .max: units = isEmpty ? value : Swift.max(units, value)
        case .min: units = isEmpty ? value : Swift.min(units, value)
        case .latest: units = value
        case .unique:
            if use.removes { present.remove(use.key) } else { present.insert(use.key) }
        }
        uses += 1
    }

    /// The aggregate so far; nothing of no uses.
    var quantity: Fraction {
        switch aggregation {
        case .unique: Fraction(Int128(present.count))
        case .average:
            isEmpty ? .zero : Fraction(Quantity(units: units)) * Fraction(1, over: uses)
        case .count, .sum, .max, .min, .latest, .timeWeighted: Fraction(Quantity(units: units))
        }
    }
}
