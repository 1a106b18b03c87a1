import Bytes
import Codec
import Identities
import Platform
import Projections
import SegmentedLog

/// An entry that a query names: by its position, or by the id of its event.
package struct EntryName: Sendable {
    private let position: Position?
    private let id: String
    private let source: String?

    init(_ arguments: Arguments) throws(Refusal) {
        try arguments.allow(["entry", "event", "source"])
        position =
            arguments["entry"] == nil
            ? nil : Position(try arguments.count("entry", or: 0, max: Int.max))
        id = try arguments.optionalText("event") ?? ""
        source = try arguments.optionalText("source")
        guard (position == nil) != id.isEmpty else {
            throw .bad("entry", "give either entry (a position) or event (an id, and its source)")
        }
        guard source == nil || position == nil else {
            throw .bad("source", "belongs to event; a position needs none")
        }
    }

    /// Where the entry stands.
    /// - Throws: `not_found` if the log has none, `bad_request` if it has several.
    func find(in engine: Engine) throws(Refusal) -> Position {
        let end = engine.durablePosition
        if let position {
            guard position < end else {
                throw Refusal(
                    code: "unknown_position", field: "entry",
                    message: "entry: the log ends before position \(end)")
            }
            return position
        }
        do {
            if let source, let answer = engine.lookUp(source: source, id: id) {
                if let found = answer.position, found < end { return found }
                // What numbers its events is known by no key.
                if !answer.mayStandElsewhere { throw notFound }
            }
            return try scan(engine, before: end)
        } catch let refusal as Refusal {
            throw refusal
        } catch {
            throw Refusal(
                code: "storage_failed",
                message: "the log cannot be read: \(error); run `daybook verify`")
        }
    }

    private var notFound: Refusal {
        Refusal(
            code: "not_found", field: "event",
            message: "event: the log has no entry with the id \"\(id)\""
                + (source.map { " of the source \"\($0)\"" } ?? ""))
    }

    /// Without a source all entries have to be looked at.
    private func scan(_ engine: Engine, before end: Position) throws -> Position {
        var found: [(position: Position, source: String)] = []
        var cursor = try engine.reader.cursor(from: 0)
        while try cursor.next() {
            let header = cursor.header
            guard header.firstPosition < end else { break }
            for index in 0..<Int(header.count) {
                let record = try RecordView(record: cursor.record(index))
                guard record.id.isEqual(to: id) else { continue }
                let name = record.source.makeString() ?? ""
                if let source, source != name { continue }
                found.append((header.firstPosition + Position(index), name))
            }
        }
        guard let first = found.first else { throw notFound }
        guard found.count == 1 else {
            let places = found.prefix(10).map { "\($0.source) (position \($0.position))" }
            throw Refusal(
                code: "bad_request", field: "source",
                message: "source: several have an entry with the id \"\(id)\": "
                    + "\(places.joined(separator: ", ")); name one")
        }
        return first.position
    }
}

/// A question to the committer, which alone has the index of identities: where does an entry with this
/// identity stand?
final class IdentityQuestion: Sendable {
    struct Answer {
        /// nil: the index has none.
        let position: Position?
        /// Whether there may be one that the index does not know.
        let mayStandElsewhere: Bool
    }

    let source: String
    let id: String
    /// nil in it: nobody can say.
    private let answer = Monitor<Answer??>(nil)

    init(source: String, id: String) {
        self.source = source
        self.id = id
    }

    func give(_ answer: Answer?) { self.answer.withLock { $0 = .some(answer) } }

    func wait() -> Answer? { answer.wait { $0 } ?? nil }

    /// Whether an entry is the one that is looked for.
    func names(_ record: borrowing RecordView) -> Bool {
        record.id.isEqual(to: id) && record.source.isEqual(to: source)
    }

    func fingerprint(key: SipKey) -> UInt64 {
        var bytes = ByteBuffer(capacity: 64)
        bytes.appendPrefixed(utf8: source)
        bytes.appendPrefixed(utf8: id)
        return siphash(bytes.bytes, key: key)
    }
}

extension Engine {
    /// Asks the committer where an identity stands; nil: there is no committer, or it cannot say.
    func lookUp(source: String, id: String) -> IdentityQuestion.Answer? {
        let question = IdentityQuestion(source: source, id: id)
        let isAsked = exchange.withLock(waking: .committer) { exchange in
            guard !exchange.isClosing, exchange.failure == nil else { return false }
            exchange.questions.append(question)
            return true
        }
        return isAsked ? question.wait() : nil
    }
}

extension Committer {
    /// Answers where an identity stands.
    func answer(_ question: IdentityQuestion) {
        let position: Position?
        do {
            position = try identities.first(question.fingerprint(key: engine.key)) { position in
                try withEntry(at: position) { question.names(try RecordView(record: $0)) }
            }
        } catch {
            // Whoever asked looks for itself, and says what is damaged.
            return question.give(nil)
        }
        let isProducer = question.source.withBytes { books.producers.isProducer($0) }
        question.give(
            .init(position: position, mayStandElsewhere: position == nil && isProducer))
    }
}
