import Bytes

/// A value that was cut out of a record.
struct Hole: BitwiseCopyable {
    let kind: HoleKind
    /// Texts: where the bytes stand in the record.
    var start = 0
    /// Texts: where they end.
    var end = 0
    /// Numbers and times: zigzag; flags: 0 or 1.
    var value: UInt64 = 0
    /// Numbers: decimal digits behind the point; 0: an integer node.
    var scale: UInt64 = 0
}

/// Takes a record apart: its template, which is what its shape is known by, and the values in its holes.
/// One is used for record after record and keeps its memory.
///
///     template = parts in the order of the record, behind the length of its content:
///                0 | varint length | bytes     as they are
///                kind of a hole u8             see `HoleKind`
struct RecordWalk: ~Copyable {
    /// The template of the record that was read last.
    private(set) var template = ByteBuffer(capacity: 1024)
    /// Its holes.
    private(set) var holes: [Hole] = []
    /// Whether it has a template at all: it is a record in canonical form, and not too large.
    private(set) var isShaped = false
    /// The place of the account among the holes; known for a large record too.
    private(set) var subject: Int?
    /// The place of the event's time among the holes.
    private(set) var time: Int?
    /// The name of each hole's field: its kind and the path to it. Only where they were asked for.
    private(set) var names: [[UInt8]] = []
    private var namesFields = false
    private var path: [UInt8] = []
    private var literalStart = 0

    /// The name of the field of all accounts.
    static let subjectName: [UInt8] = [HoleKind.text.rawValue, Root.subject.rawValue]

    /// The name of the field of all types.
    static let typeName: [UInt8] = [HoleKind.text.rawValue, Root.type.rawValue]
    /// The name of the field of all times.
    static let timeName: [UInt8] = [HoleKind.time.rawValue, Root.time.rawValue]

    /// The names that the field of a property under `data` can have, if it is one value: by what that is.
    static func names(of path: PropertyPath) -> [[UInt8]] {
        var place = [Root.data.rawValue]
        for key in path.keys {
            var step = ByteBuffer(capacity: key.count + 8)
            step.appendPrefixed(key.raw)
            place += [Step.member] + step.copyBytes(in: 0..<step.count)
        }
        return [HoleKind.number, .text, .flag].map { [$0.rawValue] + place }
    }

    /// Where a path starts.
    private enum Root: UInt8 {
        case source, id, type, subject, time, timeText, attributes, data, outcome
    }

    /// How a path goes on.
    private enum Step {
        static let member: UInt8 = 1
        static let element: UInt8 = 2
        static let salted: UInt8 = 3
    }

    /// Reads a record of any bytes.
    mutating func read(_ record: RawSpan, namesFields: Bool = false) {
        template.clear()
        holes.removeAll(keepingCapacity: true)
        names.removeAll()
        (subject, time, isShaped, self.namesFields) = (nil, nil, false, namesFields)
        do throws(DecodeFailure) {
            try readRecord(record)
            isShaped =
                record.byteCount <= ShapeLimits.recordBytesMax
                && holes.count <= ShapeLimits.holesMax
        } catch {
            // Not canonical: no template. What was read of its head stands.
        }
    }

    private mutating func readRecord(_ record: RawSpan) throws(DecodeFailure) {
        var prefix = ByteReader(record)
        let length = try prefix.readVarint()
        guard length <= UInt64(prefix.remaining) else { throw .truncated(prefix.offset) }
        literalStart = prefix.offset
        let contentEnd = literalStart + Int(length)
        var reader = ByteReader(record.extracting(0..<contentEnd))
        _ = try reader.read(count: literalStart)
        let presence = try readHead(record, &reader)
        guard record.byteCount <= ShapeLimits.recordBytesMax else { return }
        if presence & RecordFormat.hasAttributes != 0 {
            path = [Root.attributes.rawValue]
            try readNode(record, &reader, NodeReader.depthMax)
        }
        if presence & RecordFormat.hasData != 0 {
            path = [Root.data.rawValue]
            try readNode(record, &reader, NodeReader.depthMax)
        }
        guard reader.isAtEnd else { throw .invalid("bytes after the content", reader.offset) }
        path = [Root.outcome.rawValue]
        add(Hole(kind: .raw, start: contentEnd, end: record.byteCount), record, contentEnd)
        literalStart = record.byteCount
    }

