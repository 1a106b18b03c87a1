import Billing
package import Bytes
package import Columns

/// # Events of sealed blocks as columns
///
/// Who only adds up quantities needs no record: of a block's columns it reads account, type, time and the few
/// properties that meters look at. What does not fit that form (other kinds of entries, properties that are
/// neither numbers, flags nor texts of a dictionary) is said to be so, and its block is read as records.
///
/// One for a segment and a thread.
package final class EventScan {
    /// A value of a column.
    package enum Form: UInt8 {
        /// The record has no such property.
        case absent
        /// A number: zigzag of its mantissa, with a scale.
        case number
        /// A text of the segment's dictionary, by its number.
        case text
        /// 0 or 1.
        case flag
    }

    /// The values of one property, a place for each record of a block.
    package struct Column {
        /// What each value is.
        package fileprivate(set) var forms: [Form] = []
        /// The values.
        package fileprivate(set) var bits: [UInt64] = []
        /// Decimal digits behind the point, of numbers.
        package fileprivate(set) var scales: [UInt8] = []
    }

    /// What is known of a shape.
    private enum Plan {
        /// Its records are shown as they are.
        case records
        /// Records that no meter looks at.
        case nothing
        /// Events that meters may look at.
        case event(Places)
    }

    /// Where the wanted values of a shape are: fields of the segment; nil: it has none.
    private struct Places {
        let hasAccount: Bool
        let type: Int
        let time: Int?
        let values: [Int?]
    }

    private let reader: RecordBlockReader
    private let paths: [PropertyPath]
    private let isPlain: (borrowing RecordView) -> Bool
    private var plans: [Plan?]
    private var batch = RecordBatch()
    private var next: [Int]
    private var dictionaries: [[[UInt8]]]

    /// The shape of each record: whether it is an event that meters may look at.
    package private(set) var isEvent: [Bool] = []
    /// The account of each record, as the segment numbers them; `BlockSummary.noAccount` without one.
    package private(set) var accounts: [UInt32] = []
    /// The type of each event, a text of `types`.
    package private(set) var types: [UInt32] = []
    /// The event's own time, nanoseconds UTC.
    package private(set) var times: [Int64] = []
    /// Whether the event has a time of its own.
    package private(set) var hasTime: [Bool] = []
    /// The wanted properties, in the order of the paths.
    package private(set) var columns: [Column]

    /// A scan of a segment.
    /// - Parameters:
    ///   - paths: the properties that are wanted.
    ///   - isPlain: whether all records of the shape of a record are events that may be read by their columns
    ///     (true), or have to be shown.
    /// - Returns: nil if the reader is not one of this codec.
    package init?(
        _ reader: any BlockReader, paths: [PropertyPath],
        isPlain: @escaping (borrowing RecordView) -> Bool
    ) {
        guard let reader = reader as? RecordBlockReader else { return nil }
        self.reader = reader
        self.paths = paths
        self.isPlain = isPlain
        plans = [Plan?](repeating: nil, count: reader.shapes.count)
        next = [Int](repeating: 0, count: reader.fields.count)
        columns = [Column](repeating: Column(), count: paths.count)
        dictionaries = [[[UInt8]]](repeating: [], count: paths.count)
    }

    /// How many accounts the segment has.
    package var accountCount: Int { reader.accountCount }

    /// The name of an account of the segment.
    package func withAccount<R>(_ number: UInt32, _ body: (RawSpan) -> R) -> R {
        reader.withAccount(number, body)
    }

    /// The texts of a dictionary: those of types, or of a property.
    package func texts(ofProperty index: Int?) -> [[UInt8]] {
        var field: Int?
        for known in plans {
            guard case .event(let known)? = known else { continue }
            if let index { field = known.values[index] } else { field = known.type }
            if field != nil { break }
        }
        guard let field, let texts = reader.fields[field].texts else { return [] }
        let arena = reader.arena
        return texts.map { TextIndex.text(arena.raw, reader.places[$0]).makeArray() }
    }

    /// The text of a property's dictionary with this number.
    package func text(_ property: Int, _ number: UInt64) -> [UInt8] {
        if dictionaries[property].isEmpty { dictionaries[property] = texts(ofProperty: property) }
        return dictionaries[property][Int(number)]
    }

    /// The text that a canonical node is; nil if it is none.
    package static func text(ofNode node: [UInt8]) -> [UInt8]? {
        guard case .string(let text)? = try? ValueCoder.value(node.raw) else { return nil }
        return Array(text.utf8)
    }

    /// Reads a block.
    /// - Returns: false if some of its records have to be shown.
    package func read(
        _ columns: borrowing BlockColumns, count: Int
    ) throws(DecodeFailure) -> Bool {
        var block = BlockDecoder(reader, count: count, range: 0..<count)
        try block.readParts(columns)
        batch.integers.removeAll(keepingCapacity: true)
        try block.readShapes(columns, &batch)
        guard block.records.inside == 0 else { return false }
        for shape in block.shapes where plans[shape] == nil {
            plans[shape] = try plan(of: shape, columns, count)
        }
        var fields: Set<Int> = []
        for shape in block.shapes {
            switch plans[shape] {
            case .records?, nil: return false
            case .nothing?: continue
            case .event(let places)?:
                if places.hasAccount { fields.insert(0) }
                fields.insert(places.type)
                if let time = places.time { fields.insert(time) }
                fields.formUnion(places.values.compactMap { $0 })
            }
        }
        for field in fields.sorted() { try block.readNumbers(of: field, columns, &batch) }
        scatter(block)
        return true
    }

    // MARK: Shapes

    /// Finds out what a shape is, from the first record of the block that has it.
    private func plan(
        of shape: Int, _ columns: borrowing BlockColumns, _ count: Int
    ) throws(DecodeFailure) -> Plan {
        guard let place = batch.integers[0..<count].firstIndex(of: UInt64(shape)) else {
            throw .invalid("shape of a record", shape)
        }
        var sample = RecordBatch()
        try reader.decode(columns, count: count, range: place..<(place + 1), into: &sample)
        let bytes = sample.record(0)
        let record = try RecordView(record: bytes)
        guard isPlain(record) else { return .records }
        guard record.kind == .event else { return .nothing }
        var walk = RecordWalk()
        walk.read(bytes, namesFields: true)
        let steps = reader.shapes[shape]
        guard walk.isShaped, walk.names.count == steps.count else { return .records }
        func field(_ names: [[UInt8]]) -> Int? {
            walk.names.firstIndex { names.contains($0) }
                .map { reader.steps[steps.lowerBound + $0].field }
        }
        guard let type = field([RecordWalk.typeName]), reader.fields[type].texts != nil else {
            return .records
        }
        var values: [Int?] = []
        for path in paths {
            guard record.property(path) != nil else {
                values.append(nil)
                continue
            }
            guard let value = field(RecordWalk.names(of: path)),
                !reader.fields[value].kind.isText || reader.fields[value].texts != nil
            else { return .records }
            values.append(value)
        }
        return .event(
            Places(
                hasAccount: record.subject != nil, type: type,
                time: field([RecordWalk.timeName]), values: values))
    }

    // MARK: Rows

    private func scatter(_ block: BlockDecoder) {
        let count = block.count
        isEvent = [Bool](repeating: false, count: count)
        accounts = [UInt32](repeating: BlockSummary.noAccount, count: count)
        types = [UInt32](repeating: 0, count: count)
        times = [Int64](repeating: 0, count: count)
        hasTime = [Bool](repeating: false, count: count)
        for index in columns.indices {
            columns[index].forms = [Form](repeating: .absent, count: count)
            columns[index].bits = [UInt64](repeating: 0, count: count)
            columns[index].scales = [UInt8](repeating: 0, count: count)
        }
        for field in next.indices { next[field] = block.runs[field].next }
        let integers = batch.integers
        // Most blocks have few shapes: one pass over the rows for each wanted column would read the shapes again.
        for row in 0..<count {
            let shape = Int(integers[row])
            guard case .event(let places)? = plans[shape] else { continue }
            isEvent[row] = true
            if places.hasAccount { accounts[row] = UInt32(truncatingIfNeeded: take(0, integers)) }
            types[row] = UInt32(truncatingIfNeeded: take(places.type, integers))
            if let time = places.time {
                hasTime[row] = true
                times[row] = IntegerColumn.unzigzag(take(time, integers))
            }
            for (index, value) in places.values.enumerated() {
                guard let value else { continue }
                let place = next[value]
                columns[index].bits[row] = take(value, integers)
                switch reader.fields[value].kind {
                case .number:
                    columns[index].forms[row] = .number
                    let run = block.runs[value]
                    let scale =
                        run.scaleOffset == 0 ? run.scale : integers[place + run.scaleOffset]
                    columns[index].scales[row] = UInt8(truncatingIfNeeded: scale)
                case .text, .raw: columns[index].forms[row] = .text
                case .flag: columns[index].forms[row] = .flag
                case .time: break
                }
            }
        }
    }

    private func take(_ field: Int, _ integers: [UInt64]) -> UInt64 {
        let place = next[field]
        next[field] = place + 1
        return integers[place]
    }
}
