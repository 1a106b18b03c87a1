import Bytes
import Columns

/// Puts the records of a range together, once the columns are numbers.
struct BlockAssembler {
    /// A step of the assembly of a record of this block: bytes that all of them have, then a value.
    private struct Step {
        /// Where the bytes lie among the texts of the batch.
        let literal: UInt64
        let kind: HoleKind
        /// Whether it is of texts: asked first, for a jump to one of five places is often foretold wrongly.
        let isText: Bool
        /// Whether a text lies in the dictionary's arena rather than among the texts of the batch.
        let isShared: Bool
        let field: Int
        /// From a number to its scale; 0: all have this one.
        let scaleOffset: Int
        let scale: UInt64
    }

    /// A shape as the records of this block have it: what is the same in all of them are plain bytes.
    private struct Shape {
        var steps = 0..<0
        /// Where the bytes behind the last step lie.
        var tail: UInt64 = 0
        /// How many of the tail's bytes are the outcome, if that is the same in all records.
        var tailOutcome = 0
        /// Whether the last step is the outcome.
        var endsInOutcome = false
    }

    private var steps: [Step] = []
    private var shapes: [Shape]
    private let range: Range<Int>
    /// The next value of each field, and of the records that are kept as they are.
    private var next: [Int]
    private let arena: [UInt8]

    /// Makes the steps; bytes that all records of a shape have are added to `texts`.
    /// - Throws: `DecodeFailure` where those bytes alone are more than a record with a shape may have.
    init(_ block: BlockDecoder, _ texts: inout ByteBuffer) throws(DecodeFailure) {
        range = block.range
        arena = block.dictionary.arena
        next = block.runs.map(\.next) + [block.records.next]
        shapes = [Shape](repeating: Shape(), count: block.dictionary.shapes.count)
        for shape in block.shapes { try addShape(shape, block, &texts) }
        // Behind the last text, so that a copy of 32 bytes finds them readable.
        texts.appendZeros(32)
    }

    private mutating func addShape(
        _ number: Int, _ block: BlockDecoder, _ texts: inout ByteBuffer
    ) throws(DecodeFailure) {
        let dictionary = block.dictionary
        let first = steps.count
        let places = dictionary.shapes[number]
        let limit = texts.count + ShapeLimits.recordBytesMax
        var start = texts.count
        var shape = Shape()
        for place in places {
            let step = dictionary.steps[place]
            try append(step.literal, to: &texts, limit)
            if let only = block.runs[step.field].constant {
                try append(only, to: &texts, limit)
                if place == places.upperBound - 1 { shape.tailOutcome = TextPlace.length(only) }
                continue
            }
            steps.append(
                Step(
                    literal: TextPlace.word(start, texts.count), kind: step.kind,
                    isText: step.kind.isText, isShared: step.isShared, field: step.field,
                    scaleOffset: block.runs[step.field].scaleOffset,
                    scale: block.runs[step.field].scale))
            start = texts.count
            shape.endsInOutcome = place == places.upperBound - 1
        }
        shape.tail = TextPlace.word(start, texts.count)
        shape.steps = first..<steps.count
        shapes[number] = shape
    }

    private func append(
        _ place: UInt64, to texts: inout ByteBuffer, _ limit: Int
    ) throws(DecodeFailure) {
        guard texts.count + TextPlace.length(place) <= limit else {
            throw .invalid("record that is too long", 0)
        }
        texts.append(arena.raw, from: TextPlace.start(place), length: TextPlace.length(place))
    }

    /// Appends the records.
    mutating func assemble(
        _ integers: [UInt64], _ texts: borrowing ByteBuffer, to buffer: inout ByteBuffer,
        _ ends: inout [Int]
    ) throws(DecodeFailure) {
        let (steps, shapes, arena) = (steps, shapes, arena)
        for place in range {
            let number = Int(integers[place])
            if number == shapes.count {
                let word = integers[next[next.count - 1]]
                next[next.count - 1] += 1
                Self.append(word, texts.bytes, to: &buffer)
            } else {
                var next = next.mutableSpan
                try Self.assemble(
                    shapes[number], steps.span, integers.span, arena.raw, texts.bytes, &next,
                    to: &buffer)
            }
            ends.append(buffer.count)
        }
    }

    @inline(__always) private static func append(
        _ word: UInt64, _ source: RawSpan, to buffer: inout ByteBuffer
    ) {
        buffer.append(source, from: TextPlace.start(word), length: TextPlace.length(word))
    }

    /// Appends a record of a shape.
    private static func assemble(
        _ shape: Shape, _ steps: Span<Step>, _ integers: Span<UInt64>, _ arena: RawSpan,
        _ texts: RawSpan, _ next: inout MutableSpan<Int>, to buffer: inout ByteBuffer
    ) throws(DecodeFailure) {
        let start = buffer.count
        // Room for the length of the content, in two bytes as nearly always.
        buffer.appendInteger(UInt16(0))
        var outcomeStart = start
        for index in shape.steps {
            let step = steps[index]
            append(step.literal, texts, to: &buffer)
            outcomeStart = buffer.count
            let place = next[step.field]
            next[step.field] = place &+ 1
            let value = integers[place]
            if step.isText {
                guard TextPlace.length(value) <= ShapeLimits.recordBytesMax else {
                    throw .invalid("text that is too long", index)
                }
                append(value, step.isShared ? arena : texts, to: &buffer)
                continue
            }
            switch step.kind {
            case .text, .raw: break
            case .number:
                let isFixed = step.scaleOffset == 0
                let scale = isFixed ? step.scale : integers[place &+ step.scaleOffset]
                try appendNumber(value, scale: scale, to: &buffer)
            case .flag:
                guard value <= 1 else { throw .invalid("flag", index) }
                buffer.append(value == 0 ? NodeTag.false : NodeTag.true)
            case .time: buffer.appendInteger(IntegerColumn.unzigzag(value))
            }
        }
        append(shape.tail, texts, to: &buffer)
        let contentEnd = shape.endsInOutcome ? outcomeStart : buffer.count - shape.tailOutcome
        try setLength(contentEnd - start - 2, at: start, of: &buffer)
    }

    @inline(__always) private static func appendNumber(
        _ value: UInt64, scale: UInt64, to buffer: inout ByteBuffer
    ) throws(DecodeFailure) {
        guard scale <= 255 else { throw .invalid("scale of a number", 0) }
        if scale == 0 {
            buffer.append(NodeTag.integer)
        } else {
            buffer.append(NodeTag.decimal)
            buffer.append(UInt8(truncatingIfNeeded: scale))
        }
        buffer.appendShortVarint(value)
    }

    /// Writes the length of the content before it.
    @inline(__always) private static func setLength(
        _ length: Int, at start: Int, of buffer: inout ByteBuffer
    ) throws(DecodeFailure) {
        guard buffer.count - start - 2 <= ShapeLimits.recordBytesMax else {
            throw .invalid("record that is too long", start)
        }
        if length >= 128 {
            let word = UInt16(truncatingIfNeeded: (length & 127) | 128 | (length >> 7) << 8)
            buffer.overwriteInteger(word, at: start)
        } else {
            let rest = buffer.count - start - 2
            buffer.move(from: start + 2, to: start + 1, count: rest)
            buffer.truncate(to: start + 1 + rest)
            buffer.overwriteInteger(UInt8(length), at: start)
        }
    }
}
