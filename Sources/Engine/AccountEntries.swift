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
            var cursor = try engine.reader.cursor(from: 0)
            while try cursor.next() {
                let header = cursor.header
                for index in 0..<Int(header.count) {
                    let position = header.firstPosition + Position(index)
                    guard position < end else { return }
                    let record = try RecordView(record: cursor.record(index))
                    guard let subject = record.subject,
                        subject.isEqual(to: account)
                    else { continue }
                    try read(record, position, header.commitTime, meters, period, body)
                }
            }
        } catch {
            throw Refusal(
                code: "storage_failed",
                message: "the log cannot be read: \(error); run `daybook verify`")
        }
    }

    private func read(
        _ record: borrowing RecordView, _ position: Position, _ recordedAt: Int64,
        _ meters: MeterSelection, _ period: Period, _ body: (Int, Usage) -> Void
    ) throws {
        switch record.kind {
        case .event:
            let time = Timestamp(nanoseconds: record.time ?? recordedAt)
            guard period.contains(time) else { return }
            for (index, meter) in meters.events.enumerated() {
                guard record.type.isEqual(to: meter.eventType.raw),
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
    private var totals: [String: [RunningTotal]] = [:]
    private let segments: [PlanSegment]

    /// Reads the usage of all meters that the segments' plans price.
    static func read(
        engine: Engine, account: String, segments: [PlanSegment], end: Position
    ) throws(Refusal) -> SegmentUsage {
        var usage = SegmentUsage(segments: segments)
        guard let first = segments.first, let last = segments.last else { return usage }
        let keys = Set(segments.flatMap { $0.plan.prices.map(\.meter) }).sorted()
        let meters = engine.meters(keys)
        var totals = meters.keys.map { _ in segments.map { _ in RunningTotal() } }
        try AccountEntries(engine: engine, account: account, end: end).forEach(
            meters, in: Period(start: first.start, end: last.end)
        ) { meter, use in
            guard let segment = segments.firstIndex(where: { $0.period.contains(use.time) })
            else { return }
            _ = totals[meter][segment].add(use.addition)
        }
        for (key, total) in zip(meters.keys, totals) { usage.totals[key] = total }
        return usage
    }

    private init(segments: [PlanSegment]) { self.segments = segments }

    /// The usage of a meter in a segment.
    func quantity(meter: String, segment: Int) -> Quantity {
        Quantity(units: totals[meter]?[segment].units ?? 0)
    }
}

extension Engine {
    /// The known ones among some meters, as the fold reads them.
    func meters(_ keys: [String]) -> MeterSelection {
        durable.read { $0.books.selection(keys) }
    }
}
