package import Billing
import Bytes
import Codec
import Money
import Platform
import Projections
import SegmentedLog

/// What a simulation supposes: another catalog, another history, or both.
package struct Scenario: Sendable {
    /// The catalog in the place of those that were published from `from` on; nil: those that were.
    package var catalog: Catalog?
    /// From when it holds, for existing subscriptions too; nil: from the beginning.
    package var from: Timestamp?
    /// Entries recorded up to then are looked at, that included; nil: all.
    package var to: Timestamp?
    /// Only these; nil: all.
    package var accounts: [String]?
    /// Only the billing period with this name; nil: all that there are.
    package var period: String?
    /// What happened otherwise.
    package var edits: [Edit]
    /// Events that happened beside those in the log.
    package var added: [AddedEvent]
    /// Accounts in the answer at most, those with the largest differences first.
    package var limit: Int

    /// A change of entries, which `match` names.
    package struct Edit: Sendable {
        /// Which events, consumes, holds and settlements.
        package var match: Match
        /// What becomes of them.
        package var action: Action
    }

    /// What becomes of entries.
    package enum Action: Sendable {
        /// They did not happen.
        case remove
        /// They happened so many nanoseconds later. Only events have a time that can move.
        case move(by: Int64)
    }

    /// Which entries are meant: all that is said must hold.
    package struct Match: Sendable {
        /// The account.
        package var account: String
        /// The type of the event; nil: any.
        package var type: String?
        /// The source; nil: any.
        package var source: String?
        /// The ids; nil: any.
        package var ids: [String]?
        /// Their own time is not before; nil: any.
        package var from: Timestamp?
        /// Their own time is before; nil: any.
        package var to: Timestamp?

        func fits(_ record: borrowing RecordView, recordedAt: Int64) -> Bool {
            switch record.kind {
            case .event, .consume, .hold, .settle: break
            default: return false
            }
            guard let subject = record.subject, subject.isEqual(to: account) else { return false }
            if let type, !record.type.isEqual(to: type) { return false }
            if let source, !record.source.isEqual(to: source) { return false }
            if let ids {
                let id = record.id
                guard ids.contains(where: { id.isEqual(to: $0) }) else { return false }
            }
            let time = Timestamp(nanoseconds: record.time ?? recordedAt)
            if let from, time < from { return false }
            if let to, time >= to { return false }
            return true
        }
    }

    /// An event that is supposed, ready to be counted.
    package struct AddedEvent: Sendable {
        /// Its account.
        let account: String
        /// When it happens and is recorded.
        let time: Timestamp
        /// The canonical content.
        let content: [UInt8]
    }

    /// Whether the history is another one.
    var isEdited: Bool { !edits.isEmpty || !added.isEmpty }
}

extension Scenario {
    /// Accounts that can be named.
    static let accountsMax = 10_000
    /// Edits, and added events.
    static let editsMax = 100_000
    /// Seconds that an event can be moved, ten years.
    static let secondsMax: Int64 = 316_000_000

