import Bytes
import Codec
import Engine
import SegmentedLog

/// From the log's replies to lines and acknowledgements.
///
/// Replies come in the order in which requests were submitted, so the oldest run in flight is the
/// one that is answered, and its records are the first slot of their connection: what stands before
/// records is answered as soon as it is first, and nothing is decoded behind a slot that is not.
extension Edge {
    func settle(_ delivery: Delivery) {
        var index = 0
        while index < delivery.replies.count, !hasFailed {
            guard var run = inFlight.first else {
                preconditionFailure("a reply without a request")
            }
            var count = min(run.count, delivery.replies.count - index)
            let connection = recipient(of: run)
            if let connection {
                count = min(count, connection.leadingRecords)
                precondition(count > 0, "records are first when their reply comes")
                count = answer(connection, run, delivery, index, count)
                if count > 0 { connection.settleRecords(count) }
            }
            index += count
            run.next += count
            finish(run)
            if let connection {
                advance(connection)
                touch(connection)
            }
            settleRefused()
        }
    }

    /// Writes the replies from `index` on to the first requests of `run`.
    /// - Returns: how many; fewer than `count` if the log failed.
    private func answer(
        _ connection: Connection, _ run: Run, _ delivery: Delivery, _ index: Int, _ count: Int
    ) -> Int {
        // After a failure, and only then, they come in any order.
        guard isKnown(delivery.replies[index]) else { return 0 }
        precondition(
            delivery.replies[index].token == run.batch.tokens[run.next], "replies in order")
        guard var progress = connection.stream else {
            for offset in 0..<count {
                let reply = delivery.replies[index + offset]
                guard isKnown(reply) else { return offset }
                write(reply, delivery, run.batch, run.next + offset, line: nil)
                emit(connection)
            }
            return count
        }
        var answered = 0
        while answered < count {
            let reply = delivery.replies[index + answered]
            guard isKnown(reply) else { break }
            progress.count(reply.status, reply.position)
            if isException(reply, delivery) {
                write(reply, delivery, run.batch, run.next + answered, line: progress.lines)
                emit(connection)
            }
            answered += 1
        }
        if answered > 0 { progress.chain = delivery.receipt?.chain }
        connection.stream = progress
        return answered
    }

    /// Whether the reply says what became of its request. One that does not means that the log
    /// failed, and then all that are in flight are told so, whatever order they are in.
    private func isKnown(_ reply: Reply) -> Bool {
        if reply.status == .unknown { hasFailed = true }
        return reply.status != .unknown
    }

    /// Whether the reply gets a line of its own in a stream.
    private func isException(_ reply: Reply, _ delivery: Delivery) -> Bool {
        switch reply.status {
        case .conflict, .refused, .unknown: true
        case .recorded, .duplicate:
            reply.detail > 0
                && delivery.details[Int(reply.detail) - 1].decision?.allowed == false
        }
    }

    private func write(
        _ reply: Reply, _ delivery: Delivery, _ batch: PreparedBatch, _ index: Int, line: UInt64?
    ) {
        let detail = reply.detail > 0 ? delivery.details[Int(reply.detail) - 1] : nil
        json.clear()
        batch.withID(of: index) { ReplyJSON.write(reply, detail, id: $0, line: line, to: &json) }
    }

    // MARK: Runs

    /// The connection that waits for the run; nil if it is gone or was cut off.
    private func recipient(of run: Run) -> Connection? {
        guard let connection = table[run.connection], !connection.isCut else { return nil }
        return connection
    }

    /// Puts the oldest run back as far as it is left.
    private func finish(_ run: Run) {
        guard run.count == 0 else {
            inFlight.first = run
            return
        }
        inFlight.popFirst()
        if inFlight.first?.batch !== run.batch, openBatch !== run.batch { batches.put(run.batch) }
    }

    /// Answers the oldest runs as far as the engine did not take them.
    func settleRefused() {
        while var run = inFlight.first, let refusal = run.refusal {
            guard let connection = recipient(of: run) else {
                run.next = run.end
                finish(run)
                continue
            }
            if refusal.leavesUnknown, connection.stream != nil {
                cutStream(connection, refusal, run.batch, run.next)
                continue
            }
            let count = min(run.count, connection.leadingRecords)
            precondition(count > 0, "records are first when their turn comes")
            for index in run.next..<(run.next + count) {
                connection.stream?.countRejected()
                write(refusal, run.batch, index, line: connection.stream?.lines)
                emit(connection)
            }
            connection.settleRecords(count)
            run.next += count
            finish(run)
            if refusal.closes { end(connection, isFinal: false) }
            advance(connection)
            touch(connection)
        }
    }

    private func write(
        _ refusal: EdgeReply.Refusal, _ batch: PreparedBatch, _ index: Int, line: UInt64?
    ) {
        json.clear()
        batch.withID(of: index) { EdgeReply.write(refusal, id: $0, line: line, to: &json) }
    }

    /// Ends a stream whose next lines have no known outcome: no acknowledgement may count them.
    private func cutStream(
        _ connection: Connection, _ refusal: EdgeReply.Refusal, _ batch: PreparedBatch, _ index: Int
    ) {
        guard let progress = connection.stream else { return }
        if progress.lines > progress.reportedLines {
            writeAcknowledgement(connection, progress, isFinal: false)
        }
        write(refusal, batch, index, line: progress.lines + 1)
        emit(connection)
        connection.stream = nil
        cut(connection)
    }

    // MARK: Acknowledgements

    /// Tells a stream's client how far it is, if it is time to.
    func acknowledge(_ connection: Connection) {
        guard let progress = connection.stream,
            progress.mustReport(isIdle: connection.pendingLines == 0)
        else { return }
        writeAcknowledgement(connection, progress, isFinal: false)
    }

    func writeAcknowledgement(
        _ connection: Connection, _ progress: StreamProgress, isFinal: Bool
    ) {
        var progress = progress
        // A commit without entries has no receipt; the durable chain covers its originals too.
        if progress.position != nil, progress.chain == nil {
            progress.chain = engine.durableChain
        }
        progress.markReported()
        connection.stream = progress
        json.clear()
        EdgeReply.write(progress, isFinal: isFinal, to: &json)
        emit(connection)
    }
}
