import Bytes
import Columns

/// The dictionary of a sealed segment, unfolded: immutable, and shared by all threads.
///
///     dictionary = varint fields | for each field: kind u8 | 0, or 1 and
///                      varint count | varint length | text column
///                | varint shapes | for each shape: varint length | template | varint field of each hole
///
/// Field 0 is that of the accounts. A template is as in `RecordWalk`; its last part is a hole of raw
/// bytes, the outcome, and the content ends before it.
final class RecordBlockReader: BlockReader {
    /// A field.
    struct Field {
        let kind: HoleKind
        /// The texts of its dictionary among those of all fields; nil: it has none.
        let texts: Range<Int>?
    }

    /// A step of the assembly of a record: bytes as they are, then a value.
    struct Step {
        /// Where the bytes lie in `arena`.
        let literal: UInt64
        let kind: HoleKind
        /// Whether the text lies in `arena` rather than among the texts of the batch.
        let isShared: Bool
        let field: Int
    }

    /// The bytes of all dictionaries and templates.
    let arena: [UInt8]
    /// Where the texts of all dictionaries lie in `arena`, with their lengths where they have some.
    let places: [UInt64]
    let fields: [Field]
    let steps: [Step]
    /// The steps of each shape.
    let shapes: [Range<Int>]
    private let accounts: TextIndex

    init(_ dictionary: RawSpan) throws(DecodeFailure) {
        var reader = ByteReader(dictionary)
        var loader = DictionaryLoader()
        try loader.readFields(&reader)
        try loader.readShapes(&reader)
        guard reader.isAtEnd else { throw .invalid("bytes behind a dictionary", reader.offset) }
        let arena = loader.arena.copyBytes(in: 0..<loader.arena.count)
        self.arena = arena
        places = loader.places
        fields = loader.fields
        steps = loader.steps
        shapes = loader.shapes
        accounts = TextIndex(arena.raw, loader.places, loader.fields[0].texts ?? 0..<0)
    }

    var byteCount: Int {
        arena.count + 8 * places.count + MemoryLayout<Step>.stride * steps.count
            + accounts.byteCount + 16 * (fields.count + shapes.count)
    }

    var accountCount: Int { fields[0].texts?.count ?? 0 }

    func withAccount<R>(_ number: UInt32, _ body: (RawSpan) -> R) -> R {
        precondition(number < accountCount, "no such account")
        let arena = arena
        return body(TextIndex.text(arena.raw, places[Int(number)]))
    }

    func accountNumber(of name: RawSpan) -> UInt32? {
        let arena = arena
        return accounts.find(name, arena.raw, places)
    }

    func decode(
        _ columns: borrowing BlockColumns, count: Int, range: Range<Int>,
        into batch: inout RecordBatch
    ) throws(DecodeFailure) {
        precondition(range.lowerBound >= 0 && range.upperBound <= count, "beyond the block")
        guard !range.isEmpty else { return }
        var block = BlockDecoder(self, count: count, range: range)
        try block.readParts(columns)
        batch.integers.removeAll(keepingCapacity: true)
        batch.texts.clear()
        try block.readShapes(columns, &batch)
        try block.readFields(columns, &batch)
        var assembler = try BlockAssembler(block, &batch.texts)
        // Out of the batch meanwhile, so that nothing checks that they are two things.
        let integers = batch.integers
        batch.integers = []
        defer { batch.integers = integers }
        try assembler.assemble(integers, batch.texts, to: &batch.bytes, &batch.ends)
    }
}
