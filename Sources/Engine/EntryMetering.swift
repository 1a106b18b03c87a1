import Bytes
import Codec
import Projections
import SegmentedLog

/// Meters earlier entries again, by what counts of them now. Start, commits, publications beside the traffic,
/// simulations, `verify` and bills from entries all take this way.
struct EntryMetering {
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
    /// - Parameter isSupposed: whether it has no place in the log, so that no correction names it.
    func meter(
        _ books: inout Books, _ bytes: RawSpan, at position: Position, recordedAt: Int64,
        isSupposed: Bool = false
    ) throws {
        let record = try RecordView(record: bytes)
        guard let by = books.current(of: record, at: position, isSupposed: isSupposed).by else {
            // An event whose batch is open does not count, and it shall be known that it will not be readable.
            if meters != nil, record.batchName != nil {
                books.noteUnreadable(record, at: position, meters: meters)
            }
            return
        }
        let kept = books.kept(of: record, at: position, recordedAt: recordedAt)
        try texts.withText(bytes, at: position, by: by, keeping: kept) { record in
            books.meterAgain(
                record, at: position, outcome: try record.outcome(), recordedAt: recordedAt,
                meters: meters, notes: meters != nil)
        }
    }

    /// Meters the entry at the position of what is metered beside the books.
    func meter(
        _ remetering: inout Remetering, _ bytes: RawSpan, recordedAt: Int64
    ) throws {
        let record = try RecordView(record: bytes)
        let position = remetering.position
        guard let by = remetering.current(of: record, at: position).by else {
            return remetering.pass(record)
        }
        let kept = remetering.kept(of: record, at: position, recordedAt: recordedAt)
        try texts.withText(bytes, at: position, by: by, keeping: kept) { record in
            remetering.meter(record, outcome: try record.outcome(), recordedAt: recordedAt)
        }
    }

    /// Counts an entry of an account whose windows are counted again.
    func count(
        _ remetering: inout Remetering, _ bytes: RawSpan, at position: Position, recordedAt: Int64
    ) throws {
        let record = try RecordView(record: bytes)
        guard let by = remetering.current(of: record, at: position).by else { return }
        let kept = remetering.kept(of: record, at: position, recordedAt: recordedAt)
        try texts.withText(bytes, at: position, by: by, keeping: kept) { record in
            remetering.count(
                record, at: position, outcome: try record.outcome(), recordedAt: recordedAt)
        }
    }
}
