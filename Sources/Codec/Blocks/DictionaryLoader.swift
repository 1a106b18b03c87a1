import Bytes
import Columns

/// Unfolds the dictionary of a segment. Nothing in it is trusted.
struct DictionaryLoader: ~Copyable {
    private(set) var arena = ByteBuffer()
    private(set) var places: [UInt64] = []
    private(set) var fields: [RecordBlockReader.Field] = []
    private(set) var steps: [RecordBlockReader.Step] = []
    private(set) var shapes: [Range<Int>] = []

    init() {}

    mutating func readFields(_ reader: inout ByteReader) throws(DecodeFailure) {
        let count = try reader.readVarint()
        guard count >= 1, count <= UInt64(ShapeLimits.fieldsMax) else { throw .outOfRange(0) }
        for _ in 0..<count {
            guard let kind = HoleKind(rawValue: try reader.readByte()) else {
                throw .invalid("kind of a field", reader.offset - 1)
            }
            let form = try reader.readByte()
            guard form == 0 || form == 1 && kind.isText else {
                throw .invalid("form of a field", reader.offset - 1)
            }
            guard form == 1 else {
                fields.append(RecordBlockReader.Field(kind: kind, texts: nil))
                continue
            }
            let first = places.count
            let texts = try reader.readVarint()
            guard texts <= UInt64(ShapeLimits.dictionaryMax - first) else {
                throw .outOfRange(reader.offset)
            }
            let column = try TextColumnReader(try reader.readPrefixed(), count: Int(texts))
            try column.append(
                0..<Int(texts), hasLengths: kind == .text, to: &arena, places: &places)
            fields.append(RecordBlockReader.Field(kind: kind, texts: first..<places.count))
        }
        guard fields[0].kind == .text, fields[0].texts != nil else {
            throw .invalid("accounts without a dictionary", 0)
        }
    }

    mutating func readShapes(_ reader: inout ByteReader) throws(DecodeFailure) {
        let count = try reader.readVarint()
        guard count <= UInt64(ShapeLimits.shapesMax) else { throw .outOfRange(reader.offset) }
        for _ in 0..<count { try readShape(&reader) }
        // Behind the last bytes, so that a copy of 32 finds them readable.
        arena.appendZeros(32)
    }

    private mutating func readShape(_ reader: inout ByteReader) throws(DecodeFailure) {
        let first = steps.count
        let template = try reader.readPrefixed()
        var parts = ByteReader(template)
        var literal = TextPlace.word(0, 0)
        while !parts.isAtEnd {
            let code = try parts.readByte()
            if code == 0 {
                guard TextPlace.length(literal) == 0 else {
                    throw .invalid("template", parts.offset)
                }
                let start = arena.count
                arena.append(try parts.readPrefixed())
                literal = TextPlace.word(start, arena.count)
                continue
            }
            guard let kind = HoleKind(rawValue: code),
                steps.count - first < ShapeLimits.holesMax
            else { throw .invalid("template", parts.offset) }
            let field = try reader.readVarint()
            guard field < UInt64(fields.count), fields[Int(field)].kind == kind else {
                throw .invalid("field of a template", reader.offset)
            }
            steps.append(
                RecordBlockReader.Step(
                    literal: literal, kind: kind, isShared: fields[Int(field)].texts != nil,
                    field: Int(field)))
            literal = TextPlace.word(0, 0)
        }
        guard steps.count > first, steps[steps.count - 1].kind == .raw,
            TextPlace.length(literal) == 0
        else { throw .invalid("template without an outcome", reader.offset) }
        shapes.append(first..<steps.count)
    }
}
