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

    /// Accounts above which the whole log is read once instead of the entries of each.
    private static let accountsEach = 16

    /// Meters entries before `end` again: all of them for some meters, or those of some accounts.
    /// - Throws: `Interruption` if it is not to go on.
    static func meterAgain(
        _ books: inout Books, _ stale: Stale, before end: Position, _ reader: LogReader,
        while goesOn: () -> Bool = { true }
    ) throws {
        guard end > 0 else { return }
        let read = { (position: Position, body: (RawSpan) throws -> Void) in
            try reader.withRecord(at: position) { bytes, _ in try body(bytes) }
        }
        if !stale.meters.isEmpty {
            let again = EntryMetering(meters: stale.meters, stale, read)
            try forEachEntry(before: end, reader, while: goesOn) { bytes, position, recordedAt in
                try again.meter(&books, bytes, at: position, recordedAt: recordedAt)
            }
        }
        guard !stale.accounts.isEmpty else { return }
        let again = EntryMetering(meters: nil, stale, read)
        guard stale.accounts.count > accountsEach else {
            for account in stale.accounts {
                guard goesOn() else { throw Interruption() }
                let name = books.accountName(account)
                try reader.forEachEntry(of: name.raw, before: end) { position, bytes, frame in
                    try again.meter(&books, bytes, at: position, recordedAt: frame.commitTime)
                }
            }
            return
        }
        let accounts = Set(stale.accounts)
        try forEachEntry(before: end, reader, while: goesOn) { bytes, position, recordedAt in
            guard let account = books.account(of: try RecordView(record: bytes)),
                accounts.contains(account)
            else { return }
            try again.meter(&books, bytes, at: position, recordedAt: recordedAt)
        }
    }

    /// - Throws: `Interruption` if it is not to go on.
    private static func forEachEntry(
        before end: Position, _ reader: LogReader, while goesOn: () -> Bool,
        _ body: (RawSpan, Position, Int64) throws -> Void
    ) throws {
        var cursor = try reader.cursor(from: 0)
        while try cursor.next() {
            guard goesOn() else { throw Interruption() }
            let header = cursor.header
            for index in 0..<Int(header.count) {
                let position = header.firstPosition + Position(index)
                guard position < end else { return }
                try body(cursor.record(index), position, header.commitTime)
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
        let again = EntryMetering(meters: remetering.meters, Stale()) { position, body in
            try reader.withRecord(at: position) { bytes, _ in try body(bytes) }
        }
        // What is read was verified at the start or written since.
        var cursor = try reader.cursor(from: remetering.position, isLinking: false)
        while remetering.position < end, try cursor.next() {
            guard goesOn() else { throw Interruption() }
            let header = cursor.header
            for index in 0..<Int(header.count) {
                let position = header.firstPosition + Position(index)
                guard position >= remetering.position else { continue }
                guard position < end else { break }
                try again.meter(
                    &remetering, cursor.record(index), recordedAt: header.commitTime)
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
                try again.count(
                    &remetering, bytes, at: position, recordedAt: commit.commitTime)
            }
        }
    }

    /// Somebody asked to stop.
    struct Interruption: Error {}
}
