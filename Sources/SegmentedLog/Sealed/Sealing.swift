import Bytes
import Columns
import Platform

/// What a sealing or a compaction did.
package struct SealReport: Sendable, Equatable {
    /// The positions that the new segment holds.
    package var positions: Range<Position>
    /// How many files it took the place of.
    package var filesReplaced: Int
    /// Bytes of those files.
    package var bytesBefore: Int
    /// Bytes of the new one.
    package var bytesAfter: Int
    /// Whether sealed segments were merged; else rows were sealed.
    package var isCompaction: Bool
}

/// # Sealing and compaction, in the background
///
/// One thread works, the log's own thread adopts: it alone writes the manifest.
///
///     worker    plan ─► write ─► prove ─► offer ───────────────► remove the replaced files
///     log                                   └─► adopt: one edit ──┘
///
/// What is due, the oldest first:
/// 1. closed row segments, as soon as they have `LogOptions.sealBytes` bytes or are ten minutes old;
/// 2. `LogLimits.compactionFanIn` neighbouring sealed segments or more that are together of the next size:
///    each is eight times the one before, so an entry is written again at most once a size;
/// 3. nothing else, unless somebody asks for all of it.
package final class Sealing: Sendable {
    private struct State {
        var nextID: UInt64
        var offered: SealedRecord?
        /// Set when the offer was adopted: the files that it replaced.
        var retired: [String]?
        var wantsRoll = false
        var hasEnded = false
        /// Something changed that may make work due.
        var hasNews = true
    }

    /// Where the worker waits for the adoption, and the log looks for an offer.
    private let state: Monitor<State>
    private let reader: LogReader
    private let options: LogOptions
    private let sealer: Sealer?

    init(_ reader: LogReader, _ options: LogOptions, nextID: UInt64) {
        state = Monitor(State(nextID: nextID))
        self.reader = reader
        self.options = options
        sealer = options.codec.map { Sealer(reader, codec: $0) }
    }

    // MARK: The worker

    /// Does the next piece of work, if some is due.
    /// - Parameters:
    ///   - now: nanoseconds since 1970 UTC.
    ///   - everything: all closed rows, and all sealed segments that can be merged, are due.
    ///   - redaction: see `Sealer.Redaction`; nil where nothing is redacted.
    ///   - offer: called when there is something to adopt: wakes the log's thread, or is it.
    ///   - pause: called often; may wait, and says whether to go on.
    /// - Returns: nil if nothing is due.
    /// - Throws: the log is as it was then; what failed may be tried again.
    package func work(
        now: Int64, everything: Bool, redaction: Sealer.Redaction? = nil,
        offer: () -> Void, pause: () -> Bool = { true }
    ) throws(LogFailure) -> SealReport? {
        guard let sealer else { return nil }
        let view = reader.view.read { $0 }
        guard let job = sealJob(view, now, everything) ?? compactionJob(view, everything) else {
            return nil
        }
        let id = state.withLock { state in
            defer { state.nextID += 1 }
            return state.nextID
        }
        let record = try sealer.seal(job, id: id, redaction: redaction, pause: pause)
        let retired = try handOver(record, offer)
        remove(retired)
        return SealReport(
            positions: record.positions, filesReplaced: retired.count, bytesBefore: job.bytes,
            bytesAfter: record.fileBytes, isCompaction: job.effort == .high)
    }

    /// Offers a segment and waits until it is part of the log.
    private func handOver(
        _ record: SealedRecord, _ offer: () -> Void
    ) throws(LogFailure) -> [String] {
        state.withLock { state in
            state.offered = record
            state.retired = nil
        }
        offer()
        let retired: [String]?? = state.wait { state in
            if let retired = state.retired { return .some(retired) }
            return state.hasEnded ? .some(nil) : nil
        }
        guard let retired = retired ?? nil else {
            // Whether the manifest has it is not known: the next start will, and keep or remove it.
            throw LogFailure(.interrupted, "the log ended")
        }
        return retired
    }

    /// Removes files that no manifest lists any more. One that stays is removed by the next start.
    private func remove(_ paths: [String]) {
        for path in paths { try? reader.fileSystem.unlinkIfPresent(path) }
    }

    /// Asks the log to close its active row segment, so that all of it can be sealed.
    package func wantRoll() { state.withLock { $0.wantsRoll = true } }

    /// Waits until the log has done so.
    /// - Returns: false if the log has ended.
    package func waitForRoll() -> Bool {
        let done: Bool? = state.wait(waking: []) { state in
            if state.hasEnded { return false }
            return state.wantsRoll ? nil : true
        }
        return done ?? false
    }

    /// Whether the log has ended: nothing is adopted any more.
    package var hasEnded: Bool { state.read { $0.hasEnded } }

    /// Waits until something may be due.
    /// - Parameter timeout: nanoseconds.
    /// - Returns: false when the log has ended.
    package func waitForNews(timeout: Int64) -> Bool {
        let goesOn: Bool? = state.wait(waking: [], timeout: timeout) { state in
            if state.hasEnded { return false }
            guard state.hasNews else { return nil }
            state.hasNews = false
            return true
        }
        return goesOn ?? true
    }

    /// Says that something may be due: a row segment was closed, or somebody wants to look.
    package func tellNews() { state.withLock { $0.hasNews = true } }

    // MARK: Plans

    private func sealJob(_ view: LogView, _ now: Int64, _ everything: Bool) -> Sealer.Job? {
        let closed = view.segments.dropLast()
        guard let first = closed.first else { return nil }
        var bytes = 0
        var count = 0
        for segment in closed {
            if count > 0, bytes + segment.end > LogLimits.sealBytesMax { break }
            bytes += segment.end
            count += 1
        }
        let next = view.segments[count]
        let isOld = now - next.timeBefore >= LogLimits.sealAfter
        guard everything || isOld || bytes >= options.sealBytes,
            next.firstPosition > first.firstPosition
        else { return nil }
        return Sealer.Job(
            positions: first.firstPosition..<next.firstPosition, chainBefore: first.chainBefore,
            chain: next.chainBefore, timeBefore: first.timeBefore, commitTime: next.timeBefore,
            effort: .fast, bytes: bytes)
    }

    private func compactionJob(_ view: LogView, _ everything: Bool) -> Sealer.Job? {
        let group =
            everything
            ? CompactionPlan.all(view.sealed) : CompactionPlan.due(view.sealed)
        guard let group, let first = group.first, let last = group.last else { return nil }
        return Sealer.Job(
            positions: first.firstPosition..<last.nextPosition, chainBefore: first.chainBefore,
            chain: last.chain, timeBefore: first.timeBefore, commitTime: last.commitTime,
            effort: .high, bytes: group.reduce(0) { $0 + $1.fileBytes })
    }

    // MARK: The log

    /// What the log's thread should do now; both nil and false nearly always.
    func wishes() -> (offered: SealedRecord?, roll: Bool) {
        state.read { ($0.offered, $0.wantsRoll) }
    }

    /// Tells who waits that the active segment has no entries that are older than the wish.
    func rolled() { state.withLock { $0.wantsRoll = false } }

    /// Tells the worker that its offer was adopted.
    func adopted(retiring paths: [String]) {
        state.withLock { state in
            state.offered = nil
            state.retired = paths
        }
    }

    /// Tells the worker that nothing will be adopted any more.
    func end() { state.withLock { $0.hasEnded = true } }
}

