import Bytes
import Codec
import Projections
import SegmentedLog

/// Meters earlier entries again, by what counts of them now. Start, commits, `verify` and bills from entries all take
/// this way.
struct Remetering {
    private let meters: Set<UInt32>?
    private let texts: CorrectionTexts

    /// - Parameters:
    ///   - meters: those that a newer catalog defines differently; nil: all.
    ///   - read: calls its argument with the record at a position.
    init(
        meters: Set<UInt32>?, _ stale: Stale,
        _ read: @escaping (Position, (RawSpan) throws -> Void) throws -> Void
    ) {
        self.meters = meters
        texts = CorrectionTexts(read)
        // It may stand in a frame that is not written yet.
        if let correction = stale.correction { texts.know(correction.position, correction.texts) }
    }

    /// Meters an entry again. A meter that is newer than an order to drop bodies must not read what goes, whether it is
    /// gone or not.
    func meter(
        _ books: inout Books, _ bytes: RawSpan, at position: Position, recordedAt: Int64
    ) throws {
        let record = try RecordView(record: bytes)
        let current = books.current(of: record, at: position)
        if case .nothing = current {
            // An event whose batch is open does not count, and it shall be known that it will not be readable.
            if meters != nil, record.batchName != nil {
                books.noteUnreadable(record, at: position, meters: meters)
            }
            return
        }
        if let kept = books.kept(of: record, at: position, recordedAt: recordedAt) {
            var rest = ByteBuffer(capacity: bytes.byteCount)
            if try RecordRetirement.append(bytes, keeping: kept, to: &rest) {
                return try meter(&books, rest.bytes, current, at: position, recordedAt)
            }
        }
        try meter(&books, bytes, current, at: position, recordedAt)
    }

    private func meter(
        _ books: inout Books, _ bytes: RawSpan, _ current: Corrections.Current,
        at position: Position, _ recordedAt: Int64
    ) throws {
        guard case .replaced(let by) = current else {
            return try meter(&books, RecordView(record: bytes), at: position, recordedAt)
        }
        var text = ByteBuffer(capacity: bytes.byteCount + 256)
        try texts.text(of: position, by: by).append(bytes, to: &text)
        try meter(&books, RecordView(record: text.bytes), at: position, recordedAt)
    }

    private func meter(
        _ books: inout Books, _ record: borrowing RecordView, at position: Position,
        _ recordedAt: Int64
    ) throws {
        books.meterAgain(
            record, at: position, outcome: try record.outcome(), recordedAt: recordedAt,
            meters: meters, notes: meters != nil)
    }
}
