import Bytes
import Columns

/// Reads the columns of a block, as far as a range of its records needs them, into numbers.
struct BlockDecoder {
    /// The values of a field that the range needs.
    struct Run {
        /// How many values all records of the block have, and those before the range.
        var total = 0
        var before = 0
        /// How many those in the range have.
        var inside = 0
        /// The first value in `RecordBatch.integers`.
        var next = 0
        /// The value of all of them, where the column is constant.
        var constant: UInt64?
        /// From a number to its scale in `RecordBatch.integers`; 0: all have the same.
        var scaleOffset = 0
        /// The scale of all numbers.
        var scale: UInt64 = 0
    }

    let dictionary: RecordBlockReader
    let count: Int
    let range: Range<Int>
    /// Where each column lies among the bytes of the block, by its number.
    private var parts: [Range<Int>?]
    private(set) var runs: [Run]
    private(set) var records = Run()
    /// The shapes that the records of the range have.
    private(set) var shapes: [Int] = []

    init(_ dictionary: RecordBlockReader, count: Int, range: Range<Int>) {
        self.dictionary = dictionary
        self.count = count
        self.range = range
        let columns = Int(ColumnID.fields) + dictionary.fields.count
        parts = [Range<Int>?](repeating: nil, count: columns)
        runs = [Run](repeating: Run(), count: dictionary.fields.count)
    }

    /// Finds the columns.
    mutating func readParts(_ columns: borrowing BlockColumns) throws(DecodeFailure) {
        for part in columns.parts where part.id != ColumnID.small {
            guard Int(part.id) < parts.count else { throw .invalid("number of a column", 0) }
            parts[Int(part.id)] = part.range
        }
        guard let small = columns.parts.first(where: { $0.id == ColumnID.small })?.range else {
            throw .invalid("block without small columns", 0)
        }
        var reader = ByteReader(columns.bytes.bytes(in: small))
        while !reader.isAtEnd {
            let id = try reader.readVarint()
            let length = try reader.readPrefixed().byteCount
            guard id < UInt64(parts.count) else { throw .invalid("number of a column", 0) }
            let end = small.lowerBound + reader.offset
            parts[Int(id)] = (end - length)..<end
        }
    }

    private func part(_ id: Int) throws(DecodeFailure) -> Range<Int> {
        guard let part = parts[id] else { throw .invalid("column that is missing", id) }
        return part
    }

    /// Reads which shape each record has, into the first numbers of the batch, and counts what follows
    /// from it.
    mutating func readShapes(
        _ columns: borrowing BlockColumns, _ batch: inout RecordBatch
    ) throws(DecodeFailure) {
        let column = columns.bytes.bytes(in: try part(Int(ColumnID.shapes)))
        let reader = try IntegerColumnReader(column, count: count)
        try reader.append(0..<count, to: &batch.integers)
        let shapeCount = dictionary.shapes.count
        var tallies = [Run](repeating: Run(), count: shapeCount + 1)
        if let only = reader.constant {
            guard only <= UInt64(shapeCount) else { throw .invalid("shape of a record", 0) }
            tallies[Int(only)] = Run(
                total: count, before: range.lowerBound, inside: range.count)
        } else {
            for place in 0..<count {
                let shape = batch.integers[place]
                guard shape <= UInt64(shapeCount) else {
                    throw .invalid("shape of a record", place)
                }
                tallies[Int(shape)].total += 1
                if place < range.lowerBound { tallies[Int(shape)].before += 1 }
                if range.contains(place) { tallies[Int(shape)].inside += 1 }
            }
        }
        records = tallies[shapeCount]
        for shape in 0..<shapeCount where tallies[shape].total > 0 {
            if tallies[shape].inside > 0 { shapes.append(shape) }
            for step in dictionary.shapes[shape] {
                let field = dictionary.steps[step].field
                runs[field].total += tallies[shape].total
                runs[field].before += tallies[shape].before
                runs[field].inside += tallies[shape].inside
            }
        }
    }

    /// Reads the values of the range. A text becomes its place.
    mutating func readFields(
        _ columns: borrowing BlockColumns, _ batch: inout RecordBatch
    ) throws(DecodeFailure) {
        if records.inside > 0 {
            records.next = batch.integers.count
            let column = columns.bytes.bytes(in: try part(Int(ColumnID.records)))
            try TextColumnReader(column, count: records.total).append(
                records.before..<(records.before + records.inside), hasLengths: false,
                to: &batch.texts, places: &batch.integers)
        }
        for field in runs.indices where runs[field].inside > 0 {
            let column = columns.bytes.bytes(in: try part(Int(ColumnID.fields) + field))
            try readField(field, column, &batch)
        }
    }

    private mutating func readField(
        _ field: Int, _ column: RawSpan, _ batch: inout RecordBatch
    ) throws(DecodeFailure) {
        let run = runs[field]
        let wanted = run.before..<(run.before + run.inside)
        let kind = dictionary.fields[field].kind
        runs[field].next = batch.integers.count
        if kind.isText {
            guard let texts = dictionary.fields[field].texts else {
                return try TextColumnReader(column, count: run.total).append(
                    wanted, hasLengths: kind == .text, to: &batch.texts, places: &batch.integers)
            }
            let first = batch.integers.count
            let numbers = try IntegerColumnReader(column, count: run.total)
            if let only = numbers.constant {
                guard only < UInt64(texts.count) else { throw .invalid("number of a text", field) }
                runs[field].constant = dictionary.places[texts.lowerBound + Int(only)]
                return
            }
            try numbers.append(wanted, to: &batch.integers)
            return try Self.look(up: first, in: dictionary.places, texts, &batch.integers)
        }
        var reader = ByteReader(column)
        if kind == .number {
            let scales = try IntegerColumnReader(try reader.readPrefixed(), count: run.total)
            if let only = scales.constant {
                runs[field].scale = only
            } else {
                try scales.append(wanted, to: &batch.integers)
                runs[field].next = batch.integers.count
                runs[field].scaleOffset = -run.inside
            }
        }
        let rest = try reader.read(count: reader.remaining)
        try IntegerColumnReader(rest, count: run.total).append(wanted, to: &batch.integers)
    }

    /// Reads the values of a field in the range as numbers: of a text that of its dictionary, not its place.
    mutating func readNumbers(
        of field: Int, _ columns: borrowing BlockColumns, _ batch: inout RecordBatch
    ) throws(DecodeFailure) {
        guard runs[field].inside > 0 else { return }
        let column = columns.bytes.bytes(in: try part(Int(ColumnID.fields) + field))
        guard let texts = dictionary.fields[field].texts else {
            return try readField(field, column, &batch)
        }
        let run = runs[field]
        runs[field].next = batch.integers.count
        try IntegerColumnReader(column, count: run.total).append(
            run.before..<(run.before + run.inside), to: &batch.integers)
        for index in runs[field].next..<batch.integers.count
        where batch.integers[index] >= UInt64(texts.count) {
            throw .invalid("number of a text", index)
        }
    }

    /// Replaces the numbers of a dictionary by the places of its texts.
    private static func look(
        up first: Int, in places: [UInt64], _ texts: Range<Int>, _ integers: inout [UInt64]
    ) throws(DecodeFailure) {
        let places = places.span
        let count = UInt64(texts.count)
        var numbers = integers.mutableSpan
        for index in first..<numbers.count {
            let number = numbers[index]
            guard number < count else { throw .invalid("number of a text", index) }
            numbers[index] = places[texts.lowerBound &+ Int(number)]
        }
    }
}
