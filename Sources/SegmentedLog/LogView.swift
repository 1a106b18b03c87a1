package import Bytes

/// What readers may see of one segment.
struct SegmentView: Sendable {
    let id: UInt64
    let path: String
    let salt: UInt64
    let capacity: Int
    let firstPosition: Position
    let chainBefore: Digest
    /// Commit time before the first frame.
    let timeBefore: Int64
    /// Bytes that are durable.
    var end: Int
    /// For a closed segment, the bytes behind which it is zero.
    var writtenBytes: Int?
    var index: FrameIndex
}

/// What readers may see of the log: durable bytes and nothing else.
struct LogView: Sendable {
    var segments: [SegmentView]
    var durablePosition: Position
    var chain: Digest
    var commitTime: Int64

    /// Where to begin to look for a position.
    struct Place: Sendable {
        var segment: Int
        var id: UInt64
        var path: String
        var salt: UInt64
        var capacity: Int
        /// A frame at or before the position.
        var start: FrameIndex.Entry
        /// Bytes of the segment that are durable.
        var end: Int
    }

    /// Where to begin to look for `position`, or, at the durable position, where the next will be.
    func place(of position: Position) -> Place? {
        guard position <= durablePosition, !segments.isEmpty else { return nil }
        var lower = 0
        var upper = segments.count
        while lower < upper {
            let middle = (lower + upper) / 2
            if segments[middle].firstPosition <= position {
                lower = middle + 1
            } else {
                upper = middle
            }
        }
        guard lower > 0 else { return nil }
        let view = segments[lower - 1]
        let start =
            position == durablePosition
            ? FrameIndex.Entry(position: position, offset: view.end)
            : view.index.entry(before: position)
        return start.map {
            Place(
                segment: lower - 1, id: view.id, path: view.path, salt: view.salt,
                capacity: view.capacity, start: $0, end: view.end)
        }
    }

    /// The beginning of a segment.
    func place(ofSegment segment: Int) -> Place? {
        guard segment < segments.count else { return nil }
        let view = segments[segment]
        return Place(
            segment: segment, id: view.id, path: view.path, salt: view.salt,
            capacity: view.capacity,
            start: .init(position: view.firstPosition, offset: FileHeader.byteCount),
            end: view.end)
    }
}

/// One commit as readers see it.
package struct FrameInfo: Sendable, Equatable {
    /// Position of its first entry.
    package var firstPosition: Position
    /// Its entries.
    package var count: UInt32
    /// When it was committed: nanoseconds since 1970 UTC, never falling.
    package var commitTime: Int64
    /// The chain's head before the commit.
    package var chainBefore: Digest

    /// The position after its last entry.
    package var nextPosition: Position { firstPosition + Position(count) }

    init(_ header: FrameHeader) {
        firstPosition = header.firstPosition
        count = header.count
        commitTime = header.commitTime
        chainBefore = header.chainBefore
    }
}
