import Billing
import Codec
import Engine
import Money

/// # Daybook in your own process
///
/// The same engine that `daybook serve` runs, without a socket: one directory, one owner.
///
///     let book = try Daybook(directory: "/var/lib/app/daybook")
///     defer { book.close() }
///     _ = book.request(#"{"request":"publish","id":"v1","catalog":{…}}"#)
///     if try book.consume(account: "acme", feature: "api", id: requestID).isAllowed { … }
///
/// All calls may come from any thread and return when their answer is final: a record or a consume
/// when it is on disk. They block, so call them from threads of your own, not from Swift's
/// cooperative pool.
public final class Daybook: Sendable {
    private let engine: Engine

    /// Why a call has no answer.
    public struct Failure: Error, CustomStringConvertible {
        /// The protocol's word, such as `bad_request` or `storage_failed`.
        public let code: String
        /// What is wrong, where, and what to do.
        public let description: String
    }

    /// What a request was answered.
    public struct Decision: Sendable {
        /// Whether the request may go on.
        public let isAllowed: Bool
        /// Why: `allowed`, `limit_reached`, `credit_insufficient` … as in docs/PROTOCOL.md.
        public let reason: String
        /// What is left of the limit or of the credits, a decimal; nil where neither bounds it.
        public let remaining: String?
        /// The position of the entry, or of the books that a check looked at.
        public let position: UInt64
    }

    /// Opens a directory, which is created if it is missing, and recovers what is in it.
    /// - Throws: `Failure` that names file and offset of damage, or another owner of the directory.
    public init(directory: String) throws {
        do {
            engine = try Engine.open(.init(directory: directory))
        } catch {
            throw Failure(
                code: error.isLocked ? "locked" : "storage_failed", description: error.message)
        }
    }

    /// Answers one line of the protocol (docs/PROTOCOL.md) with its reply line, both without line
    /// ends. `stream` and `follow` belong to connections and are refused.
    public func request(_ line: String) -> String {
        String(decoding: engine.reply(to: line), as: UTF8.self)
    }

    /// Whether an account may use a feature now. Writes nothing.
    /// - Parameter quantity: a decimal of at most twelve digits behind the point.
    /// - Throws: `Failure` for a quantity that is none.
    public func check(
        account: String, feature: String, quantity: String = "1"
    ) throws -> Decision {
        try decision(
            ask([
                ("request", .string("check")), ("account", .string(account)),
                ("feature", .string(feature)), ("quantity", .string(quantity)),
            ]))
    }

    /// Decides and records the use of a feature, as one entry.
    /// - Parameters:
    ///   - id: with `source` the identity of the request: the same one again gets the same answer.
    ///   - quantity: a decimal of at most twelve digits behind the point.
    /// - Throws: `Failure` if nothing was recorded, or if what was recorded is not known.
    public func consume(
        account: String, feature: String, quantity: String = "1", id: String,
        source: String = "daybook"
    ) throws -> Decision {
        try decision(
            ask([
                ("request", .string("consume")), ("id", .string(id)), ("source", .string(source)),
                ("account", .string(account)), ("feature", .string(feature)),
                ("quantity", .string(quantity)),
            ]))
    }

    /// Takes no more, finishes what was taken, writes a snapshot, releases the directory.
    public func close() { engine.close() }

    private func ask(_ members: [(String, Value)]) throws -> Value {
        var json = JSONWriter()
        json.value(.object(of: members))
        let line = String(decoding: json.finish(), as: UTF8.self)
        let answer = try ValueCoder.value(json: engine.reply(to: line))
        if let error = answer["error"]?.text {
            throw Failure(code: error, description: answer["message"]?.text ?? error)
        }
        return answer
    }

    private func decision(_ answer: Value) throws -> Decision {
        guard case .bool(let allowed)? = answer["allowed"], let reason = answer["reason"]?.text,
            case .number(let position)? = answer["position"]
        else { throw Failure(code: "unexpected", description: "the answer holds no decision") }
        return Decision(
            isAllowed: allowed, reason: reason, remaining: answer["remaining"]?.text,
            position: UInt64(position.mantissa))
    }
}
