/// Where a frame starts, for about every 256 KiB of a segment.
///
/// One entry a frame would need more memory than it saves: frames are small when commits are few. The
/// rest of the way is walked over headers.
struct FrameIndex: Sendable {
    /// A frame's first position and its offset.
    struct Entry: Equatable, Sendable {
        var position: Position
        var offset: Int
    }

    private(set) var entries: [Entry] = []

    /// Notes a frame of entries; most need no entry.
    mutating func note(position: Position, offset: Int) {
        if let last = entries.last, offset - last.offset < LogLimits.indexSpacingBytes { return }
        entries.append(Entry(position: position, offset: offset))
    }

    /// The last noted frame that starts at or before `position`.
    func entry(before position: Position) -> Entry? {
        var lower = 0
        var upper = entries.count
        while lower < upper {
            let middle = (lower + upper) / 2
            if entries[middle].position <= position { lower = middle + 1 } else { upper = middle }
        }
        return lower == 0 ? nil : entries[lower - 1]
    }
}
