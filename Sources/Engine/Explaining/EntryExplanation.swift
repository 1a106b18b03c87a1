import Billing
import Bytes
import Codec
import Money
import Platform
import Projections
import SegmentedLog

/// Everything that one entry did: what was decided of it, what it counted, drew and crossed, in which lines it is
/// with its marginal price, and which later entries name it.
struct EntryExplanation {
    let engine: Engine
    let position: Position
    let at: Timestamp

    /// The entry, read once.
    struct Entry: Sendable {
        let position: Position
        let recordedAt: Int64
        let kind: RecordKind
        let outcome: Outcome
        let account: String?
        /// When it happened.
        let time: Timestamp
        let source: String
        let id: String
        /// The canonical record.
        let bytes: [UInt8]
    }

    func write(to json: inout JSONWriter) throws(Refusal) {
        let entry = try entry()
        json.member("entry", position)
        try writeHead(entry, to: &json)
        let counting = try counting(of: entry)
        let effects = counting.effects
        write(effects, to: &json)
        try writeCorrections(entry, counting.correctedBy, to: &json)
        writeCredits(entry, to: &json)
        json.key("lines")
        json.beginArray()
        let meters = Set(effects.counted.map(\.meter))
        if let account = entry.account, !meters.isEmpty {
            let lines = EntryLines(
                engine: engine, account: account, entry: counting.place, at: at)
            try lines.write(meters, to: &json)
        }
        json.endArray()
        try writeNames(entry, to: &json)
        json.member("position", engine.durablePosition)
    }

    // MARK: Reading

    private func entry() throws(Refusal) -> Entry {
        try Self.read(position) {
            try engine.reader.withRecord(at: position) { bytes, info in
                let record = try RecordView(record: bytes)
                let isDecided = record.kind != .event
                return Entry(
                    position: position, recordedAt: info.commitTime, kind: record.kind,
                    outcome: try record.outcome(), account: record.subject?.makeString(),
                    time: Timestamp(
                        nanoseconds: isDecided ? info.commitTime : record.time ?? info.commitTime),
                    source: record.source.makeString() ?? "", id: record.id.makeString() ?? "",
                    bytes: bytes.makeArray())
            }
        }
    }

    static func read<R>(_ position: Position, _ body: () throws -> R) throws(Refusal) -> R {
        do { return try body() } catch let refusal as Refusal { throw refusal } catch {
            throw Refusal(
                code: "storage_failed",
                message: "position \(position) cannot be read: \(error); run `daybook verify`")
        }
    }

    /// What counts of the entry now.
    private struct Counting {
        let effects: EntryEffects
        /// All corrections of it.
        let correctedBy: [Position]
        /// The entry that says what counts, and when it happened.
        let place: EntryLines.Place
    }

    /// What meters count of it, without what is gone or goes, and with what corrections say.
    private func counting(of entry: Entry) throws(Refusal) -> Counting {
        try Self.read(position) {
            let (by, corrections, kept, reason) = try engine.durable.withLock(waking: []) {
                let record = try RecordView(record: entry.bytes.raw)
                let by = $0.books.current(of: record, at: position).by
                return (
                    by, $0.books.corrections(of: record, at: position),
                    $0.books.kept(of: record, at: position, recordedAt: entry.recordedAt),
                    by == nil ? $0.books.reasonOfNothing(record, at: position) : ""
                )
            }
            let asWritten = EntryLines.Place(position: position, time: entry.time)
            guard let by else {
                return Counting(
                    effects: EntryEffects(unmatched: reason), correctedBy: corrections,
                    place: asWritten)
            }
            let texts = CorrectionTexts { position, body in
                try engine.reader.withRecord(at: position) { bytes, _ in try body(bytes) }
            }
            var counting: Counting?
            try texts.withText(entry.bytes.raw, at: position, by: by, keeping: kept) { record in
                let effects = engine.durable.withLock(waking: []) {
                    $0.books.effects(
                        of: record, at: position, entry.outcome, recordedAt: entry.recordedAt)
                }
                let time = by.isEmpty ? nil : record.time.map { Timestamp(nanoseconds: $0) }
                counting = Counting(
                    effects: effects, correctedBy: corrections,
                    place: .init(position: by.last ?? position, time: time ?? entry.time))
            }
            return counting
                ?? Counting(
                    effects: EntryEffects(), correctedBy: corrections, place: asWritten)
        }
    }

    // MARK: Writing

    private func writeHead(_ entry: Entry, to json: inout JSONWriter) throws(Refusal) {
        let type = try Self.read(position) {
            try RecordView(record: entry.bytes.raw).type.makeString()
        }
        json.member("kind", entry.kind.name)
        json.member("type", type)
        json.member("source", entry.source)
        json.member("id", entry.id)
        json.member("account", entry.account)
        json.member("time", entry.time.description)
        json.member("recorded_at", Timestamp(nanoseconds: entry.recordedAt).description)
        json.member("outcome", "recorded")
        if let decision = entry.outcome.decision {
            json.member("allowed", decision.allowed)
            json.member("reason", decision.reason.name)
        }
    }

    private func write(_ effects: EntryEffects, to json: inout JSONWriter) {
        json.key("counted")
        json.beginArray()
        for counted in effects.counted { write(counted, to: &json) }
        json.endArray()
        json.key("not_counted")
        json.beginArray()
        for passed in effects.passed {
            json.beginObject()
            json.member("meter", passed.meter)
            json.member("reason", passed.reason)
            json.endObject()
        }
        json.endArray()
        json.member("unmatched", effects.unmatched)
    }

