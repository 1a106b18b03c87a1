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
package struct EventScan: ~Copyable {
    /// What a property of a shape is.
    package enum Form: UInt8, BitwiseCopyable {
        /// The records have no such property.
        case absent
        /// A number: zigzag of its mantissa, with a scale.
        case number
        /// A text of the segment's dictionary, by its number.
        case text
        /// 0 or 1.
        case flag
    }

    /// Where the values of a block lie among `numbers`: a place for each record, from there on.
    package struct Column: BitwiseCopyable {
        /// The first record's value.
        package fileprivate(set) var start = 0
        /// The first record's scale, of numbers with different ones; below zero: all have `scale`.
        package fileprivate(set) var scales = -1
        /// The scale of all numbers.
        package fileprivate(set) var scale: UInt64 = 0
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
    private var dictionaries: [[[UInt8]]]

    /// The values of the block; the first of them are the numbers of the records' shapes.
    package var numbers: Span<UInt64> {
        @_lifetime(borrow self)
        get { batch.integers.span }
    }
    /// The accounts, as the segment numbers them; only of shapes that have one.
    package private(set) var account = Column()
    /// The types, numbers of `texts(ofProperty: nil)`.
    package private(set) var type = Column()
    /// The events' own times, zigzag nanoseconds UTC; only of shapes that have one.
    package private(set) var time = Column()
    /// The wanted properties, in the order of the paths.
    package private(set) var values: [Column] = []

    /// Whether records of a shape are events.
    package func isEvent(_ shape: Int) -> Bool {
        if case .event? = plans[shape] { return true }
        return false
    }

    /// Whether events of a shape have an account, and a time of their own.
    package func has(_ shape: Int) -> (account: Bool, time: Bool) {
        guard case .event(let places)? = plans[shape] else { return (false, false) }
        return (places.hasAccount, places.time != nil)
    }

    /// What a wanted property is in records of a shape.
    package func form(of property: Int, _ shape: Int) -> Form {
        guard case .event(let places)? = plans[shape], let field = places.values[property] else {
            return .absent
        }
        switch reader.fields[field].kind {
        case .number: return .number
        case .text, .raw: return .text
        case .flag: return .flag
        case .time: return .absent
        }
    }

    /// How many shapes the segment has.
    package var shapeCount: Int { plans.count }

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
    package mutating func text(_ property: Int, _ number: UInt64) -> [UInt8] {
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
    package mutating func read(
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
        align(block)
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

    /// Finds where the values of each wanted column lie, a place for each record. In a block of one shape they are so
    /// already.
    private mutating func align(_ block: borrowing BlockDecoder) {
        let isUniform = block.shapes.count == 1
        account = aligned(block, isUniform) { $0.hasAccount ? 0 : nil }
        type = aligned(block, isUniform) { $0.type }
        time = aligned(block, isUniform) { $0.time }
        values = paths.indices.map { index in aligned(block, isUniform) { $0.values[index] } }
    }

    private mutating func aligned(
        _ block: borrowing BlockDecoder, _ isUniform: Bool, _ field: (Places) -> Int?
    ) -> Column {
        var column = Column()
        if isUniform {
            guard case .event(let places)? = plans[block.shapes[0]], let only = field(places) else {
                return column
            }
            let run = block.runs[only]
            column.start = run.next
            column.scale = run.scale
            if run.scaleOffset != 0 { column.scales = run.next + run.scaleOffset }
            return column
        }
        // Of shapes that keep it in different fields, each has its own values.
        var fieldOfShape = [Int](repeating: -1, count: plans.count)
        for shape in block.shapes {
            guard case .event(let places)? = plans[shape] else { continue }
            fieldOfShape[shape] = field(places) ?? -1
        }
        var next = block.runs.map(\.next)
        column.start = batch.integers.count
        column.scales = column.start + block.count
        batch.integers.append(contentsOf: repeatElement(0, count: 2 * block.count))
        var numbers = batch.integers.mutableSpan
        for row in 0..<block.count {
            let field = fieldOfShape[Int(numbers[row])]
            guard field >= 0 else { continue }
            let place = next[field]
            next[field] = place &+ 1
            numbers[column.start &+ row] = numbers[place]
            let run = block.runs[field]
            numbers[column.scales &+ row] =
                run.scaleOffset == 0 ? run.scale : numbers[place &+ run.scaleOffset]
        }
        return column
    }
}
