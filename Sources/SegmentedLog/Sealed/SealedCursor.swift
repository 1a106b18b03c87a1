import Bytes

/// Walks over the commits of one sealed segment, block by block: a commit that lies in two blocks comes
/// in two runs.
struct SealedCursor: ~Copyable {
    private var segment: SealedSegment?
    private var memory = BlockMemory()
    /// The next entry.
    private(set) var position: Position = 0
    /// The entries of one commit that the cursor stands on.
    private(set) var run: Range<Position> = 0..<0
    private(set) var commit: BlockCommit?
    private var commitIndex = 0
    private var blockFirst: Position = 0

    /// A cursor that is in no segment yet.
    init() {}

    /// Goes to a position in a segment.
    mutating func enter(_ segment: SealedSegment, at position: Position) {
        self.segment = segment
        self.position = position
        memory.forget()
    }

    /// Moves to the next run.
    /// - Returns: false at the segment's end.
    mutating func next() throws(LogFailure) -> Bool {
        guard let segment, position < segment.record.nextPosition else { return false }
        let block = segment.block(of: position)
        let entry = segment.index[block]
        if !memory.isHolding(segment.record.id, block) {
            try segment.load(block, into: &memory)
            try segment.decode(0..<entry.count, in: &memory)
            commitIndex = 0
            blockFirst = entry.firstPosition
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
        memory.record(Int(run.lowerBound - blockFirst) + index)
    }
}
