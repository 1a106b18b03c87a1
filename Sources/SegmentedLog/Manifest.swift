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
/// is a record of a frame in a manifest file. Version 1 of the file has the first two only:
///
///     1 added:  id u64, salt u64, capacity u64, first position u64, chain before 32
///     2 closed: id u64, end u8, valid bytes u64, written bytes u64, next position u64, chain 32,
///               commit time i64
///     3 sealed: the record of a sealed segment, 152 bytes
///
/// A sealed segment takes the place of everything that holds its positions, rows or sealed: the one edit
/// swaps them all.
enum ManifestEdit: Equatable, Sendable {
    case added(SegmentRecord)
    case closed(id: UInt64, SegmentRecord.Close)
    case sealed(SealedRecord)

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
        case .sealed(let record):
            buffer.append(3)
            record.append(to: &buffer)
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
        case 3: edit = .sealed(try SealedRecord(from: &reader))
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
    /// The log's beginning, in order.
    private(set) var sealed: [SealedRecord] = []
    /// What follows, in order.
    private(set) var segments: [SegmentRecord] = []

    /// The edits that make this state from nothing.
    var edits: [ManifestEdit] {
        var edits = sealed.map { ManifestEdit.sealed($0) }
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
                guard segment.firstPosition == sealed.last?.nextPosition ?? 0,
                    segment.chainBefore == sealed.last?.chain ?? .zero
                else { throw .init("the first row segment does not start where it must") }
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
        case .sealed(let record): try apply(record)
        }
    }

    /// Puts a sealed segment in the place of what has its positions.
    private mutating func apply(_ record: SealedRecord) throws(Contradiction) {
        let positions = record.positions
        let before = sealed.prefix(while: { $0.nextPosition <= positions.lowerBound })
        let after = sealed.suffix(while: { $0.firstPosition >= positions.upperBound })
        let rows = segments.prefix(while: { segment in
            segment.close.map { $0.nextPosition <= positions.upperBound } ?? false
        })
        // Rows go only with all that is before them.
        let takesRows = after.isEmpty && positions.upperBound > sealed.last?.nextPosition ?? 0
        guard before.last?.nextPosition ?? 0 == positions.lowerBound,
            before.last?.chain ?? .zero == record.chainBefore,
            before.last?.commitTime ?? record.timeBefore == record.timeBefore
        else { throw .init("sealed segment \(hex(record.id)) does not follow the one before") }
        let known = sealed.contains { $0.id == record.id }
        guard !known else { throw .init("sealed segment \(hex(record.id)) is there twice") }
        let left = takesRows ? Array(segments.dropFirst(rows.count)) : segments
        let replaced = sealed[before.count..<(sealed.count - after.count)]
        if let next = after.first {
            guard next.firstPosition == positions.upperBound, next.chainBefore == record.chain,
                next.timeBefore == record.commitTime
            else { throw .init("sealed segment \(hex(record.id)) does not end where it must") }
        } else {
            let row = takesRows ? rows.last?.close : nil
            let last = takesRows ? nil : replaced.last
            // Without rows yet, a manifest that is being read or written lists sealed ones first.
            let isListing = segments.isEmpty && replaced.isEmpty
            guard
                isListing
                    || ((row?.nextPosition ?? last?.nextPosition) == positions.upperBound
                        && (row?.chain ?? last?.chain) == record.chain
                        && (row?.commitTime ?? last?.commitTime) == record.commitTime)
            else { throw .init("sealed segment \(hex(record.id)) does not end where it must") }
        }
        sealed = before + [record] + after
        segments = left
    }

    /// How an edit contradicts the edits before it.
    struct Contradiction: Error {
        let text: String
        init(_ text: String) { self.text = text }
    }
}

extension RandomAccessCollection {
    /// The elements at the end that all fulfil a condition.
    fileprivate func suffix(while condition: (Element) -> Bool) -> SubSequence {
        var start = endIndex
        while start != startIndex, condition(self[index(before: start)]) {
            formIndex(before: &start)
        }
        return self[start...]
    }
}
