import ArgumentParser
import Billing
import Client

/// `daybook tail`.
struct TailCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tail",
        abstract: "Print the entries of the log, from a position on.",
        discussion: """
            With --json each entry is one line: position, recorded_at, kind, event, outcome. \
            All filters have to hold. With --follow it waits for new entries until it is stopped.

            Example: daybook tail --from 1000 --account acme --kind consume --json
            """)

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "First position. -1: only what comes after now.", valueName: "position"))
    var from = 0
    @Flag(help: "Wait for new entries.") var follow = false
    @Option(help: "Only entries of this account.") var account: String?
    @Option(help: "Only events of this CloudEvents type.") var type: String?
    @Option(
        help: ArgumentHelp(
            "Only this kind: event, consume, subscribe, cancel, grant, publish, redact, finalise, "
                + "credit_note, retire, void, hold, settle, release, extend, refund, reset, "
                + "subscription, override, pause, resume, reconcile, account, "
                + "correct, backfill. May stand several times.",
            valueName: "kind"))
    var kind: [EntryKind] = []
    @Option(help: ArgumentHelp("Stop after so many entries.", valueName: "n")) var limit: Int?
    @OptionGroup var books: BookOptions
    @OptionGroup var format: JSONOption

    /// The kinds of entries.
    enum EntryKind: String, ExpressibleByArgument, CaseIterable {
        case event, consume, subscribe, cancel, grant, publish, redact, finalise, credit_note
        case retire, void, hold, settle, release, extend, refund, reset, subscription, override
        case pause, resume, reconcile, account, deposit, correct, backfill
    }

    func validate() throws {
        if from < -1 { throw ValidationError("--from is a position from 0 on, or -1 for now") }
        if let limit, limit < 1 { throw ValidationError("--limit must be 1 or more") }
    }

    func run() throws {
        let kinds: Value? = kind.isEmpty ? nil : .array(kind.map { .string($0.rawValue) })
        let request = Request(
            "follow",
            [
                "from": .whole(from), "follow": follow ? .bool(true) : nil,
                "account": account.map { .string($0) }, "type": type.map { .string($0) },
                "kinds": kinds, "limit": limit.map { .whole($0) },
            ])
        let answering = try books.open()
        var output = Output()
        let reader = ReplyReader()
        let end = try answering.follow(request) { line in
            if format.json {
                try output.line(line)
            } else {
                try output.line(Self.text(try reader.read(line)))
            }
            // Whoever follows wants to see each entry when it comes.
            if follow { try output.flush() }
            return !output.isReaderGone
        }
        try output.flush()
        if let refusal = end?.refusal { throw CommandFailure(refusal) }
    }

    /// An entry for people: `17  2023-11-03T10:00:00Z  event  acme  llm.call  {…}`.
    static func text(_ entry: Reply) -> String {
        let event = entry["event"]
        var text = "\(entry.shown("position"))  \(entry.shown("recorded_at"))  "
        text += "\(entry.shown("kind"))  \((event?["subject"]).shown)"
        if entry.shown("kind") == "event" { text += "  \((event?["type"]).shown)" }
        if let data = event?["data"], entry.shown("kind") != "publish" {
            text += "  \(Optional(data).shown)"
        }
        if entry["retired"]?.flag == true { text += "  (body dropped)" }
        if let outcome = entry["outcome"], let allowed = outcome["allowed"]?.flag {
            text += allowed ? "  allowed" : "  DENIED"
            if outcome["reason"].shown != "allowed" { text += " (\(outcome["reason"].shown))" }
        }
        return text.replacing("\n", with: "\\n")
    }
}
