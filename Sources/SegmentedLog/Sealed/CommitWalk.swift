import Bytes

/// Who is shown a stretch of the log, commit by commit.
protocol CommitVisitor: ~Copyable {
    /// A commit begins; its entries follow.
    mutating func begin(_ commit: BlockCommit) throws(LogFailure)
    /// The next entry.
    mutating func entry(_ record: RawSpan, at position: Position) throws(LogFailure)
}

extension LogReader {
    /// Shows all entries of `range`, which begins where a commit begins and ends where one ends.
    /// - Parameter pause: called after every 1,000 entries or so; says whether to go on.
    func walk(
        _ range: Range<Position>, _ visitor: inout some CommitVisitor & ~Copyable,
        pause: () -> Bool = { true }
    ) throws(LogFailure) {
        var cursor = try cursor(from: range.lowerBound)
        var position = range.lowerBound
        var shown = 0
        while position < range.upperBound {
            guard try cursor.next(), let commit = cursor.commit else {
                throw Self.outOfRange(position)
            }
            let run = cursor.header
            if run.firstPosition == commit.firstPosition { try visitor.begin(commit) }
            for index in 0..<Int(run.count) {
                try visitor.entry(cursor.record(index), at: position)
                position += 1
            }
            shown += Int(run.count)
            if shown >= 1000 {
                shown = 0
                if !pause() { throw LogFailure(.interrupted, "stopped") }
            }
        }
    }
}

/// Computes the chain of commits from their entries.
struct ChainFold: ~Copyable {
    private(set) var chain: Digest
    private var links = Chain()
    private var payload = ByteBuffer(capacity: 1 << 16)
    private var ends: [UInt32] = []
    private var left: UInt32 = 0
    private var commit: BlockCommit?

    init(after chain: Digest) { self.chain = chain }

    /// Whether the last commit is whole.
    var isWhole: Bool { left == 0 }

    mutating func begin(_ commit: BlockCommit) {
        self.commit = commit
        left = commit.count
        payload.clear()
        ends.removeAll(keepingCapacity: true)
    }

    /// Adds an entry. - Returns: the payload's hash, when the commit is whole.
    mutating func add(_ record: RawSpan) -> Digest? {
        guard let commit, left > 0 else { preconditionFailure("an entry without a commit") }
        payload.append(record)
        ends.append(UInt32(payload.count))
        left -= 1
        guard left == 0 else { return nil }
        for end in ends { payload.appendInteger(end) }
        let hash = commit.payload ?? SHA256.hash(payload.bytes)
        chain = links.link(
            after: chain, firstPosition: commit.firstPosition, count: commit.count,
            commitTime: commit.commitTime, payload: hash)
        return hash
    }
}

extension SealedSegment {
    /// The chain before the commit that begins at `position`; nil if none begins there.
    func chain(at position: Position) throws(LogFailure) -> Digest? {
        if position == record.nextPosition { return record.chain }
        let number = block(of: position)
        // The commit may begin in this block or be the one that leads into it.
        let entry = index[number]
        var memory = BlockMemory()
        try load(number, into: &memory)
        guard memory.commits.contains(where: { $0.firstPosition == position }) else { return nil }
        var fold = ChainFold(after: entry.chain)
        var cursor = SealedCursor()
        cursor.enter(self, at: entry.boundary)
        while cursor.position < position {
            guard try cursor.next(), let commit = cursor.commit else { break }
            if cursor.run.lowerBound == commit.firstPosition { fold.begin(commit) }
            for index in 0..<cursor.run.count { _ = fold.add(cursor.record(index)) }
        }
        return fold.chain
    }
}
