import Money

/// The aggregate of some uses, added one after the other in billing order.
struct Aggregate {
    private let aggregation: Aggregation
    private var units: Int128 = 0
    private var uses: Int128 = 0
    private var present: Set<UInt128> = []

    init(_ aggregation: Aggregation) { self.aggregation = aggregation }

    var isEmpty: Bool { uses == 0 }

    mutating func add(_ use: MeterUse) {
        let value = use.value.units
        switch aggregation {
        case .count:
            units = Self.sum(units, use.isConsume ? value : Quantity.one.units)
        case .sum, .average, .timeWeighted: units = Self.sum(units, value)
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

    /// As the counters do: what no Int128 holds is not added.
    private static func sum(_ left: Int128, _ right: Int128) -> Int128 {
        let (sum, overflow) = left.addingReportingOverflow(right)
        return overflow ? left : sum
    }
}
