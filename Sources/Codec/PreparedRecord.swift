package import Bytes

/// Where a parsed request's canonical content lies in its batch's arena.
package struct PreparedRecord: BitwiseCopyable, Sendable {
    /// Offset of the content in the arena.
    package let contentStart: Int
    /// Bytes of the content.
    package internal(set) var contentLength: Int
    /// Offset of the id's text in the arena.
    package let idStart: Int
    /// Bytes of the id.
    package let idLength: Int
    /// Keyed hash of (source, id).
    package let fingerprint: UInt64
    /// What it will be an entry of.
    package let kind: RecordKind

    /// Describes a content that has just been written.
    /// - Parameter content: the content's bytes, which start at `contentStart` in the arena.
    package init(describing content: RawSpan, at contentStart: Int, key: SipKey)
        throws(DecodeFailure)
    {
        var reader = ByteReader(content)
        _ = try reader.readByte()
        guard let kind = RecordKind(rawValue: try reader.readByte()) else {
            throw .invalid("record kind", 1)
        }
        let identityStart = reader.offset
        _ = try reader.readPrefixed()
        let id = try reader.readPrefixed()
        self.kind = kind
        self.contentStart = contentStart
        contentLength = content.byteCount
        idLength = id.byteCount
        idStart = contentStart + reader.offset - id.byteCount
        fingerprint = siphash(content.extracting(identityStart..<reader.offset), key: key)
    }
}

/// Why a line did not become a record.
package struct Rejection: Error, Equatable, Sendable {
    /// The member at fault; nil: the line as a whole.
    package let field: String?
    /// What is wrong and what is expected.
    package let message: String

    /// A rejection; see the properties.
    package init(field: String?, message: String) {
        self.field = field
        self.message = message
    }
}
