import ArgumentParser
import Billing
import Client
import Platform

/// `daybook rebuild`.
struct RebuildCommand: QueryCommand {
    static let configuration = CommandConfiguration(
        commandName: "rebuild",
        abstract: "Fold the log anew beside the traffic and swap the result in, with proof.",
        discussion: """
            Folds all entries, from the first, into fresh books beside the live ones; entries go on \
            meanwhile. When the fresh ones have caught up they take the place of the live ones, between two \
            commits, at one position. The report compares the digests of each view before and after at that very position, \
            and names the accounts for which something was different. Nothing is, unless memory or \
            a snapshot was damaged: then keep a copy of the directory, and test the machine's memory.

            Killed before the swap, nothing has changed. A terminal shows how far it is. One rebuild runs at a \
            time. With --data, where no server runs, the newest snapshot and what came after it is \
            compared with a fold of the whole log, and nothing is written.

            Views: registry, counters, credits, entitlements, deduplication, producers, redactions, \
            invoices, retirements, limits, corrections. The registry goes with each of them. \
            Ends with 65 if something was different.

            Example: daybook rebuild
            Example: daybook rebuild counters limits --json
            """)

    @Argument(help: ArgumentHelp("Views to replace. Default: all.", valueName: "view"))
    var views: [String] = []
    @OptionGroup var books: BookOptions
    @OptionGroup var format: JSONOption

    func request() -> Request {
        Request("rebuild", ["views": views.isEmpty ? nil : .array(views.map { .string($0) })])
    }

    func wait(for body: () throws -> Reply) throws -> Reply {
        guard books.data == nil, !format.json, StandardStream.error.isTerminal else {
            return try body()
        }
        let path = try books.server.path()
        let isDone = Monitor(false)
        let watcher = Thread.spawn(name: "progress") { Self.watch(path, until: isDone) }
        defer {
            isDone.withLock { $0 = true }
            watcher.join()
        }
        return try body()
    }

    /// Shows on the terminal how many entries are folded, five times a second.
    private static func watch(_ path: String, until isDone: Monitor<Bool>) {
        guard let connection = try? Connection.open(path) else { return }
        while isDone.wait(timeout: 200_000_000, { $0 ? true : nil }) == nil {
            guard let status = try? connection.ask(Request("status")) else { break }
            guard status["rebuild_position"] != nil else { continue }
            let (folded, all) = (
                status["rebuild_position"].grouped, status["rebuild_target"].grouped
            )
            StandardError.text("\r\u{1B}[K\(folded) of \(all) entries are folded")
        }
        StandardError.text("\r\u{1B}[K")
    }

    func lines(_ reply: Reply) -> [String] {
        let seconds = Double(reply["milliseconds"]?.integer ?? 0) / 1000
        let isSwapped = reply["swapped"]?.flag == true
        let verdict =
            reply["equal"]?.flag == true
            ? "all views are equal to a fold of the whole log"
            : "VIEWS DIFFER from a fold of the log"
        let done =
            isSwapped
            ? "the views that were folded anew are live since position \(reply["position"].grouped)"
            : "compared at position \(reply["position"].grouped); nothing was changed"
        var lines = [
            "\(verdict): \(reply["entries"].grouped) entries in \(seconds) s", done, "",
        ]
        for view in reply["views"]?.elements ?? [] {
            let name = view["view"]?.text ?? ""
            let space = String(repeating: " ", count: max(1, 15 - name.utf8.count))
            let before = view["before"]?.text?.prefix(16) ?? ""
            let after = view["after"]?.text?.prefix(16) ?? ""
            lines.append(
                view["equal"]?.flag == true
                    ? "\(name)\(space)\(after)  equal" : "\(name)\(space)\(before) became \(after)")
        }
        let listed = reply["listed"]?.elements ?? []
        guard !listed.isEmpty else { return lines }
        lines += ["", "\(reply["differences"].grouped) differences; \(listed.count) of them:"]
        for difference in listed {
            let account = difference["account"]?.text.map { " of \($0)" } ?? ""
            let head = difference["head"]?.text == "decided" ? " (decisions)" : ""
            lines.append(
                "  \(difference["view"]?.text ?? "")\(account)\(head): "
                    + "\(difference["what"]?.text ?? ""): \(difference["before"]?.text ?? "") "
                    + "became \(difference["after"]?.text ?? "")")
        }
        return lines
    }

    func status(_ reply: Reply) -> ExitStatus {
        reply["equal"]?.flag == true ? .success : .rejected
    }
}
