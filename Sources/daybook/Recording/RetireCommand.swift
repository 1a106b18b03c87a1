import ArgumentParser
import Billing
import Client
import Codec

/// `daybook retire`.
struct RetireCommand: MutationCommand {
    static let configuration = CommandConfiguration(
        commandName: "retire",
        abstract: "Drop the bodies of old entries whose periods are finalised, for ever.",
        discussion: """
            Of each event and consume that was recorded before the time, and whose own time is in a \
            finalised period that ended by then, only what meters and prices read stays: its \
            identity, account, time, decision and the measured properties. Bills, balances, \
            duplicates and proofs stay what they are. The time must be older than the catalog's \
            `events: {keep: …}`, which is the legal period; without it nothing can be dropped.

            The order is an entry itself. The server takes the bodies off its disk in the background, \
            `daybook compact` does it at once. Copies and backups that were made before keep them. \
            Look first: --dry-run reads the log and says what would go.

            Example: daybook retire --before 2016-01-01T00:00:00Z --reason "ten years are over"
            """)

    @Option(
        help: ArgumentHelp(
            "Entries and periods before this, such as 2016-01-01T00:00:00Z.", valueName: "time"))
    var before: String
    @Option(help: ArgumentHelp("Why, for the record.", valueName: "text"))
    var reason: String?
    @Flag(help: "Only say what would be dropped.") var dryRun = false
    @OptionGroup var identity: IdentityOptions
    @OptionGroup var server: SocketOptions
    @OptionGroup var format: JSONOption

    func validate() throws {
        if Timestamp(rfc3339: before) == nil {
            throw ValidationError("--before \(before) is no time such as 2016-01-01T00:00:00Z")
        }
        if reason == nil, !dryRun {
            throw ValidationError("give --reason: it stands in the log; or --dry-run")
        }
    }

    func run() throws {
        guard dryRun else { return try record() }
        let connection = try Connection.open(server.path())
        defer { connection.close() }
        let reply = try connection.ask(Request("retirement", ["before": .string(before)]))
        if let refusal = reply.refusal { throw CommandFailure(refusal) }
        guard !format.json else {
            var output = Output()
            try output.line(reply.line)
            return try output.flush()
        }
        try Output.print([
            "\(reply["entries"].grouped) entries of \(reply["accounts"].grouped) accounts would lose "
                + "their bodies, \(reply["bytes"].grouped) bytes of records",
            "\(reply["not_finalised"].grouped) stay whole: their period is not finalised, or ends "
                + "later, or they have no account",
            "\(reply["nothing_to_drop"].grouped) have nothing but what meters read",
            "\(reply["already_retired"].grouped) have lost their bodies already",
        ])
    }

    func request() -> Request {
        Request("retire", ["before": .string(before), "reason": reason.map { .string($0) }])
    }

    func line(_ reply: Reply) -> String {
        "bodies of entries before \(before) are dropped; `daybook compact` takes them off the disk now"
    }
}
