package import Bytes
import Columns
import Platform

/// # Reading the log
///
/// Any thread may read at any time. What is shared with the writer is one small view behind a lock,
/// changed after each commit; files are read outside it, with `pread`, up to the durable end and never
/// beyond. There is no memory mapping: a device error is an error, not a signal.
///
/// Recipe:
///
///     var cursor = try reader.cursor(from: 0)
///     while try cursor.next() {
///         for index in 0..<Int(cursor.header.count) { use(cursor.record(index)) }
///     }
package final class LogReader: Sendable {
    let view: Monitor<LogView>
    let storeID: [UInt8]
    let paths: StorePaths
    let fileSystem: any FileSystem
    let codec: (any BlockCodec)?
    let segments: OpenSegments
    private let scratches = Monitor(ScratchPool())

    init(
        _ view: LogView, storeID: [UInt8], _ paths: StorePaths, codec: (any BlockCodec)?,
        _ fileSystem: any FileSystem
    ) {
        self.view = Monitor(view)
        self.storeID = storeID
        self.paths = paths
        self.codec = codec
        self.fileSystem = fileSystem
        segments = OpenSegments(fileSystem, paths, storeID: storeID, codec: codec)
    }

    /// The position after the last durable entry.
    package var durablePosition: Position { view.read { $0.durablePosition } }

    /// The position after the last entry that is sealed.
    package var sealedPosition: Position { view.read { $0.sealedEnd } }

    /// The position after the last entry of a closed segment: what is before it can be sealed.
    package var closedPosition: Position {
        view.read { $0.segments.last?.firstPosition ?? $0.durablePosition }
    }

    /// The chain's head and the position it stands at, together.
    package var head: (position: Position, chain: Digest) {
        view.read { ($0.durablePosition, $0.chain) }
    }

    /// Entries from `position` on, commit by commit; at the durable position, those still to come.
    /// - Parameter isLinking: whether the chain over rows is computed and checked once more.
    package func cursor(
        from position: Position, isLinking: Bool = true
    ) throws(LogFailure) -> LogCursor {
        try LogCursor(self, from: position, isLinking: isLinking)
    }

    /// Calls `body` with the bytes of one entry and its commit.
    /// - Throws: `LogFailure`, or what `body` throws.
    package func withRecord<R>(
        at position: Position, _ body: (RawSpan, FrameInfo) throws -> R
    ) throws -> R {
        guard position < durablePosition else { throw Self.outOfRange(position) }
        let scratch = borrowScratch(for: position)
        defer { giveBack(scratch) }
        if !scratch.isHolding(position) { try load(position, scratch) }
        return try scratch.withRecord(position, body)
    }

    /// Calls `body` with each of some entries, in the order that is given.
    /// - Throws: `LogFailure`, or what `body` throws.
    package func withRecords(
        at positions: [Position], _ body: (Position, RawSpan, FrameInfo) throws -> Void
    ) throws {
        guard let first = positions.first else { return }
        let scratch = borrowScratch(for: first)
        defer { giveBack(scratch) }
        for position in positions {
            guard position < durablePosition else { throw Self.outOfRange(position) }
            if !scratch.isHolding(position) { try load(position, scratch) }
            try scratch.withRecord(position) { try body(position, $0, $1) }
        }
    }

    /// The segment that holds a position, open.
    enum OpenPart {
        case sealed(SealedSegment)
        case rows(LogView.Place, OpenSegment)
    }

    /// Opens the segment that holds a position, or, at the durable position, the last one.
    /// - Returns: nil beyond it.
    func opened(_ position: Position) throws(LogFailure) -> OpenPart? {
        var before: LogView.Part?
        while let part = view.read({ $0.part(of: position) }) {
            switch part {
            case .sealed(let record):
                if let segment = try segments.segment(record) { return .sealed(segment) }
                if case .sealed(let old) = before, old == record {
                    throw Self.missing(paths.sealed(record.id), position)
                }
            case .rows(let place):
                if let segment = try segments.segment(place.id, place.path) {
                    return .rows(place, segment)
                }
                if case .rows(let old) = before, old.id == place.id {
                    throw Self.missing(place.path, position)
                }
            }
            // Between the look at the view and the opening, the file was replaced: look again.
            before = part
        }
        return nil
    }

    private func load(_ position: Position, _ scratch: Scratch) throws(LogFailure) {
        switch try opened(position) {
        case .sealed(let segment): try scratch.load(position, segment)
        case .rows(let place, let segment): try scratch.load(position, place, segment)
        case nil: throw Self.outOfRange(position)
        }
    }

    /// The chain after the commit that ends right before `position`; nil if no commit ends there.
    package func chain(at position: Position) throws(LogFailure) -> Digest? {
        let head = head
        if position == head.position { return head.chain }
        guard position < head.position else { return nil }
        switch try opened(position) {
        case .sealed(let segment): return try segment.chain(at: position)
        case .rows(let place, let segment):
            let scratch = borrowScratch(for: position)
            defer { giveBack(scratch) }
            let header = try scratch.find(position, place, segment)
            return header.firstPosition == position ? header.chainBefore : nil
        case nil: return nil
        }
    }

    static func outOfRange(_ position: Position) -> LogFailure {
        LogFailure(
            .outOfRange, "position \(position) is beyond the durable entries of the log",
            position: position)
    }

    static func missing(_ path: String, _ position: Position) -> LogFailure {
        LogFailure(
            .damaged, "\(path) is missing, and the manifest lists it",
            file: path, position: position)
    }

    /// Memory that holds the entry of `position`, if some does: who sends again what was recorded asks
    /// for one entry of a frame after the other.
    private func borrowScratch(for position: Position) -> Scratch {
        scratches.withLock { pool in
            let index =
                pool.free.lastIndex { $0.isHolding(position) } ?? pool.free.indices.last
            return index.map { pool.free.remove(at: $0) } ?? Scratch(pool.generation)
        }
    }

    private func giveBack(_ scratch: Scratch) {
        scratches.withLock { pool in
            guard pool.free.count < 8, scratch.generation == pool.generation else { return }
            pool.free.append(scratch)
        }
    }

    /// Forgets entries in memory, because a file took the place of others: it may be redacted.
    func forgetWhatWasRead() {
        scratches.withLock { pool in
            pool.free = []
            pool.generation += 1
        }
    }
}

