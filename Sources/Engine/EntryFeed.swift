import Billing
package import Bytes
package import Codec
package import Projections
package import SegmentedLog

/// A wish to read entries: from where, which, how many, and whether to wait for more.
package struct FollowRequest: Sendable {
    /// First position; nil: the head at the time the feed starts.
    package var from: Position? = 0
    /// Whether it goes on with new entries as they become durable.
    package var follow = false
    /// Entries after which it ends; nil: no bound.
    package var limit: UInt64?
    /// Only entries of this account.
    package var account: String?
    /// Only entries of this type.
    package var type: String?
    /// Only entries of these kinds; nil: all.
    package var kinds: Set<RecordKind>?

    /// All entries up to the present head.
    package init() {}

    static func decode(_ arguments: Arguments) throws(Refusal) -> FollowRequest {
        try arguments.allow(["from", "follow", "limit", "account", "type", "kinds"])
        var request = FollowRequest()
        let from = try arguments.count("from", or: 0, min: -1, max: Int.max)
        request.from = from < 0 ? nil : Position(from)
        request.follow = try arguments.flag("follow")
        if arguments["limit"] != nil {
            request.limit = UInt64(try arguments.count("limit", or: 1, min: 1, max: Int.max))
        }
        request.account = try arguments.optionalText("account")
        request.type = try arguments.optionalText("type")
        request.kinds = try kinds(arguments)
        return request
    }

    private static func kinds(_ arguments: Arguments) throws(Refusal) -> Set<RecordKind>? {
        guard let value = arguments["kinds"] else { return nil }
        let known = RecordKind.allCases.map(\.name).joined(separator: ", ")
        guard case .array(let list) = value, !list.isEmpty else {
            throw .bad("kinds", "a list of kinds is needed; there are: \(known)")
        }
        var kinds: Set<RecordKind> = []
        for item in list {
            guard let kind = RecordKind.allCases.first(where: { $0.name == item.text }) else {
                throw .bad("kinds", "there are only: \(known)")
            }
            kinds.insert(kind)
        }
        return kinds
    }
}

/// Entries as JSON lines, from a position on, as far as they are durable.
///
/// It reads the log and no books, so a slow reader holds up nobody. What is redacted it does not show. Confined to one thread.
package struct EntryFeed: ~Copyable {
    /// Why `fill` returned.
    package enum Pause: Sendable {
        /// A limit of this call is reached; there may be more at once.
        case full
        /// All durable entries were looked at; more may come.
        case atHead
        /// The limit of entries is reached.
        case done
    }

    private let engine: Engine
    private let request: FollowRequest
    private var cursor: LogCursor?
    /// Whether the cursor stands on a frame.
    private var isOnFrame = false
    /// Of one account: its entries in a sealed segment that are still to come, and the segment's end.
    private var listed: (positions: ArraySlice<Position>, end: Position)?
    private var json = JSONWriter(capacity: 4096)
    private var redactions: RedactionView
    /// Entries written so far.
    package private(set) var entries: UInt64 = 0
    /// The position to continue from.
    package private(set) var next: Position

    /// A feed at its first entry.
    /// - Throws: `unknown_position` if the log does not reach so far.
    package init(_ engine: Engine, _ request: FollowRequest) throws(Refusal) {
        let head = engine.reader.durablePosition
        let from = request.from ?? head
        guard from <= head else {
            throw Refusal(
                code: "unknown_position", field: "from",
                message: "from: the log ends before position \(head); \(from) is beyond it")
        }
        self.engine = engine
        self.request = request
        redactions = RedactionView(engine.personal)
        next = from
    }

    /// Appends matching entries, one line each, until something makes it pause.
    /// - Parameters:
    ///   - byteLimit: bytes in `out` beyond which it pauses; the last line may exceed it.
    ///   - entriesMax: entries to look at before it pauses, up to the end of their frame. A filter
    ///     may pass over the whole log, and the caller has others to serve.
    /// - Throws: `storage_failed` if history cannot be read.
    package mutating func fill(
        _ out: inout ByteBuffer, byteLimit: Int, entriesMax: Int = Int.max
    ) throws(Refusal) -> Pause {
        let first = next
        do {
            while true {
                if let limit = request.limit, entries >= limit { return .done }
                if out.count >= byteLimit || next - first >= Position(entriesMax) { return .full }
                guard next < engine.reader.durablePosition else { return .atHead }
                try step(&out, byteLimit)
            }
        } catch {
            throw Refusal(
                code: "storage_failed",
                message: "the log cannot be read at position \(next): \(error); run "
                    + "`daybook verify`")
        }
    }

    /// Reads one frame, or what is left of it; of one account, what a sealed segment has of it.
    private mutating func step(_ out: inout ByteBuffer, _ byteLimit: Int) throws {
        redactions.refresh()
        if let account = request.account, try stepThroughPostings(account, &out, byteLimit) {
            return
        }
        var cursor = try self.cursor.take() ?? engine.reader.cursor(from: next)
        if !isOnFrame || next >= cursor.header.firstPosition + Position(cursor.header.count) {
            isOnFrame = try cursor.next()
            guard isOnFrame else {
                self.cursor = consume cursor
                return
            }
        }
        let header = cursor.header
        var index = Int(next - header.firstPosition)
        while index < Int(header.count), out.count < byteLimit {
            if let limit = request.limit, entries >= limit { break }
            try write(cursor.record(index), at: next, header.commitTime, to: &out)
            index += 1
            next += 1
        }
        self.cursor = consume cursor
    }

    /// Reads the account's entries of the sealed segment that holds the next position, and no others.
    /// - Returns: false behind the sealed segments.
    private mutating func stepThroughPostings(
        _ account: String, _ out: inout ByteBuffer, _ byteLimit: Int
    ) throws -> Bool {
        let (reader, from) = (engine.reader, next)
        if listed == nil {
            let found = try account.withBytes { name in
                try reader.sealedPositions(of: name, from: from)
            }
            guard let found else { return false }
            listed = (found.positions[...], found.end)
        }
        while let position = listed?.positions.first {
            next = position
            if let limit = request.limit, entries >= limit { return true }
            if out.count >= byteLimit { return true }
            try reader.withRecord(at: position) { record, info in
                try write(record, at: position, info.commitTime, to: &out)
            }
            listed?.positions.removeFirst()
        }
        next = listed?.end ?? next
        listed = nil
        return true
    }

    /// Writes an entry, if it is one of those that are wished for.
    private mutating func write(
        _ record: RawSpan, at position: Position, _ recordedAt: Int64, to out: inout ByteBuffer
    ) throws {
        guard matches(try RecordView(record: record)) else { return }
        json.clear()
        try redactions.withShown(record, at: position) { bytes in
            try EntryJSON.write(
                try RecordView(record: bytes), position: position, recordedAt: recordedAt,
                to: &json)
        }
        out.append(json.bytes)
        out.append(UInt8(ascii: "\n"))
        entries += 1
    }

    private func matches(_ record: borrowing RecordView) -> Bool {
        if let kinds = request.kinds, !kinds.contains(record.kind) { return false }
        if let account = request.account {
            guard let subject = record.subject, subject.isEqual(to: account) else {
                return false
            }
        }
        if let type = request.type { return record.type.isEqual(to: type) }
        return true
    }
}
