import Billing
import Client
import Codec

/// # The events in a feed's lines
///
/// A feed is one event a line, as webhooks are kept; or JSON over many lines, as Stripe's own tools
/// print it. Each text is an event, an array of events, or a Stripe list of them (an object whose
/// `data` is an array).
///
/// The first line that is not blank decides: if it leaves a bracket open, texts reach over lines
/// and each ends where its brackets do; else each line stands for itself, so that a bad one costs
/// its own event only.
struct StripeLines {
    /// Bytes of one text at most: several times what a page of a hundred events takes.
    private let textBytesMax: Int

    /// An event, or why there is none.
    struct Piece: Equatable {
        /// 1-based line on which its text begins.
        let line: Int
        /// 1-based number in its list; nil: the text is the event.
        let number: Int?
        let event: Result<Value, SyncFault>
    }

    private enum Form {
        case eachLine
        case overLines
        /// A text was too large: where the next one begins is not known.
        case lost
    }

    private var form: Form?
    private var lineCount = 0
    private var text: [UInt8] = []
    private var firstLine = 0
    private var depth = 0
    /// Whether a list said that Stripe has more events than it holds.
    private(set) var hasMore = false

    init(textBytesMax: Int = 64 << 20) { self.textBytesMax = textBytesMax }

    /// Reads the next line, given without its end.
    mutating func take(_ line: [UInt8]) -> [Piece] {
        lineCount += 1
        if form == .lost || text.isEmpty && line.allSatisfy(Self.isSpace) { return [] }
        if text.isEmpty { firstLine = lineCount }
        text += line
        text.append(UInt8(ascii: "\n"))
        if form != .eachLine { depth = max(0, depth + Self.opened(line)) }
        if form == nil { form = depth > 0 ? .overLines : .eachLine }
        guard text.count <= textBytesMax else {
            if form == .overLines { form = .lost }
            return [
                refused(
                    "more than \(textBytesMax) bytes; write one event a line (jq -c '.data[]')"
                )
            ]
        }
        return depth > 0 ? [] : pieces()
    }

    /// Reads what is left when the lines are over.
    mutating func finish() -> [Piece] { text.isEmpty ? [] : pieces() }

    /// The events of the text, which is then done.
    private mutating func pieces() -> [Piece] {
        let value: Value
        do throws(Rejection) {
            value = try Self.value(text)
        } catch {
            return [refused("no JSON that can be read: \(error.message)")]
        }
        defer { clear() }
        guard value["object"] != .string("event"), case .array(let events)? = value["data"] else {
            return [Piece(line: firstLine, number: nil, event: .success(value))]
        }
        if value["has_more"]?.flag == true { hasMore = true }
        return events.enumerated().map {
            Piece(line: firstLine, number: $0 + 1, event: .success($1))
        }
    }

    /// A text as a tree; an array as the `data` of an object, which is all the JSON reader knows.
    private static func value(_ text: [UInt8]) throws(Rejection) -> Value {
        guard text.first(where: { !isSpace($0) }) == UInt8(ascii: "[") else {
            return try ValueCoder.value(json: text)
        }
        let value = try ValueCoder.value(
            json: Array(#"{"data":"#.utf8) + text + [UInt8(ascii: "}")])
        guard case .object(let members) = value, members.count == 1 else {
            throw Rejection(field: nil, message: "something follows the JSON array")
        }
        return value
    }

    private mutating func refused(_ message: String) -> Piece {
        defer { clear() }
        return Piece(line: firstLine, number: nil, event: .failure(SyncFault("", message)))
    }

    private mutating func clear() {
        text.removeAll()
        depth = 0
    }

    /// Brackets that a line opens beyond those that it closes. A JSON text has no line end inside a
    /// string, so that each line can be looked at alone.
    private static func opened(_ line: [UInt8]) -> Int {
        var depth = 0
        var isString = false
        var isEscaped = false
        for byte in line {
            switch byte {
            case _ where isEscaped: isEscaped = false
            case UInt8(ascii: "\\"): isEscaped = isString
            case UInt8(ascii: "\""): isString.toggle()
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += isString ? 0 : 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= isString ? 0 : 1
            default: break
            }
        }
        return depth
    }

    private static func isSpace(_ byte: UInt8) -> Bool {
        [UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r")].contains(byte)
    }
}
