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
    /// What was done.
    package var work: Work

    /// What there is to do.
    package enum Work: Sendable {
        /// Rows became columns.
        case sealing
        /// Sealed segments became one.
        case compaction
        /// A sealed segment was written again, because something in it was redacted.
        case rewriting
    }
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
///    each is four times the one before, so an entry is written again at most once a size;
/// 3. nothing else, unless somebody asks for all of it.
package final class Sealing: Sendable {
    private struct State {
        var nextID: UInt64
        var offered: SealedRecord?
        /// Set when the offer was adopted: the files that it replaced.
        var retired: [String]?
        var wantsRoll = false
        /// Why the last such wish was not fulfilled, if it was not.
        var refusal: SystemFailure?
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
    ///   - through: closed rows that hold this entry, and those before them, are due.
    ///   - redaction: see `Sealer.Redaction`; nil where nothing is redacted.
    ///   - offer: called when there is something to adopt: wakes the log's thread, or is it.
    ///   - pause: called often; may wait, and says whether to go on.
    /// - Returns: nil if nothing is due.
    /// - Throws: the log is as it was then; what failed may be tried again.
    package func work(
        now: Int64, everything: Bool, through: Position? = nil,
        redaction: Sealer.Redaction? = nil, offer: () -> Void, pause: () -> Bool = { true }
    ) throws(LogFailure) -> SealReport? {
        guard let sealer else { return nil }
        let view = reader.view.read { $0 }
        if let job = sealJob(view, now, everything, through) {
            return try replace(job, .sealing, sealer, redaction, offer, pause)
        }
        guard let job = compactionJob(view, everything) else { return nil }
        return try replace(job, .compaction, sealer, redaction, offer, pause)
    }

    /// Writes the sealed segment that holds an entry again, redacted, and removes the old file. Chain,
    /// tree and hashes stay what they are.
    /// - Parameters: see `work`; the entry is sealed.
    /// - Throws: the log is as it was then; what failed may be tried again.
    package func rewrite(
        at position: Position, redaction: Sealer.Redaction?, offer: () -> Void,
        pause: () -> Bool = { true }
    ) throws(LogFailure) -> SealReport {
        let sealed = reader.view.read { $0.sealed }
        guard let sealer, let old = sealed.first(where: { $0.positions.contains(position) }) else {
            throw LogReader.outOfRange(position)
        }
        let job = Sealer.Job(
            positions: old.positions, chainBefore: old.chainBefore, chain: old.chain,
            timeBefore: old.timeBefore, commitTime: old.commitTime, effort: .high,
            bytes: old.fileBytes)
        return try replace(job, .rewriting, sealer, redaction, offer, pause)
    }

    private func replace(
        _ job: Sealer.Job, _ work: SealReport.Work, _ sealer: Sealer,
        _ redaction: Sealer.Redaction?, _ offer: () -> Void, _ pause: () -> Bool
    ) throws(LogFailure) -> SealReport {
        let id = state.withLock { state in
            defer { state.nextID += 1 }
            return state.nextID
        }
        let record = try sealer.seal(job, id: id, redaction: redaction, pause: pause)
        let retired = try handOver(record, offer)
        try remove(retired, forGood: redaction != nil)
        return SealReport(
            positions: record.positions, filesReplaced: retired.count, bytesBefore: job.bytes,
            bytesAfter: record.fileBytes, work: work)
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

    /// Removes files that no manifest lists any more. One that stays is removed by the next start; but
    /// where something was redacted, that is said, and the removal is durable.
    private func remove(_ paths: [String], forGood: Bool) throws(LogFailure) {
        guard forGood else {
            for path in paths { try? reader.fileSystem.unlinkIfPresent(path) }
            return
        }
        try mapped { () throws(SystemFailure) in
            for path in paths { try reader.fileSystem.unlinkIfPresent(path) }
            try reader.fileSystem.syncDirectory(reader.paths.segments)
            try reader.fileSystem.syncDirectory(reader.paths.sealedSegments)
        }
    }

    /// Asks the log to close its active row segment, so that all of it can be sealed.
    package func wantRoll() { state.withLock { $0.wantsRoll = true } }

    /// Asks the log to close its active row segment, and waits until it has.
    /// - Parameter wake: makes the log's thread look at the wish; called again until it is fulfilled.
    /// - Throws: what stood in the way, such as a full disk: the log goes on as it was. `interrupted` if
    ///   it has ended.
    package func roll(wake: () -> Void) throws(LogFailure) {
        wantRoll()
        while true {
            wake()
            let end: (hasEnded: Bool, refusal: SystemFailure?)? = state.wait(
                waking: [], timeout: LogLimits.wishInterval
            ) { state in
                if state.hasEnded { return (true, nil) }
                return state.wantsRoll ? nil : (false, state.refusal)
            }
            guard let end else { continue }
            if end.hasEnded { throw LogFailure(.interrupted, "the log ended") }
            if let refusal = end.refusal { throw LogFailure(refusal) }
            return
        }
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

    private func sealJob(
        _ view: LogView, _ now: Int64, _ everything: Bool, _ through: Position?
    ) -> Sealer.Job? {
        let closed = view.segments.dropLast()
        guard let first = closed.first else { return nil }
        var bytes = 0
        var count = 0
        for (index, segment) in closed.enumerated() {
            let entries = view.segments[index + 1].firstPosition - first.firstPosition
            let isTooMuch =
                bytes + segment.end > LogLimits.sealBytesMax
                || entries > LogLimits.sealedEntriesMax
            if count > 0, isTooMuch { break }
            bytes += segment.end
            count += 1
        }
        let next = view.segments[count]
        let isOld = now - next.timeBefore >= LogLimits.sealAfter
        let isWanted = everything || through.map { $0 >= first.firstPosition } ?? false
        guard isWanted || isOld || bytes >= options.sealBytes,
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

    /// Tells who waits that the active segment has no entries that are older than the wish, or why the
    /// log did not go on in a new one.
    func rolled(_ refusal: SystemFailure?) {
        state.withLock { state in
            state.wantsRoll = false
            state.refusal = refusal
        }
    }

    /// Tells the worker that its offer was adopted.
    func adopted(retiring paths: [String]) {
        state.withLock { state in
            state.offered = nil
            state.retired = paths
        }
    }

    /// Tells the worker that nothing will be adopted any more.
    package func end() { state.withLock { $0.hasEnded = true } }
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

    /// Sizes grow fourfold, so that merging four neighbours of one size gives one of the next.
    private static func size(of positions: Range<Position>) -> Int {
        (64 - (positions.upperBound - positions.lowerBound).leadingZeroBitCount) / 2
    }

    private static func fits(_ group: ArraySlice<SealedRecord>) -> Bool {
        guard let first = group.first, let last = group.last else { return false }
        return last.nextPosition - first.firstPosition <= LogLimits.sealedEntriesMax
            && group.reduce(0) { $0 + $1.fileBytes } <= LogLimits.compactedBytesMax
    }
}
