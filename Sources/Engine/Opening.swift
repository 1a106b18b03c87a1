import Bytes
import Codec
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
        let opened = try books(
            log.reader, storeID: log.storeID, chain: log.chain, snapshots: snapshots,
            decides: true, report: &report)
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
        let snapshot = try newest(snapshots, reader, key, &report)
        report.snapshot = snapshot.position
        let durable = try replayed(snapshot, key, indexed: false, to: end, reader)
        var decided: Books?
        if decides { decided = try replayed(snapshot, key, indexed: true, to: end, reader) }
        report.notes.append(
            report.snapshot > 0
                ? "snapshot at position \(report.snapshot), \(report.replayed) entries replayed"
                : "no snapshot, \(report.replayed) entries replayed")
        return OpenedBooks(key: key, decided: decided, durable: durable, chain: chain)
    }

    /// A snapshot's parts, or none at position 0.
    private struct Found: ~Copyable {
        var position: Position = 0
        var parts = SnapshotParts()
    }

    private static func replayed(
        _ snapshot: borrowing Found, _ key: SipKey, indexed: Bool, to end: Position,
        _ reader: LogReader
    ) throws(EngineFailure) -> Books {
        do {
            var books =
                snapshot.position == 0
                ? Books(key: key, indexed: indexed)
                : try Books.restore(
                    key: key, position: snapshot.position, indexed: indexed,
                    parts: snapshot.parts)
            try Replay.advance(&books, to: end, reader)
            return books
        } catch let failure as EngineFailure {
            throw failure
        } catch {
            throw EngineFailure("the log cannot be replayed: \(error)")
        }
    }

    /// The newest snapshot that the log confirms; the others are named in the report.
    private static func newest(
        _ snapshots: SnapshotStore, _ reader: LogReader, _ key: SipKey,
        _ report: inout StartReport
    ) throws(EngineFailure) -> Found {
        let positions: [Position]
        do {
            positions = try snapshots.positions()
        } catch {
            // A cache that cannot be listed is no cache; the log has everything.
            report.notes.append("snapshots passed over: \(error.message)")
            return Found()
        }
        for position in positions {
            do {
                let parts = try confirmed(position, snapshots, reader, key)
                return Found(position: position, parts: parts)
            } catch {
                report.notes.append(
                    "snapshot at position \(position) passed over: \(error.message)")
            }
        }
        return Found()
    }

    private static func confirmed(
        _ position: Position, _ snapshots: SnapshotStore, _ reader: LogReader, _ key: SipKey
    ) throws(EngineFailure) -> SnapshotParts {
        var parts = SnapshotParts()
        let header = try snapshots.read(position, into: &parts)
        guard position > 0, position <= reader.durablePosition else {
            throw EngineFailure("it ends after the log, which ends at \(reader.durablePosition)")
        }
        do {
            guard try reader.chain(at: position) == header.chain else {
                throw EngineFailure("its chain hash is not the log's at that position")
            }
            var books = try Books.restore(
                key: key, position: position, indexed: false, parts: parts)
            guard books.digest() == header.digest else {
                throw EngineFailure("it does not restore to the digest it names")
            }
        } catch let failure as EngineFailure {
            throw failure
        } catch {
            throw EngineFailure(String(describing: error))
        }
        return parts
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
