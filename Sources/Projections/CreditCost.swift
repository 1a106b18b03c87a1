import Billing
import Codec
import Money
import SegmentedLog

/// What an event costs in credits of one unit.
struct CreditCost {
    /// The credit unit's key.
    let unit: String
    /// In 10⁻¹² credits, saturated; below zero: so much goes back.
    var units: Int128
    /// The keys of the meters that it feeds: restricted grants must name one.
    var uses: [String]

    /// The costs of an event by the meters that listen to its type, ascending by unit; none of a unit of which every
    /// part is zero.
    static func all(of record: borrowing RecordView, _ meters: [CompiledMeter]) -> [CreditCost] {
        var costs: [CreditCost] = []
        for meter in meters where meter.burn != nil && meter.listens(to: record.type) {
            guard case .counts(let units, _, _) = meter.reading(of: record),
                let part = meter.cost(units: units, of: record), part != 0,
                let unit = meter.burn?.unit
            else { continue }
            if let index = costs.firstIndex(where: { $0.unit == unit }) {
                let (sum, overflow) = costs[index].units.addingReportingOverflow(part)
                costs[index].units = overflow ? (part < 0 ? -Int128.max : .max) : sum
                costs[index].uses.append(meter.key)
            } else {
                costs.append(CreditCost(unit: unit, units: part, uses: [meter.key]))
            }
        }
        return costs.sorted { $0.unit < $1.unit }
    }
}

/// What events cost in credits by the catalog that held when they were recorded.
struct BurnRates: Sendable {
    private struct Version {
        let position: Position
        let meters: [CompiledMeter]
    }

    private var versions: [Version] = []

    /// Those of some catalogs, oldest first.
    init(_ published: [Registry.Version]) {
        var meters: [Meter] = []
        for version in published {
            for meter in version.catalog.meters {
                if let index = meters.firstIndex(where: { $0.key == meter.key }) {
                    meters[index] = meter
                } else {
                    meters.append(meter)
                }
            }
            let burning = meters.enumerated().compactMap { number, meter -> CompiledMeter? in
                guard let burn = version.catalog.burn(of: meter.key) else { return nil }
                return CompiledMeter(
                    meter, number: UInt32(number),
                    burn: .init(
                        unit: burn.credit.unit, rate: burn.burn.rate, matrix: burn.burn.matrix))
            }
            versions.append(Version(position: version.position, meters: burning))
        }
    }

    /// The meters that burn credits for an entry at a position.
    func meters(before position: Position) -> [CompiledMeter] {
        versions.last { $0.position < position }?.meters ?? []
    }
}
