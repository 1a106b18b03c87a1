package import CDaybook

/// The tokens of the document that a `JSONTokenizer` read last, borrowed for one pass over them.
///
/// It stands beside the tokenizer's own methods for the hot path: whoever walks a document asks for
/// hundreds of tokens, and a view of plain memory answers in a load or two.
@safe
package struct JSONTokens: ~Escapable {
    @usableFromInline let base: UnsafePointer<daybook_json_token>
    /// Tokens of the document; 0 if it was refused.
    package let count: Int

    @_lifetime(borrow owner)
    init(_ base: UnsafePointer<daybook_json_token>, count: Int, of owner: borrowing JSONTokenizer) {
        unsafe self.base = base
        self.count = count
    }

    @inlinable func token(_ index: Int) -> daybook_json_token {
        precondition(index >= 0 && index < count, "no such token")
        return unsafe base[index]
    }

    /// What token `index` is.
    @inlinable package func tag(_ index: Int) -> JSONTag {
        JSONTag(rawValue: UInt8(truncatingIfNeeded: unsafe token(index).tag)) ?? .null
    }

    /// The text of a string, key or number.
    @inlinable @_lifetime(copy self)
    package func text(_ index: Int) -> RawSpan {
        let token = unsafe token(index)
        let span = unsafe RawSpan(
            _unsafeStart: UnsafeRawPointer(token.at.text), byteCount: Int(token.count))
        return unsafe _overrideLifetime(span, copying: self)
    }

    /// Members of an object, or elements of an array.
    @inlinable package func memberCount(_ index: Int) -> Int { Int(unsafe token(index).count) }

    /// The index behind the token and everything in it.
    @inlinable package func next(_ index: Int) -> Int {
        let token = unsafe token(index)
        let isGroup = unsafe token.tag >= UInt32(JSONTag.object.rawValue)
        return isGroup ? Int(unsafe token.at.next) : index + 1
    }
}
