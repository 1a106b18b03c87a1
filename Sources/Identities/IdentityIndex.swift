package import Bytes
package import Platform

/// # Which identities are in the log, for ever, in bounded memory
///
/// Leads from a fingerprint, a keyed 64-bit hash of an entry's identity, to the positions of entries
/// that may have it. It names candidates and decides nothing: the caller reads the entry there and
/// compares the whole identity and content.
///
///     newest entries ──► hot table ──cut──► frozen table ──background──► runs on disk
///                        memory             memory, being written        filter and page index
///                                                                        in memory
///
/// A run covers a range of positions (`RunHeader`). Together the runs cover all entries before
/// `runEnd`, at most four of them: a cut writes the frozen entries together with the newer runs
/// that have come to the same size, each entry written about seven times in its life
/// (`runsToMerge`). A question costs a look into the hot tables, three reads of the filter of
/// each run (`FuseShape`), and one page of 4 KiB where a filter says yes.
///
/// Runs are a cache of the log. A start believes those that are whole, of this store, and name the
/// chain that the log has at their end; the caller feeds the entries after `runEnd` again.
///
/// Confined to one thread at a time; what the background thread makes is taken over by `cut`,
/// `append` and `first`, so that none of these ever waits for it.
///
/// Recipe:
///
///     let index = try IdentityIndex.open(…) { try reader.chain(at: $0) }
///     for entry in log from index.runEnd { index.append(fingerprint) }
///     if try index.first(fingerprint, where: { isThis(entryAt: $0) }) == nil { … new … }
///     if index.wantsCut { index.cut(at: durablePosition, chain: chain) }
package final class IdentityIndex {
    /// Entries between two cuts, where nothing else is said.
    package static let entriesPerCut = 250_000
    /// Runs on disk at most.
    package static let runsMax = 4

    let store: RunStore
    let cutEntries: Int
    /// Lines for the operator: files that the start passed over.
    package let notes: [String]

    /// Entries after the frozen ones.
    var hot: HotTable
    /// Entries that are being written, if a cut is under way or has failed.
    var frozen: Frozen?
    /// Oldest first.
    var runs: [Run]
    /// An empty table for the next cut.
    var spare: HotTable?
    let worker = CutWorker()
    /// Ordinal of the hot table from which a cut is tried, again after a failure.
    var cutFrom: Int
    /// Why the last cut failed; nil if it succeeded.
    package internal(set) var cutFailure: String?
    /// A run that a cut found damaged: the caller must stop.
    package internal(set) var damage: IdentityFailure?
    private var page = ByteBuffer(capacity: RunPage.byteCount)

    /// A table and the positions of it that a cut writes.
    struct Frozen {
        let table: HotTable
        let end: UInt64
        let chain: Digest
        /// The runs that the cut under way merges, a suffix of all.
        var merged = 0
    }

    /// Opens the runs in a directory; a missing one is an index of nothing.
    /// - Parameters:
    ///   - directory: holds runs alone; made at the first cut.
    ///   - storeID: 16 bytes that name the store.
    ///   - cutEntries: entries between two cuts, at least 1.
    ///   - chainAt: the log's chain at a position; nil if no commit ends there.
    /// - Throws: what `chainAt` throws. Runs that cannot be read are said in `notes`.
    package static func open<Failure: Error>(
        directory: String, fileSystem: any FileSystem, storeID: [UInt8],
        cutEntries: Int = entriesPerCut,
        chainAt: (UInt64) throws(Failure) -> Digest?
    ) throws(Failure) -> IdentityIndex {
        let store = RunStore(directory: directory, fileSystem: fileSystem, storeID: storeID)
        let (runs, notes) = try store.open(chainAt: chainAt)
        return IdentityIndex(store, runs, notes, cutEntries)
    }

    private init(_ store: RunStore, _ runs: [Run], _ notes: [String], _ cutEntries: Int) {
        precondition(cutEntries > 0, "a cut has entries")
        self.store = store
        self.runs = runs
        self.notes = notes
        self.cutEntries = cutEntries
        cutFrom = cutEntries
        hot = HotTable(
            first: runs.last?.header.positions.upperBound ?? 0, capacity: cutEntries * 5 / 4)
    }

    /// Entries before this position are in runs.
    package var runEnd: UInt64 { runs.last?.header.positions.upperBound ?? 0 }

    /// The position of the next entry.
    package var next: UInt64 { hot.next }

    /// The positions that each run covers, oldest first.
    package var runRanges: [Range<UInt64>] { runs.map { $0.header.positions } }

    /// Adds the entry at the next position.
    package func append(_ fingerprint: UInt64) {
        precondition(next < 1 << 40, "an index holds at most 2^40 entries")
        hot.append(fingerprint)
    }

    /// Adds an entry that is known in another way: its position is used, no question is about it.
    package func appendWithoutKey() {
        precondition(next < 1 << 40, "an index holds at most 2^40 entries")
        hot.appendWithoutKey()
    }

    /// Calls `body` with each position that may have the fingerprint, until it returns true.
    /// - Returns: the position for which `body` returned true.
    /// - Throws: `IdentityFailure` if a run cannot be read, or what `body` throws.
    package func first(
        _ fingerprint: UInt64, where body: (UInt64) throws -> Bool
    ) throws -> UInt64? {
        if worker.hasFinished { takeOver() }
        if let found = try hot.first(fingerprint, below: .max, where: body) { return found }
        if let frozen,
            let found = try frozen.table.first(fingerprint, below: frozen.end, where: body)
        {
            return found
        }
        let lead = RunKey.lead(fingerprint)
        for run in runs.reversed() where run.mayContain(lead) {
            do {
                if let found = try run.first(lead, page: &page, where: body) { return found }
            } catch let fault as RunFault {
                throw failure(fault, of: run)
            }
        }
        return nil
    }

    /// A damaged run is removed, so that the next start makes it again from the log.
    func failure(_ fault: RunFault, of run: Run) -> IdentityFailure {
        let path = store.path(run.header.positions)
        guard case .damaged(let text) = fault else {
            return IdentityFailure("\(path): \(fault.text)")
        }
        try? store.fileSystem.unlinkIfPresent(path)
        return IdentityFailure(
            "\(path): \(text); the file is removed, start again and it is made from the log")
    }
}

/// The index cannot answer.
package struct IdentityFailure: Error, Sendable {
    /// Which file, what is wrong, and what to do.
    package let message: String

    init(_ message: String) { self.message = message }
}
