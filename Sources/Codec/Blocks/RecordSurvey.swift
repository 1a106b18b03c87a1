import Bytes
import Columns

/// The first pass over a segment's records: which shapes there are, and which texts come again.
final class RecordSurvey: BlockSurvey {
    /// In one struct, so that each call checks once that nobody else is at it.
    private var survey = ShapeSurvey()

    func note(_ record: RawSpan) throws(DecodeFailure) { survey.note(record) }

    func finish() -> any BlockWriter { survey.finish() }
}

/// What is known of the shapes of a segment, and of the fields in them.
private struct ShapeSurvey: ~Copyable {
    private var walk = RecordWalk()
    /// Templates, and for each how many records have it and the fields of its holes.
    private let templates = TextTable()
    private var shapes: [(count: Int, fields: [Int])] = []
    private let names = TextTable()
    private var fields: [FieldSurvey] = []

    init() {
        // The accounts' field is there before any record, so it is number 0.
        let name = RecordWalk.subjectName
        _ = names.add(name.raw)
        fields.append(FieldSurvey(kind: .text, isAlwaysDictionary: true))
    }

    mutating func note(_ record: RawSpan) {
        walk.read(record)
        guard walk.isShaped, let shape = shape(of: record) else {
            if let subject = walk.subject {
                let hole = walk.holes[subject]
                fields[0].note(record.extracting(hole.start..<hole.end))
            }
            return
        }
        shapes[shape].count += 1
        for place in walk.holes.indices where walk.holes[place].kind.isText {
            let hole = walk.holes[place]
            fields[shapes[shape].fields[place]].note(record.extracting(hole.start..<hole.end))
        }
    }

    /// The number of the record's shape; nil where there are too many.
    private mutating func shape(of record: RawSpan) -> Int? {
        if let known = templates.number(of: walk.template.bytes) { return known }
        guard templates.count < ShapeLimits.shapesNotedMax,
            templates.textBytes + walk.template.count <= ShapeLimits.templateBytesMax
        else { return nil }
        walk.read(record, namesFields: true)
        let unknown = walk.names.count { names.number(of: $0.raw) == nil }
        guard names.count + unknown <= ShapeLimits.fieldsMax else { return nil }
        var numbers: [Int] = []
        for (name, hole) in zip(walk.names, walk.holes) {
            let number = names.add(name.raw)
            if number == fields.count {
                fields.append(FieldSurvey(kind: hole.kind, isAlwaysDictionary: false))
            }
            numbers.append(number)
        }
        shapes.append((0, numbers))
        return templates.add(walk.template.bytes)
    }

    func finish() -> RecordBlockWriter {
        // A shape of one record would only take the record's bytes to another place.
        let kept = shapes.indices.filter { shapes[$0].count > 1 }
            .sorted { (-shapes[$0].count, $0) < (-shapes[$1].count, $1) }
            .prefix(ShapeLimits.shapesMax)
        var numbers = [Int?](repeating: nil, count: fields.count)
        var plans: [Field] = []
        func number(of field: Int) -> Int {
            if let number = numbers[field] { return number }
            numbers[field] = plans.count
            plans.append(fields[field].finish())
            return plans.count - 1
        }
        _ = number(of: 0)
        var ranks = [Int?](repeating: nil, count: shapes.count)
        var keptShapes: [RecordBlockWriter.Shape] = []
        for shape in kept {
            ranks[shape] = keptShapes.count
            keptShapes.append(
                RecordBlockWriter.Shape(
                    template: shape, fields: shapes[shape].fields.map { number(of: $0) }))
        }
        return RecordBlockWriter(
            templates: templates, ranks: ranks, shapes: keptShapes, fields: plans)
    }
}

/// What is known of the texts of a field.
private struct FieldSurvey {
    private let kind: HoleKind
    private let isAlwaysDictionary: Bool
    private var count = 0
    private var counts: [Int] = []
    /// The texts; nil once they turned out to be mostly different.
    private var texts: TextTable?

    init(kind: HoleKind, isAlwaysDictionary: Bool) {
        self.kind = kind
        self.isAlwaysDictionary = isAlwaysDictionary
        texts = kind.isText ? TextTable() : nil
    }

    mutating func note(_ text: RawSpan) {
        guard let texts else { return }
        count += 1
        let number = texts.add(text)
        if number < counts.count {
            counts[number] += 1
            return
        }
        counts.append(1)
        precondition(texts.count <= ShapeLimits.dictionaryMax, "too many accounts in a segment")
        guard !isAlwaysDictionary else { return }
        // A quarter of 16,384 texts that came twice at the least, or it is not worth going on.
        let isDiverse = texts.count >= 16_384 && count < texts.count + texts.count / 4
        if isDiverse || text.byteCount > ShapeLimits.dictionaryTextMax
            || texts.count == ShapeLimits.dictionaryMax
        {
            self.texts = nil
            counts = []
        }
    }

    func finish() -> Field {
        guard let texts, isAlwaysDictionary || texts.count * 4 <= count else {
            return Field(kind: kind, texts: nil, order: [])
        }
        let order = counts.indices.sorted { (-counts[$0], $0) < (-counts[$1], $1) }
        return Field(kind: kind, texts: texts, order: order)
    }
}
