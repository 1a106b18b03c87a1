import Bytes

/// Walks over the lines of a buffer.
struct LineCursor {
    /// Where the next line starts.
    private(set) var start: Int
    /// Up to here there is no line end behind `start`.
    private var searched: Int

    /// A cursor at a line's start.
    init(start: Int = 0) { self.init(start: start, searched: start) }

    /// A cursor at the start of a buffer that was searched up to `searched` before it grew.
    init(searched: Int) { self.init(start: 0, searched: searched) }

    private init(start: Int, searched: Int) {
        self.start = start
        self.searched = searched
    }

    /// The next whole line without its `\n`; nil if there is none.
    mutating func next(in bytes: RawSpan) -> Range<Int>? {
        guard let end = bytes.firstIndex(of: UInt8(ascii: "\n"), from: searched) else {
            return nil
        }
        defer { self = LineCursor(start: end + 1) }
        return start..<end
    }
}
