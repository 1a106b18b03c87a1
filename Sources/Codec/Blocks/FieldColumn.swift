import Bytes
import Columns

/// A field of a segment and its dictionary.
final class Field {
    let kind: HoleKind
    /// The dictionary; nil where the field has none.
    let texts: TextTable?
    /// The places in `texts` in the order of the dictionary.
    let order: [Int]
    private var numbers: [UInt32]

    init(kind: HoleKind, texts: TextTable?, order: [Int]) {
        self.kind = kind
        self.texts = texts
        self.order = order
        numbers = [UInt32](repeating: 0, count: order.count)
        for (number, place) in order.enumerated() { numbers[place] = UInt32(number) }
    }

    /// The number of a text in the dictionary; nil if the survey did not see it.
    func number(of text: RawSpan) -> UInt32? {
        guard let place = texts?.number(of: text) else { return nil }
        return numbers[place]
    }
}

/// The values of a field in the block at hand.
final class FieldColumn {
    let field: Field
    private var values: FieldValues

    init(_ field: Field) {
        self.field = field
        values = FieldValues(field)
    }

    var isEmpty: Bool { values.isEmpty }

    func append(_ hole: Hole, _ record: RawSpan) throws(DecodeFailure) {
        try values.append(hole, record)
    }

    /// Appends the column and forgets the values.
    func write(to buffer: inout ByteBuffer) { values.write(to: &buffer) }
}

/// The values of a field.
private struct FieldValues: ~Copyable {
    private let field: Field
    private var values: [UInt64] = []
    private var scales: [UInt64] = []
    private var texts = TextList()

    init(_ field: Field) { self.field = field }

    var isEmpty: Bool { values.isEmpty && texts.count == 0 }

    mutating func append(_ hole: Hole, _ record: RawSpan) throws(DecodeFailure) {
        guard field.kind.isText else {
            values.append(hole.value)
            if field.kind == .number { scales.append(hole.scale) }
            return
        }
        let text = record.extracting(hole.start..<hole.end)
        guard field.texts != nil else { return texts.append(text) }
        guard let number = field.number(of: text) else {
            throw .invalid("record that the survey did not see", 0)
        }
        values.append(UInt64(number))
    }

    /// Appends the column and forgets the values.
    ///
    ///     number = varint length | integer column of scales | integer column of mantissas, zigzag
    ///     others = an integer column, or a text column where the field has no dictionary
    mutating func write(to buffer: inout ByteBuffer) {
        if field.kind.isText, field.texts == nil {
            TextColumn.append(texts, to: &buffer)
        } else {
            if field.kind == .number {
                var column = ByteBuffer()
                IntegerColumn.append(scales, to: &column)
                buffer.appendPrefixed(column.bytes)
            }
            IntegerColumn.append(values, to: &buffer)
        }
        values.removeAll(keepingCapacity: true)
        scales.removeAll(keepingCapacity: true)
        texts.clear()
    }
}
