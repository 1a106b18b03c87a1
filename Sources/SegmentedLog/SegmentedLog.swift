package import Bytes
package import Platform

/// # The log
///
/// Entries go in one commit at a time and are durable when `append` returns. Nothing else about them
/// is known here: an entry is some bytes.
///
///     SUPER ──names──► manifest/M-… ──lists──► wal/W-…  wal/W-…  wal/W-…
///     floor ──────────────────────────────────────────────────────▲
///
/// A process only writes to segments that it made: it makes a new one at its start and says in a
/// new manifest where the old one ends. So bytes that a crash left are read once, never written
/// over, and never mistaken for its own. Docs: FORMAT.md.
///
/// A failed write or flush is final. What reached the disk is unknown then, and a second flush may
/// report success for pages that the kernel has dropped. So the log throws from then on, and only a new
/// start, which reads what is really there, goes on.
///
/// Recipe:
///
///     let log = try SegmentedLog.open(directory: path, fileSystem: SystemFileSystem(), options: .init())
///     var frame = FrameBuilder()
///     frame.append { $0.append(bytes) }
///     let receipt = try log.append(&frame, commitTime: clock.wallNanoseconds())
///     try log.close()
///
/// `@unchecked Sendable`: after `open`, only the sync thread calls it; it has no lock. What other
/// threads may use is `reader`, which guards what it shares.
package final class SegmentedLog: @unchecked Sendable {
    /// What the start found and did.
    package let recovery: RecoveryReport
    /// 16 random bytes that name the store for ever.
    package let storeID: [UInt8]
    /// The chain's head after the last entry.
    package private(set) var chain: Digest
    /// The position that the next entry gets.
    package private(set) var nextPosition: Position
    /// When the last commit was: nanoseconds since 1970 UTC.
    package private(set) var lastCommitTime: Int64
    /// For all who read.
    package let reader: LogReader

    let paths: StorePaths
    let fileSystem: any FileSystem
    let options: LogOptions
    let spare: SpareSegment
    /// Turns closed row segments into sealed ones, beside the traffic.
    package let sealing: Sealing
    private let lock: File
    var superblock: SuperblockFile
    var manifest: ManifestFile
    var active: FrameFile
    var nextSegmentID: UInt64
    /// Whether the spare segment is made because of a wish; see `fulfilWishes`.
    var isPreparingForWish = false
    private var links = Chain()
    private var failure: LogFailure?
    /// Whether a failure ended the log.
    package var hasFailed: Bool { failure != nil }
    private var isClosed = false
    private var isPromised = true
    private var commitsSinceFloor = 0

    /// Opens the store in a directory, or makes one, and takes its lock.
    ///
    /// All rows are verified, and of the sealed segments what holds them together.
    /// - Throws: `isLocked` if another process has it; `damaged` if promised bytes changed, and then
    ///   nothing on the disk was touched.
    package static func open(
        directory: String, fileSystem: any FileSystem, options: LogOptions
    ) throws(LogFailure) -> SegmentedLog {
        try StoreOpening(directory, fileSystem, options).open()
    }

    init(_ opened: consuming OpenedStore, _ options: LogOptions, lock: File) {
        recovery = opened.report
        storeID = opened.storeID
        chain = opened.chain
        nextPosition = opened.nextPosition
        lastCommitTime = opened.commitTime
        reader = opened.reader
        paths = opened.paths
        fileSystem = opened.fileSystem
        self.options = options
        self.lock = lock
        spare = SpareSegment(opened.paths, opened.fileSystem)
        sealing = Sealing(opened.reader, options, nextID: opened.nextSealedID)
        superblock = opened.superblock
        manifest = opened.manifest
        active = opened.active
        nextSegmentID = opened.active.header.id + 1
    }

    /// Whoever ends without closing, after a failure say, must at least not keep the lock.
    deinit {
        if !isClosed { closeFiles { _ in } }
    }

    /// Writes the entries of one commit and makes them durable.
    /// - Parameters:
    ///   - frame: at least one record. Its records stay readable until it is reset.
    ///   - commitTime: nanoseconds since 1970 UTC. If the clock went back, the last commit's time
    ///     is taken instead.
    /// - Throws: the outcome is unknown then, and the log takes nothing more.
    package func append(
        _ frame: inout FrameBuilder, commitTime: Int64
    ) throws(LogFailure) -> CommitReceipt {
        precondition(frame.count > 0, "a commit has entries")
        return try guarded { () throws(SystemFailure) in
            frame.finish()
            // A seal must always fit behind the last frame.
            let needed = LogLimits.blocks(frame.buffer.count) + LogLimits.blockBytes
            if needed > active.room { try roll(for: needed) }
            if commitsSinceFloor >= LogLimits.commitsPerFloorMax { try raiseFloor() }
            let time = max(commitTime, lastCommitTime)
            let payload = SHA256.hash(frame.payload)
            let written = try active.append(
                header(.entries, count: UInt32(frame.count), time), &frame.buffer)
            chain = links.link(
                after: chain, firstPosition: nextPosition, count: written.count,
                commitTime: time, payload: payload)
            nextPosition = written.nextPosition
            lastCommitTime = time
            isPromised = false
            commitsSinceFloor += 1
            publish(written)
            try fulfilWishes()
            prepareSpare(inBackground: true)
            return CommitReceipt(
                firstPosition: written.firstPosition, count: written.count, commitTime: time,
                chain: chain)
        }
    }

    /// What can wait until nobody does: the promise that the last commit is durable, the superblock's
    /// floor, and a spare segment. Call it when nothing came for 10 ms; without news it does nothing.
    package func maintain() throws(LogFailure) {
        try guarded { () throws(SystemFailure) in
            try fulfilWishes()
            if !isPromised, active.room >= 2 * LogLimits.blockBytes { try writeEmpty(.fence) }
            isPromised = true
            if commitsSinceFloor > 0 { try raiseFloor() }
            prepareSpare(inBackground: true)
            if !options.preparesInBackground, wantsSpare {
                spare.prepare(takeSegmentID(), capacity: nextCapacity)
            }
        }
    }

    /// Ends the log in good order: seals the segment, says so in the manifest, raises the floor, and
    /// releases the directory.
    package func close() throws(LogFailure) {
        if isClosed, failure == nil { return }
        sealing.end()
        try guarded { () throws(SystemFailure) in
            try writeEmpty(.seal)
            try edit([closing(.closed)])
            try raiseFloor()
            if let unused = try spare.take() { try spare.discard(unused) }
        }
        closeFiles { failure = failure ?? LogFailure($0) }
        if let failure { throw failure }
    }

    // MARK: What the aspects share

    /// Makes every failure final.
    private func guarded<Result>(
        _ body: () throws(SystemFailure) -> Result
    ) throws(LogFailure) -> Result {
        if let failure {
            throw LogFailure(
                .poisoned, "the log stopped after an earlier failure: \(failure.message)",
                file: failure.file)
        }
        precondition(!isClosed, "the log is closed")
        do throws(SystemFailure) { return try body() } catch {
            let failure = LogFailure(error)
            self.failure = failure
            sealing.end()
            throw failure
        }
    }

    private func header(_ kind: FrameKind, count: UInt32, _ time: Int64) -> FrameHeader {
        FrameHeader(
            kind: kind, salt: 0, offset: 0, firstPosition: nextPosition, count: count,
            payloadBytes: 0, commitTime: time, chainBefore: chain, payloadChecksum: 0)
    }

    /// Writes a fence or a seal.
    func writeEmpty(_ kind: FrameKind) throws(SystemFailure) {
        var buffer = ByteBuffer(capacity: LogLimits.blockBytes)
        buffer.appendZeros(FrameHeader.byteCount)
        _ = try active.append(header(kind, count: 0, lastCommitTime), &buffer)
        isPromised = true
        publish(nil)
    }

    /// The edit that closes the active segment.
    func closing(_ end: SegmentEnd) -> ManifestEdit {
        .closed(
            id: active.header.id,
            SegmentRecord.Close(
                end: end, validBytes: active.end, writtenBytes: active.end,
                nextPosition: nextPosition, chain: chain, commitTime: lastCommitTime))
    }

    /// Makes the superblock promise everything that is durable now.
    func raiseFloor() throws(SystemFailure) {
        let floor = LogFloor(
            segmentID: active.header.id, offset: active.end, nextPosition: nextPosition,
            chain: chain, commitTime: lastCommitTime)
        try superblock.write(
            Superblock(
                storeID: storeID, sequence: superblock.current.sequence + 1,
                manifestID: manifest.id, manifestBytes: manifest.end, floor: floor))
        commitsSinceFloor = 0
    }

    /// Shows readers what is durable now.
    private func publish(_ frame: FrameHeader?) {
        let (end, position, chain, time) = (active.end, nextPosition, chain, lastCommitTime)
        reader.view.withLock { view in
            let last = view.segments.count - 1
            view.segments[last].end = end
            if let frame {
                view.segments[last].index.note(
                    position: frame.firstPosition, offset: frame.offset)
            }
            view.durablePosition = position
            view.chain = chain
            view.commitTime = time
        }
    }

    private func closeFiles(_ report: (SystemFailure) -> Void) {
        isClosed = true
        // All are closed whatever happens; the lock last, so that nobody comes in before.
        do { if let unused = try spare.take() { try unused.file.close() } } catch { report(error) }
        do { try active.close() } catch { report(error) }
        do { try manifest.close() } catch { report(error) }
        do { try superblock.close() } catch { report(error) }
        do { try lock.close() } catch { report(error) }
    }
}

/// What a commit answers.
package struct CommitReceipt: Sendable, Equatable {
    /// Position of its first entry.
    package var firstPosition: Position
    /// Its entries.
    package var count: UInt32
    /// Its time: nanoseconds since 1970 UTC.
    package var commitTime: Int64
    /// The chain's head after it. Who keeps it can later prove that the log still holds it.
    package var chain: Digest
}
