import ArgumentParser
import Billing
import Client
import Codec

/// `daybook backfill …`.
struct BackfillCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backfill",
        abstract: "Record many events that count together, or not at all.",
        discussion: """
            Events of a batch are recorded as they come and count nowhere until the batch is closed; \
            then all of them count at once, each at its own time. A batch can be reverted, open or \
            closed: its events count no more, for ever. Nothing is removed from the log.

            Example: daybook backfill create may-gap --reason "lost in the outage"
            Example: daybook record --batch may-gap may.ndjson && daybook backfill close may-gap
            """,
        subcommands: [
            BackfillCreateCommand.self, BackfillCloseCommand.self, BackfillRevertCommand.self,
            BackfillListCommand.self,
        ])
}

/// What orders about a batch have in common.
struct BatchArguments: ParsableArguments {
    @Argument(help: "The batch's name.") var batch: String
    @Option(help: ArgumentHelp("Why, for the record.", valueName: "text")) var reason: String?

    /// A request about the batch.
    func request(_ action: String, isBilled: Bool = true) -> Request {
        Request(
            "backfill",
            [
                "action": .string(action), "batch": .string(batch),
                "bill": isBilled ? nil : .bool(false), "reason": reason.map { .string($0) },
            ])
    }

    /// What became of it.
    func line(_ reply: Reply, _ what: String) -> String {
        "batch \(batch) is \(what): \(reply["events"].grouped) events of "
            + "\(reply["accounts"].grouped) accounts"
    }
}

/// `daybook backfill create NAME`.
struct BackfillCreateCommand: MutationCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Open a batch.",
        discussion: """
            Its name is never used again. With --no-bill its events are never metered, only visible.

            Example: daybook backfill create may-gap --reason "lost in the outage"
            """)

    @OptionGroup var which: BatchArguments
    @Flag(help: "Its events are never metered.") var noBill = false
    @OptionGroup var identity: IdentityOptions
    @OptionGroup var server: SocketOptions
    @OptionGroup var format: JSONOption

    func request() -> Request { which.request("create", isBilled: !noBill) }

    func line(_ reply: Reply) -> String {
        "batch \(which.batch) is open; `daybook record --batch \(which.batch) FILE` fills it"
    }
}

/// `daybook backfill close NAME`.
struct BackfillCloseCommand: MutationCommand {
    static let configuration = CommandConfiguration(
        commandName: "close",
        abstract: "Let the events of a batch count, all at once.",
        discussion: """
            It takes no more events then.

            Example: daybook backfill close may-gap
            """)

    @OptionGroup var which: BatchArguments
    @OptionGroup var identity: IdentityOptions
    @OptionGroup var server: SocketOptions
    @OptionGroup var format: JSONOption

    func request() -> Request { which.request("close") }

    func line(_ reply: Reply) -> String { which.line(reply, "closed") }
}

/// `daybook backfill revert NAME`.
struct BackfillRevertCommand: MutationCommand {
    static let configuration = CommandConfiguration(
        commandName: "revert",
        abstract: "Let the events of a batch count no more, for ever.",
        discussion: """
            An open batch takes no more events then. What a finalised invoice charged of them, the \
            account's next one gives back.

            Example: daybook backfill revert may-gap --reason "wrong month"
            """)

    @OptionGroup var which: BatchArguments
    @OptionGroup var identity: IdentityOptions
    @OptionGroup var server: SocketOptions
    @OptionGroup var format: JSONOption

    func request() -> Request { which.request("revert") }

    func line(_ reply: Reply) -> String { which.line(reply, "reverted") }
}

/// `daybook backfill list`.
struct BackfillListCommand: QueryCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List all batches.",
        discussion: """
            With how many events each has, and the entries that opened, closed and reverted it.

            Example: daybook backfill list
            """)

    @Option(help: ArgumentHelp("Number of the first, from 0.", valueName: "n")) var from: Int?
    @OptionGroup var books: BookOptions
    @OptionGroup var format: JSONOption

    func request() -> Request { Request("batches", ["from": from.map { .whole($0) }]) }

    func lines(_ reply: Reply) -> [String] {
        var table = Table([
            .left("batch"), .left("state"), .left("billed"), .right("events"), .right("opened"),
            .right("closed"), .right("reverted"),
        ])
        for batch in reply["batches"]?.elements ?? [] {
            table.add([
                batch["batch"].shown, batch["state"].shown,
                batch["bill"]?.flag == true ? "yes" : "never", batch["events"].grouped,
                batch["opened"].shown, batch["closed"].shown, batch["reverted"].shown,
            ])
        }
        let next = reply["next"].shown
        return table.lines + (next == "-" ? [] : ["more: --from \(next)"])
    }
}
