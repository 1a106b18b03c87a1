package import Bytes
import Codec
import Identities
package import Platform
import Projections
package import SegmentedLog
import Synchronization

/// # The engine
///
/// One log, one set of books, two threads:
///
///     edges ──submit──► Exchange ──► committer: decide, apply to the decided books, build a frame
///                          │                          │ one frame at a time
///                          │                          ▼
///     edges ◄──deliver── replies ◄── sync thread: append + fdatasync, apply to the durable books
///
/// While a frame is in sync the committer prepares the next one; exactly one commit is in flight.
/// The books exist twice. The decided copy belongs to the committer alone and runs ahead by at
/// most those two frames. The durable copy is behind a monitor and is what every check, query,
/// follower and snapshot reads; it moves only after `fdatasync` returned, by whole frames.
///
/// Recipe:
///
///     let engine = try Engine.open(.init(directory: "data"))
///     engine.submit(batch)           // replies come to batch.replyTo when they are durable
///     engine.answer(.check(AccessQuestion(account: "acme", feature: "api", quantity: .one)), id: nil)
///     engine.close()                 // drains, snapshots, seals
package final class Engine: Sendable {
    /// How to open an engine.
    package struct Options: Sendable {
        /// The store's directory; created if it is not there, unless `readOnly`.
        package var directory: String
        /// The file system; a simulated one in tests.
        package var fileSystem: any FileSystem
        /// The clock that stamps commits.
        package var clock: any Clock
        /// Options of the log.
        package var log: LogOptions
        /// Entries between two snapshots.
        package var entriesPerSnapshot: UInt64
        /// Entries after which identities are moved from memory into a run on disk, at least 1.
        package var entriesPerRun: Int
        /// Entries in the log from which on history is metered again beside the commits.
        package var preparedEntriesMin = EngineLimits.preparedEntriesMin
        /// Entries that commits wait for at most, if it can be had, when such a thing is taken over.
        package var preparedLag = EngineLimits.preparedLag
        /// Only answer queries: nothing is written, not even a repaired tail.
        package var readOnly: Bool
        /// Who answers questions about proofs; nil: nobody.
        package var proofs: (any ProofAnswering)?

        /// Options for a directory, everything else as in production.
        package init(
            directory: String, fileSystem: any FileSystem = SystemFileSystem(),
            clock: any Clock = SystemClock(), log: LogOptions = LogOptions(),
            entriesPerSnapshot: UInt64 = EngineLimits.entriesPerSnapshot,
            entriesPerRun: Int = EngineLimits.entriesPerRun, readOnly: Bool = false
        ) {
            self.directory = directory
            self.fileSystem = fileSystem
            self.clock = clock
            self.log = log
            self.entriesPerSnapshot = entriesPerSnapshot
            self.entriesPerRun = entriesPerRun
            self.readOnly = readOnly
        }
    }

    let options: Options
    /// The durable head.
    let durable: Monitor<DurableBooks>
    /// What committer, sync thread and callers share.
    let exchange: Monitor<Exchange>
    /// Entries as they are on disk, up to the durable head; any thread.
    package let reader: LogReader
    /// What the start found.
    package let report: StartReport
    /// The secret under which identities are hashed.
    package let key: SipKey
    let snapshots: SnapshotStore
    /// What is personal and what is redacted, for edges and readers.
    let personal = PersonalRules()
    let observers: Monitor<[any DurableObserver]>
    /// Explanations that somebody pages through.
    let explanations = Monitor(ExplanationShelf())
    /// How far long work is.
    let progress = Progress()
    /// Books of earlier positions.
    let past = Monitor(PastBooks())
    /// What the sealer's thread and who asks it share.
    let upkeep = Monitor(SealerDesk())
    /// Set once: what takes long ends.
    let isLongWorkOver = Atomic<Bool>(false)
    /// How often history that was metered beside the commits was taken over.
    let metered = Atomic<UInt64>(0)
    /// The rebuild that is under way.
    let rebuilding = Monitor<RebuildProgress?>(nil)
    private let threads: Monitor<[Thread]>
    /// Holds the store's lock while it is only read.
    private let readOnly: Monitor<ReadOnlyLog?>

    /// Opens a store: recovers the log, restores the newest matching snapshot, replays the tail.
    /// Nothing is served before that is done.
    /// - Throws: `EngineFailure` with what is wrong, where, and what to do.
    package static func open(_ options: Options) throws(EngineFailure) -> Engine {
        options.readOnly ? try Opening.readOnly(options) : try Opening.engine(options)
    }

    init(
        options: Options, reader: LogReader, opened: consuming OpenedBooks, report: StartReport,
        snapshots: SnapshotStore, log: SegmentedLog? = nil, readOnly: ReadOnlyLog? = nil
    ) {
        self.options = options
        self.report = report
        self.snapshots = snapshots
        self.reader = reader
        key = opened.key
        personal.publish(opened.durable)
        durable = Monitor(DurableBooks(books: opened.durable, chain: opened.chain))
        exchange = Monitor(
            Exchange(
                durablePosition: report.entries, durableChain: opened.chain,
                snapshotPosition: report.snapshot))
        threads = Monitor([])
        self.readOnly = Monitor(readOnly)
        observers = Monitor([])
        guard let log, let decided = opened.decided, let identities = opened.identities else {
            exchange.withLock { $0.isClosing = true }
            return
        }
        upkeep.withLock { $0.sealing = log.sealing }
        let committer = Committer(engine: self, books: decided, identities: identities)
        let syncer = SyncLoop(engine: self, log: log)
        let running = [
            Thread.spawn(name: "committer") { committer.run() },
            Thread.spawn(name: "sync") { syncer.run() },
            Thread.spawn(name: "snapshots") { [self] in runSnapshots() },
            Thread.spawn(name: "sealer") { [self] in runSealer(log.sealing) },
        ]
        threads.withLock { $0 = running }
    }

    /// Hands requests over. Replies come to the batch's sink, in order, when they are durable.
    /// - Returns: false if the queue is full or the engine is closing; nothing was taken then.
    /// - Parameter first: before all that waits; for a caller that has nothing else under way.
    package func submit(_ batch: PreparedBatch, first: Bool = false) -> Bool {
        precondition(batch.records.count == batch.tokens.count, "one token a record")
        guard !batch.records.isEmpty else { return true }
        return exchange.withLock(waking: .committer) { exchange in
            guard !exchange.isClosing, exchange.failure == nil,
                exchange.queuedBytes + batch.arena.count <= EngineLimits.queuedBytesMax
            else { return false }
            exchange.queue.insert(batch, at: first ? 0 : exchange.queue.count)
            exchange.queuedBytes += batch.arena.count
            return true
        }
    }

    /// Counts lines that an edge rejected before they could become requests.
    package func countRejected(_ lines: UInt64) {
        exchange.withLock(waking: []) { $0.counts.rejected += lines }
    }

    /// The position after the last durable entry.
    package var durablePosition: Position { exchange.read { $0.durablePosition } }

    /// The clock's time, nanoseconds since 1970 UTC.
    package var now: Int64 { options.clock.wallNanoseconds() }

    /// A name of the store that may be shown to anybody: 16 hexadecimal digits.
    package var storeName: String { snapshots.storeName }

    /// Positions of the durable entries that concern all accounts, ascending: catalogs, and what becomes of batches.
    package var catalogPositions: [Position] {
        durable.read { durable in
            (durable.books.registry.versions.map(\.position) + durable.books.batchPositions)
                .sorted()
        }
    }

    /// Why the engine stopped taking requests, if it did.
    package var failure: String? { exchange.read { $0.failure } }

    /// Whether the engine takes no more requests because it was asked to close.
    package var isClosing: Bool { exchange.read { $0.isClosing } }

    /// Waits until the engine has stopped because of a failure or was asked to close.
    /// - Returns: the failure, or nil if it is closing.
    package func waitForEnd() -> String? {
        let end: String?? = exchange.wait(on: .callers, waking: []) { exchange in
            if let failure = exchange.failure { return .some(failure) }
            return exchange.isClosing ? .some(nil) : nil
        }
        return end ?? nil
    }

    /// Tells `observer` of every commit from now on, for ever.
    package func observe(_ observer: any DurableObserver) {
        observers.withLock { $0.append(observer) }
    }

    /// Takes no more, finishes what was taken, snapshots, seals the log. Returns when all is done.
    package func close() {
        stopLongWork()
        exchange.withLock { $0.isClosing = true }
        let running = threads.withLock { threads in
            defer { threads = [] }
            return threads
        }
        for thread in running { thread.join() }
        readOnly.withLock { $0 = nil }
    }
}