/// Which sealed segments are to be merged.
enum CompactionPlan {
    /// The oldest run of neighbours that is long enough and together of a larger size than any of them;
    /// nil if there is none. So an entry is written again at most once a size, whatever sizes come.
    static func due(_ sealed: [SealedRecord]) -> ArraySlice<SealedRecord>? {
        for start in sealed.indices {
            var largest = 0
            var end = start
            while end < sealed.count {
                largest = max(largest, size(of: sealed[end].positions))
                end += 1
                let group = sealed[start..<end]
                if !fits(group) { break }
                let together = sealed[start].firstPosition..<sealed[end - 1].nextPosition
                if group.count >= LogLimits.compactionFanIn, size(of: together) > largest {
                    return group
                }
            }
        }
        return nil
    }

    /// The oldest run of two neighbours or more that fit into one segment; nil if there is none.
    static func all(_ sealed: [SealedRecord]) -> ArraySlice<SealedRecord>? {
        var start = 0
        while start < sealed.count {
            var end = start + 1
            while end < sealed.count, fits(sealed[start...end]) { end += 1 }
            if end - start > 1 { return sealed[start..<end] }
            start = end
        }
        return nil
    }

    /// Sizes grow eightfold, so that merging eight neighbours of one size gives one of the next.
    private static func size(of positions: Range<Position>) -> Int {
        (64 - (positions.upperBound - positions.lowerBound).leadingZeroBitCount) / 3
    }

    private static func fits(_ group: ArraySlice<SealedRecord>) -> Bool {
        guard let first = group.first, let last = group.last else { return false }
        return last.nextPosition - first.firstPosition <= LogLimits.compactedEntriesMax
            && group.reduce(0) { $0 + $1.fileBytes } <= LogLimits.compactedBytesMax
    }
}
