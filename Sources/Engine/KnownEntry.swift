import Bytes
import Codec

/// An entry that has the identity of a new request, and how the two compare.
struct KnownEntry {
    /// Duplicate if the contents are equal, else conflict.
    let status: Reply.Status
    /// What the original was answered.
    let detail: ReplyDetail?

    /// Compares an entry with a request's content; nil if they have different identities.
    /// - Throws: `DecodeFailure` if the entry cannot be read.
    init?(_ entry: RawSpan, comparedTo content: RawSpan) throws(DecodeFailure) {
        let view = try RecordView(record: entry)
        guard try view.hasSameIdentity(as: content) else { return nil }
        guard view.content.isEqual(to: content) else {
            status = .conflict
            detail = nil
            return
        }
        status = .duplicate
        let outcome = try view.outcome()
        detail = outcome == .recorded ? nil : ReplyDetail(outcome)
    }
}
