import Bytes
import Codec
import Identities
import Projections
import SegmentedLog

/// Folds entries of the log into books. Start, `verify` and read-only opening all use this.
enum Replay {
    /// Applies entries from the books' position up to `end`.
    /// - Parameters:
    ///   - goesOn: asked now and then whether to go on.
    ///   - progress: called after each frame with the position reached.
    /// - Throws: `Interruption` if it is not to go on, `EngineFailure`, and what is wrong with the log.
    static func advance(
        _ books: inout Books, to end: Position, _ reader: LogReader,
        while goesOn: () -> Bool = { true }, progress: (Position) -> Void = { _ in }
    ) throws {
        var cursor = try reader.cursor(from: books.position)
        while books.position < end, try cursor.next() {
            guard goesOn() else { throw Interruption() }
            let header = cursor.header
            for index in 0..<Int(header.count) {
                guard header.firstPosition + Position(index) >= books.position else { continue }
                guard books.position < end else { return }
                let record = try RecordView(record: cursor.record(index))
                let position = books.position
                let stale = try books.apply(
                    record, outcome: try record.outcome(), recordedAt: header.commitTime)
                if !stale.isEmpty {
                    try meterAgain(&books, stale, before: position, reader, while: goesOn)
                }
            }
            progress(books.position)
        }
        guard books.position == end else {
            throw EngineFailure(
                "the log ends at position \(books.position), before \(end); run `daybook verify`")
        }
    }

    /// Adds all durable entries from the index's next position on. It is cut on the way, so that
    /// its memory is bounded however many there are.
    /// - Parameter producers: at the durable end; events of a producer have no key.
    static func feed(
        _ index: IdentityIndex, key: SipKey, producers: borrowing Producers, _ reader: LogReader
    ) throws {
        let end = reader.durablePosition
        guard index.next < end else { return }
        var cursor = try reader.cursor(from: index.next)
        while index.next < end, try cursor.next() {
            let header = cursor.header
            for number in 0..<Int(header.count)
            where header.firstPosition + Position(number) >= index.next {
                let record = try RecordView(record: cursor.record(number))
                if producers.isProducer(record.source) {
                    index.appendWithoutKey()
                } else {
                    index.append(record.fingerprint(key: key))
                }
            }
            // Only between commits has the log a chain.
            if index.wantsCut, let chain = try reader.chain(at: index.next) {
                index.cutAndWait(at: index.next, chain: chain)
            }
        }
        guard index.next == end else {
            throw EngineFailure(
                "the log ends at position \(index.next), before \(end); run `daybook verify`")
        }
    }

    /// Meters all entries before `end` again for some meters.
    static func meterAgain(
        _ books: inout Books, _ meters: Set<UInt32>, before end: Position, _ reader: LogReader,
        while goesOn: () -> Bool = { true }
    ) throws {
        guard end > 0 else { return }
        var cursor = try reader.cursor(from: 0)
        var kept = ByteBuffer(capacity: 4096)
        while try cursor.next() {
            guard goesOn() else { throw Interruption() }
            let header = cursor.header
            for index in 0..<Int(header.count) {
                guard header.firstPosition + Position(index) < end else { return }
                try meterAgain(
                    &books, meters, cursor.record(index),
                    at: header.firstPosition + Position(index),
                    recordedAt: header.commitTime, &kept)
            }
        }
    }

    /// Meters all entries before the base of what is metered beside the books, then counts the windows of the
    /// accounts that came into doubt.
    /// - Parameters:
    ///   - recountsMax: accounts that are counted again at most; beyond it they stay in doubt.
    ///   - goesOn: asked now and then whether to go on.
    /// - Throws: `Interruption` if not.
    static func meter(
        _ remetering: inout Remetering, _ reader: LogReader, recountsMax: Int,
        while goesOn: () -> Bool = { true }
    ) throws {
        let end = remetering.base
        var kept = ByteBuffer(capacity: 4096)
        // What is read was verified at the start or written since.
        var cursor = try reader.cursor(from: remetering.position, isLinking: false)
        while remetering.position < end, try cursor.next() {
            guard goesOn() else { throw Interruption() }
            let header = cursor.header
            for index in 0..<Int(header.count) {
                let position = header.firstPosition + Position(index)
                guard position >= remetering.position else { continue }
                guard position < end else { break }
                let bytes = cursor.record(index)
                if try remetering.keeps(part: bytes, position, header.commitTime, &kept) {
                    let record = try RecordView(record: kept.bytes)
                    remetering.meter(
                        record, outcome: try record.outcome(), recordedAt: header.commitTime)
                } else {
                    let record = try RecordView(record: bytes)
                    remetering.meter(
                        record, outcome: try record.outcome(), recordedAt: header.commitTime)
                }
            }
        }
        guard remetering.position == end, !remetering.isSpoilt,
            remetering.doubtful.count <= recountsMax
        else { return }
        for account in remetering.doubtful.sorted() {
            guard goesOn() else { throw Interruption() }
            let name = remetering.recount(account)
            defer { remetering.endRecount() }
            try reader.forEachEntry(of: name.raw, before: end) { position, bytes, commit in
                if try remetering.keeps(part: bytes, position, commit.commitTime, &kept) {
                    let record = try RecordView(record: kept.bytes)
                    remetering.count(
                        record, at: position, outcome: try record.outcome(),
                        recordedAt: commit.commitTime)
                } else {
                    let record = try RecordView(record: bytes)
                    remetering.count(
                        record, at: position, outcome: try record.outcome(),
                        recordedAt: commit.commitTime)
                }
            }
        }
    }

    /// Somebody asked to stop.
    struct Interruption: Error {}

    /// A meter that is newer than an order to drop bodies must not read what goes, whether it is gone or not.
    private static func meterAgain(
        _ books: inout Books, _ meters: Set<UInt32>, _ bytes: RawSpan, at position: Position,
        recordedAt: Int64, _ buffer: inout ByteBuffer
    ) throws {
        buffer.clear()
        let record = try RecordView(record: bytes)
        let outcome = try record.outcome()
        if let kept = books.kept(of: record, at: position, recordedAt: recordedAt),
            try RecordRetirement.append(bytes, keeping: kept, to: &buffer)
        {
            books.meterAgain(
                try RecordView(record: buffer.bytes), at: position, outcome: outcome,
                recordedAt: recordedAt, meters: meters)
        } else {
            books.meterAgain(
                record, at: position, outcome: outcome, recordedAt: recordedAt, meters: meters)
        }
    }
}

extension Remetering {
    /// Writes what an order to drop bodies leaves of an entry, whether it is gone or not.
    /// - Returns: false if all of it stays; the buffer says nothing then.
    fileprivate func keeps(
        part bytes: RawSpan, _ position: Position, _ recordedAt: Int64, _ buffer: inout ByteBuffer
    ) throws -> Bool {
        guard
            let kept = kept(
                of: try RecordView(record: bytes), at: position, recordedAt: recordedAt)
        else { return false }
        buffer.clear()
        return try RecordRetirement.append(bytes, keeping: kept, to: &buffer)
    }
}
