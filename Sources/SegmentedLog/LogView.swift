import Bytes

/// What readers may see of one row segment.
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
    /// Sealed segments, which hold the log's beginning, in order.
    var sealed: [SealedRecord] = []
    /// Row segments, which follow them.
    var segments: [SegmentView]
    var durablePosition: Position
    var chain: Digest
    var commitTime: Int64

    /// The position behind the sealed segments.
    var sealedEnd: Position { sealed.last?.nextPosition ?? 0 }

    /// Where to begin to look for a position.
    enum Part: Sendable {
        case sealed(SealedRecord)
        case rows(Place)
    }

    /// Where to begin to look in a row segment.
    struct Place: Sendable {
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
    func part(of position: Position) -> Part? {
        guard position <= durablePosition else { return nil }
        if position < sealedEnd {
            let index = firstIndex(of: sealed.count) { sealed[$0].nextPosition > position }
            return .sealed(sealed[index])
        }
        let next = firstIndex(of: segments.count) { segments[$0].firstPosition > position }
        guard next > 0 else { return nil }
        let view = segments[next - 1]
        let start =
            position == durablePosition
            ? FrameIndex.Entry(position: position, offset: view.end)
            : view.index.entry(before: position)
        return start.map {
            .rows(
                Place(
                    id: view.id, path: view.path, salt: view.salt, capacity: view.capacity,
                    start: $0, end: view.end))
        }
    }

    /// Bytes of a row segment that are durable; nil if it was sealed meanwhile.
    func end(ofSegment id: UInt64) -> Int? {
        segments.last { $0.id == id }?.end
    }

    /// The first of `count` ascending things that fulfils a condition, which all after it do too.
    private func firstIndex(of count: Int, where condition: (Int) -> Bool) -> Int {
        var lower = 0
        var upper = count
        while lower < upper {
            let middle = (lower + upper) / 2
            if condition(middle) { upper = middle } else { lower = middle + 1 }
        }
        return lower
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

    /// The position after its last entry.
    package var nextPosition: Position { firstPosition + Position(count) }

    init(_ header: FrameHeader) {
        firstPosition = header.firstPosition
        count = header.count
        commitTime = header.commitTime
    }

    init(_ commit: BlockCommit) {
        firstPosition = commit.firstPosition
        count = commit.count
        commitTime = commit.commitTime
    }
}
