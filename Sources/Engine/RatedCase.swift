package import Billing
import Bytes
import Codec
import Money
import Projections
import SegmentedLog

/// What a catalog makes of a short history of one account, with no log: to try prices out, to write
/// down what they must give, and to compare with other implementations.
///
///     {"case": name, "entries": [{"kind": "publish", "recorded_at": …, "catalog": {…}},
///      {"kind": "subscribe", "recorded_at": …, "plan": …, "effective": …},
///      {"kind": "event", "recorded_at": …, "source": …, "id": …, "type": …, "time": …, "data": {…}},
///      {"kind": "cancel", …}, {"kind": "finalise", "recorded_at": …, "period": …}],
///      "invoices": ["2026-03"], "at": …}
///
/// A case with `"decisions": true` may have every kind of entry. What was decided of each is listed, a refusal as
/// its error, and the account's credits at `at`; an `entry` or a `hold` that an entry names is given by the place of that
/// entry in the list.
///
/// The same folds and the same builder of invoices run as in an engine.
package struct RatedCase: ~Copyable {
    private static let account = "a"

    private var bill = BillFromEntries(account: Self.account)
    private var position: Position = 0
    private var documents: UInt64 = 0
    /// What was decided of each entry; nil where nobody asked.
    private var decisions: [Value]?
    /// The position of each entry of the list; nil of one that was refused.
    private var places: [Position?] = []
    private let commands = CommandEncoder(key: SipKey(k0: 0, k1: 0))
    private let events = EventEncoder(key: SipKey(k0: 0, k1: 0))
    private let tokens = JSONTokenizer()

    private init() {}

    /// The invoices of a case, each as `invoice` answers it.
    /// - Throws: `Fault` that names the entry at fault.
    package static func invoices(of value: Value) throws(Fault) -> [Value] {
        try answers(of: value).invoices
    }

    /// What a case gives.
    package struct Answers {
        /// As `invoice` answers them.
        package let invoices: [Value]
        /// What was decided of each entry; nil where nobody asked.
        package let decisions: [Value]?
        /// As `credits` answers it; nil where nobody asked.
        package let credits: Value?
    }

    /// All that a case gives.
    /// - Throws: `Fault` that names the entry at fault.
    package static func answers(of value: Value) throws(Fault) -> Answers {
        do throws(Refusal) { return try read(value) } catch {
            throw Fault(message: error.message)
        }
    }

    /// What is wrong with a case.
    package struct Fault: Error {
        /// Where it is, and what is wrong.
        package let message: String
    }

    private static func read(_ value: Value) throws(Refusal) -> Answers {
        var rated = RatedCase()
        if case .bool(true)? = value["decisions"] { rated.decisions = [] }
        guard case .array(let entries)? = value["entries"] else {
            throw .bad("entries", "a list is needed")
        }
        for (index, entry) in entries.enumerated() {
            let before = rated.position
            defer { rated.places.append(rated.position > before ? before : nil) }
            do throws(Refusal) { try rated.append(entry) } catch {
                guard rated.decisions != nil, index > 0 else {
                    throw .bad("entries[\(index)]", error.message)
                }
                rated.decisions?.append(.object(of: [("error", .string(error.code))]))
            }
        }
        guard case .array(let periods)? = value["invoices"], let at = try time(value, "at") else {
            throw .bad("invoices", "a list of periods, and the asking time `at`, are needed")
        }
        var invoices: [Value] = []
        for period in periods {
            let billed = try rated.invoice(period.text, at)
            invoices.append(.object(of: billed.members))
        }
        let credits = rated.bill.credits(at: at)
        return Answers(
            invoices: invoices, decisions: rated.decisions,
            credits: rated.decisions == nil ? nil : try? ValueCoder.value(json: credits))
    }

    private mutating func invoice(
        _ period: String?, _ at: Timestamp
    ) throws(Refusal) -> BilledInvoice {
        do { return try bill.invoice(period: period, at: at, position: position) } catch {
            if let refusal = error as? Refusal { throw refusal }
            throw .bad("entries", "they cannot be billed: \(error)")
        }
    }

    private mutating func append(_ entry: Value) throws(Refusal) {
        guard let word = entry["kind"]?.text, let recordedAt = try Self.time(entry, "recorded_at")
        else { throw .bad("kind", "an entry has a kind and a recorded_at") }
        switch word {
        case "event": try append(.event, try event(entry), recordedAt)
        case "finalise":
            let billed = try invoice(entry["period"]?.text, recordedAt)
            guard let draft = billed.draft, draft.currency != nil else { return }
            let document = draft.document(
                account: Self.account, number: documents + 1, through: position, at: recordedAt)
            documents += 1
            try append(.finalise, try command(.finalise, entry, .object(of: document)), recordedAt)
        default:
            let known = decisions == nil ? [.publish, .subscribe, .cancel] : RecordKind.allCases
            guard let kind = known.first(where: { $0.name == word }) else {
                throw .bad("kind", "\"\(word)\" is none that a case can have")
            }
            guard case .object(let members) = entry else { return }
            let data = members.filter {
                !["kind", "id", "recorded_at", "effective"].contains($0.name)
            }
            // An entry's kind and a grant's have one name.
            .map { ($0.name == "grant_kind" ? "kind" : $0.name, placed($0)) }
            try append(kind, try command(kind, entry, .object(of: data)), recordedAt)
        }
    }

    /// The value of a member that names another entry by its place in the list.
    private func placed(_ member: Value.Member) -> Value {
        func position(_ place: Int?) -> Position {
            let known = place.flatMap { places.indices.contains($0) ? places[$0] : nil }
            // What was refused is no entry, and nothing stands there.
            return known ?? Position(Int64.max)
        }
        switch member.name {
        case "hold":
            let parts = member.value.text?.split(separator: "/") ?? []
            guard parts.count == 2 else { return member.value }
            let name = HoldName(
                feature: String(parts[0]), position: position(Int(parts[1])))
            return .string(name.name)
        case "entry":
            guard case .number(let number) = member.value else { return member.value }
            let place = Int(exactly: number.mantissa)
            return .number(
                DecimalNumber(mantissa: Int128(position(place)), scale: 0))
        default: return member.value
        }
    }

    private mutating func append(
        _ kind: RecordKind, _ content: [UInt8], _ recordedAt: Timestamp
    ) throws(Refusal) {
        do {
            let view = try RecordView(content: content.raw)
            var outcome = Outcome.recorded
            switch try bill.decide(view, recordedAt: recordedAt.nanoseconds) {
            case .refused(let refusal) where kind != .finalise: throw refusal
            case .refused: break
            case .entry(let decided, _): outcome = decided
            }
            var record = ByteBuffer(capacity: content.count + 16)
            record.appendPrefixed(content.raw)
            outcome.append(to: &record)
            try bill.append(
                .init(
                    position: position, recordedAt: recordedAt.nanoseconds,
                    record: record.copyBytes(in: 0..<record.count)))
            decisions?.append(outcome.decisionValue)
        } catch {
            if let refusal = error as? Refusal { throw refusal }
            throw .bad("entry", "\(error)")
        }
        position += 1
    }

    private func event(_ entry: Value) throws(Refusal) -> [UInt8] {
        let names = ["source", "id", "type", "time", "data"]
        let members =
            names.compactMap { name in entry[name].map { (name, $0) } } + [
                ("specversion", .string("1.0")), ("subject", .string(Self.account)),
            ]
        var json = JSONWriter()
        json.value(.object(of: members))
        let line = json.finish()
        var arena = ByteBuffer(capacity: 1024)
        if let problem = tokens.parse(line.raw, paddingAvailable: 0) {
            throw .bad("event", problem.message)
        }
        switch events.encode(tokens, into: &arena) {
        case .success: return arena.copyBytes(in: 0..<arena.count)
        case .failure(let rejection): throw .bad(rejection.field ?? "event", rejection.message)
        }
    }

    private func command(
        _ kind: RecordKind, _ entry: Value, _ data: Value
    ) throws(Refusal) -> [UInt8] {
        var arena = ByteBuffer(capacity: 1024)
        var time: EventTime?
        if let text = entry["effective"]?.text {
            guard let read = EventTime(text) else { throw .bad("effective", "is no time") }
            time = read
        }
        let result = commands.encode(
            kind, source: "case", id: entry["id"]?.text ?? "\(position)",
            subject: kind == .publish ? nil : Self.account, time: time,
            timeText: entry["effective"]?.text ?? "", data: data, into: &arena)
        switch result {
        case .success: return arena.copyBytes(in: 0..<arena.count)
        case .failure(let rejection): throw .bad(rejection.field ?? "entry", rejection.message)
        }
    }

    private static func time(_ value: Value, _ name: String) throws(Refusal) -> Timestamp? {
        guard let text = value[name]?.text else { return nil }
        if let time = Timestamp(rfc3339: text) { return time }
        throw .bad(name, "\"\(text)\" is no time such as 2026-03-01T00:00:00Z")
    }
}

extension Outcome {
    /// What was decided, for a case.
    fileprivate var decisionValue: Value {
        func number(_ units: Int128) -> Value { .string(Quantity(units: units).description) }
        var members: [(String, Value)] = []
        if let decision {
            members += [
                ("allowed", .bool(decision.allowed)), ("reason", .string(decision.reason.name)),
            ]
        }
        if !draws.isEmpty {
            members.append(
                (
                    "draws",
                    .array(
                        draws.map { draw in
                            .array([
                                .number(DecimalNumber(mantissa: Int128(draw.grant), scale: 0)),
                                number(draw.units),
                            ])
                        })
                ))
        }
        if shortfallUnits != 0 { members.append(("shortfall", number(shortfallUnits))) }
        for shortfall in shortfalls {
            members.append(("shortfall.\(shortfall.unit)", number(shortfall.units)))
        }
        if !warnings.isEmpty {
            members.append(
                (
                    "warnings",
                    .array(
                        warnings.map { warning in
                            .array([
                                .string(warning.feature),
                                .number(
                                    DecimalNumber(mantissa: Int128(warning.threshold), scale: 0)),
                            ])
                        })
                ))
        }
        return .object(of: members)
    }
}
