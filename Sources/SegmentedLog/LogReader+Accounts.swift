package import Bytes
import Columns

/// What sealed segments know of accounts, and of the proof tree, without their entries being read.
extension LogReader {
    /// Calls `body` with each entry of an account from `start` on and before `end`, in position order:
    /// through the postings of sealed segments, and by a walk over the rows behind them.
    /// - Throws: `LogFailure`, or what `body` throws.
    package func forEachEntry(
        of account: RawSpan, from start: Position = 0, before end: Position,
        _ body: (Position, RawSpan, FrameInfo) throws -> Void
    ) throws {
        var position = start
        while position < end, case .sealed(let segment) = try opened(position) {
            let listed = try segment.positions(of: account).drop { $0 < start }
                .prefix { $0 < end }
            let scratch = BlockScratch()
            for index in listed.indices {
                try scratch.withRecord(listed, index, of: segment) {
                    try body(listed[index], $0, $1)
                }
            }
            position = segment.record.nextPosition
        }
        guard position < end, let codec else { return }
        // Its bytes were flushed by this process or verified at its start: no chain is computed again.
        var cursor = try LogCursor(self, from: position, isLinking: false)
        while try cursor.next() {
            let header = cursor.header
            for index in 0..<Int(header.count) {
                let place = header.firstPosition + Position(index)
                if place < position { continue }
                if place >= end { return }
                let record = cursor.record(index)
                guard let range = try codec.account(of: record),
                    record.extracting(range).isEqual(to: account)
                else { continue }
                try body(place, record, header)
            }
        }
    }

    /// The positions of an account's entries from `position` on, in the sealed segment that holds it.
    /// - Returns: the positions, and the end of the segment; nil if `position` is not sealed.
    package func sealedPositions(
        of account: RawSpan, from position: Position
    ) throws(LogFailure) -> (positions: [Position], end: Position)? {
        guard position < sealedPosition, case .sealed(let segment) = try opened(position) else {
            return nil
        }
        let all = try segment.positions(of: account)
        return (Array(all.drop { $0 < position }), segment.record.nextPosition)
    }

    /// Calls `body` with the chain of every account after each sealed segment, segment by segment: what came
    /// last for an account is its chain at the returned position.
    /// - Parameter end: segments that end behind it are left out.
    /// - Returns: the end of the last segment.
    package func forEachSealedChain(
        before end: Position, _ body: (RawSpan, EntryChain) throws -> Void
    ) throws -> Position {
        var position: Position = 0
        while position < end, case .sealed(let segment) = try opened(position),
            segment.record.nextPosition <= end
        {
            try segment.forEachChain(body)
            position = segment.record.nextPosition
        }
        return position
    }

    /// The root over the 4,096 leaves from a multiple of 4,096 on; nil if they are not all in one sealed
    /// segment.
    package func sealedRoot(ofBlock block: UInt64) throws(LogFailure) -> Digest? {
        let first = block * UInt64(LogLimits.blockEntries)
        guard case .sealed(let segment) = try opened(first) else { return nil }
        let entry = segment.index[segment.block(of: first)]
        return entry.firstPosition == first && entry.count == LogLimits.blockEntries
            ? entry.root : nil
    }
}

/// A block's memory that closures may use.
private final class BlockScratch {
    private var memory = BlockMemory()

    /// Entries between two that are wanted, at most, for both to be decoded at once.
    private static let nearby: Position = 4
    /// Entries that are decoded at once, at most.
    private static let ahead = 256

    /// Calls `body` with one of the entries of a segment that are wanted one after the other. Those that
    /// stand close behind it are decoded with it: to begin costs more than to go on.
    func withRecord<R>(
        _ wanted: ArraySlice<Position>, _ place: Int, of segment: SealedSegment,
        _ body: (RawSpan, FrameInfo) throws -> R
    ) throws -> R {
        let position = wanted[place]
        let number = segment.block(of: position)
        try segment.load(number, into: &memory)
        let block = segment.index[number]
        let index = Int(position - block.firstPosition)
        if !memory.decoded.contains(index) {
            let end = min(index + Self.ahead, block.count)
            var last = place
            while last + 1 < wanted.endIndex, wanted[last + 1] - wanted[last] <= Self.nearby,
                wanted[last + 1] < block.firstPosition + Position(end)
            { last += 1 }
            let through = Int(wanted[last] - block.firstPosition)
            try segment.decode(index..<(through + 1), in: &memory)
        }
        let commit = FrameInfo(memory.commit(of: position))
        return try memory.withRecord(index) { try body($0, commit) }
    }
}

extension SealedSegment {
    /// Calls `body` with the chain of each account after this segment.
    fileprivate func forEachChain(_ body: (RawSpan, EntryChain) throws -> Void) throws {
        var chains: [EntryChain] = []
        try section(.accounts) { (bytes: RawSpan) throws(DecodeFailure) in
            for number in 0..<reader.accountCount {
                let start = number * AccountStates.byteCount
                guard start + AccountStates.byteCount <= bytes.byteCount else {
                    throw .truncated(start)
                }
                let part = bytes.extracting(start..<(start + AccountStates.byteCount))
                chains.append(try AccountStates.read(part, account: UInt32(number)))
            }
        }
        for (number, chain) in chains.enumerated() {
            try reader.withAccount(UInt32(number)) { name in
                Result { try body(name, chain) }
            }.get()
        }
    }
}
