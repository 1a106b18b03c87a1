import Billing
import Bytes
import Codec
import Money
import Projections
import SegmentedLog

/// The entries of one account, wherever they are kept.
protocol AccountEntrySource {
    /// Calls `body` with each entry of the account in a range of positions, in their order.
    func forEach(
        from start: Position, before end: Position,
        _ body: (_ position: Position, _ record: RawSpan, _ recordedAt: Int64) throws -> Void
    ) throws(Refusal)

    /// Calls `body` with the entry at a position.
    func withEntry(at position: Position, _ body: (RawSpan) throws -> Void) throws

    /// Whether an entry that `forEach` gave has no place in the log, so that no correction names it.
    func isSupposed(_ record: RawSpan, at position: Position) -> Bool
}

extension AccountEntrySource {
    func isSupposed(_ record: RawSpan, at position: Position) -> Bool { false }

    /// Calls `body` with what counts in the end of each entry before the facts' position.
    func forEachCounted(
        _ facts: BillingFacts,
        _ body: (
            _ record: borrowing RecordView, _ position: Position, _ recordedAt: Int64,
            _ isAsWritten: Bool
        ) throws -> Void
    ) throws(Refusal) {
        let texts = CorrectionTexts { try withEntry(at: $0, $1) }
        try forEach(from: 0, before: facts.position) { position, bytes, recordedAt in
            let record = try RecordView(record: bytes)
            guard let by = facts.corrections.current(of: record, at: position).by else { return }
            let kept = facts.kept(of: record, at: position, recordedAt: recordedAt)
            try texts.withText(bytes, at: position, by: by, keeping: kept) {
                try body($0, position, recordedAt, by.isEmpty)
            }
        }
    }
}

/// An account's entries in the log.
struct LoggedEntries: AccountEntrySource {
    let engine: Engine
    let account: String

    func forEach(
        from start: Position, before end: Position,
        _ body: (Position, RawSpan, Int64) throws -> Void
    ) throws(Refusal) {
        do {
            try account.withBytes { name in
                try engine.reader.forEachEntry(of: name, from: start, before: end) {
                    try body($0, $1, $2.commitTime)
                }
            }
        } catch {
            throw Refusal(
                code: "storage_failed",
                message: "the log cannot be read: \(error); run `daybook verify`")
        }
    }

    func withEntry(at position: Position, _ body: (RawSpan) throws -> Void) throws {
        try engine.reader.withRecord(at: position) { bytes, _ in try body(bytes) }
    }
}

/// Uses of some meters by one account, read from its entries.
struct AccountUses {
    /// A use and the id of its event, for people.
    struct Use {
        let use: MeterUse
        let id: String
        /// From when to when it counts.
        let version: Corrections.Version

        /// Whether it is in a bill of the entries before a position.
        func counts(before end: Position) -> Bool { version.counts(before: end) }
    }

    /// In billing order.
    private(set) var byKey: [UsageKey: [Use]] = [:]

    /// Reads the entries before the facts' position whose time is in `span`.
    static func read(
        _ source: some AccountEntrySource, _ facts: BillingFacts, _ selection: MeterSelection,
        in span: Period
    ) throws(Refusal) -> AccountUses {
        var uses = AccountUses()
        let texts = CorrectionTexts { try source.withEntry(at: $0, $1) }
        try source.forEach(from: 0, before: facts.position) { position, bytes, recordedAt in
            let record = try RecordView(record: bytes)
            let versions = facts.corrections.versions(
                of: record, at: position,
                isSupposed: !facts.corrections.isEmpty && source.isSupposed(bytes, at: position))
            guard !versions.isEmpty else { return }
            let kept = facts.kept(of: record, at: position, recordedAt: recordedAt)
            // Bills as of several positions are made of the same uses.
            for version in versions {
                try texts.withText(bytes, at: position, by: version.by, keeping: kept) {
                    try uses.add(
                        $0, version.by.last ?? position, version, recordedAt, selection, span)
                }
            }
        }
        for key in uses.byKey.keys {
            uses.byKey[key]?.sort { MeterUse.precedes($0.use, $1.use) }
        }
        return uses
    }

    /// - Parameter position: the entry that says it.
    private mutating func add(
        _ record: borrowing RecordView, _ position: Position, _ version: Corrections.Version,
        _ recordedAt: Int64, _ selection: MeterSelection, _ span: Period
    ) throws {
        switch record.kind {
        case .event:
            let time = Timestamp(nanoseconds: record.time ?? recordedAt)
            guard span.contains(time) else { return }
            for reader in selection.readers where reader.event.listens(to: record.type) {
                guard
                    case .counts(let units, let key, let removes) = reader.event.reading(of: record)
                else { continue }
                add(
                    reader.key, record, position, version, time, Quantity(units: units), key,
                    removes, reader.eventPaths, isConsume: false)
            }
        case .consume:
            let time = Timestamp(nanoseconds: recordedAt)
            guard span.contains(time), try record.outcome().decision?.allowed == true,
                case .success(let order) = ConsumeOrder.read(record),
                let key = selection.features[order.feature]?.meterKey
            else { return }
            for reader in selection.readers where reader.key.meter == key {
                var uniqueKey: UInt128 = 0
                if case .unique = reader.meter.aggregation {
                    guard let node = record.property(reader.consume.valuePath) else { continue }
                    uniqueKey = CompiledMeter.uniqueKey(node)
                }
                add(
                    reader.key, record, position, version, time, order.quantity, uniqueKey, false,
                    reader.consumePaths, isConsume: true)
            }
        case .settle:
            let time = Timestamp(nanoseconds: recordedAt)
            guard span.contains(time), try record.outcome().decision?.allowed == true,
                let order = try? SettleOrder.read(record),
                let key = selection.features[order.hold.feature]?.meterKey
            else { return }
            for reader in selection.readers where reader.key.meter == key {
                add(
                    reader.key, record, position, version, time, order.quantity, 0, false,
                    reader.consumePaths, isConsume: true)
            }
        default: return
        }
    }

    private mutating func add(
        _ key: UsageKey, _ record: borrowing RecordView, _ position: Position,
        _ version: Corrections.Version, _ time: Timestamp, _ value: Quantity, _ uniqueKey: UInt128,
        _ removes: Bool, _ paths: [PropertyPath],
        isConsume: Bool
    ) {
        let dimensions = paths.map { path -> Value? in
            guard let node = record.property(path) else { return nil }
            return try? ValueCoder.value(node)
        }
        let use = MeterUse(
            position: position, time: time, order: record.identityOrder, value: value,
            key: uniqueKey,
            removes: removes, dimensions: dimensions, isConsume: isConsume)
        byKey[key, default: []].append(
            Use(use: use, id: record.id.makeString() ?? "", version: version))
    }
}