    /// Which entries say what counts instead of it, and what a correction says of which entries.
    private func writeCorrections(
        _ entry: Entry, _ correctedBy: [Position], to json: inout JSONWriter
    ) throws(Refusal) {
        json.key("corrected_by")
        json.beginArray()
        for position in correctedBy { json.integer(position) }
        json.endArray()
        guard entry.kind == .correct else { return }
        let order = try Self.read(position) {
            try CorrectOrder.read(RecordView(record: entry.bytes.raw))
        }
        json.key("corrects")
        json.beginArray()
        for item in order.items {
            json.beginObject()
            json.member("entry", item.entry)
            json.member("action", item.text == nil ? "retract" : "amend")
            json.endObject()
        }
        json.endArray()
    }

    private func write(_ counted: EntryEffects.Counted, to json: inout JSONWriter) {
        json.beginObject()
        json.member("meter", counted.meter)
        json.member("aggregate", counted.aggregation.rawValue)
        switch counted.aggregation {
        case .unique: json.member("quantity", counted.removes ? "removes a value" : "a value")
        case .count, .sum, .max, .min, .average, .latest, .timeWeighted:
            json.member("quantity", Quantity(units: counted.units).description)
        }
        json.member("counted_in", counted.isCounted ? "counters" : "invoice")
        let start = Period(monthIndex: Int(counted.month.index)).start
        json.member("month", String(start.description.prefix(7)))
        json.key("group")
        json.beginObject()
        for (property, value) in counted.group {
            json.key(property)
            json.value(value)
        }
        json.endObject()
        json.key("windows")
        json.beginArray()
        for window in counted.windows {
            json.beginObject()
            json.member("reset", window.reset)
            let isEndless = window.period == LimitWindow.forever
            json.member("start", isEndless ? nil : window.period.start.description)
            json.member("end", isEndless ? nil : window.period.end.description)
            if let by = window.by {
                json.member("by", by.property)
                json.key("value")
                json.value(by.value)
            }
            json.endObject()
        }
        json.endArray()
        json.endObject()
    }

    /// What it drew, made, could not cover, and warned of.
    private func writeCredits(_ entry: Entry, to json: inout JSONWriter) {
        let outcome = entry.outcome
        let (state, unit) = engine.durable.withLock(waking: []) { durable in
            let number = entry.account.flatMap { durable.books.account($0) }
            return (
                number.map { durable.books.credits.account($0) } ?? CreditAccount(),
                durable.books.registry.catalog?.credits.first?.unit ?? ""
            )
        }
        json.key("draws")
        json.beginArray()
        for draw in outcome.draws {
            json.beginObject()
            json.member("grant", UInt64(draw.grant))
            if Int(draw.grant) < state.grants.count {
                let terms = state.grants[Int(draw.grant)].terms
                json.member("kind", terms.kind.name)
                json.member("unit", terms.unit)
            }
            json.member("credits", Quantity(units: draw.units).description)
            json.endObject()
        }
        json.endArray()
        json.key("shortfalls")
        json.beginArray()
        let mine =
            outcome.shortfallUnits == 0
            ? [] : [Outcome.UnitShortfall(unit: unit, units: outcome.shortfallUnits)]
        for shortfall in mine + outcome.shortfalls {
            json.beginObject()
            json.member("unit", shortfall.unit)
            json.member("credits", Quantity(units: shortfall.units).description)
            json.endObject()
        }
        json.endArray()
        json.key("grants")
        json.beginArray()
        for grant in outcome.grants {
            json.beginObject()
            json.member("kind", grant.kind.name)
            json.member("unit", grant.unit)
            json.member("credits", Quantity(units: grant.units).description)
            json.member("expires", grant.expires?.description)
            json.endObject()
        }
        json.endArray()
        json.key("warnings")
        json.beginArray()
        for warning in outcome.warnings {
            json.beginObject()
            json.member("feature", warning.feature)
            json.member("threshold", UInt64(warning.threshold))
            json.endObject()
        }
        json.endArray()
    }

    /// Later entries that name it: corrections, refunds, settlements, releases; and what is redacted of it.
    private func writeNames(_ entry: Entry, to json: inout JSONWriter) throws(Refusal) {
        var names: [(position: Position, kind: RecordKind, time: Int64, id: String)] = []
        if let account = entry.account {
            let source = LoggedEntries(engine: engine, account: account)
            try source.forEach(from: position + 1, before: engine.durablePosition) {
                let record = try RecordView(record: $1)
                guard record.kind != .event, record.names(position) else { return }
                names.append(($0, record.kind, $2, record.id.makeString() ?? ""))
            }
        }
        json.key("named_by")
        json.beginArray()
        for name in names {
            json.beginObject()
            json.member("entry", name.position)
            json.member("kind", name.kind.name)
            json.member("id", name.id)
            json.member("recorded_at", Timestamp(nanoseconds: name.time).description)
            json.endObject()
        }
        json.endArray()
        json.key("redacted")
        json.beginArray()
        for path in engine.personal.redactions.paths(at: position) { json.string(path.text) }
        json.endArray()
    }
}

extension RecordView {
    /// Whether its data name an entry: as what it corrects or refunds, or as its hold.
    fileprivate func names(_ position: Position) -> Bool {
        guard let data, let tree = try? ValueCoder.value(data) else { return false }
        if tree["entry"]?.isPosition(position) == true { return true }
        if let hold = tree["hold"]?.text.flatMap({ HoldName($0) }) {
            return hold.position == position
        }
        guard case .array(let list)? = tree["entries"] else { return false }
        return list.contains { $0["entry"]?.isPosition(position) == true }
    }
}

extension Value {
    fileprivate func isPosition(_ position: Position) -> Bool {
        switch self {
        case .number(let number): number.scale == 0 && number.mantissa == Int128(position)
        case .string(let text): text == String(position)
        default: false
        }
    }
}
