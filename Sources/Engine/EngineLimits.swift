import Identities

/// Every bound of the engine, in one place. A bound that is reached gets an explicit answer.
package enum EngineLimits {
    /// Canonical bytes that may wait for the committer. Beyond it a batch is refused as overloaded.
    package static let queuedBytesMax = 64 << 20
    /// Canonical bytes of one event or command. With the largest outcome, a draw from each of
    /// `CreditBalances.grantsMax` grants (below 192 KiB), it fits an empty frame.
    package static let recordBytesMax = 384 << 10
    /// Entries in one frame.
    package static let frameEntriesMax = 8_192
    /// Entries after which a new snapshot is due.
    package static let entriesPerSnapshot: UInt64 = 100_000
    /// Entries since the last snapshot was begun after which the next one waits no longer, so that
    /// a start replays at most about a million.
    package static let snapshotTailMax: UInt64 = 750_000
    /// A snapshot that took one second is followed by so many seconds of rest.
    package static let snapshotRest: Int64 = 9
    /// How often a snapshot that is due looks whether its rest is over, nanoseconds.
    package static let snapshotRestCheck: Int64 = 50_000_000
    /// Bytes of a snapshot that are written to its file at once, about.
    package static let snapshotPieceBytes = 1 << 20
    /// Entries after which identities are moved from memory into a run on disk.
    package static let entriesPerRun = IdentityIndex.entriesPerCut
    /// Entries in the log from which on history is metered again beside the commits; fewer are metered in the
    /// time of a few commits.
    package static let preparedEntriesMin: UInt64 = 20_000
    /// Entries that the committer catches up with while commits wait, when it takes over what was made beside
    /// them.
    package static let preparedLag: UInt64 = 4_000
    /// The same, if the queue was long when it came to it.
    package static let preparedLagMax: UInt64 = 40_000
    /// How often history is metered beside the commits before they wait for it.
    package static let preparationsMax = 3
    /// How often what came meanwhile is caught up with; each time less is left, unless entries come as fast as
    /// they can be metered. Then commits wait for the rest.
    package static let preparationRoundsMax = 12
    /// The same of a rebuild, which is refused then.
    package static let rebuildRoundsMax = 100
    /// Accounts whose windows are counted from their first entry at most, in one round.
    package static let recountsMax = 64
    /// Differences that a rebuild lists at most.
    package static let differencesMax = 100
    /// Newest snapshots that are kept; of the older ones see `SnapshotKeeping`.
    package static let snapshotsKept = 3
    /// Days, counted back from the newest snapshot, of each of which one snapshot is kept.
    package static let snapshotDays = 31
    /// Places of usage that a replay of bills adds up at once; with more, accounts are read one by one.
    package static let replayCellsMax = 64 << 20
    /// Threads of long work at most.
    package static let workersMax = 8
    /// Books of earlier positions that are kept for the next question about them.
    package static let pastBooksKept = 2
    /// How long the sync thread is idle before it does the log's background work, nanoseconds.
    package static let idleBeforeMaintenance: Int64 = 10_000_000
    /// Nanoseconds between two checkpoints that are signed without being asked for, at least.
    package static let checkpointEvery: Int64 = 3_600_000_000_000
    /// How long the sealer sleeps between two looks, nanoseconds, if nothing tells it of news.
    package static let idleBeforeSealing: Int64 = 60_000_000_000
    /// Between two times at which redacted values are taken off the disk, nanoseconds, if nobody asks
    /// for it.
    package static let erasureInterval: Int64 = 60_000_000_000
    /// Rows in one page of an explanation, if the request does not say.
    package static let explainRows = 1_000
    /// Rows in one page of an explanation at most.
    package static let explainRowsMax = 10_000
    /// Explanations of lines that are kept for those who page through them.
    package static let explanationsKept = 8
    /// Bytes of kept explanations, about; one alone may be larger.
    package static let explanationBytesKept = 256 << 20
    /// How long an explanation is kept after its last page was asked for, nanoseconds.
    package static let explanationLife: Int64 = 60_000_000_000
    /// Grants that the explanation of a decision lists.
    package static let decisionGrantsShown = 100
    /// Rows of unmatched events, if the request does not say.
    package static let unmatchedRows = 1_000
    /// Batches that one answer lists at most.
    package static let batchRows = 1_000
    /// Lines between two acknowledgements of a stream at most.
    package static let ackEveryMax = 1_000_000
}
