import Billing
import Bytes
import Codec
import Projections
import SegmentedLog

extension CorrectionFacts {
    /// Whether an entry may be corrected so.
    /// - Returns: the time of what counts of it now.
    /// - Throws: `Refusal` that says why not; or what reading the log throws.
    func check(
        _ item: CorrectionWish.Item, _ bytes: RawSpan, recordedAt: Int64, _ texts: CorrectionTexts,
        _ personal: PersonalPaths
    ) throws -> Timestamp {
        let record = try RecordView(record: bytes)
        try checkKind(item, record)
        if RecordRetirement.isRetired(record)
            || retirements.kept(of: record, at: item.entry, recordedAt: recordedAt, finalised)
                != nil
        {
            throw Refusal(
                code: "retired", field: "entries",
                message: "entries: the body of the entry at position \(item.entry) was dropped "
                    + "(daybook retire); what was measured of it stays")
        }
        let earlier = corrections.corrections(of: item.entry)
        if let last = earlier.last, !last.replaces {
            throw Refusal(
                code: "already_retracted", field: "entries",
                message: "entries: the entry at position \(item.entry) was retracted at position "
                    + "\(last.by)")
        }
        var was = Timestamp(
            nanoseconds: record.kind == .event ? record.time ?? recordedAt : recordedAt)
        for correction in earlier {
            was = try texts.text(of: item.entry, by: correction.by).time ?? was
        }
        if let text = item.text { try checkText(text, item, bytes, personal) }
        return was
    }

    private func checkKind(
        _ item: CorrectionWish.Item, _ record: borrowing RecordView
    ) throws {
        guard let subject = record.subject, subject.isEqual(to: account) else {
            throw Refusal.bad(
                "entries", "the entry at position \(item.entry) is not of this account")
        }
        switch record.kind {
        case .event: return
        case .consume, .settle:
            guard try record.outcome().decision?.allowed == true else {
                throw Refusal.bad(
                    "entries",
                    "position \(item.entry) is a \(record.kind.name) that was denied: it counts nothing"
                )
            }
            guard item.text == nil else {
                throw Refusal.bad(
                    "entries",
                    "position \(item.entry) is a \(record.kind.name), which was decided: it can be retracted, "
                        + "and consumed again")
            }
        default:
            throw Refusal.bad(
                "entries",
                "position \(item.entry) is a \(record.kind.name); events, consumes and settlements "
                    + "can be corrected")
        }
    }

    /// What counts instead must be readable, and must not bring what can be erased where nobody erases it.
    private func checkText(
        _ text: Replacement, _ item: CorrectionWish.Item, _ bytes: RawSpan,
        _ personal: PersonalPaths
    ) throws {
        if let data = text.data, let path = personal.firstPath(in: data.raw) {
            throw Refusal.bad(
                "entries",
                "position \(item.entry): data.\(path) is personal; leave it out: no meter reads it, and the "
                    + "original keeps it")
        }
        guard text.data != nil else { return }
        var made = ByteBuffer(capacity: bytes.byteCount + 256)
        try text.append(bytes, to: &made)
        let record = try RecordView(record: made.bytes)
        for meter in meters where meter.listens(to: record.type) {
            guard case .unreadable = meter.reading(of: record) else { continue }
            throw Refusal.bad(
                "entries",
                "position \(item.entry): the meter \"\(meter.key)\" cannot read the new data; it needs a number at "
                    + "\(meter.valuePath.text)")
        }
    }
}
