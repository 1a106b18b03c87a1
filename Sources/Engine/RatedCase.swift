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
/// The same folds and the same builder of invoices run as in an engine.
package struct RatedCase: ~Copyable {
    private static let account = "a"

    private var bill = BillFromEntries(account: Self.account)
    private var position: Position = 0
    private var documents: UInt64 = 0
    private let commands = CommandEncoder(key: SipKey(k0: 0, k1: 0))
    private let events = EventEncoder(key: SipKey(k0: 0, k1: 0))
    private let tokens = JSONTokenizer()

    private init() {}

    /// The invoices of a case, each as `invoice` answers it.
    /// - Throws: `Fault` that names the entry at fault.
    package static func invoices(of value: Value) throws(Fault) -> [Value] {
        do throws(Refusal) { return try read(value) } catch {
            throw Fault(message: error.message)
        }
    }

    /// What is wrong with a case.
    package struct Fault: Error {
        /// Where it is, and what is wrong.
        package let message: String
    }

    private static func read(_ value: Value) throws(Refusal) -> [Value] {
        var rated = RatedCase()
        guard case .array(let entries)? = value["entries"] else {
            throw .bad("entries", "a list is needed")
        }
        for (index, entry) in entries.enumerated() {
            do throws(Refusal) { try rated.append(entry) } catch {
                throw .bad("entries[\(index)]", error.message)
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
        return invoices
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
            guard let kind = RecordKind.allCases.first(where: { $0.name == word }),
                [.publish, .subscribe, .cancel].contains(kind)
            else { throw .bad("kind", "\"\(word)\" is none that a case can have") }
            let names = ["catalog", "existing_from", "existing", "plan", "timezone", "anchor"]
            let data = names.compactMap { name in entry[name].map { (name, $0) } }
            try append(kind, try command(kind, entry, .object(of: data)), recordedAt)
        }
    }

    private mutating func append(
        _ kind: RecordKind, _ content: [UInt8], _ recordedAt: Timestamp
    ) throws(Refusal) {
        var record = ByteBuffer(capacity: content.count + 16)
        record.appendVarint(UInt64(content.count))
        record.append(content)
        Outcome.recorded.append(to: &record)
        let bytes = record.copyBytes(in: 0..<record.count)
        do {
            let view = try RecordView(record: bytes.raw)
            if let refusal = bill.refusal(of: view, recordedAt: recordedAt.nanoseconds) {
                throw refusal
            }
            try bill.append(
                .init(position: position, recordedAt: recordedAt.nanoseconds, record: bytes))
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
            kind, source: "case", id: "\(position)",
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
