import ArgumentParser
import Billing
import Client

/// `daybook explain`.
struct ExplainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Show how a line of an invoice, an event or a decision came about.",
        discussion: """
            A line: the events behind it in the order of their own times, and what each of them cost. \
            `amount` is an event's marginal price: what the line grew by when it was counted. `tier` is \
            where the quantity stands with it; 1>2 crosses a bound, and where a volume price then holds \
            for everything, its amount is the difference for all that came before. What was due before \
            any event, the amounts, and what the line's one rounding added make the total. --csv has \
            them all in one column that adds up to the line.

            An event: what it counted in, the credits it drew, the lines it is in, and what corrects it. \
            Without --source the whole log is searched for its id.

            A decision: the rule, the numbers and the grants that made it, on the books as they stood \
            right before, and the smallest changes that would have allowed it. Each was tried on a copy \
            of those books; with one step less it is still denied.

            ACCOUNT may also be the invoice's name as `daybook invoice` prints it.

            Example: daybook explain acme/2023-11 input-tokens --csv > input-tokens.csv
            Example: daybook explain --event e-17 --source api
            Example: daybook explain --decision 4711
            """)

    @Argument(help: "The account, or an invoice such as acme/2023-11.") var account: String?
    @Argument(help: "The line's id.") var line: String?
    @Option(
        help: ArgumentHelp(
            "The billing period of the line: its month, such as 2023-11, or its first day, such as "
                + "2023-11-15. Default: the period of now.", valueName: "period"))
    var period: String?
    @Option(help: ArgumentHelp("Show so many events of the line at most.", valueName: "n"))
    var limit: Int?
    @Option(help: ArgumentHelp("Explain what the event with this id did.", valueName: "id"))
    var event: String?
    @Option(help: ArgumentHelp("The event's source.", valueName: "uri")) var source: String?
    @Option(help: ArgumentHelp("Explain what the entry at this position did.", valueName: "p"))
    var position: UInt64?
    @Option(
        help: ArgumentHelp(
            "Explain what was decided of the consume, hold or settle at this position.",
            valueName: "p"))
    var decision: UInt64?
    @OptionGroup var time: MomentOptions
    @OptionGroup var books: BookOptions
    @OptionGroup var format: JSONOption
    @Flag(help: "Print the events of the line as CSV (RFC 4180) instead of a table.")
    var csv = false

    func validate() throws {
        if let limit, limit < 1 { throw ValidationError("--limit must be 1 or more") }
        let asked = [account != nil, event != nil, position != nil, decision != nil]
        guard asked.count(where: { $0 }) == 1, (account == nil) == (line == nil) else {
            throw ValidationError(
                "give ACCOUNT and LINE, or --event, or --position, or --decision")
        }
        if source != nil, event == nil { throw ValidationError("--source belongs to --event") }
        let isOfLine = csv || limit != nil || period != nil || time.asOf != nil || time.at != nil
        if account == nil, isOfLine {
            throw ValidationError(
                "--csv, --limit, --period, --as-of and --at belong to a line of an invoice")
        }
        if csv, format.json { throw ValidationError("give --csv or --json, not both") }
    }

    func run() throws {
        if let account, let line {
            let name = InvoiceName(account, period)
            let request = Request(
                "explain",
                [
                    "account": .string(name.account), "period": name.period,
                    "line": .string(line),
                ])
            try ExplainedPages(
                answering: try books.open(), request: time.asked(of: request), limit: limit,
                form: csv ? .csv : format.json ? .json : .table
            ).print()
        } else if let decision {
            try answer(
                Request("explain_decision", ["entry": .whole(Int(clamping: decision))]),
                ExplainedDecision.lines)
        } else {
            try answer(
                Request(
                    "explain_entry",
                    [
                        "event": event.map { .string($0) }, "source": source.map { .string($0) },
                        "entry": position.map { .whole(Int(clamping: $0)) },
                    ]), ExplainedEntry.lines)
        }
    }

    private func answer(_ request: Request, _ lines: (Reply) -> [String]) throws {
        let reply = try books.open().answer(request)
        guard format.json else { return try Output.print(lines(reply)) }
        var output = Output()
        try output.line(reply.line)
        try output.flush()
    }
}
