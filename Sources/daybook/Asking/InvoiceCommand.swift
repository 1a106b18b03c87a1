import ArgumentParser
import Billing
import Client

/// The account and billing period that an invoice is of.
struct InvoiceArguments: ParsableArguments {
    @Argument(help: "The account, or an invoice such as acme/2023-11.") var account: String
    @Option(
        help: ArgumentHelp(
            "The billing period: its month, such as 2023-11, or its first day, such as "
                + "2023-11-15. Default: the period of now.", valueName: "period"))
    var period: String?

    /// Account and period, from wherever they were given.
    var name: InvoiceName { InvoiceName(account, period) }

    /// A request about the invoice.
    func request(_ word: String) -> Request {
        Request(word, ["account": .string(name.account), "period": name.period])
    }
}

/// `daybook invoice ACCOUNT`.
struct InvoiceCommand: QueryCommand {
    static let configuration = CommandConfiguration(
        commandName: "invoice",
        abstract: "Show what an account owes for a billing period.",
        discussion: """
            A draft is what finalising the period now would give; a finalised invoice is shown as \
            it stands in the log. Each line is rounded once, to the currency's minor unit; \
            `unrounded` is the exact amount. `daybook explain` shows the events behind a line.

            Example: daybook invoice acme --period 2023-11
            Example: daybook invoice acme --period 2023-11 --as-of 184022
            """)

    @OptionGroup var which: InvoiceArguments
    @OptionGroup var time: MomentOptions
    @OptionGroup var books: BookOptions
    @OptionGroup var format: JSONOption

    var moment: MomentOptions? { time }

    func request() -> Request { which.request("invoice") }

    func lines(_ reply: Reply) -> [String] { InvoiceText.lines(reply) }
}

/// `daybook finalise ACCOUNT`.
struct FinaliseCommand: QueryCommand {
    static let configuration = CommandConfiguration(
        commandName: "finalise",
        abstract: "Record the invoice of a billing period that is over, for ever.",
        discussion: """
            The invoice becomes an entry of the log with a number and a hash. Nothing changes it: \
            usage that comes later is charged on the account's next invoice, under the period it \
            belongs to. Finalising again answers the same invoice.

            Finalised invoices and credit notes are numbered together, without a gap; another \
            system follows them with `daybook tail --kind finalise --kind credit_note --follow`.

            Example: daybook finalise acme --period 2023-11
            """)

    @OptionGroup var which: InvoiceArguments
    @OptionGroup var server: SocketOptions
    @OptionGroup var format: JSONOption

    var books: BookOptions { BookOptions(server) }

    func request() -> Request { which.request("finalise") }

    func lines(_ reply: Reply) -> [String] { InvoiceText.lines(reply) }
}

/// `daybook reconcile ACCOUNT`.
struct ReconcileCommand: QueryCommand {
    static let configuration = CommandConfiguration(
        commandName: "reconcile",
        abstract: "Let a period's events have drawn credits in the order of their own times.",
        discussion: """
            Credits are drawn as events come. Where some came late, others may have taken what was \
            theirs; an entry compensates the difference, by grant, and no entry is changed. What \
            was decided of consumes and holds stays. `finalise` does it first by itself.

            Example: daybook reconcile acme --period 2023-11
            """)

    @OptionGroup var which: InvoiceArguments
    @OptionGroup var server: SocketOptions
    @OptionGroup var format: JSONOption

    var books: BookOptions { BookOptions(server) }

    func request() -> Request { which.request("reconcile") }

    func lines(_ reply: Reply) -> [String] {
        let head =
            "\(which.account), \(reply.shown("name")): \(reply.shown("uses")) uses of credits"
        guard reply["outcome"].shown == "recorded" else {
            return [head, "they drew in the order of their times; nothing to compensate"]
        }
        var lines = [head + ", compensated at position \(reply.shown("position"))"]
        for draw in reply["draws"]?.elements ?? [] {
            lines.append("  grant \(draw["grant"].shown) pays \(draw["credits"].grouped) more")
        }
        for shortfall in reply["shortfalls"]?.elements ?? [] {
            lines.append(
                "  overage in \(shortfall["unit"].shown): \(shortfall["before"].grouped) before, "
                    + "\(shortfall["after"].grouped) now")
        }
        return lines
    }
}

