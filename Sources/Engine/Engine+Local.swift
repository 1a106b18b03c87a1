import Billing
import Bytes
import Codec
import Platform
package import Projections
import SegmentedLog

extension Engine {
    /// Answers one line of the protocol with its reply line, both without line ends; returns when the
    /// answer is final. `stream` and `follow` belong to connections and are refused. Any thread, but
    /// not one of the cooperative pool: it may wait for the disk.
    package func reply(to line: String) -> [UInt8] {
        let call = Call()
        let batch = PreparedBatch(replyTo: call, arenaBytes: line.utf8.count + 256)
        let request = line.withBytes { bytes in
            RequestDecoder(for: self).decode(bytes, paddingAvailable: 0, into: &batch.arena)
        }
        switch request {
        case .query(let query, let id): return answer(query, id: id)
        case .refused(let refusal, let id, let isQuery):
            if !isQuery { countRejected(1) }
            return Self.line(refusal, id, isQuery)
        case .follow(_, let id), .stream(_, let id):
            return Self.line(
                Refusal(code: "unsupported", message: "only a connection can turn to this"), id,
                true)
        case .record(let record):
            batch.records = [record]
            batch.tokens = [0]
            if takesPreparation(record, batch.arena) {
                let end = record.contentStart + record.contentLength
                return publish(batch.arena.copyBytes(in: record.contentStart..<end))
            }
            let end = record.idStart + record.idLength
            guard submit(batch) else { return Self.line(refusalNow, nil, false) }
            return batch.arena.withBytes(in: record.idStart..<end) { call.wait(id: $0) }
        }
    }

    /// Records a command of the engine's own and waits until it is durable.
    /// - Returns: what became of it, and what there is to say of it; nil if it was not taken.
    func record(
        _ kind: RecordKind, source: String, id: String, account: String?, data: Value
    ) -> (Reply, ReplyDetail?)? {
        let call = Call()
        let batch = PreparedBatch(replyTo: call)
        guard
            case .success(let record) = CommandEncoder(key: key).encode(
                kind, source: source, id: id, subject: account, time: nil, timeText: "",
                data: data, into: &batch.arena),
            record.contentLength <= EngineLimits.recordBytesMax
        else { return nil }
        batch.records = [record]
        batch.tokens = [0]
        guard submit(batch) else { return nil }
        return call.wait()
    }

    /// Why `submit` takes nothing now.
    package var refusalNow: Refusal {
        if failure != nil {
            return Refusal(
                code: "storage_failed", message: "the log failed; nothing is taken until a restart")
        }
        if isClosing || stopsLongWork {
            return Refusal(code: "draining", message: "the engine is stopping; not accepted")
        }
        return Refusal(
            code: "overloaded", message: "the queue to the log is full; not accepted, send it later"
        )
    }

    static func line(_ refusal: Refusal, _ id: String?, _ isQuery: Bool) -> [UInt8] {
        var json = JSONWriter()
        ReplyJSON.write(refusal, id: id, isQuery: isQuery, to: &json)
        return json.finish()
    }
}

/// One request that waits for its reply.
final class Call: ReplySink {
    private enum Answer {
        case reply(Reply, ReplyDetail?)
        /// It was given back and is to be submitted once more.
        case again
    }

    private let answer = Monitor<Answer?>(nil)

    func deliver(_ replies: borrowing ReplyBatch) {
        let reply = replies.replies[0]
        let detail = reply.detail > 0 ? replies.details[Int(reply.detail) - 1] : nil
        answer.withLock { $0 = .reply(reply, detail) }
    }

    /// Gives the request back.
    func again() { answer.withLock { $0 = .again } }

    /// Waits for the reply.
    func wait() -> (Reply, ReplyDetail?) {
        guard let reply = waitOrAgain() else {
            preconditionFailure("only what was prepared is given back")
        }
        return reply
    }

    /// Waits for the reply; nil: the request was given back.
    func waitOrAgain() -> (Reply, ReplyDetail?)? {
        let result: Answer? = answer.wait { answer in
            defer { answer = nil }
            return answer
        }
        switch result {
        case .reply(let reply, let detail)?: return (reply, detail)
        case .again?: return nil
        case nil: preconditionFailure("an endless wait ended")
        }
    }

    func wait(id: RawSpan) -> [UInt8] {
        let (reply, detail) = wait()
        return Self.line(reply, detail, id: id)
    }

    static func line(_ reply: Reply, _ detail: ReplyDetail?, id: RawSpan) -> [UInt8] {
        var json = JSONWriter()
        ReplyJSON.write(reply, detail, id: id, to: &json)
        return json.finish()
    }
}
