import Bytes
import Codec
import Engine

/// Replies that the server itself makes; those of the engine are `ReplyJSON`'s.
enum EdgeReply {
    /// A line or a connection is turned away.
    struct Refusal {
        let word: String
        let message: String
        /// Whether the connection ends with it.
        var closes = false
        /// Whether nobody knows what became of the request.
        var leavesUnknown = false

        static let overloaded = Refusal(
            word: "overloaded",
            message: "not accepted: the queue to the log is full; send the line again later")
        static let draining = Refusal(
            word: "draining", message: "not accepted: the server is stopping", closes: true)
        static let storageFailed = Refusal(
            word: "storage_failed",
            message: "the log failed; whether this was recorded is decided at the next start: "
                + "send it again then", closes: true, leavesUnknown: true)
        static let incompleteLine = Refusal(
            word: "incomplete_line",
            message: "the connection ended before the line did; it was not recorded")
        static let notInStream = Refusal(
            word: "bad_request",
            message: "a stream takes events and commands; ask on another connection")
        static let streamTwice = Refusal(
            word: "bad_request", message: "this connection is in stream mode already")
        static let notPermitted = Refusal(
            word: "not_permitted", message: "only the server's own user is served")

        static func lineTooLong(_ limit: Int) -> Refusal {
            Refusal(
                word: "line_too_long",
                message: "a line has at most \(limit) bytes; this one and all after it were not "
                    + "read")
        }

        static func tooManyConnections(_ limit: Int) -> Refusal {
            Refusal(
                word: "too_many_connections",
                message: "the server has its \(limit) connections; try again later")
        }
    }

    /// A rejected line.
    /// - Parameters:
    ///   - id: the line's id, UTF-8; nil: unknown.
    ///   - line: its number in a stream.
    static func write(
        _ refusal: Refusal, id: RawSpan?, line: UInt64?, to json: inout JSONWriter
    ) {
        json.beginObject()
        if let line { json.member("line", line) }
        if let id {
            json.key("id")
            json.string(id)
        }
        json.member("outcome", "rejected")
        json.member("error", refusal.word)
        json.member("message", refusal.message)
        json.endObject()
    }

    /// A connection or a query that is turned away.
    static func write(_ refusal: Refusal, id: String?, to json: inout JSONWriter) {
        json.beginObject()
        if let id { json.member("id", id) }
        json.member("ok", false)
        json.member("error", refusal.word)
        json.member("message", refusal.message)
        json.endObject()
    }

    /// The stream begins.
    static func writeStream(ackEvery: Int, id: String?, to json: inout JSONWriter) {
        json.beginObject()
        if let id { json.member("id", id) }
        json.member("ok", true)
        json.member("ack_every", Int64(ackEvery))
        json.endObject()
    }

    /// The cumulative line of a stream.
    static func write(_ progress: StreamProgress, isFinal: Bool, to json: inout JSONWriter) {
        json.beginObject()
        json.member("acked_lines", progress.lines)
        json.member("recorded", progress.recorded)
        json.member("duplicate", progress.duplicate)
        json.member("rejected", progress.rejected)
        if progress.blank > 0 { json.member("blank", progress.blank) }
        json.member("first_position", progress.firstPosition)
        json.member("position", progress.position)
        json.member("chain", progress.chain?.hex)
        if isFinal { json.member("final", true) }
        json.endObject()
    }

    /// The end of a follow.
    static func writeFollowEnd(
        id: String?, entries: UInt64, next: UInt64, to json: inout JSONWriter
    ) {
        json.beginObject()
        if let id { json.member("id", id) }
        json.member("ok", true)
        json.member("entries", entries)
        json.member("next", next)
        json.endObject()
    }
}
