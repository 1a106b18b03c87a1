import Bytes
package import Columns

/// Who is shown the log block by block, for reports that read columns.
package protocol BlockVisitor: ~Copyable {
    /// A sealed segment begins; its blocks follow.
    mutating func begin(_ reader: any BlockReader)
    /// A block whose entries are all wanted.
    /// - Parameter commits: those that have entries in it, in order.
    /// - Returns: whether it was read; if not, its entries are shown one by one.
    mutating func read(
        _ columns: borrowing BlockColumns, count: Int, firstPosition: Position,
        commits: [FrameInfo]
    ) throws -> Bool
    /// An entry.
    mutating func entry(_ record: RawSpan, at position: Position, recordedAt: Int64) throws
    /// How far the walk is; says whether to go on.
    mutating func reached(_ position: Position) -> Bool
}

extension LogReader {
    /// Entries between two places at which a walk of several threads is best divided.
    package static var blockEntries: Position { Position(LogLimits.blockEntries) }

    /// Shows the entries of a range: as blocks where they are sealed, else one by one.
    /// - Throws: `LogFailure`, or what the visitor throws.
    package func walkBlocks(
        from start: Position, before end: Position, _ visitor: inout some BlockVisitor & ~Copyable
    ) throws {
        var position = start
        var memory = BlockMemory()
        while position < end, case .sealed(let segment) = try opened(position) {
            visitor.begin(segment.reader)
            while position < min(end, segment.record.nextPosition) {
                try show(&position, before: end, segment, &memory, &visitor)
                guard visitor.reached(position) else { return }
            }
        }
        guard position < end else { return }
        // Its bytes were flushed by this process or verified at its start: no chain is computed again.
        var cursor = try LogCursor(self, from: position, isLinking: false)
        while position < end, try cursor.next() {
            let header = cursor.header
            for index in 0..<Int(header.count) {
                let place = header.firstPosition + Position(index)
                guard place >= position, place < end else { continue }
                try visitor.entry(cursor.record(index), at: place, recordedAt: header.commitTime)
            }
            position = min(end, header.nextPosition)
            guard visitor.reached(position) else { return }
        }
    }

    /// Shows the block that holds a position, from there on.
    private func show(
        _ position: inout Position, before end: Position, _ segment: SealedSegment,
        _ memory: inout BlockMemory, _ visitor: inout some BlockVisitor & ~Copyable
    ) throws {
        let number = segment.block(of: position)
        let entry = segment.index[number]
        try segment.load(number, into: &memory)
        let last = min(end, entry.nextPosition)
        if position == entry.firstPosition, last == entry.nextPosition,
            try visitor.read(
                memory.columns, count: entry.count, firstPosition: position,
                commits: memory.commits.map { FrameInfo($0) })
        {
            position = last
            return
        }
        let range = Int(position - entry.firstPosition)..<Int(last - entry.firstPosition)
        try segment.decode(range, in: &memory)
        for index in range {
            let place = entry.firstPosition + Position(index)
            try visitor.entry(
                memory.record(index), at: place, recordedAt: memory.commit(of: place).commitTime)
        }
        position = last
    }
}
