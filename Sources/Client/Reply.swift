package import Billing
import Bytes
import Codec

/// One line from the server.
package struct Reply: Sendable {
    /// The line as it came, without its end.
    package let line: [UInt8]
    /// The same, as a tree.
    package let value: Value

    /// A reply that did not come over a socket.
    package init(line: [UInt8], value: Value) {
        self.line = line
        self.value = value
    }

    /// A member; nil if it is not there. A null is there.
    package subscript(name: String) -> Value? { value[name] }

    /// Why the server refused; nil if it did not.
    package var refusal: Refusal? {
        guard let word = value["error"]?.text else { return nil }
        let problems = (value["problems"]?.elements ?? []).map {
            Refusal.Problem(path: $0["path"]?.text ?? "", message: $0["message"]?.text ?? "")
        }
        return Refusal(
            word: word, message: value["message"]?.text ?? "", field: value["field"]?.text,
            problems: problems)
    }
}

/// A refusal in the server's words.
package struct Refusal: Hashable, Sendable {
    /// One of the words of `docs/PROTOCOL.md`, such as `bad_request`.
    package let word: String
    /// What is wrong, where, and what to do.
    package let message: String
    /// The member at fault, if one is.
    package let field: String?
    /// What is wrong in a catalog.
    package let problems: [Problem]

    /// One thing that is wrong in a document.
    package struct Problem: Hashable, Sendable {
        /// Where, as a path from the root.
        package let path: String
        /// What is wrong and what is expected.
        package let message: String

        /// A problem.
        package init(path: String, message: String) {
            self.path = path
            self.message = message
        }
    }

    /// A refusal; see the properties.
    package init(
        word: String, message: String, field: String? = nil, problems: [Problem] = []
    ) {
        self.word = word
        self.message = message
        self.field = field
        self.problems = problems
    }

    /// Field, message and word in one line for people. Most messages name the field themselves.
    package var sentence: String {
        guard !message.isEmpty else { return field.map { "\($0): \(word)" } ?? word }
        guard let field, !message.hasPrefix(field) else { return "\(message) (\(word))" }
        return "\(field): \(message) (\(word))"
    }
}

extension Value {
    /// The whole number, if it is one that fits.
    package var integer: Int? {
        guard case .number(let number) = self else { return nil }
        return Int("\(number)")
    }

    /// The truth value, if it is one.
    package var flag: Bool? {
        guard case .bool(let flag) = self else { return nil }
        return flag
    }

    /// The elements, none if it is no array.
    package var elements: [Value] {
        guard case .array(let list) = self else { return [] }
        return list
    }
}

/// Turns lines into replies; keeps the parser's memory from line to line.
package final class ReplyReader {
    private let tokens = JSONTokenizer()

    /// A reader.
    package init() {}

    /// Reads a line.
    /// - Throws: `ClientFailure.notUnderstood` if it is no JSON object.
    package func read(_ line: [UInt8]) throws(ClientFailure) -> Reply {
        do {
            if tokens.parse(line.raw, paddingAvailable: 0) == nil {
                let value = try ValueCoder.value(tokens)
                if case .object = value { return Reply(line: line, value: value) }
            }
        } catch {}
        let shown = String(decoding: line.prefix(200), as: UTF8.self)
        throw .notUnderstood("the server sent a line that is no JSON object: \(shown)")
    }
}
