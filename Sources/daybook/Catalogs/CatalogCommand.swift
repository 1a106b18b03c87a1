import ArgumentParser
import Billing
import Bytes
import Client
import Codec

/// `daybook catalog …`.
struct CatalogCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "catalog",
        abstract: "Check, compare, publish and show prices and plans.",
        discussion: """
            A catalog is a YAML (or JSON) file with meters, features, credits, plans and prices; \
            docs/CATALOG.md explains every key. Published, it becomes an entry of the log.

            Example: daybook catalog check prices.yaml && daybook catalog publish prices.yaml
            """,
        subcommands: [
            CatalogCheckCommand.self, CatalogDiffCommand.self, CatalogPublishCommand.self,
            CatalogShowCommand.self,
        ])
}

/// `daybook catalog check FILE`.
struct CatalogCheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Say everything that is wrong with a catalog file. Needs no server.",
        discussion: """
            Problems go to standard error as file:line: path: message, and the command ends with \
            65.

            Example: daybook catalog check prices.yaml
            """)

    @Argument(help: "A YAML or JSON file.") var file: String
    @Flag(help: "Print the canonical form, which publish would send.") var json = false

    func run() throws {
        let catalog = try CatalogFile(file)
        if json {
            var writer = JSONWriter()
            writer.value(catalog.canonical)
            try Output.print([String(decoding: writer.finish(), as: UTF8.self)])
        } else {
            try Output.print(["\(file): nothing is wrong; \(catalog.summary)"])
        }
    }
}

/// `daybook catalog diff FILE`.
struct CatalogDiffCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff",
        abstract: "Show what publishing a file would change.",
        discussion: """
            Compares with the current catalog, path by path: + added, - removed, ~ changed. \
            Writes nothing.

            Example: daybook catalog diff prices.yaml
            """)

    @Argument(help: "A YAML or JSON file.") var file: String
    @OptionGroup var books: BookOptions
    @OptionGroup var format: JSONOption

    func run() throws {
        let new = try CatalogFile(file)
        let reply = try books.open().answer(Request("catalog"))
        let old = reply["catalog"] ?? .null
        let changes = CatalogDifference.changes(
            from: old == .null ? .object([]) : old,
            to: new.canonical)
        if format.json {
            try Output.print([Self.json(changes)])
            return
        }
        if changes.isEmpty {
            try Output.print(["no change: \(file) is what version \(reply.shown("version")) says"])
            return
        }
        let head =
            old == .null
            ? "no catalog is published yet" : "against version \(reply.shown("version"))"
        try Output.print(["\(head):"] + changes.map(Self.line))
    }

    private static func line(_ change: CatalogDifference.Change) -> String {
        let before = CatalogDifference.shown(change.before, at: change.path)
        let after = CatalogDifference.shown(change.after, at: change.path)
        return if change.before == nil {
            "+ \(change.path): \(after)"
        } else if change.after == nil {
            "- \(change.path): \(before)"
        } else {
            "~ \(change.path): \(before) -> \(after)"
        }
    }

    private static func json(_ changes: [CatalogDifference.Change]) -> String {
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("changes")
        writer.beginArray()
        for change in changes {
            writer.beginObject()
            writer.member("path", change.path)
            writer.key("before")
            writer.value(change.before ?? .null)
            writer.key("after")
            writer.value(change.after ?? .null)
            writer.endObject()
        }
        writer.endArray()
        writer.endObject()
        return String(decoding: writer.finish(), as: UTF8.self)
    }
}

/// `daybook catalog publish FILE`.
struct CatalogPublishCommand: MutationCommand {
    static let configuration = CommandConfiguration(
        commandName: "publish",
        abstract: "Make a catalog file the current catalog.",
        discussion: """
            Checks the file first. Accounts with a subscription keep the version they subscribed \
            under; all others follow the new one. Every version stays in the log.
            With --existing-from they move to the new version too, at that time, or with \
            --next-period when the period begins that comes next.

            Example: daybook catalog publish prices.yaml
            """)

    /// A request is one line, and the server reads no longer ones.
    private static let lineBytesMax = 256 << 10

    @Argument(help: "A YAML or JSON file.") var file: String
    @Option(
        help: ArgumentHelp(
            "When accounts that are subscribed already get the new version, as RFC 3339. Default: "
                + "they keep theirs.", valueName: "time"))
    var existingFrom: String?
    @Flag(help: "They get it only when their next period begins, at that time or later.")
    var nextPeriod = false
    @OptionGroup var identity: IdentityOptions
    @OptionGroup var server: SocketOptions
    @OptionGroup var format: JSONOption

    func validate() throws {
        if let existingFrom, Timestamp(rfc3339: existingFrom) == nil {
            throw ValidationError(
                "--existing-from \(existingFrom): give a time such as 2026-03-01T00:00:00Z")
        }
    }

    func request() throws -> Request {
        var request = Request("publish", ["catalog": try CatalogFile(file).canonical])
        if let existingFrom { request = request.setting("existing_from", .string(existingFrom)) }
        if nextPeriod || existingFrom != nil {
            request = request.setting(
                "existing", .string(nextPeriod ? "next_period" : "at_once"))
        }
        guard request.line.count <= Self.lineBytesMax - 1024 else {
            throw CommandFailure(
                .rejected, "\(file): the canonical catalog has more than 255 KiB")
        }
        return request
    }

    func line(_ reply: Reply) -> String { "\(file) is the current catalog" }
}

/// `daybook catalog show`.
struct CatalogShowCommand: QueryCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Print the current catalog as YAML.",
        discussion: "Example: daybook catalog show > prices.yaml")

    @OptionGroup var books: BookOptions
    @OptionGroup var format: JSONOption

    func request() -> Request { Request("catalog") }

    func lines(_ reply: Reply) -> [String] {
        guard let catalog = reply["catalog"], catalog != .null else {
            return ["# no catalog is published yet"]
        }
        return ["# version \(reply.shown("version"))"] + YAMLWriter.lines(catalog)
    }
}
