import Bytes
import Platform

/// # CSV as it comes
///
/// RFC 4180 with what the world adds: a byte order mark, LF or CR alone as line ends, a last line
/// without one, quotes inside unquoted fields, other delimiters. One record at a time from a file of
/// any size; only the present block and record are in memory.
///
/// A record that cannot be read costs its first line and nothing more: reading goes on with the
/// next line, also where a quote is never closed and would swallow the rest of the file.
struct CSVReader: ~Copyable {
    /// A record's bytes at most, as an event's.
    private static let recordBytesMax = 256 << 10

    /// What comes next.
    enum Next {
        /// A record of so many fields, in `field(_:)`. An empty line has none.
        case record(fields: Int)
        /// A line that is no record.
        case problem(String)
        case end
    }

    private let source: LineSource
    private let delimiter: UInt8
    private var input = ByteBuffer(capacity: 1 << 20)
    private var start = 0
    private var sourceOffset = 0
    private var isAtEnd = false
    private var hasBegun = false

    private var fields = ByteBuffer(capacity: 4096)
    private var ends: [Int] = []

    /// 1-based number of the line on which the newest record begins.
    private(set) var line = 0
    /// Lines that it takes.
    private(set) var lineCount = 0

    init(_ source: LineSource, delimiter: UInt8) {
        self.source = source
        self.delimiter = delimiter
    }

    /// The fields of the newest record, without their quotes, one behind the other.
    var bytes: [UInt8] { fields.copyBytes(in: 0..<fields.count) }

    /// Where a field of the newest record lies in `bytes`.
    func range(_ index: Int) -> Range<Int> { (index == 0 ? 0 : ends[index - 1])..<ends[index] }

    /// Reads the next record.
    mutating func next() throws -> Next {
        line += lineCount
        if !hasBegun {
            hasBegun = true
            line = 1
            try skipByteOrderMark()
        }
        while true {
            let found = scan()
            switch found {
            case .whole(let end):
                advance(to: end)
                let isEmpty = ends.count == 1 && fields.count == 0
                return .record(fields: isEmpty ? 0 : ends.count)
            case .problem(let message):
                try skipLine()
                return .problem(message)
            case .needsMore:
                if isAtEnd {
                    lineCount = 0
                    return .end
                }
                guard input.count - start <= Self.recordBytesMax else {
                    try skipLine()
                    return .problem(
                        "a record that begins here does not end within 256 KiB; is a quote not "
                            + "closed?")
                }
                try fill()
            }
        }
    }

    private enum Scan {
        /// It ends before this offset, line end included.
        case whole(Int)
        case needsMore
        case problem(String)
    }

    /// Reads the record at `start` into `fields`.
    private mutating func scan() -> Scan {
        fields.clear()
        ends.removeAll(keepingCapacity: true)
        if start == input.count { return .needsMore }
        var place = start
        while true {
            if place < input.count, input.bytes.byte(at: place) == UInt8(ascii: "\"") {
                guard let end = quoted(from: place + 1) else {
                    return isAtEnd
                        ? .problem("the quote in field \(ends.count + 1) is not closed")
                        : .needsMore
                }
                place = end
            } else {
                place = bare(from: place)
            }
            ends.append(fields.count)
            guard place < input.count else {
                return isAtEnd ? .whole(place) : .needsMore
            }
            switch input.bytes.byte(at: place) {
            case delimiter: place += 1
            case UInt8(ascii: "\n"): return .whole(place + 1)
            case UInt8(ascii: "\r"):
                guard place + 1 < input.count else {
                    return isAtEnd ? .whole(place + 1) : .needsMore
                }
                let isPair = input.bytes.byte(at: place + 1) == UInt8(ascii: "\n")
                return .whole(place + (isPair ? 2 : 1))
            default:
                return .problem("text behind the closing quote of field \(ends.count)")
            }
        }
    }

    /// Copies a field up to its delimiter or line end. - Returns: where that is.
    private mutating func bare(from first: Int) -> Int {
        var place = first
        while place < input.count {
            let byte = input.bytes.byte(at: place)
            if byte == delimiter || byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") {
                break
            }
            place += 1
        }
        fields.append(input.copyBytes(in: first..<place))
        return place
    }

    /// Copies a quoted field. - Returns: the offset behind its closing quote; nil: it has none yet.
    private mutating func quoted(from first: Int) -> Int? {
        var piece = first
        var place = first
        while place < input.count {
            guard input.bytes.byte(at: place) == UInt8(ascii: "\"") else {
                place += 1
                continue
            }
            guard place + 1 < input.count || isAtEnd else { return nil }
            let isDoubled =
                place + 1 < input.count && input.bytes.byte(at: place + 1) == UInt8(ascii: "\"")
            fields.append(input.copyBytes(in: piece..<(isDoubled ? place + 1 : place)))
            if !isDoubled { return place + 1 }
            place += 2
            piece = place
        }
        return nil
    }

    /// Moves behind what was read and counts its lines.
    private mutating func advance(to end: Int) {
        var lines = 0
        for place in start..<end {
            switch input.bytes.byte(at: place) {
            case UInt8(ascii: "\n"): lines += 1
            case UInt8(ascii: "\r"):
                let isPair =
                    place + 1 < input.count
                    && input.bytes.byte(at: place + 1) == UInt8(ascii: "\n")
                if !isPair { lines += 1 }
            default: break
            }
        }
        // The last line of a file may have no end.
        lineCount = max(1, lines)
        start = end
    }

    /// Moves behind the line at `start`. A line longer than any record is cut, not kept.
    private mutating func skipLine() throws {
        var place = start
        while true {
            while place < input.count {
                if input.bytes.byte(at: place) == UInt8(ascii: "\n") {
                    return advance(to: place + 1)
                }
                place += 1
            }
            guard !isAtEnd, place - start <= 2 * Self.recordBytesMax else {
                return advance(to: place)
            }
            place -= start
            try fill()
            place += start
        }
    }

    private mutating func fill() throws {
        if start > 0 {
            let rest = input.count - start
            input.move(from: start, to: 0, count: rest)
            input.truncate(to: rest)
            start = 0
        }
        let count = try source.read(at: sourceOffset, into: &input)
        sourceOffset += count
        if count == 0 { isAtEnd = true }
    }

    private mutating func skipByteOrderMark() throws {
        while input.count < 3, !isAtEnd { try fill() }
        let first = input.copyBytes(in: 0..<min(3, input.count))
        if first == [0xEF, 0xBB, 0xBF] { start = 3 }
        if first.starts(with: [0xFF, 0xFE]) || first.starts(with: [0xFE, 0xFF]) {
            throw CommandFailure(
                .rejected,
                "\(source.name) is UTF-16; convert it first: iconv -f UTF-16 -t UTF-8")
        }
    }
}