    /// Reads `catalog`, `from`, `to`, `accounts`, `period`, `remove`, `move`, `add`, `limit`.
    init(_ arguments: Arguments) throws(Refusal) {
        try arguments.allow([
            "catalog", "from", "to", "accounts", "period", "remove", "move", "add", "limit",
        ])
        if let value = arguments["catalog"] {
            switch Catalog.decode(value) {
            case .success(let read): catalog = read
            case .failure(let failure):
                throw Refusal(
                    code: "bad_catalog", field: "catalog",
                    message: "the catalog has \(failure.list.count) problems; the first: "
                        + "\(failure.list.first?.description ?? "")", problems: failure.list)
            }
        }
        from = try arguments["from"] == nil ? nil : arguments.time("from")
        to = try arguments["to"] == nil ? nil : arguments.time("to")
        if let from, let to, to < from { throw .bad("to", "is before from") }
        period = try arguments.optionalText("period")
        limit = try arguments.count("limit", or: 1_000, min: 0, max: 1_000_000)
        accounts = try Self.texts("accounts", arguments["accounts"], max: Self.accountsMax)
        edits = []
        added = []
        for (name, value) in try Self.list("remove", arguments) {
            edits.append(.init(match: try Match(value, name, []), action: .remove))
        }
        for (name, value) in try Self.list("move", arguments) {
            guard case .number(let number)? = value["by_seconds"], number.scale == 0,
                let seconds = Int64(exactly: number.mantissa), abs(seconds) <= Self.secondsMax
            else {
                throw .bad(
                    name, "by_seconds, a whole number of at most \(Self.secondsMax), is missing")
            }
            edits.append(
                .init(
                    match: try Match(value, name, ["by_seconds"]),
                    action: .move(by: seconds * 1_000_000_000)))
        }
        for (name, value) in try Self.list("add", arguments) {
            added.append(try AddedEvent(value, name))
        }
        added.sort { $0.time < $1.time }
        guard catalog != nil || isEdited else {
            throw .bad("catalog", "what is to be supposed? Give catalog, remove, move or add")
        }
        guard from == nil || catalog != nil else {
            throw .bad("from", "says from when the catalog holds; there is no catalog")
        }
    }

    private static func list(
        _ name: String, _ arguments: Arguments
    ) throws(Refusal) -> [(String, Value)] {
        switch arguments[name] {
        case nil: return []
        case .array(let list)?:
            guard list.count <= editsMax else { throw .bad(name, "at most \(editsMax) of them") }
            return list.enumerated().map { ("\(name)[\($0.offset)]", $0.element) }
        default: throw .bad(name, "a list of objects is needed")
        }
    }

    static func texts(
        _ name: String, _ value: Value?, max: Int
    ) throws(Refusal) -> [String]? {
        switch value {
        case nil: return nil
        case .string(let text)?: return [text]
        case .array(let list)?:
            let texts = list.compactMap(\.text)
            guard texts.count == list.count, texts.count <= max else { break }
            return texts
        default: break
        }
        throw .bad(name, "a list of at most \(max) texts is needed")
    }
}

extension Scenario.Match {
    init(_ value: Value, _ name: String, _ more: [String]) throws(Refusal) {
        let known = ["account", "type", "source", "ids", "from", "to"] + more
        guard case .object(let members) = value else { throw .bad(name, "an object is needed") }
        for member in members where !known.contains(member.name) {
            throw .bad(
                "\(name).\(member.name)", "is unknown here; known: \(known.joined(separator: ", "))"
            )
        }
        let arguments = Arguments(value)
        account = try arguments.text("account")
        type = try arguments.optionalText("type")
        source = try arguments.optionalText("source")
        ids = try Scenario.texts("ids", arguments["ids"], max: Scenario.editsMax)
        from = try arguments["from"] == nil ? nil : arguments.time("from")
        to = try arguments["to"] == nil ? nil : arguments.time("to")
    }
}

extension Scenario.AddedEvent {
    init(_ value: Value, _ name: String) throws(Refusal) {
        var json = JSONWriter()
        json.value(value)
        let (account, time) = (value["subject"]?.text, value["time"]?.text)
        guard let account, let instant = time.flatMap({ Timestamp(rfc3339: $0) }) else {
            throw .bad(name, "a CloudEvent with a subject and a time is needed")
        }
        var arena = ByteBuffer(capacity: 512)
        let tokenizer = JSONTokenizer()
        guard tokenizer.parse(json.bytes, paddingAvailable: 0) == nil else {
            throw .bad(name, "is no JSON object")
        }
        // The key only scatters fingerprints, and nothing looks for this event.
        switch EventEncoder(key: SipKey(k0: 0, k1: 0)).encode(tokenizer, into: &arena) {
        case .failure(let rejection): throw .bad(name, rejection.message)
        case .success(let record):
            self.account = account
            self.time = instant
            content = arena.copyBytes(
                in: record.contentStart..<(record.contentStart + record.contentLength))
        }
    }
}
