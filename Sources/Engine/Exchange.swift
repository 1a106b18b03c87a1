import Bytes
import Platform
import Projections
import SegmentedLog

extension WaitChannel {
    /// The committer, which waits for requests and for the sync thread.
    static let committer = WaitChannel.second
    /// The sync thread, which waits for frames.
    static let sync = WaitChannel.third
    /// The snapshot thread.
    static let snapshots = WaitChannel.fourth
    /// Everybody else: callers who wait for a position, a snapshot or the end.
    static let callers = WaitChannel.first
}

/// What callers, committer and sync thread share, behind one monitor: one lock, no order to
/// remember. Who changes it names the channels that the change concerns.
struct Exchange: Sendable {
    /// Requests that wait for the committer.
    var queue: [PreparedBatch] = []
    /// Their canonical bytes.
    var queuedBytes = 0
    /// Who wants to know where an identity stands.
    var questions: [IdentityQuestion] = []
    /// Rebuilt books that are to take the place of the committer's.
    var swap: RebuildSwap?
    /// A prepared frame that the sync thread has not finished.
    var inSync: FrameJob?
    /// The position after the last durable entry.
    var durablePosition: Position
    /// The log's chain there.
    var durableChain: Digest
    /// Position of the newest snapshot.
    var snapshotPosition: Position
    /// Durable position when the last snapshot was begun, whether it succeeded or not.
    var snapshotBegunPosition: Position
    /// Digest of the books in it; nil: it was taken before the start.
    var snapshotDigest: Digest?
    /// A snapshot is due.
    var wantsSnapshot = false
    /// Somebody waits for a snapshot.
    var asksForSnapshot = false
    /// The newest snapshot is not to be believed, though the log confirms it.
    var replacesSnapshot = false
    /// Snapshots taken or failed since the start; waiters compare.
    var snapshotsDone = 0
    /// Why the last snapshot failed, if it did.
    var snapshotFailure: String?
    /// Why identities could last not be moved to disk; nil if they were.
    var identityFailure: String?
    /// No more requests are taken.
    var isClosing = false
    /// The log has something to do that is no frame.
    var wantsMaintenance = false
    /// The committer has handed over its last frame.
    var committerDone = false
    /// The sync thread has finished its last frame.
    var syncDone = false
    /// Set once, for ever: the log failed.
    var failure: String?
    /// Requests so far, by what became of them.
    var counts = OutcomeCounts()

    init(durablePosition: Position, durableChain: Digest, snapshotPosition: Position) {
        self.durablePosition = durablePosition
        self.durableChain = durableChain
        self.snapshotPosition = snapshotPosition
        snapshotBegunPosition = snapshotPosition
    }
}

/// What became of all requests since the start: received is their sum.
package struct OutcomeCounts: Sendable {
    /// Became entries.
    package var recorded: UInt64 = 0
    /// Were entries already.
    package var duplicate: UInt64 = 0
    /// Were refused, as a conflict or for another reason.
    package var rejected: UInt64 = 0
    /// Of the recorded, those that a decision denied.
    package var denied: UInt64 = 0
}

/// The durable head: the books and the log's chain at their position.
struct DurableBooks: ~Copyable {
    var books: Books
    var chain: Digest
    /// Commit time of the newest frame, nanoseconds UTC; 0: none in this process.
    var commitTime: Int64 = 0
    /// How often books took the place of these, or a part of them: what a copy says of digests holds for the
    /// same books alone.
    var generation = 0

    init(books: consuming Books, chain: Digest) {
        self.books = books
        self.chain = chain
    }
}
