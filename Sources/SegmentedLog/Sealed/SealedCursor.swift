import Bytes

/// Walks over the commits of one sealed segment, block by block: a commit that lies in two blocks comes
/// in two runs.
struct SealedCursor: ~Copyable {
    private let segment: SealedSegment
    private var memory = BlockMemory()
    /// The next entry.
    private(set) var position: Position
    /// The entries of one commit that the cursor stands on.
    private(set) var run: Range<Position> = 0..<0
    private(set) var commit: BlockCommit?
    private var commitIndex = 0

    init(_ segment: SealedSegment, from position: Position) {
        self.segment = segment
        self.position = position
    }

    /// Moves to the next run.
    /// - Returns: false at the segment's end.
    mutating func next() throws(LogFailure) -> Bool {
        guard position < segment.record.nextPosition else { return false }
        let block = segment.block(of: position)
        let entry = segment.index[block]
        if !memory.isHolding(segment.record.id, block) {
            try segment.load(block, into: &memory)
            try segment.decode(0..<entry.count, in: &memory)
            commitIndex = 0
        }
        while memory.commits[commitIndex].nextPosition <= position { commitIndex += 1 }
        let found = memory.commits[commitIndex]
        run = position..<min(found.nextPosition, entry.nextPosition)
        commit = found
        position = run.upperBound
        return true
    }

    /// The bytes of an entry of the run, from 0; valid until `next`.
    @_lifetime(borrow self)
    func record(_ index: Int) -> RawSpan {
        let first = segment.index[memory.number].firstPosition
        return memory.record(Int(run.lowerBound - first) + index)
    }
}
