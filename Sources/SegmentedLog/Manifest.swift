import Bytes

/// How a segment came to its end.
enum SegmentEnd: UInt8, Sendable {
    /// The log went on in the next segment; a seal is its last frame.
    case rolled = 1
    /// The process ended in good order; a seal is its last frame.
    case closed = 2
    /// The process ended without a word; a later start decided where the segment ends.
    case recovered = 3
}

/// What the manifest knows of a segment.
struct SegmentRecord: Equatable, Sendable {
    var id: UInt64
    var salt: UInt64
    var capacity: Int
    var firstPosition: Position
    /// Chain before its first frame.
    var chainBefore: Digest
    /// Nil while the segment is written.
    var close: Close?

    /// What is known since the segment ended.
    struct Close: Equatable, Sendable {
        var end: SegmentEnd
        /// Bytes that count.
        var validBytes: Int
        /// Bytes behind which all is zero. Between the two stands what a crash left.
        var writtenBytes: Int
        var nextPosition: Position
        var chain: Digest
        var commitTime: Int64
    }
}

/// # Edits of the manifest
///
/// The manifest is a log of what segments there are; a directory listing never decides that. Each edit
/// is a record of a frame in a manifest file:
///
///     1 added:  id u64, salt u64, capacity u64, first position u64, chain before 32
///     2 closed: id u64, end u8, valid bytes u64, written bytes u64, next position u64, chain 32,
///               commit time i64
enum ManifestEdit: Equatable, Sendable {
    case added(SegmentRecord)
    case closed(id: UInt64, SegmentRecord.Close)

    /// Appends the edit.
    func append(to buffer: inout ByteBuffer) {
        switch self {
        case .added(let segment):
            buffer.append(1)
            buffer.appendInteger(segment.id)
            buffer.appendInteger(segment.salt)
            buffer.appendInteger(UInt64(segment.capacity))
            buffer.appendInteger(segment.firstPosition)
            segment.chainBefore.append(to: &buffer)
        case .closed(let id, let close):
            buffer.append(2)
            buffer.appendInteger(id)
            buffer.append(close.end.rawValue)
            buffer.appendInteger(UInt64(close.validBytes))
            buffer.appendInteger(UInt64(close.writtenBytes))
            buffer.appendInteger(close.nextPosition)
            close.chain.append(to: &buffer)
            buffer.appendInteger(close.commitTime)
        }
    }

    /// Reads one edit; it must take all of `span`.
    static func decode(_ span: RawSpan) throws(DecodeFailure) -> ManifestEdit {
        var reader = ByteReader(span)
        let edit: ManifestEdit
        switch try reader.readByte() {
        case 1:
            edit = .added(
                SegmentRecord(
                    id: try reader.readInteger(as: UInt64.self),
                    salt: try reader.readInteger(as: UInt64.self),
                    capacity: try readSize(&reader),
                    firstPosition: try reader.readInteger(as: UInt64.self),
                    chainBefore: try Digest(from: &reader)))
        case 2:
            let id = try reader.readInteger(as: UInt64.self)
            guard let end = SegmentEnd(rawValue: try reader.readByte()) else {
                throw .invalid("an unknown way to end a segment", reader.offset)
            }
            edit = .closed(
                id: id,
                SegmentRecord.Close(
                    end: end, validBytes: try readSize(&reader),
                    writtenBytes: try readSize(&reader),
                    nextPosition: try reader.readInteger(as: UInt64.self),
                    chain: try Digest(from: &reader),
                    commitTime: try reader.readInteger(as: Int64.self)))
        case let tag: throw .invalid("an unknown edit \(tag)", 0)
        }
        guard reader.isAtEnd else { throw .invalid("bytes behind an edit", reader.offset) }
        return edit
    }

    private static func readSize(_ reader: inout ByteReader) throws(DecodeFailure) -> Int {
        let size = try reader.readInteger(as: UInt64.self)
        guard size <= 1 << 40, size % UInt64(LogLimits.blockBytes) == 0 else {
            throw .outOfRange(reader.offset)
        }
        return Int(size)
    }
}

/// The segments of the store: what the edits add up to.
struct ManifestState: Equatable, Sendable {
    private(set) var segments: [SegmentRecord] = []

    /// The edits that make this state from nothing.
    var edits: [ManifestEdit] {
        var edits: [ManifestEdit] = []
        for segment in segments {
            var open = segment
            open.close = nil
            edits.append(.added(open))
            if let close = segment.close { edits.append(.closed(id: segment.id, close)) }
        }
        return edits
    }

    /// Applies an edit.
    /// - Throws: a clause that says how it contradicts what came before.
    mutating func apply(_ edit: ManifestEdit) throws(Contradiction) {
        switch edit {
        case .added(let segment):
            guard segment.capacity > FileHeader.byteCount else { throw .init("an empty segment") }
            if let last = segments.last {
                guard let close = last.close else {
                    throw .init("a segment follows \(hex(last.id)), which is not closed")
                }
                guard last.id < segment.id, close.nextPosition == segment.firstPosition,
                    close.chain == segment.chainBefore
                else { throw .init("segment \(hex(segment.id)) does not follow \(hex(last.id))") }
            } else {
                guard segment.firstPosition == 0, segment.chainBefore == .zero else {
                    throw .init("the first segment does not start at position 0")
                }
            }
            segments.append(segment)
        case .closed(let id, let close):
            guard let last = segments.last, last.id == id, last.close == nil else {
                throw .init("segment \(hex(id)) is closed but not open")
            }
            guard close.validBytes >= FileHeader.byteCount,
                close.validBytes <= close.writtenBytes, close.writtenBytes <= last.capacity,
                close.nextPosition >= last.firstPosition
            else { throw .init("segment \(hex(id)) is closed with impossible sizes") }
            segments[segments.count - 1].close = close
        }
    }

    /// How an edit contradicts the edits before it.
    struct Contradiction: Error {
        let text: String
        init(_ text: String) { self.text = text }
    }
}
