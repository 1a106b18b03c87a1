import ArgumentParser
import Billing
import Client
import Codec
import Platform

/// `daybook replay`.
struct ReplayCommand: QueryCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay",
        abstract:
            "Make bills again from the entries alone, and compare them with the invoices that stand.",
        discussion: """
            No counter of the running engine is believed: usage is added up from the log, on all \
            processors. Of each finalised invoice two bills are made: of the entries that it looked \
            at, which must be what stands, and of all entries, which shows what came late and what \
            the next invoice corrects. Entries that came late are named.

            Without --period all finalised invoices are made again; with it, also the drafts of \
            that period. Ends with 65 if an invoice is not what its entries give.

            Example: daybook replay
            Example: daybook replay --period 2026-03 --accounts acme,beta
            """)

    @Option(help: ArgumentHelp("The billing period's name, such as 2026-03.", valueName: "period"))
    var period: String?
    @Option(
        help: ArgumentHelp("Only these accounts, with commas between them.", valueName: "list"))
    var accounts: String?
    @Option(help: ArgumentHelp("Show so many invoices at most.", valueName: "n")) var limit = 20
    @OptionGroup var books: BookOptions
    @OptionGroup var format: JSONOption

    func validate() throws {
        guard limit >= 0 else { throw ValidationError("--limit must be 0 or more") }
    }

    func request() -> Request {
        Request(
            "replay",
            [
                "period": period.map { .string($0) },
                "accounts": accounts.map { list in
                    .array(list.split(separator: ",").map { .string(String($0)) })
                }, "limit": format.json ? nil : .whole(limit),
            ])
    }

    func wait(for body: () throws -> Reply) throws -> Reply {
        guard books.data == nil, !format.json, let path = try? books.server.path() else {
            return try body()
        }
        return try StatusWatch.show("replay", path, while: body)
    }

    func status(_ reply: Reply) -> ExitStatus {
        reply["matches"]?.flag == true ? .success : .rejected
    }

    func lines(_ reply: Reply) -> [String] {
        var lines = [
            "\(reply["bills"].grouped) bills made again from \(reply["position"].grouped) entries "
                + "(read in \(reply["read_milliseconds"].grouped) ms, billed in "
                + "\(reply["bill_milliseconds"].grouped) ms)"
        ]
        for sum in reply["sums"]?.elements ?? [] {
            lines.append(
                "\(sum["currency"].shown): \(sum["issued"].grouped) issued, "
                    + "\(sum["now"].grouped) by all entries of now")
        }
        let final = reply["finalised"].grouped
        if reply["matches"]?.flag == true {
            lines.append("all \(final) finalised invoices are what their entries give")
        } else {
            lines.append(
                "\(reply["different"].grouped) of \(final) finalised invoices are NOT what their "
                    + "entries give")
        }
        let late = reply["with_late_entries"].grouped
        if late != "0" { lines.append("\(late) would be others with what came late") }
        for invoice in reply["invoices"]?.elements ?? []
        where !(invoice["lines"]?.elements ?? []).isEmpty {
            lines += [""] + shown(invoice)
        }
        return lines
    }

    private func shown(_ invoice: Value) -> [String] {
        var table = Table([
            .left("line"), .right("issued"), .right("again"), .right("by all entries"),
        ])
        for line in invoice["lines"]?.elements ?? [] {
            table.add([
                line["line"].shown, line["issued"].grouped, line["again"].grouped,
                line["now"].grouped,
            ])
        }
        var lines = ["\(invoice["invoice"].shown), \(invoice["currency"].shown)"] + table.lines
        let count = invoice["late_entries"].grouped
        if count != "0" {
            let named = (invoice["late_positions"]?.elements ?? []).prefix(10)
                .map { Optional($0).shown }.joined(separator: ", ")
            lines.append("\(count) late entries: positions \(named)\(count.count > 1 ? " …" : "")")
        }
        return lines
    }
}
