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
    func previousChains(
        before position: Position
    ) -> (RawSpan) throws(LogFailure) -> EntryChain {
        let records = view.read { $0.sealed }.filter { $0.nextPosition <= position }
        return { account throws(LogFailure) in
            for record in records.reversed() {
                guard let segment = try self.segments.segment(record) else { continue }
                if let chain = try segment.chain(of: account) { return chain }
            }
            return EntryChain()
        }
    }
}

private struct Scrub: ~Copyable {
    private let reader: LogReader
    private let depth: LogReader.ScrubDepth
    private var scan = FrameScan()
    /// Commits in all that was verified.
    var commits: UInt64 { verified.reduce(0) { $0 + $1.commits } }
    /// What was verified, in order.
    private var verified: [Part] = []
    /// A file that was not there when a view listed it.
    private var missing: String?
    private var done = 0

    private struct Part {
        var firstPosition: Position
        var position: Position
        var chain: Digest
        var commits: UInt64
    }

    private var last: (position: Position, chain: Digest) {
        verified.last.map { ($0.position, $0.chain) } ?? (0, .zero)
    }

    init(_ reader: LogReader, _ depth: LogReader.ScrubDepth) {
        self.reader = reader
        self.depth = depth
    }

    /// Verifies what a view shows and what was not verified yet.
    /// - Returns: false if a file is no longer there.
    mutating func run(
        _ view: LogView, _ progress: (Int, Int) -> Void
    ) throws(LogFailure) -> Bool {
        let total =
            view.segments.reduce(0) { $0 + $1.end } + view.sealed.reduce(0) { $0 + $1.fileBytes }
        progress(done, total)
        // A merge may have taken in some of what was verified: all of its segment is read then.
        let next = view.sealed.first { $0.nextPosition > last.position }
        while let next, let part = verified.last, part.firstPosition >= next.firstPosition {
            verified.removeLast()
        }
        for record in view.sealed where record.firstPosition >= last.position {
            guard let segment = try reader.segments.segment(record) else {
                return try lookAgain(reader.paths.sealed(record.id), record.firstPosition)
            }
            try check(segment)
            done += record.fileBytes
            progress(done, total)
        }
        var lastRow: UInt64 = 0
        for row in view.segments where row.id > lastRow && row.firstPosition >= last.position {
            guard let open = try reader.segments.segment(row.id, row.path) else {
                return try lookAgain(row.path, row.firstPosition)
            }
            lastRow = row.id
            try check(row, open.file)
            done += row.end
            progress(done, total)
        }
        guard last.position == view.durablePosition, last.chain == view.chain else {
            throw LogFailure(
                .damaged,
                "the chain of all commits is \(last.chain.hex) at position \(last.position), "
                    + "expected was \(view.chain.hex) at \(view.durablePosition)")
        }
        return true
    }

    /// A newer view will not list a file that was replaced.
    /// - Returns: false.
    private mutating func lookAgain(
        _ path: String, _ position: Position
    ) throws(LogFailure) -> Bool {
        if missing == path { throw LogReader.missing(path, position) }
        missing = path
        return false
    }

    private mutating func check(_ segment: SealedSegment) throws(LogFailure) {
        let record = segment.record
        guard record.firstPosition == last.position, record.chainBefore == last.chain else {
            throw .damaged(
                segment.file.path, at: 0, position: record.firstPosition,
                "it does not follow what is before it")
        }
        segment.file.dropCache(from: 0)
        try segment.checkDigest()
        if depth == .entries, let codec = reader.codec {
            let before = reader.previousChains(before: record.firstPosition)
            try SealedProof(segment, codec, before).run { true }
        }
        verified.append(
            Part(
                firstPosition: record.firstPosition, position: record.nextPosition,
                chain: record.chain, commits: record.commits))
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
        verified.append(
            Part(
                firstPosition: row.firstPosition, position: result.nextPosition,
                chain: result.chain, commits: entryFrames))
    }
}
