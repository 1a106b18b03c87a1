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
        var buffer = ByteBuffer(capacity: 256)
        let texts = CorrectionTexts { try source.withEntry(at: $0, $1) }
        try source.forEach(from: 0, before: facts.position) { position, bytes, recordedAt in
            let record = try RecordView(record: bytes)
            let versions = facts.corrections.versions(of: record, at: position)
            guard !versions.isEmpty else { return }
            buffer.clear()
            // What goes is not read, whether it is gone or not.
            if let kept = facts.retirements.kept(
                of: record, at: position, recordedAt: recordedAt, facts.state.finalised),
                try RecordRetirement.append(bytes, keeping: kept, to: &buffer)
            {
                try uses.add(
                    buffer.bytes, at: position, versions, texts, recordedAt, selection, span)
            } else {
                try uses.add(bytes, at: position, versions, texts, recordedAt, selection, span)
            }
        }
        for key in uses.byKey.keys {
            uses.byKey[key]?.sort { MeterUse.precedes($0.use, $1.use) }
        }
        return uses
    }

    /// Adds each version of an entry: bills as of several positions are made of the same uses.
    private mutating func add(
        _ bytes: RawSpan, at position: Position, _ versions: [Corrections.Version],
        _ texts: CorrectionTexts, _ recordedAt: Int64, _ selection: MeterSelection, _ span: Period
    ) throws {
        for version in versions {
            guard let newest = version.by.last else {
                try add(RecordView(record: bytes), position, version, recordedAt, selection, span)
                continue
            }
            var text = ByteBuffer(capacity: bytes.byteCount + 256)
            try texts.text(of: position, by: version.by).append(bytes, to: &text)
            try add(
                RecordView(record: text.bytes), newest, version, recordedAt, selection, span)
        }
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