/// `daybook credit-note ACCOUNT/PERIOD LINE`.
struct CreditNoteCommand: QueryCommand {
    static let configuration = CommandConfiguration(
        commandName: "credit-note",
        abstract: "Take back a part of a line of a finalised invoice.",
        discussion: """
            The invoice stays as it is; the credit note is an entry of its own. Its tax follows the \
            line's. The next invoice of the account takes it over, unless --outside says that it \
            was paid back. The same --id makes no second credit note.

            Example: daybook credit-note acme/2023-11 base --part 3/30 --reason "down for 3 days"
            """)

    @OptionGroup var which: InvoiceArguments
    @Argument(help: "The line's id.") var line: String
    @Option(
        help: ArgumentHelp("How much of it, before tax, such as 12.50.", valueName: "amount"))
    var amount: String?
    @Option(help: ArgumentHelp("Which part of it, such as 3/28.", valueName: "n/m"))
    var part: String?
    @Option(help: ArgumentHelp("Why, for people.", valueName: "text")) var reason: String
    @Flag(help: "It is paid back outside; no invoice takes it over.") var outside = false
    @OptionGroup var identity: IdentityOptions
    @OptionGroup var server: SocketOptions
    @OptionGroup var format: JSONOption

    var books: BookOptions { BookOptions(server) }

    func validate() throws {
        if (amount == nil) == (part == nil) {
            throw ValidationError("give either --amount or --part")
        }
        if which.name.period == nil {
            throw ValidationError("name the invoice: ACCOUNT/PERIOD, such as acme/2023-11")
        }
    }

    func request() throws -> Request {
        Request(
            "credit_note",
            [
                "account": .string(which.name.account), "period": which.name.period,
                "line": .string(line), "amount": amount.map { .string($0) },
                "part": part.map { .string($0) }, "reason": .string(reason),
                "settle": outside ? .string("outside") : nil,
                "id": .string(try identity.id ?? Identity.random()),
            ])
    }

    func lines(_ reply: Reply) -> [String] {
        let again = reply["outcome"].shown == "duplicate" ? ", it was there already" : ""
        return [
            "credit note \(reply.shown("number")) for \(reply.shown("account"))/"
                + "\(reply.shown("name")), line \(reply.shown("line"))\(again)",
            "\(reply.shown("subtotal")) and \(reply.shown("tax")) tax: "
                + "\(reply.shown("total")) \(reply.shown("currency"))",
            "position \(reply.shown("position")), id \(reply.shown("id"))",
        ]
    }
}

/// An invoice as a table.
enum InvoiceText {
    static func lines(_ reply: Reply) -> [String] {
        let currency = reply["currency"].shown
        var table = Table([
            .left("line"), .left("description"), .right("quantity"), .right("unrounded"),
            .right(currency == "-" ? "amount" : currency),
        ])
        for line in reply["lines"]?.elements ?? [] {
            table.add([
                line["id"].shown, line["description"].shown, line["quantity"].grouped,
                line["unrounded"].grouped, line["amount"].grouped,
            ])
        }
        let tax = reply["tax"].shown
        if tax != "0", tax.contains(where: { "123456789".contains($0) }) {
            table.total(["before tax", "", "", "", reply["subtotal"].grouped])
        }
        table.total(["total", "", "", "", reply["total"].grouped])
        if let wallet = reply["wallet"] {
            table.total(["paid from the wallet", "", "", "", wallet["drawn"].grouped])
        }
        if reply["due"].shown != reply["total"].shown {
            table.total(["due", "", "", "", reply["due"].grouped])
        }
        if reply["total"].shown.hasPrefix("-") {
            table.total(["goes on to the next", "", "", "", reply["carried"].grouped])
        }
        if let wallet = reply["wallet"] {
            table.total(["left in the wallet", "", "", "", wallet["left"].grouped])
        }
        return [title(reply), ""] + table.lines
            + (reply["notes"]?.elements ?? []).map { "note: \(Optional($0).shown)" }
    }

    private static func title(_ reply: Reply) -> String {
        let name = "invoice \(reply.shown("invoice")), \(reply.periodShown)"
        guard reply["number"] != nil else { return name }
        let again = reply["outcome"].shown == "duplicate" ? ", it was finalised already" : ""
        return name + ", number \(reply.shown("number"))\(again)"
    }
}