/// Hears of every commit, on the sync thread. Must return at once.
package protocol DurableObserver: AnyObject, Sendable {
    /// Entries before `position` are durable and visible to queries.
    func durableAdvanced(to position: Position)
}

/// Why an engine could not be opened or used.
package struct EngineFailure: Error, Sendable {
    /// What is wrong, where, and what to do.
    package let message: String
    /// Whether another process holds the store.
    package let isLocked: Bool
    /// What the log said, if it was the log.
    package let log: LogFailure?

    init(_ message: String, isLocked: Bool = false, log: LogFailure? = nil) {
        self.message = message
        self.isLocked = isLocked
        self.log = log
    }

    /// The failure of a start: damage comes with the commands that deal with it.
    init(start failure: LogFailure, directory: String) {
        let advice = failure.isDamage ? ". \(DamageAdvice(directory: directory).text(.look))" : ""
        self.init(failure.message + advice, isLocked: failure.isLocked, log: failure)
    }
}

/// What a start found.
package struct StartReport: Sendable {
    /// Lines for the operator, in order.
    package internal(set) var notes: [String] = []
    /// Entries in the log.
    package internal(set) var entries: Position = 0
    /// Position of the snapshot that was used; 0: none.
    package internal(set) var snapshot: Position = 0
    /// Commit time of the log's last frame, nanoseconds UTC; 0: the log is empty.
    package internal(set) var lastCommitTime: Int64 = 0
    /// Entries whose identities were read from the log; the others' are in runs.
    package internal(set) var identitiesFed: Position = 0
    /// Entries replayed after the snapshot.
    package var replayed: Position { entries - snapshot }
}