    /// Reads up to the attributes.
    private mutating func readHead(
        _ record: RawSpan, _ reader: inout ByteReader
    ) throws(DecodeFailure) -> UInt8 {
        guard try reader.readByte() == RecordFormat.version else {
            throw .invalid("record version", reader.offset)
        }
        _ = try reader.readByte()
        for root in [Root.source, .id, .type] { try readText(root, record, &reader) }
        let presence = try reader.readByte()
        guard presence & ~RecordFormat.presenceMask == 0 else {
            throw .invalid("record presence", reader.offset)
        }
        if presence & RecordFormat.hasSubject != 0 {
            let place = holes.count
            try readText(.subject, record, &reader)
            subject = place
        }
        guard presence & RecordFormat.hasTime != 0 else {
            guard presence & RecordFormat.hasTimeText == 0 else {
                throw .invalid("time text", reader.offset)
            }
            return presence
        }
        let nanoseconds = try reader.readInteger(as: Int64.self)
        path = [Root.time.rawValue]
        time = holes.count
        let value = UInt64(bitPattern: (nanoseconds << 1) ^ (nanoseconds >> 63))
        add(Hole(kind: .time, value: value), record, reader.offset - 8)
        literalStart = reader.offset
        _ = try reader.readByte()
        if presence & RecordFormat.hasTimeText != 0 { try readText(.timeText, record, &reader) }
        return presence
    }

    private mutating func readText(
        _ root: Root, _ record: RawSpan, _ reader: inout ByteReader
    ) throws(DecodeFailure) {
        if namesFields { path = [root.rawValue] }
        try readText(record, &reader)
    }

    /// Reads a length and its bytes.
    private mutating func readText(
        _ record: RawSpan, _ reader: inout ByteReader
    ) throws(DecodeFailure) {
        let start = reader.offset
        let length = try reader.readPrefixed().byteCount
        let end = reader.offset
        add(Hole(kind: .text, start: end - length, end: end), record, start)
        literalStart = end
    }

    /// Reads so many bytes without a length.
    private mutating func readRaw(
        _ count: Int, _ record: RawSpan, _ reader: inout ByteReader
    ) throws(DecodeFailure) {
        let start = reader.offset
        _ = try reader.read(count: count)
        add(Hole(kind: .raw, start: start, end: reader.offset), record, start)
        literalStart = reader.offset
    }

    private mutating func readNode(
        _ record: RawSpan, _ reader: inout ByteReader, _ depth: Int
    ) throws(DecodeFailure) {
        guard depth > 0 else { throw .invalid("nested too deeply", reader.offset) }
        let start = reader.offset
        let tag = try reader.readByte()
        switch tag {
        case NodeTag.null: return
        case NodeTag.false, NodeTag.true:
            add(Hole(kind: .flag, value: UInt64(tag - NodeTag.false)), record, start)
            literalStart = reader.offset
        case NodeTag.integer, NodeTag.decimal: try readNumber(tag, start, record, &reader)
        case NodeTag.numberText, NodeTag.string: try readText(record, &reader)
        case NodeTag.array:
            let count = try NodeReader.count(&reader)
            for _ in 0..<count { try readChild([Step.element], record, &reader, depth) }
        case NodeTag.object:
            let count = try NodeReader.count(&reader)
            for _ in 0..<count {
                let keyStart = reader.offset
                let key = try reader.readPrefixed()
                guard namesFields else {
                    try readNode(record, &reader, depth - 1)
                    continue
                }
                let prefixed = record.extracting(keyStart..<reader.offset).makeArray()
                _ = key
                try readChild([Step.member] + prefixed, record, &reader, depth)
            }
        case NodeTag.salted:
            try readRaw(16, record, &reader)
            try readChild([Step.salted], record, &reader, depth)
        case NodeTag.redacted: try readRaw(32, record, &reader)
        case NodeTag.retired, NodeTag.retiredPersonal:
            try readRaw(NodeTag.retiredHashBytes(tag), record, &reader)
            try readChild([Step.salted], record, &reader, depth)
        default: throw .invalid("node tag", start)
        }
    }

    private mutating func readChild(
        _ step: [UInt8], _ record: RawSpan, _ reader: inout ByteReader, _ depth: Int
    ) throws(DecodeFailure) {
        guard namesFields else { return try readNode(record, &reader, depth - 1) }
        let length = path.count
        path += step
        try readNode(record, &reader, depth - 1)
        path.removeLast(path.count - length)
    }

    private mutating func readNumber(
        _ tag: UInt8, _ start: Int, _ record: RawSpan, _ reader: inout ByteReader
    ) throws(DecodeFailure) {
        let scale = tag == NodeTag.decimal ? UInt64(try reader.readByte()) : 0
        guard tag == NodeTag.integer || scale > 0 else { throw .invalid("decimal", start) }
        let mantissa = try reader.readVarint128()
        if let value = UInt64(exactly: mantissa) {
            add(Hole(kind: .number, value: value, scale: scale), record, start)
        } else {
            add(Hole(kind: .raw, start: start, end: reader.offset), record, start)
        }
        literalStart = reader.offset
    }

    /// Adds a hole, and before it the bytes between the one before and `start`.
    private mutating func add(_ hole: Hole, _ record: RawSpan, _ start: Int) {
        if start > literalStart {
            template.append(0)
            template.appendPrefixed(record.extracting(literalStart..<start))
        }
        template.append(hole.kind.rawValue)
        holes.append(hole)
        if namesFields { names.append([hole.kind.rawValue] + path) }
    }
}
