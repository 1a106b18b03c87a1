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
    private let accounts: AccountIndex

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
        accounts = AccountIndex(
            arena, loader.places, loader.fields[0].texts ?? 0..<0,
            key: SipKey(SHA256.hash(dictionary)))
    }

    var byteCount: Int {
        arena.count + 8 * places.count + MemoryLayout<Step>.stride * steps.count
            + 4 * accounts.slots.count + 16 * (fields.count + shapes.count)
    }

    var accountCount: Int { fields[0].texts?.count ?? 0 }

    func withAccount<R>(_ number: UInt32, _ body: (RawSpan) -> R) -> R {
        precondition(number < accountCount, "no such account")
        let arena = arena
        return body(AccountIndex.name(arena.raw, places[Int(number)]))
    }

    func accountNumber(of name: RawSpan) -> UInt32? { accounts.find(name, arena, places) }

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
        var assembler = BlockAssembler(block, &batch.texts)
        // Out of the batch meanwhile, so that nothing checks that they are two things.
        let integers = batch.integers
        batch.integers = []
        defer { batch.integers = integers }
        try assembler.assemble(integers, batch.texts, to: &batch.bytes, &batch.ends)
    }
}

/// Finds accounts by name. Hashes are keyed by the whole dictionary: no sender can make names collide,
/// who does not know all the others.
struct AccountIndex: Sendable {
    /// Number + 1 of an account, 0 where there is none; as long as a power of two.
    let slots: [UInt32]
    private let key: SipKey

    init(_ arena: [UInt8], _ places: [UInt64], _ accounts: Range<Int>, key: SipKey) {
        self.key = key
        var size = 16
        while size < 2 * accounts.count { size *= 2 }
        var slots = [UInt32](repeating: 0, count: size)
        for account in accounts {
            let hash = siphash(Self.name(arena.raw, places[account]), key: key)
            var slot = Int(truncatingIfNeeded: hash) & (size - 1)
            while slots[slot] != 0 { slot = (slot + 1) & (size - 1) }
            slots[slot] = UInt32(account + 1)
        }
        self.slots = slots
    }

    func find(_ name: RawSpan, _ arena: [UInt8], _ places: [UInt64]) -> UInt32? {
        let mask = slots.count - 1
        var slot = Int(truncatingIfNeeded: siphash(name, key: key)) & mask
        while slots[slot] != 0 {
            let number = slots[slot] - 1
            if Self.name(arena.raw, places[Int(number)]).isEqual(to: name) { return number }
            slot = (slot + 1) & mask
        }
        return nil
    }

    /// The text at a place, without the varint of its length before it.
    @_lifetime(copy arena)
    static func name(_ arena: RawSpan, _ place: UInt64) -> RawSpan {
        var start = TextPlace.start(place)
        let end = start + TextPlace.length(place)
        while arena.byte(at: start) >= 0x80 { start += 1 }
        return arena.extracting((start + 1)..<end)
    }
}
