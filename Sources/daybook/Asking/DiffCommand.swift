import ArgumentParser
import Billing
import Client
import Codec

/// `daybook diff`.
struct DiffCommand: QueryCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff",
        abstract: "Show what changed between two positions, and the entries that changed it.",
        discussion: """
            Usage, credits, entitlements and bills of each account are looked at as of both ends, \
            at the instant of the later one: what differs was changed by the entries between, not \
            by time. The first of these entries are named; `daybook explain --position P` says \
            what one of them did.

            Example: daybook diff --as-of 2026-03-01 --account acme
            Example: daybook diff --as-of 184022 --as-of 184100
            """)

    @Option(
        help: ArgumentHelp(
            "An end: a position, or a time (what was recorded up to it). Give it twice, the earlier "
                + "first; the later one is now by default.", valueName: "position|time"))
    var asOf: [String]
    @Option(
        help: ArgumentHelp(
            "Only this account. Default: all with entries between.", valueName: "account"))
    var account: String?
    @Option(help: ArgumentHelp("Show so many accounts at most.", valueName: "n")) var limit: Int?
    @OptionGroup var books: BookOptions
    @OptionGroup var format: JSONOption

    func validate() throws {
        guard (1...2).contains(asOf.count) else {
            throw ValidationError("give --as-of twice (or once: from there until now)")
        }
        for text in asOf
        where MomentOptions.position(text) == nil && MomentOptions.time(text) == nil {
            throw ValidationError(
                "--as-of \(text) is neither a position nor a time such as 2026-03-01")
        }
        if let limit, limit < 0 { throw ValidationError("--limit must be 0 or more") }
    }

    func request() -> Request {
        Request(
            "diff",
            [
                "from": MomentOptions.bound(asOf[0]),
                "to": asOf.count > 1 ? MomentOptions.bound(asOf[1]) : nil,
                "account": account.map { .string($0) }, "limit": limit.map { .whole($0) },
            ])
    }

    func lines(_ reply: Reply) -> [String] {
        var lines = [
            "from position \(reply["from"].grouped) to \(reply["to"].grouped): "
                + "\(reply["entries"].grouped) entries, \(reply["accounts_changed"].grouped) "
                + "accounts, looked at \(reply.shown("at"))"
        ]
        if let others = because(reply["of_no_account"]) { lines.append("of no account: \(others)") }
        for account in reply["accounts"]?.elements ?? [] {
            lines += [
                "",
                "\(account["account"].shown)  because of \(because(account["because"]) ?? "others' entries")",
            ]
            var table = Table([.left("view"), .left("what"), .right("before"), .right("after")])
            for change in account["changes"]?.elements ?? [] {
                table.add([
                    change["view"].shown, change["path"].shown, Self.short(change["before"]),
                    Self.short(change["after"]),
                ])
            }
            lines += table.isEmpty ? ["  nothing that a view shows"] : table.lines
        }
        return lines
    }

    private func because(_ value: Value?) -> String? {
        guard case .object(let counts)? = value?["entries"], !counts.isEmpty else { return nil }
        let kinds = counts.map { "\(Optional($0.value).grouped) \($0.name)" }
            .joined(separator: ", ")
        let first = (value?["first"]?.elements ?? []).prefix(5).map { $0["position"].shown }
        return "\(kinds) (positions \(first.joined(separator: ", "))"
            + "\((value?["first"]?.elements.count ?? 0) > 5 ? " …" : ""))"
    }

    /// A grant or a hold that is new has many members: its amount says enough.
    private static func short(_ value: Value?) -> String {
        guard case .object(let members)? = value else { return value.grouped }
        for name in ["quantity", "amount", "reason", "credits"] {
            if let found = members.first(where: { $0.name == name }) {
                return Optional(found.value).grouped
            }
        }
        return value.shown
    }
}
