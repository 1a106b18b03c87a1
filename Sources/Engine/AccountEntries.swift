import Billing
import Bytes
import Codec
import Money
import Platform
import Projections
import SegmentedLog

/// One account's usage read from the entries themselves, for what month counters cannot say: a
/// bill whose plan changed within the month, and the events behind a line.
struct AccountEntries {
    let engine: Engine
    let account: String
    /// Entries before this position are read.
    let end: Position

    /// What one entry adds to one meter.
    struct Usage {
        let position: Position
        let time: Timestamp
        let id: String
        let addition: Counters.Addition
    }

    /// Calls `body` with each use of the given meters in `period`, in log order.
    func forEach(
        _ meters: MeterSelection, in period: Period, _ body: (_ meter: Int, Usage) -> Void
    ) throws(Refusal) {
        do {
            try account.withBytes { name in
                try engine.reader.forEachEntry(of: name, before: end) { position, bytes, info in
                    let record = try RecordView(record: bytes)
                    try Self.read(record, position, info.commitTime, meters, period, body)
                }
            }
        } catch {
            throw Refusal(
                code: "storage_failed",
                message: "the log cannot be read: \(error); run `daybook verify`")
        }
    }

    /// Calls `body` for each of the meters that this one entry is a use of.
    static func read(
        _ record: borrowing RecordView, _ position: Position, _ recordedAt: Int64,
        _ meters: MeterSelection, _ period: Period, _ body: (Int, Usage) -> Void
    ) throws {
        switch record.kind {
        case .event:
            let time = Timestamp(nanoseconds: record.time ?? recordedAt)
            guard period.contains(time) else { return }
            for (index, meter) in meters.events.enumerated() {
                guard meter.listens(to: record.type),
                    case .counts(let units, let key) = meter.reading(of: record)
                else { continue }
                body(
                    index,
                    Usage(
                        position: position, time: time, id: record.id.makeString() ?? "",
                        addition: .init(
                            aggregation: meter.aggregation, units: units, uniqueKey: key)))
            }
        case .consume:
            let time = Timestamp(nanoseconds: recordedAt)
            guard period.contains(time), try record.outcome().decision?.allowed == true,
                case .success(let order) = ConsumeOrder.read(record),
                let key = meters.features[order.feature]?.meterKey,
                let index = meters.consumes.firstIndex(where: { $0.key == key })
            else { return }
            let meter = meters.consumes[index]
            var uniqueKey: UInt128 = 0
            if case .unique = meter.aggregation {
                guard let node = record.property(meter.valuePath) else { return }
                uniqueKey = CompiledMeter.uniqueKey(node)
            }
            body(
                index,
                Usage(
                    position: position, time: time, id: record.id.makeString() ?? "",
                    addition: .init(
                        aggregation: meter.aggregation, units: order.quantity.units,
                        uniqueKey: uniqueKey)))
        case .subscribe, .grant, .publish, .redact: return
        }
    }
}

/// A running aggregate of one meter.
struct RunningTotal {
    private(set) var units: Int128 = 0
    private var isEmpty = true
    private var keys: Set<UInt128> = []

    /// Adds a use; returns false where the sum would leave Int128, as the counters do.
    mutating func add(_ addition: Counters.Addition) -> Bool {
        switch addition.aggregation {
        case .count, .sum:
            let (sum, overflow) = units.addingReportingOverflow(addition.units)
            guard !overflow else { return false }
            units = sum
        case .max:
            units = isEmpty ? addition.units : max(units, addition.units)
        case .unique:
            keys.insert(addition.uniqueKey)
            units = Int128(keys.count) * 1_000_000_000_000
        }
        isEmpty = false
        return true
    }
}

/// Usage by meter and plan segment, from the entries.
struct SegmentUsage {
    private let segments: [PlanSegment]
    private let meters: [String]
    /// By meter, then segment.
    private var totals: [[RunningTotal]]

    /// Reads the usage of all meters that the segments' plans price.
    static func read(
        engine: Engine, account: String, segments: [PlanSegment], end: Position
    ) throws(Refusal) -> SegmentUsage {
        guard let first = segments.first, let last = segments.last else {
            return SegmentUsage(segments: segments, meters: [])
        }
        let meters = engine.meters(meterKeys(segments))
        var usage = SegmentUsage(segments: segments, meters: meters.keys)
        try AccountEntries(engine: engine, account: account, end: end).forEach(
            meters, in: Period(start: first.start, end: last.end)
        ) { usage.add($1, meter: $0) }
        return usage
    }

    /// The meters that the segments' plans price.
    static func meterKeys(_ segments: [PlanSegment]) -> [String] {
        Set(segments.flatMap { $0.plan.prices.map(\.meter) }).sorted()
    }

    /// No usage yet, of meters with these keys.
    init(segments: [PlanSegment], meters: [String]) {
        self.segments = segments
        self.meters = meters
        totals = meters.map { _ in segments.map { _ in RunningTotal() } }
    }

    /// Adds a use of the meter with this index to the segment that it falls into.
    mutating func add(_ use: AccountEntries.Usage, meter: Int) {
        guard let segment = segments.firstIndex(where: { $0.period.contains(use.time) })
        else { return }
        _ = totals[meter][segment].add(use.addition)
    }

    /// The usage of a meter in a segment.
    func quantity(meter: String, segment: Int) -> Quantity {
        let index = meters.firstIndex(of: meter)
        return Quantity(units: index.map { totals[$0][segment].units } ?? 0)
    }
}

extension Engine {
    /// The known ones among some meters, as the fold reads them.
    func meters(_ keys: [String]) -> MeterSelection {
        durable.read { $0.books.selection(keys) }
    }
}
