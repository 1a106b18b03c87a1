import Bytes
import Codec
import Projections
import SegmentedLog

/// What corrections say, read from their entries when it is first asked for. Confined to one thread.
final class CorrectionTexts {
    /// Corrections that are kept in memory at most: each has a record's bytes.
    private static let keptMax = 64

    private let read: (Position, (RawSpan) throws -> Void) throws -> Void
    private var known: [Position: [Position: Replacement]] = [:]

    /// - Parameter read: calls its argument with the record at a position.
    init(_ read: @escaping (Position, (RawSpan) throws -> Void) throws -> Void) {
        self.read = read
    }

    /// What a correction says that need not be read.
    func know(_ correction: Position, _ texts: [Position: Replacement]) {
        known[correction] = texts
    }

    /// Calls `body` with an entry as it counts.
    /// - Parameters:
    ///   - by: the corrections that say it, ascending; none: it counts as it was written.
    ///   - kept: what stays of its body, which is not read beyond that; nil: all.
    func withText(
        _ bytes: RawSpan, at position: Position, by: [Position], keeping kept: KeptProperties?,
        _ body: (borrowing RecordView) throws -> Void
    ) throws {
        if let kept {
            var rest = ByteBuffer(capacity: bytes.byteCount)
            if try RecordRetirement.append(bytes, keeping: kept, to: &rest) {
                return try withText(rest.bytes, at: position, by: by, body)
            }
        }
        try withText(bytes, at: position, by: by, body)
    }

    private func withText(
        _ bytes: RawSpan, at position: Position, by: [Position],
        _ body: (borrowing RecordView) throws -> Void
    ) throws {
        guard !by.isEmpty else { return try body(RecordView(record: bytes)) }
        var text = ByteBuffer(capacity: bytes.byteCount + 256)
        try self.text(of: position, by: by).append(bytes, to: &text)
        try body(RecordView(record: text.bytes))
    }

    /// What corrections of an entry say together, ascending: there is one at least.
    func text(of entry: Position, by corrections: [Position]) throws -> Replacement {
        var text = Replacement(type: nil, time: nil, data: nil)
        for correction in corrections {
            text = try self.text(of: entry, by: correction).over(text)
        }
        return text
    }

    /// What a correction says of an entry.
    /// - Throws: if it cannot be read, or says nothing of it.
    func text(of entry: Position, by correction: Position) throws -> Replacement {
        if known[correction] == nil {
            var texts: [Position: Replacement] = [:]
            try read(correction) { bytes in
                for item in try CorrectOrder.read(RecordView(record: bytes)).items {
                    texts[item.entry] = item.text
                }
            }
            if known.count >= Self.keptMax { known = [:] }
            known[correction] = texts
        }
        guard let text = known[correction]?[entry] else {
            throw DecodeFailure.invalid("a correction that says nothing of its entry", 0)
        }
        return text
    }
}
