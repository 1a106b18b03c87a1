/// The tokens of the document that a `JSONTokenizer` read last, borrowed for one pass over them.
///
/// It stands beside the tokenizer's own methods for the hot path: whoever walks a document asks for
/// hundreds of tokens, and a view of plain memory answers in a load or two.
///
/// It is inlined into other modules, which do not see the C header, so it reads the fields of a
/// `daybook_json_token` by their place: text or next at 0, count at 8, tag at 12, 16 bytes in all.
@safe @usableFromInline
package struct JSONTokens: ~Escapable {
    @usableFromInline let base: UnsafeRawPointer
    /// Tokens of the document; 0 if it was refused.
    @usableFromInline package let count: Int

    @_lifetime(borrow owner)
    init(_ base: UnsafeRawPointer, count: Int, of owner: borrowing JSONTokenizer) {
        unsafe self.base = base
        self.count = count
    }

    @inlinable @inline(always)
    func field<Field: BitwiseCopyable>(_ index: Int, _ offset: Int, as type: Field.Type) -> Field {
        precondition(index >= 0 && index < count, "no such token")
        return unsafe base.load(fromByteOffset: index &* 16 &+ offset, as: type)
    }

    @inlinable @inline(always)
    func rawTag(_ index: Int) -> UInt32 { field(index, 12, as: UInt32.self) }

    /// What token `index` is.
    @inlinable @inline(always)
    package func tag(_ index: Int) -> JSONTag {
        // Spelled out: the enum's own initialiser is a call into this module.
        switch rawTag(index) {
        case 1: .false
        case 2: .true
        case 3: .number
        case 4: .string
        case 5: .key
        case 6: .object
        case 7: .array
        default: .null
        }
    }

    /// Whether token `index` is null.
    @inlinable @inline(always)
    package func isNull(_ index: Int) -> Bool { rawTag(index) == 0 }

    /// The text of a string, key or number; of any other token nothing.
    @inlinable @inline(always) @_lifetime(copy self)
    package func text(_ index: Int) -> RawSpan {
        let tag = rawTag(index)
        let isText = tag >= 3 && tag <= 5
        let start = unsafe field(index, 0, as: UnsafeRawPointer?.self)
        let count = isText ? memberCount(index) : 0
        let span = unsafe RawSpan(_unsafeStart: start ?? base, byteCount: count)
        return unsafe _overrideLifetime(span, copying: self)
    }

    /// Members of an object, or elements of an array.
    @inlinable @inline(always)
    package func memberCount(_ index: Int) -> Int { Int(field(index, 8, as: UInt32.self)) }

    /// The index behind the token and everything in it.
    @inlinable @inline(always)
    package func next(_ index: Int) -> Int {
        rawTag(index) >= 6 ? field(index, 0, as: Int.self) : index + 1
    }
}
