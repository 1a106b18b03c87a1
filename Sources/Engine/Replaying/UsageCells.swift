import Billing
import Money
import Projections

/// Usage as it is added up from entries alone: a place for each account, month and meter, and two sides of each:
/// what an invoice that stands looked at, and what came later.
///
/// Flat arrays and no tables: the accounts, months and meters are known before the first entry is read.
struct UsageCells: Sendable {
    /// The accounts, months and meters that there are.
    struct Shape: Sendable {
        let accounts: Int
        let months: ClosedRange<Month>
        let meters: Int

        var monthCount: Int { Int(months.upperBound.index - months.lowerBound.index) + 1 }
        var count: Int { accounts * monthCount * meters * 2 }

        /// The place of the early side; the late one follows.
        func place(account: Int, month: Int, meter: Int) -> Int {
            2 * ((account * monthCount + month) * meters + meter)
        }
    }

    /// A sum.
    struct Cell: Sendable {
        var units: Int128 = 0
        var events: UInt64 = 0
    }

    let shape: Shape
    private var cells: [Cell]
    private var uniques: [Int: Set<UInt128>] = [:]

    init(_ shape: Shape) {
        self.shape = shape
        cells = [Cell](repeating: Cell(), count: shape.count)
    }

    /// Adds a use; not at all if the sum would leave Int128, as counters do.
    @inline(__always)
    mutating func add(
        _ units: Int128, _ uniqueKey: UInt128, _ aggregation: Aggregation, at place: Int
    ) {
        switch aggregation {
        case .count, .sum, .average:
            let (sum, overflow) = cells[place].units.addingReportingOverflow(units)
            if overflow { return }
            cells[place].units = sum
        case .max:
            cells[place].units = cells[place].events == 0 ? units : max(cells[place].units, units)
        case .min:
            cells[place].units = cells[place].events == 0 ? units : min(cells[place].units, units)
        case .unique:
            uniques[place, default: []].insert(uniqueKey)
        case .latest, .timeWeighted: break
        }
        cells[place].events &+= 1
    }

    /// Takes in what another thread added.
    mutating func add(_ other: UsageCells, _ aggregations: [Aggregation]) {
        for place in cells.indices where other.cells[place].events > 0 {
            let more = other.cells[place]
            switch aggregations[place / 2 % shape.meters] {
            case .count, .sum, .average:
                let (sum, overflow) = cells[place].units.addingReportingOverflow(more.units)
                if !overflow { cells[place].units = sum }
            case .max:
                cells[place].units =
                    cells[place].events == 0 ? more.units : max(cells[place].units, more.units)
            case .min:
                cells[place].units =
                    cells[place].events == 0 ? more.units : min(cells[place].units, more.units)
            case .unique, .latest, .timeWeighted: break
            }
            cells[place].events += more.events
        }
        uniques.merge(other.uniques) { $0.union($1) }
    }

    /// The quantity of a meter, before conversion.
    /// - Parameter withLate: whether what came later counts.
    func quantity(at place: Int, _ aggregation: Aggregation, withLate: Bool) -> Fraction {
        let early = cells[place]
        let late = withLate ? cells[place + 1] : Cell()
        let events = early.events + late.events
        guard events > 0 else { return .zero }
        let units: Int128
        switch aggregation {
        case .count, .sum, .average: units = early.units &+ late.units
        case .max:
            units =
                early.events == 0
                ? late.units : late.events == 0 ? early.units : max(early.units, late.units)
        case .min:
            units =
                early.events == 0
                ? late.units : late.events == 0 ? early.units : min(early.units, late.units)
        case .unique:
            let all = (uniques[place] ?? []).union(withLate ? uniques[place + 1] ?? [] : [])
            units = Int128(all.count) * 1_000_000_000_000
        case .latest, .timeWeighted: units = 0
        }
        let total = Fraction(Quantity(units: units))
        guard aggregation == .average else { return total }
        return total * Fraction(1, over: Int128(events))
    }

    /// Whether anything came after the invoice that stands.
    func isLate(at place: Int) -> Bool { cells[place + 1].events > 0 }
}
