import ArgumentParser
import Billing
import Client
import Codec
import Platform

/// `daybook simulate`.
struct SimulateCommand: QueryCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate",
        abstract: "Bills and decisions as they would be under another catalog, or another history.",
        discussion: """
            Takes the entries as they were recorded and decides each of them again, as if the \
            catalog had been published at --from for all subscriptions, or from the beginning. \
            Shows who would pay more or less, who would have been denied and when, and whose \
            credits would have run out. Nothing is written to the log.

            A catalog with other prices alone changes no decision; then no entry is read.

            --edits names a YAML or JSON file with entries that are supposed to be otherwise: \
            `remove` and `move` are lists of {account, type, source, ids, from, to} (all but the \
            account may be left out), moved ones with `by_seconds`; `add` is a list of CloudEvents.

            Example: daybook simulate --catalog new-prices.yaml
            Example: daybook simulate --catalog new.yaml --from 2026-03-01 --accounts acme,beta
            Example: daybook simulate --edits without-the-retry-storm.yaml --svg report.svg
            """)

    @Option(help: ArgumentHelp("The catalog that is supposed.", valueName: "file"))
    var catalog: String?
    @Option(
        help: ArgumentHelp(
            "From when it holds. Default: from the beginning.", valueName: "time"))
    var from: String?
    @Option(
        help: ArgumentHelp(
            "Look at what was recorded up to then. Default: at everything.", valueName: "time"))
    var to: String?
    @Option(
        help: ArgumentHelp("Only these accounts, with commas between them.", valueName: "list"))
    var accounts: String?
    @Option(
        help: ArgumentHelp(
            "Only the billing period with this name, such as 2026-03.", valueName: "period"))
    var period: String?
    @Option(help: ArgumentHelp("What happened otherwise; see above.", valueName: "file"))
    var edits: String?
    @Option(help: ArgumentHelp("Show so many accounts at most.", valueName: "n"))
    var limit = 20
    @Option(help: ArgumentHelp("Write a picture of it into this file.", valueName: "file"))
    var svg: String?
    @OptionGroup var books: BookOptions
    @OptionGroup var format: JSONOption

    func validate() throws {
        if catalog == nil, edits == nil {
            throw ValidationError(
                "what is to be supposed? Give --catalog FILE, --edits FILE, or both")
        }
        for (name, text) in [("--from", from), ("--to", to)] {
            guard let text, MomentOptions.time(text) == nil else { continue }
            throw ValidationError("\(name) \(text): give a time such as 2026-03-01T00:00:00Z")
        }
        if from != nil, catalog == nil {
            throw ValidationError("--from says from when a catalog holds: give --catalog too")
        }
        guard limit >= 0 else { throw ValidationError("--limit must be 0 or more") }
    }

    func request() throws -> Request {
        var request = Request(
            "simulate",
            [
                "from": from.flatMap { MomentOptions.time($0) }.map { .string($0.description) },
                "to": to.flatMap { MomentOptions.time($0) }.map { .string($0.description) },
                "accounts": accounts.map { list in
                    .array(list.split(separator: ",").map { .string(String($0)) })
                }, "period": period.map { .string($0) },
                "limit": format.json ? nil : .whole(limit),
            ])
        if let catalog {
            request = request.setting("catalog", try CatalogFile(catalog).canonical)
        }
        if let edits {
            guard case .object(let members) = try YAMLDocument.whole(edits) else {
                throw CommandFailure(
                    .rejected, "\(edits): an object with remove, move or add is needed")
            }
            for member in members {
                guard ["remove", "move", "add"].contains(member.name) else {
                    throw CommandFailure(
                        .rejected,
                        "\(edits): \(member.name) is unknown here; known: remove, move, add")
                }
                request = request.setting(member.name, member.value)
            }
        }
        return request
    }

    func wait(for body: () throws -> Reply) throws -> Reply {
        if let svg { try NewFile.checkIsFree(svg) }
        let reply = try body()
        if let svg { try NewFile.write(SimulationPicture(reply).text, to: svg) }
        return reply
    }

    func lines(_ reply: Reply) -> [String] {
        var lines = revenue(reply)
        lines += [""] + decisions(reply)
        let accounts = reply["accounts"]?.elements ?? []
        if !accounts.isEmpty { lines += [""] + table(accounts) }
        let changed = reply["accounts_changed"]?.integer ?? 0
        if changed > accounts.count {
            lines.append(
                "and \(Digits.grouped(changed - accounts.count)) more accounts; see --limit")
        }
        for account in accounts.prefix(5) { lines += details(account) }
        if case .object(let refused)? = reply["refused"], !refused.isEmpty {
            lines += ["", "requests that would have been refused, and are left out:"]
            lines += refused.map { "  \(Optional($0.value).grouped)  \($0.name)" }
        }
        return lines
    }

    private func revenue(_ reply: Reply) -> [String] {
        let rows = reply["revenue"]?.elements ?? []
        guard !rows.isEmpty else { return ["nothing is charged, before or after"] }
        var table = Table([
            .left("revenue"), .right("as it is"), .right("supposed"), .right("difference"),
            .right("pay more"), .right("pay less"),
        ])
        for row in rows {
            table.add([
                row["currency"].shown, row["before"].grouped, row["after"].grouped,
                row["delta"].grouped, row["accounts_paying_more"].grouped,
                row["accounts_paying_less"].grouped,
            ])
        }
        return table.lines
    }

    private func decisions(_ reply: Reply) -> [String] {
        let sums = reply["decisions"]
        var lines = [
            "\(sums?["newly_denied"].grouped ?? "0") decisions would have been denials, "
                + "\(sums?["newly_allowed"].grouped ?? "0") denials would have been allowed "
                + "(of \(sums?["made"].grouped ?? "0"))"
        ]
        if reply["entries_read"]?.flag == false {
            lines = ["other prices alone: no decision would have been another one"]
        }
        let (before, after) = (
            sums?["accounts_out_of_credits_before"].grouped ?? "0",
            sums?["accounts_out_of_credits_after"].grouped ?? "0"
        )
        if before != "0" || after != "0" {
            lines.append("accounts out of credits: \(before) as it is, \(after) supposed")
        }
        return lines
    }

    private func table(_ accounts: [Value]) -> [String] {
        var table = Table([
            .left("account"), .left("currency"), .right("as it is"), .right("supposed"),
            .right("difference"), .right("newly denied"), .right("newly allowed"),
            .left("out of credits"),
        ])
        for account in accounts {
            let sums = account["sums"]?.elements ?? []
            for (index, sum) in (sums.isEmpty ? [.null] : sums).enumerated() {
                table.add([
                    index == 0 ? account["account"].shown : "", sum["currency"].shown,
                    sum["before"].grouped, sum["after"].grouped, sum["delta"].grouped,
                    index == 0 ? account["newly_denied"].grouped : "",
                    index == 0 ? account["newly_allowed"].grouped : "",
                    index == 0 ? account["out_of_credits_after"].shown : "",
                ])
            }
        }
        return table.lines
    }

    /// The lines and decisions of an account that would be others.
    private func details(_ account: Value) -> [String] {
        var lines: [String] = []
        for bill in (account["bills"]?.elements ?? []).prefix(3) {
            for line in (bill["lines"]?.elements ?? []).prefix(6) {
                lines.append(
                    "  \(bill["period"].shown) \(line["line"].shown): \(line["before"].grouped) "
                        + "→ \(line["after"].grouped) \(bill["currency"].shown)")
            }
        }
        for change in (account["decisions"]?.elements ?? []).prefix(3) {
            lines.append(
                "  \(change["at"].shown) position \(change["position"].shown): "
                    + "\(change["feature"].shown) × \(change["quantity"].grouped) "
                    + "\(change["reason_before"].shown) → \(change["reason_after"].shown)")
        }
        return lines.isEmpty ? [] : ["", account["account"].shown] + lines
    }
}

extension YAMLDocument {
    /// A file's tree.
    /// - Throws: `CommandFailure` with all problems and their lines.
    static func whole(_ path: String) throws -> Value {
        do {
            return try YAMLDocument(file: path).value
        } catch let problems as YAMLDocument.Problems {
            throw problems.failure
        }
    }
}
