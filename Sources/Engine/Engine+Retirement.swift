import Billing
import Bytes
import Codec
import Platform
import Projections
import SegmentedLog

/// How far the bodies of retired entries are off the disk.
struct RetirementState {
    /// The order that was seen through last; nil: none since the start.
    var order: Position?
    /// Sealed entries before this position have no body that the newest order drops.
    var done: Position = 0
}

/// Which bodies go, as the books say it: a copy of them, which the sealer asks for each entry.
final class RetiredBodies: Sendable {
    /// The newest order.
    let order: Retirements.Order
    private let books: Monitor<Books>

    /// - Returns: nil where nothing is retired.
    init?(_ books: consuming Books) {
        guard let order = books.retirements.orders.last else { return nil }
        self.order = order
        self.books = Monitor(books)
    }

    /// Appends an entry without its body, if that goes.
    /// - Returns: whether it does; nothing is appended otherwise.
    func append(
        _ record: RawSpan, at position: Position, recordedAt: Int64, to buffer: inout ByteBuffer
    ) throws(DecodeFailure) -> Bool {
        let view = try RecordView(record: record)
        let kept = books.withLock(waking: []) {
            $0.kept(of: view, at: position, recordedAt: recordedAt)
        }
        guard let kept else { return false }
        return try RecordRetirement.append(record, keeping: kept, to: &buffer)
    }
}

/// # Dropping the bodies of old entries
///
/// Nothing reads a retired body from the moment its order is durable, but for what meters need. This takes
/// the rest off the disk: from rows when they are sealed, from sealed segments by writing these again, as
/// for a redaction.
///
/// How far it came is not stored: after a start, sealed segments that reach back before the newest order's
/// time are read once, in the background.
extension Engine {
    /// Drops what is due from sealed segments. On the sealer's thread.
    /// - Throws: `LogFailure`; the log is whole then, and the next round tries again.
    func dropBodies(_ sealing: Sealing) throws {
        guard let bodies = retiredBodies() else { return }
        let known = upkeep.read { $0.retirement }
        var done = known.order == bodies.order.position ? known.done : 0
        for segment in reader.sealedSegments(recordedBefore: bodies.order.before.nanoseconds)
        where segment.lowerBound >= done {
            if try hasBody(in: segment, bodies, pause: { !sealing.hasEnded }) {
                let report = try sealing.rewrite(
                    at: segment.lowerBound, redaction: redaction, offer: offerToLog,
                    pause: { !sealing.hasEnded })
                upkeep.withLock { $0.total.add(report) }
            }
            done = segment.upperBound
            upkeep.withLock {
                $0.retirement = RetirementState(order: bodies.order.position, done: done)
            }
        }
        upkeep.withLock {
            $0.retirement = RetirementState(order: bodies.order.position, done: .max)
        }
    }

    /// The bodies that go by the durable books.
    func retiredBodies() -> RetiredBodies? {
        let bodies = durable.withLock(waking: []) { durable -> RetiredBodies? in
            guard !durable.books.retirements.orders.isEmpty else { return nil }
            return RetiredBodies(durable.books.copy())
        }
        return bodies
    }

    /// Whether the newest order was not seen through yet, as far as is known since the start.
    var hasRetirementPending: Bool {
        guard let order = durable.withLock(waking: [], { $0.books.retirements.orders.last }) else {
            return false
        }
        return upkeep.read { $0.retirement.order != order.position || $0.retirement.done < .max }
    }

    private func hasBody(
        in segment: Range<Position>, _ bodies: RetiredBodies, pause: () -> Bool
    ) throws -> Bool {
        var cursor = try reader.cursor(from: segment.lowerBound)
        var buffer = ByteBuffer(capacity: 4096)
        while try cursor.next() {
            guard pause() else { throw EngineFailure("the engine is closing") }
            let header = cursor.header
            for index in 0..<Int(header.count) {
                let position = header.firstPosition + Position(index)
                guard segment.contains(position) else { continue }
                buffer.clear()
                let goes = try bodies.append(
                    cursor.record(index), at: position, recordedAt: header.commitTime,
                    to: &buffer)
                if goes { return true }
            }
            if header.firstPosition + Position(header.count) >= segment.upperBound { break }
        }
        return false
    }

    /// What dropping the bodies of entries before a time would do now, or did. Reads the log up to there.
    func retirementPreview(before: Timestamp) throws(Refusal) -> RetirementPreview {
        let preview = RetirementPreview(
            before: before, durable.withLock(waking: []) { $0.books.copy() })
        do {
            var cursor = try reader.cursor(from: 0)
            let end = durablePosition
            while try cursor.next() {
                let header = cursor.header
                guard header.commitTime < before.nanoseconds, header.firstPosition < end else {
                    break
                }
                for index in 0..<Int(header.count) {
                    try preview.see(
                        cursor.record(index), at: header.firstPosition + Position(index),
                        recordedAt: header.commitTime)
                }
            }
        } catch {
            throw Refusal(
                code: "storage_failed",
                message: "the log cannot be read: \(error); run `daybook verify`")
        }
        return preview
    }
}

/// Counts what an order would drop.
final class RetirementPreview {
    private let before: Timestamp
    private let books: Monitor<Books>
    private let kept: KeptProperties
    private var entries: UInt64 = 0
    private var open: UInt64 = 0
    private var retired: UInt64 = 0
    private var nothingToDrop: UInt64 = 0
    private var accounts: Set<[UInt8]> = []
    private var bytes: UInt64 = 0
    private var buffer = ByteBuffer(capacity: 4096)

    init(before: Timestamp, _ books: consuming Books) {
        self.before = before
        kept = KeptProperties(of: books.registry.versions)
        self.books = Monitor(books)
    }

    func see(
        _ record: RawSpan, at position: Position, recordedAt: Int64
    ) throws(DecodeFailure) {
        let view = try RecordView(record: record)
        guard view.kind.isUsage else { return }
        if RecordRetirement.isRetired(view) {
            retired += 1
            return
        }
        let isCovered = books.withLock(waking: []) {
            $0.isCovered(view, recordedAt: recordedAt, before: before)
        }
        guard isCovered else {
            open += 1
            return
        }
        buffer.clear()
        guard try RecordRetirement.append(record, keeping: kept, to: &buffer) else {
            nothingToDrop += 1
            return
        }
        entries += 1
        bytes += UInt64(record.byteCount)
        if let subject = view.subject { accounts.insert(subject.makeArray()) }
    }

    func write(to json: inout JSONWriter) {
        json.member("before", before.description)
        json.member("entries", entries)
        json.member("accounts", UInt64(accounts.count))
        json.member("bytes", bytes)
        json.member("not_finalised", open)
        json.member("nothing_to_drop", nothingToDrop)
        json.member("already_retired", retired)
    }
}
