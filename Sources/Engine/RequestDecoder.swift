import Billing
package import Bytes
package import Codec
import Money
import Platform
package import Projections
import SegmentedLog

/// A line of the protocol, read and checked.
package enum Request {
    /// An event or a command, encoded in the arena: to be submitted.
    case record(PreparedRecord)
    /// A question to the durable books.
    case query(Query, id: String?)
    /// A wish to read entries.
    case follow(FollowRequest, id: String?)
    /// The connection turns to stream mode.
    case stream(ackEvery: Int, id: String?)
    /// The line is not taken. `isQuery`: answered as a query, and not counted among the received.
    case refused(Refusal, id: String?, isQuery: Bool)
}

/// Lines into requests: the only reader of the protocol, for sockets and in-process callers alike.
/// One for each thread.
package struct RequestDecoder {
    private let tokens = JSONTokenizer()
    private let events: EventEncoder
    private let commands: CommandEncoder
    private let salting: Salting

    /// A decoder for an engine's requests.
    package init(for engine: Engine) {
        events = EventEncoder(key: engine.key)
        commands = CommandEncoder(key: engine.key)
        salting = Salting(engine.personal, engine.options.log.random)
    }

    /// Reads one line without its line end.
    /// - Parameters:
    ///   - paddingAvailable: readable bytes behind the line; with fewer than
    ///     `JSONTokenizer.paddingBytes` the line is copied.
    ///   - arena: where a record's canonical content is appended; unchanged by everything else.
    package func decode(
        _ line: RawSpan, paddingAvailable: Int, into arena: inout ByteBuffer
    ) -> Request {
        if let problem = tokens.parse(line, paddingAvailable: paddingAvailable) {
            let message = "the line is not one JSON object: \(problem.message)"
            return .refused(Refusal(code: "bad_json", message: message), id: nil, isQuery: false)
        }
        guard let request = requestToken else {
            return bounded(events.encode(tokens, into: &arena), "bad_event", &arena)
        }
        guard case .string = tokens.tag(request), let word = tokens.text(request).makeString()
        else { return refused(.bad("request", "must be a text")) }
        return decode(request: word, into: &arena)
    }

    /// The token of the word of a request; nil for everything else. What says `specversion` is an event,
    /// whatever attributes it has; most events say so first.
    private var requestToken: Int? {
        let all = tokens.all
        var request: Int?
        var key = 1
        for _ in 0..<all.memberCount(0) {
            let name = all.text(key)
            if name.isEqual(to: "specversion" as StaticString) { return nil }
            if name.isEqual(to: "request" as StaticString) { request = key + 1 }
            key = all.next(key + 1)
        }
        return request
    }

    /// The line's id, if it has one that can be read.
    private var id: String? {
        let all = tokens.all
        var key = 1
        for _ in 0..<all.memberCount(0) {
            if all.text(key).isEqual(to: "id" as StaticString), case .string = all.tag(key + 1) {
                return all.text(key + 1).makeString()
            }
            key = all.next(key + 1)
        }
        return nil
    }

    private func refused(_ refusal: Refusal, isQuery: Bool = false) -> Request {
        .refused(refusal, id: id, isQuery: isQuery)
    }

    private func bounded(
        _ result: Result<PreparedRecord, Rejection>, _ code: String, _ arena: inout ByteBuffer
    ) -> Request {
        switch result {
        case .failure(let rejection):
            return refused(
                Refusal(code: code, field: rejection.field, message: rejection.message))
        case .success(let plain):
            let record: PreparedRecord
            do throws(SystemFailure) {
                record = try salting.salt(plain, in: &arena)
            } catch {
                arena.truncate(to: plain.contentStart)
                let message = "not accepted, send it later: no salt: \(error.message)"
                return refused(Refusal(code: "overloaded", message: message))
            }
            guard record.contentLength <= EngineLimits.recordBytesMax else {
                arena.truncate(to: record.contentStart)
                let message =
                    "takes \(record.contentLength) bytes in the log; at most "
                    + "\(EngineLimits.recordBytesMax) fit"
                return refused(Refusal(code: code, message: message))
            }
            return .record(record)
        }
    }

    private func decode(request word: String, into arena: inout ByteBuffer) -> Request {
        let value: Value
        do {
            value = try ValueCoder.value(tokens)
        } catch {
            return refused(Refusal(code: "bad_request", field: error.field, message: error.message))
        }
        let arguments = Arguments(value)
        do {
            if let command = try Command.decode(word, arguments) {
                let result = commands.encode(
                    command.kind, source: command.source, id: command.id,
                    subject: command.subject, time: command.time, timeText: command.timeText,
                    data: command.data, into: &arena)
                return bounded(result, "bad_request", &arena)
            }
        } catch {
            return refused(error)
        }
        do {
            switch word {
            case "follow": return .follow(try FollowRequest.decode(arguments), id: id)
            case "stream":
                try arguments.allow(["ack_every"])
                let every = try arguments.count(
                    "ack_every", or: 1, min: 1, max: EngineLimits.ackEveryMax)
                return .stream(ackEvery: every, id: id)
            default:
                if let query = try Query.decode(word, arguments) { return .query(query, id: id) }
            }
        } catch {
            return refused(error, isQuery: true)
        }
        return refused(
            .bad("request", "there is no request \"\(word)\"; docs/PROTOCOL.md lists them"))
    }
}
