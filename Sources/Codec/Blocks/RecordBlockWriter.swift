import Bytes
import Columns

/// The second pass: the records of a block as columns.
final class RecordBlockWriter: BlockWriter {
    /// A shape of the segment.
    struct Shape {
        /// The number of its template.
        let template: Int
        /// The field of each hole.
        let fields: [Int]
    }

    private let templates: TextTable
    private let shapes: [Shape]
    private let fields: [FieldColumn]
    private var block: BlockRecords

    /// - Parameter ranks: the number of the shape of each template; nil where that has none.
    init(templates: TextTable, ranks: [Int?], shapes: [Shape], fields: [Field]) {
        self.templates = templates
        self.shapes = shapes
        self.fields = fields.map { FieldColumn($0) }
        block = BlockRecords(templates, ranks, shapes, self.fields)
    }

    func append(_ record: RawSpan) throws(DecodeFailure) { try block.append(record) }

    func finishBlock(into columns: inout BlockColumns) -> BlockSummary {
        block.finish(into: &columns)
    }

    func appendDictionary(to buffer: inout ByteBuffer) {
        buffer.appendVarint(UInt64(fields.count))
        for column in fields {
            let field = column.field
            buffer.append(field.kind.rawValue)
            buffer.append(field.texts == nil ? 0 : 1)
            guard let texts = field.texts else { continue }
            var list = TextList()
            for place in field.order { texts.withText(place) { list.append($0) } }
            buffer.appendVarint(UInt64(list.count))
            var column = ByteBuffer()
            TextColumn.append(list, to: &column)
            buffer.appendPrefixed(column.bytes)
        }
        buffer.appendVarint(UInt64(shapes.count))
        for shape in shapes {
            templates.withText(shape.template) { template in
                buffer.appendVarint(UInt64(template.byteCount))
                buffer.append(template)
            }
            for field in shape.fields { buffer.appendVarint(UInt64(field)) }
        }
    }

    var accountCount: Int { fields[0].field.order.count }

    func withAccount<R>(_ number: UInt32, _ body: (RawSpan) -> R) -> R {
        guard let texts = fields[0].field.texts else { preconditionFailure("no accounts") }
        return texts.withText(fields[0].field.order[Int(number)], body)
    }
}

/// The records of the block at hand; in one struct, so that each call checks once that nobody else is
/// at it.
private struct BlockRecords: ~Copyable {
    private var walk = RecordWalk()
    private let templates: TextTable
    private let ranks: [Int?]
    private let shapes: [RecordBlockWriter.Shape]
    private let fields: [FieldColumn]
    private var shapeNumbers: [UInt64] = []
    private var records = TextList()
    private var accounts: [UInt32] = []
    private var times: ClosedRange<Int64>?

    init(
        _ templates: TextTable, _ ranks: [Int?], _ shapes: [RecordBlockWriter.Shape],
        _ fields: [FieldColumn]
    ) {
        self.templates = templates
        self.ranks = ranks
        self.shapes = shapes
        self.fields = fields
    }

    mutating func append(_ record: RawSpan) throws(DecodeFailure) {
        walk.read(record)
        let account = try account(of: record)
        if let shape = shape() {
            let fields = shapes[shape].fields
            for (place, hole) in walk.holes.enumerated() {
                try self.fields[fields[place]].append(hole, record)
            }
            shapeNumbers.append(UInt64(shape))
        } else {
            records.append(record)
            shapeNumbers.append(UInt64(shapes.count))
        }
        accounts.append(account)
        if let place = walk.time {
            let time = IntegerColumn.unzigzag(walk.holes[place].value)
            times = min(times?.lowerBound ?? time, time)...max(times?.upperBound ?? time, time)
        }
    }

    private func shape() -> Int? {
        guard walk.isShaped else { return nil }
        guard let template = templates.number(of: walk.template.bytes) else { return nil }
        return ranks[template]
    }

    private func account(of record: RawSpan) throws(DecodeFailure) -> UInt32 {
        guard let place = walk.subject else { return BlockSummary.noAccount }
        let hole = walk.holes[place]
        guard let number = fields[0].field.number(of: record.extracting(hole.start..<hole.end))
        else { throw .invalid("record that the survey did not see", 0) }
        return number
    }

    mutating func finish(into columns: inout BlockColumns) -> BlockSummary {
        var small = ByteBuffer()
        var column = ByteBuffer()
        IntegerColumn.append(shapeNumbers, to: &column)
        Self.add(ColumnID.shapes, &column, &small, &columns)
        if records.count > 0 {
            TextColumn.append(records, to: &column)
            Self.add(ColumnID.records, &column, &small, &columns)
        }
        for (number, field) in fields.enumerated() where !field.isEmpty {
            field.write(to: &column)
            Self.add(ColumnID.fields + UInt16(number), &column, &small, &columns)
        }
        columns.append(ColumnID.small) { $0.append(small.bytes) }
        let summary = BlockSummary(accounts: accounts, times: times)
        shapeNumbers.removeAll(keepingCapacity: true)
        records.clear()
        accounts.removeAll(keepingCapacity: true)
        times = nil
        return summary
    }

    /// Puts a column where its size says, and empties the buffer that it was in.
    private static func add(
        _ id: UInt16, _ column: inout ByteBuffer, _ small: inout ByteBuffer,
        _ columns: inout BlockColumns
    ) {
        if column.count < ColumnID.smallBytesMax {
            small.appendVarint(UInt64(id))
            small.appendPrefixed(column.bytes)
        } else {
            let start = columns.bytes.count
            columns.bytes.append(column.bytes)
            columns.add(BlockColumns.Part(id: id, range: start..<columns.bytes.count))
        }
        column.clear()
    }
}
