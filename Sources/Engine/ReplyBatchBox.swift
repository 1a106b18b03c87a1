import SegmentedLog

/// Lets a noncopyable batch of replies stand in an array.
final class ReplyBatchBox {
    var batch = ReplyBatch()

    /// Adds a reply.
    func add(
        _ token: UInt64, _ status: Reply.Status, _ position: Position, _ detail: ReplyDetail?
    ) {
        var number: UInt32 = 0
        if let detail {
            batch.details.append(detail)
            number = UInt32(batch.details.count)
        }
        batch.replies.append(
            Reply(token: token, position: position, status: status, detail: number))
    }

    /// Tells the sink that what became of its requests is not known.
    func deliverUnknown(to sink: any ReplySink) {
        var unknown = ReplyBatch()
        for reply in batch.replies {
            unknown.replies.append(
                Reply(token: reply.token, position: 0, status: .unknown, detail: 0))
        }
        sink.deliver(unknown)
    }
}
