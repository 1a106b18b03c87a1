package import Bytes
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
    let segments: OpenSegments
    private let scratches = Monitor<[Scratch]>([])

    init(_ view: LogView, storeID: [UInt8], _ fileSystem: any FileSystem) {
        self.view = Monitor(view)
        self.storeID = storeID
        segments = OpenSegments(fileSystem)
    }

    /// The position after the last durable entry.
    package var durablePosition: Position { view.read { $0.durablePosition } }

    /// The chain's head and the position it stands at, together.
    package var head: (position: Position, chain: Digest) {
        view.read { ($0.durablePosition, $0.chain) }
    }

    /// Frames from the one that holds `position` on; at the durable position, those still to come.
    package func cursor(from position: Position) throws(LogFailure) -> LogCursor {
        try LogCursor(self, place(of: position), from: position)
    }

    /// Calls `body` with the bytes of one entry and its commit.
    /// - Throws: `LogFailure`, or what `body` throws.
    package func withRecord<R>(
        at position: Position, _ body: (RawSpan, FrameInfo) throws -> R
    ) throws -> R {
        guard position < durablePosition else { throw Self.outOfRange(position) }
        let scratch = borrowScratch(for: position)
        defer { giveBack(scratch) }
        let header = try scratch.held(position) ?? load(position, scratch)
        return try scratch.window.withRecord(
            Int(position - header.firstPosition), of: header
        ) { try body($0, FrameInfo(header)) }
    }

    private func load(
        _ position: Position, _ scratch: Scratch
    ) throws(LogFailure) -> FrameHeader {
        let (file, header) = try find(position, scratch)
        try scratch.load(header, file)
        return header
    }

    /// The chain after the commit that ends right before `position`; nil if no commit ends there.
    package func chain(at position: Position) throws(LogFailure) -> Digest? {
        let head = head
        if position == head.position { return head.chain }
        guard position < head.position else { return nil }
        let scratch = borrowScratch(for: position)
        defer { giveBack(scratch) }
        let (_, header) = try find(position, scratch)
        return header.firstPosition == position ? header.chainBefore : nil
    }

    /// Finds the frame that holds a durable position: one read of at most 260 KiB.
    private func find(
        _ position: Position, _ scratch: Scratch
    ) throws(LogFailure) -> (File, FrameHeader) {
        let place = try place(of: position)
        let file = try segments.segment(place.id, place.path).file
        var expected = FrameExpectation(place)
        var offset = place.start.offset
        scratch.forget()
        while offset < place.end {
            do throws(ReadFault) {
                let header = try scratch.window.header(
                    at: offset, of: file, limit: place.end, expecting: expected)
                if position < header.nextPosition { return (file, header) }
                expected.position = header.nextPosition
                offset += header.frameBytes
            } catch { throw error.failure(file.path, at: offset, position: expected.position) }
        }
        throw .damaged(file.path, at: offset, position: position, "the entry is not there")
    }

    func place(of position: Position) throws(LogFailure) -> LogView.Place {
        guard let place = view.read({ $0.place(of: position) }) else {
            throw Self.outOfRange(position)
        }
        return place
    }

    private static func outOfRange(_ position: Position) -> LogFailure {
        LogFailure(
            .outOfRange, "position \(position) is beyond the durable entries of the log",
            position: position)
    }

    /// Memory that holds the frame of `position`, if some does: who sends again what was recorded asks
    /// for one entry of a frame after the other.
    private func borrowScratch(for position: Position) -> Scratch {
        scratches.withLock { pool in
            let index = pool.lastIndex { $0.held(position) != nil } ?? pool.indices.last
            return index.map { pool.remove(at: $0) }
        } ?? Scratch()
    }

    private func giveBack(_ scratch: Scratch) {
        scratches.withLock { if $0.count < 8 { $0.append(scratch) } }
    }

    /// Memory of one random access at a time. It keeps the last frame: what is durable never changes.
    private final class Scratch {
        var window = FrameWindow(ahead: LogLimits.indexSpacingBytes + LogLimits.blockBytes)
        private var frame: FrameHeader?

        /// The frame in the window, if it is whole and has this position.
        func held(_ position: Position) -> FrameHeader? {
            guard let frame, (frame.firstPosition..<frame.nextPosition).contains(position) else {
                return nil
            }
            return frame
        }

        func forget() {
            frame = nil
            window.forget()
        }

        func load(_ header: FrameHeader, _ file: File) throws(LogFailure) {
            do throws(ReadFault) {
                // Up to the frame's end only: what follows it is not asked for.
                try window.body(of: header, in: file, limit: header.offset + header.frameBytes)
                frame = header
            } catch {
                throw error.failure(file.path, at: header.offset, position: header.firstPosition)
            }
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
