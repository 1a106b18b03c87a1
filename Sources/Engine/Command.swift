import Billing
import Bytes
import Codec
import Money
import Projections

/// A command with its members read: what becomes an entry of its own kind.
struct Command {
    let kind: RecordKind
    let source: String
    let id: String
    let subject: String?
    let time: EventTime?
    let timeText: String
    /// The parameters as the entry keeps them.
    let data: Value

    /// The source of commands that name none.
    static let defaultSource = "daybook"

    /// Reads a command.
    /// - Returns: nil if `word` is no command.
    static func decode(_ word: String, _ arguments: Arguments) throws(Refusal) -> Command? {
        switch word {
        case "consume":
            return try command(
                .consume, arguments, required: ["feature"],
                optional: ["quantity", "value", "data"])
        case "subscribe":
            return try command(
                .subscribe, arguments, required: ["plan"],
                optional: ["quantity", "addons", "trial_until", "timezone", "anchor", "when"],
                hasTime: true)
        case "cancel":
            return try command(.cancel, arguments, required: [], optional: ["when"], hasTime: true)
        case "pause":
            return try command(
                .pause, arguments, required: [], optional: ["until", "when"], hasTime: true)
        case "resume":
            return try command(.resume, arguments, required: [], optional: [], hasTime: true)
        case "subscription":
            return try command(
                .subscription, arguments, required: ["subscription", "started", "status"],
                optional: [
                    "plan", "quantity", "addons", "rank", "anchor", "trial_until", "cancel_at",
                    "pause_until",
                ], hasTime: true)
        case "override":
            return try command(
                .override, arguments, required: ["feature"],
                optional: ["entitlement", "remove", "expires", "reason"], hasTime: true)
        case "grant":
            return try command(
                .grant, arguments, required: ["amount"],
                optional: [
                    "priority", "expires", "unit", "kind", "features", "cost", "every", "anchor",
                    "rollover", "price", "paid",
                ],
                hasTime: true)
        default:
            if let command = try decodeCredits(word, arguments) { return command }
            return try decodeOther(word, arguments)
        }
    }

    private static func decodeCredits(
        _ word: String, _ arguments: Arguments
    ) throws(Refusal) -> Command? {
        switch word {
        case "void":
            return try command(
                .void, arguments, required: ["grant"], optional: ["reason"])
        case "hold":
            return try command(
                .hold, arguments, required: ["feature"],
                optional: ["quantity", "seconds", "expires", "data"])
        case "settle":
            return try command(
                .settle, arguments, required: ["hold", "quantity"], optional: ["data"])
        case "release": return try command(.release, arguments, required: ["hold"], optional: [])
        case "extend":
            return try command(
                .extend, arguments, required: ["hold"], optional: ["seconds", "expires"])
        case "refund":
            return try command(
                .refund, arguments, required: ["entry"], optional: ["credits", "unit", "reason"])
        case "deposit":
            return try command(
                .deposit, arguments, required: ["amount", "currency"], optional: ["reason"])
        case "reset":
            return try command(
                .reset, arguments, required: [], optional: ["unit", "feature", "anchor"])
        default: return nil
        }
    }

    private static func decodeOther(
        _ word: String, _ arguments: Arguments
    ) throws(Refusal) -> Command? {
        switch word {
        case "account":
            return try command(
                .account, arguments, required: ["action"], optional: ["name", "into", "reason"],
                hasTime: true)
        case "publish":
            return try command(
                .publish, arguments, required: ["catalog"],
                optional: ["existing_from", "existing"], hasAccount: false)
        case "retire":
            return try command(
                .retire, arguments, required: ["before", "reason"], optional: [],
                hasAccount: false)
        case "redact":
            return try redaction(
                command(
                    .redact, arguments, required: ["positions", "properties", "reason"],
                    optional: [], hasAccount: false))
        default: return nil
        }
    }

    /// The command with its lists in order, each element once: what is the same order is the same content.
    private static func redaction(_ command: Command) -> Command {
        var members: [(String, Value)] = []
        for name in ["positions", "properties", "reason"] {
            guard let value = command.data[name] else { continue }
            members.append((name, name == "reason" ? value : ascending(value)))
        }
        return Command(
            kind: command.kind, source: command.source, id: command.id, subject: nil, time: nil,
            timeText: "", data: .object(of: members))
    }

    private static func ascending(_ value: Value) -> Value {
        guard case .array(let list) = value else { return value }
        let sorted = list.sorted { left, right in
            switch (left, right) {
            case (.number(let left), .number(let right)): left.mantissa < right.mantissa
            case (.string(let left), .string(let right)):
                left.utf8.lexicographicallyPrecedes(right.utf8)
            default: false
            }
        }
        return .array(sorted.reduce(into: []) { if $0.last != $1 { $0.append($1) } })
    }

    private static func command(
        _ kind: RecordKind, _ arguments: Arguments, required: [String], optional: [String],
        hasTime: Bool = false, hasAccount: Bool = true
    ) throws(Refusal) -> Command {
        var known = required + optional + ["source"]
        if hasTime { known.append("effective") }
        if hasAccount { known.append("account") }
        try arguments.allow(known)
        let id = try arguments.text("id")
        let source = try arguments.optionalText("source") ?? defaultSource
        let subject = hasAccount ? try arguments.text("account") : nil
        var data: [(String, Value)] = []
        for name in required + optional {
            if let value = arguments[name] {
                data.append((name, value))
            } else if required.contains(name) {
                throw .bad(name, "is missing")
            }
        }
        if let extra = arguments["data"], case .object = extra {
        } else if arguments["data"] != nil {
            throw .bad("data", "must be an object")
        }
        var time: EventTime?
        var timeText = ""
        if hasTime, let text = try arguments.optionalText("effective") {
            guard let read = EventTime(text) else {
                throw .bad(
                    "effective",
                    "an RFC 3339 time such as 2026-03-01T00:00:00Z is needed, not \"\(text)\"")
            }
            time = read
            timeText = text
        }
        return Command(
            kind: kind, source: source, id: id, subject: subject, time: time, timeText: timeText,
            data: .object(of: data))
    }
}
