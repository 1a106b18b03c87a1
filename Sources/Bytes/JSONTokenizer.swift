import CDaybook

/// What a token is.
@usableFromInline
package enum JSONTag: UInt8, Sendable {
    case null, `false`, `true`, number, string, key, object, array
}

/// What is wrong with a document.
package struct JSONProblem: Error, Equatable, Sendable {
    /// In words.
    package let message: String
}

/// Reads JSON documents, one after the other, into tokens in document order: an object is its
/// token, then for each member a key and the tokens of its value.
///
/// One for each thread; tokens and texts are valid until the next `parse`, and as long as the line
/// stays as it is: a text without escapes lies in it. Every value is visited,
/// so a document is valid to its last byte or refused. Numbers keep their text.
@safe
package final class JSONTokenizer {
    /// Nesting that is read; deeper is refused.
    package static let depthMax = 64
    /// Bytes behind a document that must be readable, which the parser's wide loads may touch.
    package static let paddingBytes = 64

    private let parser: OpaquePointer
    private var padded = ByteBuffer(capacity: 4096)
    private var tokens: UnsafePointer<daybook_json_token>
    /// Tokens of the document; 0 if it was refused.
    package private(set) var count = 0

    /// A tokenizer.
    package init() {
        guard let parser = unsafe daybook_json_create() else {
            preconditionFailure("no memory for a JSON parser")
        }
        let (size, tag) = unsafe (
            MemoryLayout<daybook_json_token>.size,
            MemoryLayout<daybook_json_token>.offset(of: \.tag)
        )
        precondition(size == 16 && tag == 12, "JSONTokens reads tokens by the place of fields")
        unsafe self.parser = parser
        unsafe tokens = daybook_json_tokens(parser)
    }

    deinit { unsafe daybook_json_destroy(parser) }

    /// Reads one document.
    /// - Parameters:
    ///   - line: the document.
    ///   - paddingAvailable: bytes that are readable behind it; with fewer than `paddingBytes` the
    ///     document is copied first.
    /// - Returns: what is wrong; nil: it was read.
    package func parse(_ line: RawSpan, paddingAvailable: Int) -> JSONProblem? {
        if paddingAvailable < Self.paddingBytes {
            padded.clear()
            padded.append(line)
            padded.appendZeros(Self.paddingBytes)
            return padded.withBytes(in: 0..<line.byteCount) { read($0) }
        }
        return read(line)
    }

    private func read(_ line: RawSpan) -> JSONProblem? {
        let message = unsafe line.withUnsafeBytes { bytes -> String? in
            let start = unsafe bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
            let message = unsafe daybook_json_parse(
                parser, start, bytes.count, UInt32(Self.depthMax))
            return unsafe message.map { unsafe String(cString: $0) }
        }
        unsafe tokens = daybook_json_tokens(parser)
        count = message == nil ? Int(unsafe daybook_json_count(parser)) : 0
        return message.map { JSONProblem(message: $0) }
    }

    /// All tokens, as a view for one pass.
    package var all: JSONTokens {
        @_lifetime(borrow self)
        get { unsafe JSONTokens(UnsafeRawPointer(tokens), count: count, of: self) }
    }

    /// What token `index` is.
    package func tag(_ index: Int) -> JSONTag { all.tag(index) }

    /// The text of a string, key or number.
    @_lifetime(borrow self)
    package func text(_ index: Int) -> RawSpan { all.text(index) }

    /// Members of an object, or elements of an array.
    package func memberCount(_ index: Int) -> Int { all.memberCount(index) }

    /// The index behind the token and everything in it.
    package func next(_ index: Int) -> Int { all.next(index) }
}
