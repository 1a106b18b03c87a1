import Bytes
import Codec
import Projections
import SegmentedLog

/// One prepared frame with the replies that wait for it.
///
/// `@unchecked Sendable`: the committer fills it and hands it to the sync thread through the
/// exchange's lock; only one of the two threads touches it at a time.
final class FrameJob: @unchecked Sendable {
    var frame: FrameBuilder
    /// Nanoseconds UTC; valid from the first entry on.
    var commitTime: Int64 = 0
    var replies: [(sink: any ReplySink, batch: ReplyBatchBox)] = []

    /// A copy of the decided books after the frame's first entry, if that had history metered again: the durable
    /// books take the result over.
    var metered: Books?

    init() { frame = FrameBuilder() }

    func reset() {
        frame.reset()
        commitTime = 0
        metered = nil
        replies.removeAll(keepingCapacity: true)
    }

    /// Whether nobody waits for it: a frame may hold replies and no entries, never the reverse.
    var isEmpty: Bool { replies.isEmpty }
}

extension FrameBuilder {
    /// Calls `body` with a record's bytes.
    func withRecord<Result, Failure: Error>(
        _ index: Int, _ body: (RawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(record(index))
    }

    /// Appends a record from its encoded bytes.
    mutating func append(record: borrowing ByteBuffer) {
        append { $0.append(record.bytes) }
    }
}
