import Bytes
import Platform

/// Verifying everything again.
extension LogReader {
    /// How far a scrub goes.
    package enum ScrubDepth: Sendable {
        /// All checksums and digests, and of rows the chain too.
        case bytes
        /// Also everything that sealed segments say of their entries, from the decoded entries: chain,
        /// tree, accounts and postings.
        case entries
    }

    /// Reads and verifies every byte of every segment up to the durable end, from the device.
    /// - Parameter progress: is given bytes done and bytes in all, now and then.
    /// - Returns: the number of commits.
    /// - Throws: `damaged` with file, offset and position of the first damage.
    package func scrub(
        _ depth: ScrubDepth = .bytes, progress: (_ done: Int, _ total: Int) -> Void
    ) throws(LogFailure) -> UInt64 {
        var scrub = Scrub(self, depth)
        // A segment may be sealed or merged while the others are read: then its successor is.
        while try !scrub.run(view.read { $0 }, progress) {}
        return scrub.commits
    }

    /// Gives the chain of an account's entries before a position, from the newest sealed segment that has
    /// some.
    /// - Parameter position: where a sealed segment begins, or the last one ends.
    /// - Returns: what throws `interrupted` if these were merged since.
    func previousChains(
        before position: Position
    ) -> (RawSpan) throws(LogFailure) -> EntryChain {
        let records = view.read { $0.sealed }.filter { $0.nextPosition <= position }
        let end = records.last?.nextPosition ?? 0
        return { account throws(LogFailure) in
            // Merged over the position meanwhile: what stood before it is not told apart any more.
            if end != position { throw Self.mergedMeanwhile }
            for record in records.reversed() {
                guard let segment = try self.segments.segment(record) else {
                    // Its entries may be the account's: without them there is no chain to give.
                    throw self.merged(record)
                }
                if let chain = try segment.chain(of: account) { return chain }
            }
            return EntryChain()
        }
    }

    /// Why a sealed segment's file is not there: it was merged since, or it is lost.
    private func merged(_ record: SealedRecord) -> LogFailure {
        if view.read({ $0.sealed.contains(record) }) {
            return Self.missing(paths.sealed(record.id), record.firstPosition)
        }
        return Self.mergedMeanwhile
    }

    /// Nothing is wrong; who asks again sees the merged segment.
    private static var mergedMeanwhile: LogFailure {
        LogFailure(.interrupted, "a sealed segment was merged meanwhile")
    }
}

private struct Scrub: ~Copyable {
    private let reader: LogReader
    private let depth: LogReader.ScrubDepth
    private var scan = FrameScan()
    /// Where the verified segments end, in order. When some of them were sealed or merged meanwhile, the
    /// segment that took their place begins at one of these.
    private var borders = [Border(position: 0, chain: .zero, commits: 0, bytes: 0)]
    private var lastRow: UInt64 = 0

    private struct Border {
        var position: Position
        var chain: Digest
        /// Commits and bytes before it.
        var commits: UInt64
        var bytes: Int
    }

    private var last: Border { borders[borders.count - 1] }
    var commits: UInt64 { last.commits }

    init(_ reader: LogReader, _ depth: LogReader.ScrubDepth) {
        self.reader = reader
        self.depth = depth
    }

    /// Verifies what a view shows and what was not verified yet.
    /// - Returns: false if a file was replaced meanwhile: the next view shows by what.
    mutating func run(
        _ view: LogView, _ progress: (Int, Int) -> Void
    ) throws(LogFailure) -> Bool {
        let total =
            view.segments.reduce(0) { $0 + $1.end } + view.sealed.reduce(0) { $0 + $1.fileBytes }
        progress(last.bytes, total)
        for record in view.sealed where record.nextPosition > last.position {
            while borders.count > 1, last.position > record.firstPosition { borders.removeLast() }
            guard let segment = try reader.segments.segment(record) else {
                try demandReplaced(reader.paths.sealed(record.id), record.firstPosition) {
                    $0.sealed.contains(record)
                }
                return false
            }
            do throws(LogFailure) { try check(segment) } catch {
                if error.kind == .interrupted { return false }
                throw error
            }
            progress(last.bytes, total)
        }
        for row in view.segments where row.id > lastRow && row.firstPosition >= last.position {
            guard let open = try reader.segments.segment(row.id, row.path) else {
                try demandReplaced(row.path, row.firstPosition) {
                    $0.segments.contains { $0.id == row.id }
                }
                return false
            }
            try check(row, open.file)
            progress(last.bytes, total)
        }
        guard last.position == view.durablePosition, last.chain == view.chain else {
            throw LogFailure(
                .damaged,
                "the chain of all commits is \(last.chain.hex) at position \(last.position), "
                    + "expected was \(view.chain.hex) at \(view.durablePosition)")
        }
        return true
    }

    /// A file that is not there must be one that no view shows any more.
    private func demandReplaced(
        _ path: String, _ position: Position, _ isListed: (LogView) -> Bool
    ) throws(LogFailure) {
        if reader.view.read(isListed) { throw LogReader.missing(path, position) }
    }

    private mutating func check(_ segment: SealedSegment) throws(LogFailure) {
        let record = segment.record
        guard record.firstPosition == last.position, record.chainBefore == last.chain else {
            throw .damaged(
                segment.file.path, at: 0, position: record.firstPosition,
                "it does not follow what is before it")
        }
        segment.file.dropCache(from: 0)
        // The digest is over what is before the trailer, and the trailer was read long ago.
        _ = try SealedSegment.check(segment.file, record, storeID: reader.storeID)
        try segment.checkDigest()
        if depth == .entries, let codec = reader.codec {
            let before = reader.previousChains(before: record.firstPosition)
            try SealedProof(segment, codec, before).run { true }
        }
        borders.append(
            Border(
                position: record.nextPosition, chain: record.chain,
                commits: last.commits + record.commits, bytes: last.bytes + record.fileBytes))
    }

    private mutating func check(_ row: SegmentView, _ file: File) throws(LogFailure) {
        file.dropCache(from: 0)
        let header = try scan.header(of: file, as: .segment, storeID: reader.storeID)
        guard header.id == row.id, header.salt == row.salt,
            header.firstPosition == last.position, header.chain == last.chain
        else { throw .damaged(row.path, at: 32, "its header is not what the manifest says") }
        var limits = FrameScan.Limits()
        if let writtenBytes = row.writtenBytes {
            limits.closed = (row.end, writtenBytes)
        } else {
            limits.liveEnd = row.end
        }
        var entryFrames: UInt64 = 0
        let result = try scan.frames(
            of: file, header: header, commitTime: row.timeBefore, limits: limits
        ) { _, _ in entryFrames += 1 }
        lastRow = row.id
        borders.append(
            Border(
                position: result.nextPosition, chain: result.chain,
                commits: last.commits + entryFrames, bytes: last.bytes + row.end))
    }
}
