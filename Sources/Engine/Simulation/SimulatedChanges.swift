import Billing
import Bytes
import Codec
import Projections
import SegmentedLog

/// What entries would be where that is not what they are: by position.
struct SimulatedChanges: Sendable {
    private var outcomes: [Position: Outcome] = [:]
    private var removed: Set<Position> = []
    private var moved: [Position: Int64] = [:]
    /// Supposed entries, in the order in which they were added.
    private(set) var added: [Added] = []

    /// An entry that is not in the log.
    struct Added: Sendable {
        /// It stands before the entry of this position.
        let position: Position
        let recordedAt: Int64
        let account: String
        let record: [UInt8]
    }

    /// Whether nothing is other than it was.
    var isEmpty: Bool { outcomes.isEmpty && removed.isEmpty && moved.isEmpty && added.isEmpty }

    mutating func remove(_ position: Position) { removed.insert(position) }

    mutating func move(_ position: Position, by nanoseconds: Int64) {
        moved[position] = nanoseconds
    }

    mutating func set(_ outcome: Outcome, at position: Position) { outcomes[position] = outcome }

    mutating func add(
        _ content: [UInt8], _ outcome: Outcome, at position: Position, recordedAt: Int64
    ) {
        guard let account = try? RecordView(content: content.raw).subject?.makeString() else {
            return
        }
        var bytes = ByteBuffer(capacity: content.count + 16)
        Self.append(content.raw, outcome, to: &bytes)
        added.append(
            Added(
                position: position, recordedAt: recordedAt, account: account,
                record: bytes.copyBytes(in: 0..<bytes.count)))
    }

    func isRemoved(_ position: Position) -> Bool { removed.contains(position) }

    func outcome(at position: Position) -> Outcome? { outcomes[position] }

    /// Calls `body` with an entry as it would stand; not at all if it would not.
    func withRecord(
        _ bytes: RawSpan, at position: Position, recordedAt: Int64, _ buffer: inout ByteBuffer,
        _ body: (RawSpan, Int64) throws -> Void
    ) throws {
        if removed.contains(position) { return }
        if let by = moved[position] {
            let record = try RecordView(record: bytes)
            let shifted = Self.moved(record, bytes, by: by)
            return try body(shifted.raw, record.time == nil ? recordedAt &+ by : recordedAt)
        }
        guard let outcome = outcomes[position] else { return try body(bytes, recordedAt) }
        buffer.clear()
        Self.append(try RecordView(record: bytes).content, outcome, to: &buffer)
        try body(buffer.bytes, recordedAt)
    }

    /// A record whose event happened later.
    static func moved(
        _ record: borrowing RecordView, _ bytes: RawSpan, by nanoseconds: Int64
    ) -> [UInt8] {
        var copy = ByteBuffer(capacity: bytes.byteCount)
        copy.append(bytes)
        if let place = record.timePlace, let time = record.time {
            copy.overwriteInteger(time &+ nanoseconds, at: place)
        }
        return copy.copyBytes(in: 0..<copy.count)
    }

    private static func append(_ content: RawSpan, _ outcome: Outcome, to buffer: inout ByteBuffer)
    {
        buffer.appendVarint(UInt64(content.byteCount))
        buffer.append(content)
        outcome.append(to: &buffer)
    }
}

/// An account's entries as they would stand.
struct SimulatedEntries: AccountEntrySource {
    let logged: LoggedEntries
    let changes: SimulatedChanges

    func forEach(
        from start: Position, before end: Position,
        _ body: (Position, RawSpan, Int64) throws -> Void
    ) throws(Refusal) {
        var buffer = ByteBuffer(capacity: 1024)
        var added = changes.added.filter { $0.account == logged.account }[...]
        func addSupposed(upTo position: Position) throws {
            while let next = added.first, next.position <= position {
                added.removeFirst()
                guard next.position >= start else { continue }
                try body(next.position, next.record.raw, next.recordedAt)
            }
        }
        do {
            try logged.forEach(from: start, before: end) { position, bytes, recordedAt in
                try addSupposed(upTo: position)
                try changes.withRecord(bytes, at: position, recordedAt: recordedAt, &buffer) {
                    try body(position, $0, $1)
                }
            }
            try addSupposed(upTo: end)
        } catch let refusal as Refusal {
            throw refusal
        } catch {
            throw Refusal(code: "storage_failed", message: "an entry cannot be read: \(error)")
        }
    }

    func withEntry(at position: Position, _ body: (RawSpan) throws -> Void) throws {
        try logged.withEntry(at: position, body)
    }

    func isSupposed(_ record: RawSpan, at position: Position) -> Bool {
        changes.added.contains { $0.position == position && record.isEqual(to: $0.record.raw) }
    }
}
