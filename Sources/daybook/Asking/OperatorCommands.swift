import ArgumentParser
import Billing
import Client
import Platform

/// `daybook status`.
struct StatusCommand: QueryCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show where the engine stands: positions, digest, counts.",
        discussion: """
            `digest` is a hash of all books: two engines with the same entries have the same. \
            `chain` is the head of the log's hash chain.

            Example: daybook status --json
            """)

    @OptionGroup var books: BookOptions
    @OptionGroup var format: JSONOption

    func request() -> Request { Request("status") }

    func lines(_ reply: Reply) -> [String] {
        guard case .object(let members) = reply.value else { return [] }
        let shown = members.filter { $0.name != "ok" && $0.name != "id" }
        let width = shown.map(\.name.count).max() ?? 0
        return shown.flatMap { member -> [String] in
            let name = member.name.replacing("_", with: " ")
            let space = String(repeating: " ", count: width - name.count + 2)
            let text =
                member.value.integer == nil
                ? Optional(member.value).shown : Optional(member.value).grouped
            return ["\(name)\(space)\(text)"]
        }
    }
}

/// `daybook compact`.
struct CompactCommand: QueryCommand {
    static let configuration = CommandConfiguration(
        commandName: "compact",
        abstract: "Seal and merge everything that can be, now.",
        discussion: """
            A running server seals and merges by itself; this does at once what it would do in \
            time, and more: all rows are sealed, sealed segments are merged as far as their \
            sizes allow, and redacted values and dropped bodies are taken off the disk. What is written is \
            read back and proved equal before it takes the place of what was there. Killed at any \
            point, nothing is lost. A terminal shows how far it is.

            Example: daybook compact
            """)

    @OptionGroup var server: SocketOptions
    @OptionGroup var format: JSONOption

    var books: BookOptions { BookOptions(server) }

    func request() -> Request { Request("compact") }

    func wait(for body: () throws -> Reply) throws -> Reply {
        guard !format.json, StandardStream.error.isTerminal else { return try body() }
        let path = try server.path()
        let isDone = Monitor(false)
        let watcher = Thread.spawn(name: "progress") { Self.watch(path, until: isDone) }
        defer {
            isDone.withLock { $0 = true }
            watcher.join()
        }
        return try body()
    }

    /// Shows on the terminal how many entries are sealed, five times a second.
    private static func watch(_ path: String, until isDone: Monitor<Bool>) {
        guard let connection = try? Connection.open(path) else { return }
        while isDone.wait(timeout: 200_000_000, { $0 ? true : nil }) == nil {
            guard let status = try? connection.ask(Request("status")) else { break }
            let (sealed, all) = (status["sealed_position"].grouped, status["position"].grouped)
            StandardError.text("\r\u{1B}[K\(sealed) of \(all) entries are sealed; merging follows")
        }
        StandardError.text("\r\u{1B}[K")
    }

    func lines(_ reply: Reply) -> [String] {
        let (before, after) = (
            reply["bytes_before"]?.integer ?? 0, reply["bytes_after"]?.integer ?? 0
        )
        guard before > 0 else { return ["nothing to do: all is sealed and merged"] }
        let saved = 100 - after * 100 / before
        let rewritten = reply["rewritten"]?.integer ?? 0
        let erased =
            rewritten == 0 ? "" : ", written again without what was erased \(rewritten) times"
        return [
            "sealed \(reply["sealed"].grouped) times, merged \(reply["merged"].grouped) times"
                + "\(erased); \(reply["files_replaced"].grouped) files replaced",
            "\(reply["bytes_before"].grouped) bytes became \(reply["bytes_after"].grouped): "
                + "\(saved) % saved",
        ]
    }
}

/// `daybook snapshot`.
struct SnapshotCommand: QueryCommand {
    static let configuration = CommandConfiguration(
        commandName: "snapshot",
        abstract: "Write a snapshot of the books now, so that the next start is quick.",
        discussion: "Example: daybook snapshot")

    @OptionGroup var server: SocketOptions
    @OptionGroup var format: JSONOption

    var books: BookOptions { BookOptions(server) }

    func request() -> Request { Request("snapshot") }

    func lines(_ reply: Reply) -> [String] {
        ["snapshot at position \(reply.shown("position"))"]
            + ["snapshot", "digest"].filter { reply[$0] != nil }.map { "\($0)  \(reply.shown($0))" }
    }
}

/// `daybook ping`.
struct PingCommand: QueryCommand {
    static let configuration = CommandConfiguration(
        commandName: "ping",
        abstract: "Ask whether a server answers.",
        discussion: "Ends with 0 if it does, with 69 if nobody listens.\n\nExample: daybook ping")

    @OptionGroup var server: SocketOptions
    @OptionGroup var format: JSONOption

    var books: BookOptions { BookOptions(server) }

    func request() -> Request { Request("ping") }

    func lines(_ reply: Reply) -> [String] {

        [
            "it answers"
                + (reply["position"] == nil ? "" : ", at position \(reply.shown("position"))")
        ]
    }
}

/// `daybook unmatched`.
struct UnmatchedCommand: QueryCommand {
    static let configuration = CommandConfiguration(
        commandName: "unmatched",
        abstract: "List recorded events that no meter counts, by reason.",
        discussion: """
            Such events are in the log all the same: publish a catalog with a meter for them, \
            and they are counted from the beginning.

            Example: daybook unmatched
            """)

    @Option(help: ArgumentHelp("How many rows at most.", valueName: "n")) var limit: Int?
    @OptionGroup var time: MomentOptions
    @OptionGroup var books: BookOptions
    @OptionGroup var format: JSONOption

    var moment: MomentOptions? { time }

    func validate() throws {
        if let limit, limit < 1 { throw ValidationError("--limit must be 1 or more") }
    }

    func request() -> Request { Request("unmatched", ["limit": limit.map { .whole($0) }]) }

    func lines(_ reply: Reply) -> [String] {
        var table = Table([
            .left("reason"), .left("key"), .right("events"), .right("first"), .right("last"),
        ])
        for row in reply["unmatched"]?.elements ?? [] {
            table.add([
                row["reason"].shown, row["key"].shown, row["events"].grouped,
                row["first_position"].shown, row["last_position"].shown,
            ])
        }
        let head = "\(reply["total"].grouped) events that no meter counts"
        return table.isEmpty ? [head] : [head, ""] + table.lines
    }
}
