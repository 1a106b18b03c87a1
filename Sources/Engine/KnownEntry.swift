import Bytes
import Codec

/// An entry that has the identity of a new request, and how the two compare.
struct KnownEntry {
    /// Duplicate if the contents are equal, else conflict.
    let status: Reply.Status
    /// What the original was answered.
    let detail: ReplyDetail?

    /// Compares an entry with a request's content; nil if they have different identities.
    /// - Parameter paths: what is redacted in the entry, whether its bytes are still there or not: the
    ///   answer must tell nothing of them.
    /// - Throws: `DecodeFailure` if the entry cannot be read.
    init?(
        _ entry: RawSpan, erasing paths: [PropertyPath], comparedTo content: RawSpan
    ) throws(DecodeFailure) {
        var erased = ByteBuffer(capacity: 0)
        if !paths.isEmpty, try RecordErasure.append(entry, erasing: paths, to: &erased) {
            try self.init(erased.bytes, comparedTo: content)
        } else {
            try self.init(entry, comparedTo: content)
        }
    }

    private init?(_ entry: RawSpan, comparedTo content: RawSpan) throws(DecodeFailure) {
        let view = try RecordView(record: entry)
        guard try view.hasSameIdentity(as: content) else { return nil }
        guard try SameContent.holds(record: entry, request: content) else {
            status = .conflict
            detail = nil
            return
        }
        status = .duplicate
        let outcome = try view.outcome()
        var known = outcome == .recorded ? nil : ReplyDetail(outcome)
        known?.nameHold(of: view)
        detail = known
    }
}
