import Bytes
import Codec
import Identities
import Platform
import Projections
import SegmentedLog

/// The copies of the books that a start makes.
struct OpenedBooks: ~Copyable {
    let key: SipKey
    /// The committer's copy; nil if nothing will be decided.
    var decided: Books?
    var durable: Books
    /// Chain head of the log at the books' position.
    let chain: Digest
    /// Which identities are in the log; nil if nothing will be decided.
    var identities: IdentityIndex?
}

/// The start: newest matching snapshot + tail of the log.
enum Opening {
    /// Recovers the log and starts the threads.
    static func engine(_ options: Engine.Options) throws(EngineFailure) -> Engine {
        let log: SegmentedLog
        do {
            var logOptions = options.log
            logOptions.codec = RecordCodec()
            log = try SegmentedLog.open(
                directory: options.directory, fileSystem: options.fileSystem,
                options: logOptions)
        } catch {
            throw EngineFailure(start: error, directory: options.directory)
        }
        var report = StartReport()
        report.notes = log.recovery.notes
        report.lastCommitTime = log.lastCommitTime
        let snapshots = store(options, log.storeID)
        var opened = try books(
            log.reader, storeID: log.storeID, chain: log.chain, snapshots: snapshots,
            decides: true, report: &report)
        opened.identities = try identities(
            options, log.reader, log.storeID, opened.durable.producers, &report)
        return Engine(
            options: options, reader: log.reader, opened: opened, report: report,
            snapshots: snapshots, log: log)
    }

    /// Reads a store that no server has open, and changes nothing in it.
    static func readOnly(_ options: Engine.Options) throws(EngineFailure) -> Engine {
        let log: ReadOnlyLog
        do {
            log = try LogReader.openReadOnly(
                directory: options.directory, fileSystem: options.fileSystem,
                codec: RecordCodec())
        } catch {
            throw EngineFailure(start: error, directory: options.directory)
        }
        var report = StartReport()
        report.notes = log.recovery.notes
        let snapshots = store(options, log.storeID)
        let opened = try books(
            log.reader, storeID: log.storeID, chain: log.reader.head.chain, snapshots: snapshots,
            decides: false, report: &report)
        return Engine(
            options: options, reader: log.reader, opened: opened, report: report,
            snapshots: snapshots, readOnly: log)
    }

    private static func store(_ options: Engine.Options, _ storeID: [UInt8]) -> SnapshotStore {
        SnapshotStore(
            directory: options.directory + "/snapshots", fileSystem: options.fileSystem,
            storeID: storeID)
    }

    /// The books at the durable head.
    private static func books(
        _ reader: LogReader, storeID: [UInt8], chain: Digest, snapshots: SnapshotStore,
        decides: Bool, report: inout StartReport
    ) throws(EngineFailure) -> OpenedBooks {
        let key = key(of: storeID)
        let end = reader.durablePosition
        report.entries = end
        var durable = try newest(snapshots, reader, key, &report) ?? Books(key: key)
        report.snapshot = durable.position
        do {
            try Replay.advance(&durable, to: end, reader)
        } catch let failure as EngineFailure {
            throw failure
        } catch {
            throw EngineFailure("the log cannot be replayed: \(error)")
        }
        report.notes.append(
            report.snapshot > 0
                ? "snapshot at position \(report.snapshot), \(report.replayed) entries replayed"
                : "no snapshot, \(report.replayed) entries replayed")
        let decided = decides ? durable.copy() : nil
        return OpenedBooks(key: key, decided: decided, durable: durable, chain: chain)
    }

    /// The books of the newest snapshot that the log confirms; the others are named in the report.
    private static func newest(
        _ snapshots: SnapshotStore, _ reader: LogReader, _ key: SipKey,
        _ report: inout StartReport
    ) throws(EngineFailure) -> Books? {
        let positions: [Position]
        do {
            positions = try snapshots.positions()
        } catch {
            // A cache that cannot be listed is no cache; the log has everything.
            report.notes.append("snapshots passed over: \(error.message)")
            return nil
        }
        for position in positions {
            do {
                return try restored(position, snapshots, reader, key)
            } catch {
                report.notes.append(
                    "snapshot at position \(position) passed over: \(error.message)")
            }
        }
        return nil
    }

    /// The books of a snapshot.
    /// - Throws: `EngineFailure` with the reason why it is not to be believed.
    static func restored(
        _ position: Position, _ snapshots: SnapshotStore, _ reader: LogReader, _ key: SipKey
    ) throws(EngineFailure) -> Books {
        guard position > 0, position <= reader.durablePosition else {
            throw EngineFailure("it ends after the log, which ends at \(reader.durablePosition)")
        }
        let chain: Digest?
        do {
            chain = try reader.chain(at: position)
        } catch {
            throw EngineFailure(String(describing: error))
        }
        guard let chain else { throw EngineFailure("no commit of the log ends there") }
        var books = Books(key: key)
        try snapshots.restore(&books, at: position, chain: chain)
        return books
    }

    /// The identities of all durable entries: what runs on disk have, and the rest from the log.
    private static func identities(
        _ options: Engine.Options, _ reader: LogReader, _ storeID: [UInt8],
        _ producers: borrowing Producers, _ report: inout StartReport
    ) throws(EngineFailure) -> IdentityIndex {
        do {
            let index = try IdentityIndex.open(
                directory: options.directory + "/dedupe", fileSystem: options.fileSystem,
                storeID: storeID, cutEntries: options.entriesPerRun
            ) { position throws(LogFailure) in try reader.chain(at: position) }
            report.notes += index.notes
            report.identitiesFed = reader.durablePosition - index.runEnd
            try Replay.feed(index, key: key(of: storeID), producers: producers, reader)
            return index
        } catch let failure as EngineFailure {
            throw failure
        } catch {
            throw EngineFailure("identities cannot be read from the log: \(error)")
        }
    }

    /// The key of fingerprints and interning: a function of the store's identity, which no client
    /// is shown, so that fingerprints in snapshots stay valid.
    static func key(of storeID: [UInt8]) -> SipKey {
        var bytes = ByteBuffer(capacity: 64)
        bytes.append(utf8: "daybook fingerprint 1")
        bytes.append(storeID)
        return SipKey(SHA256.hash(bytes.bytes))
    }
}