/// Memories that nobody uses just now.
private struct ScratchPool {
    var free: [Scratch] = []
    /// Counts up when what was read is to be forgotten.
    var generation: UInt64 = 0
}

/// Memory of one random access at a time. It keeps what it read last: what is durable does not change but
/// by a redaction.
private final class Scratch {
    let generation: UInt64
    private var window = FrameWindow(ahead: LogLimits.indexSpacingBytes + LogLimits.blockBytes)
    private var frame: FrameHeader?
    private var block = BlockMemory()
    private var segment: SealedSegment?
    /// The entry that was given last.
    private var last: Position?

    init(_ generation: UInt64) { self.generation = generation }

    /// Whether a position can be given without reading.
    func isHolding(_ position: Position) -> Bool {
        if let frame { return (frame.firstPosition..<frame.nextPosition).contains(position) }
        guard segment != nil, let header = block.header, position >= header.firstPosition else {
            return false
        }
        return block.decoded.contains(Int(position - header.firstPosition))
    }

    /// Gives an entry that is held.
    func withRecord<R>(
        _ position: Position, _ body: (RawSpan, FrameInfo) throws -> R
    ) throws -> R {
        last = position
        if let frame {
            return try window.withRecord(Int(position - frame.firstPosition), of: frame) {
                try body($0, FrameInfo(frame))
            }
        }
        let first = block.header?.firstPosition ?? 0
        let commit = FrameInfo(block.commit(of: position))
        return try block.withRecord(Int(position - first)) { try body($0, commit) }
    }

    /// Reads the block, if it is not at hand, and decodes the entry: alone, or with those behind it where
    /// one is asked for after the other.
    func load(_ position: Position, _ segment: SealedSegment) throws(LogFailure) {
        frame = nil
        self.segment = segment
        let number = segment.block(of: position)
        let entry = segment.index[number]
        try segment.load(number, into: &block)
        let index = Int(position - entry.firstPosition)
        let isNext = last.map { position > $0 && position - $0 <= Self.nearby } ?? false
        let count = isNext ? Self.ahead : 1
        try segment.decode(index..<min(index + count, entry.count), in: &block)
    }

    /// Entries between two that are asked for, at most, for the second to be taken as the next.
    private static let nearby: Position = 16
    /// Entries that are decoded then.
    private static let ahead = 256

    /// Finds the frame that holds a durable position: one read of at most 260 KiB.
    func find(
        _ position: Position, _ place: LogView.Place, _ open: OpenSegment
    ) throws(LogFailure) -> FrameHeader {
        var expected = FrameExpectation(place)
        var offset = place.start.offset
        frame = nil
        segment = nil
        window.forget()
        while offset < place.end {
            do throws(ReadFault) {
                let header = try window.header(
                    at: offset, of: open.file, limit: place.end, expecting: expected)
                if position < header.nextPosition { return header }
                expected.position = header.nextPosition
                offset += header.frameBytes
            } catch {
                throw error.failure(open.file.path, at: offset, position: expected.position)
            }
        }
        throw .damaged(open.file.path, at: offset, position: position, "the entry is not there")
    }

    func load(
        _ position: Position, _ place: LogView.Place, _ open: OpenSegment
    ) throws(LogFailure) {
        let header = try find(position, place, open)
        do throws(ReadFault) {
            // Up to the frame's end only: what follows it is not asked for.
            let end = header.offset + header.frameBytes
            try window.body(of: header, in: open.file, limit: end)
            frame = header
        } catch {
            throw error.failure(open.file.path, at: header.offset, position: header.firstPosition)
        }
    }
}

extension ReadFault {
    /// The failure for a frame that was durable once.
    func failure(_ path: String, at offset: Int, position: Position) -> LogFailure {
        switch self {
        case .system(let failure): LogFailure(failure)
        case .visit(let failure): failure
        case .frame(let fault): .damaged(path, at: offset, position: position, fault.text)
        }
    }
}

extension FrameExpectation {
    /// What stands at the beginning of a place; the chain is the frame's own.
    init(_ place: LogView.Place) {
        self.init(
            salt: place.salt, position: place.start.position, chain: nil, commitTime: .min,
            capacity: place.capacity, fileKind: .segment)
    }
}
