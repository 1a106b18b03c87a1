import ArgumentParser
import Billing
import Client
import Codec

/// `daybook explain ACCOUNT LINE`.
struct ExplainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Show the events behind a line of an invoice, and what each of them cost.",
        discussion: """
            `amount` is an event's marginal price: what the line grew by when it was counted. \
            What was due before any event, the amounts and the residue, which the line's one \
            rounding added, make the total.

            ACCOUNT may also be the invoice's name as `daybook invoice` prints it.

            Example: daybook explain acme input-tokens --period 2023-11
            Example: daybook explain acme/2023-11 input-tokens --limit 20
            """)

    @OptionGroup var which: InvoiceArguments
    @Argument(help: "The line's id.") var line: String
    @Option(help: ArgumentHelp("Show so many events at most.", valueName: "n")) var limit: Int?
    @OptionGroup var books: BookOptions
    @OptionGroup var format: JSONOption

    private static let pageEvents = 10_000

    func validate() throws {
        if let limit, limit < 1 { throw ValidationError("--limit must be 1 or more") }
    }

    func run() throws {
        let answering = try books.open()
        let request = request()
        var output = Output()
        var shown = 0
        var first: Reply?
        var last: Reply
        var from: Value?
        repeat {
            let page = min(Self.pageEvents, (limit ?? .max) - shown)
            var asked = request.setting("limit", .whole(page))
            if let from { asked = asked.setting("from", from) }
            last = try answering.answer(asked)
            if first == nil {
                first = last
                try begin(last, &output)
            }
            for event in last["events"]?.elements ?? [] {
                try row(event, isFirst: shown == 0, &output)
                shown += 1
            }
            from = last["next"].flatMap { $0 == .null ? nil : $0 }
        } while from != nil && shown < limit ?? .max && !output.isReaderGone
        try end(last, shown, hasMore: from != nil, &output)
        try output.flush()
    }

    /// The request; the account may carry the month behind a slash.
    func request() -> Request {
        which.request("explain").setting("line", .string(line))
    }

    private static let widths = [10, 30, 40, 16, 22, 22]

    private func begin(_ reply: Reply, _ output: inout Output) throws {
        if format.json {
            try output.text(
                #"{"account":\#(quoted(reply["account"])),"line":\#(quoted(reply["line"])),"events":["#
            )
            return
        }
        try output.line("line \(reply.shown("line")) of \(reply.shown("account"))")
        try output.line("")
        try output.line(
            columns(["position", "time", "id", "quantity", "amount", "running total"]))
    }

    private func row(_ event: Value, isFirst: Bool, _ output: inout Output) throws {
        if format.json {
            var json = JSONWriter()
            json.value(event)
            try output.text((isFirst ? "" : ",") + String(decoding: json.finish(), as: UTF8.self))
            return
        }
        try output.line(
            columns([
                event["position"].shown, event["time"].shown, event["id"].shown,
                event["quantity"].grouped, event["amount"].shown, event["running_total"].shown,
            ]))
    }

    private func end(
        _ reply: Reply, _ shown: Int, hasMore: Bool, _ output: inout Output
    ) throws {
        if format.json {
            try output.line(
                #"],"opening":\#(quoted(reply["opening"])),"total":\#(quoted(reply["total"])),"#
                    + #""residue":\#(quoted(reply["residue"])),"basis":\#(quoted(reply["basis"])),"#
                    + #""next":\#(quoted(reply["next"])),"position":\#(quoted(reply["position"]))}"#
            )
            return
        }
        try output.line("")
        try output.line(
            "events   \(Digits.grouped(shown))\(hasMore ? " shown, there are more" : "")")
        if let basis = reply["basis"], basis != .null {
            try output.line("from     \(Optional(basis).shown)")
        }
        try output.line("opening  \(reply.shown("opening"))  (due before any event)")
        try output.line("residue  \(reply.shown("residue"))  (what rounding added)")
        try output.line("total    \(reply.shown("total"))")
    }

    /// A row is printed when its page comes, so the widths are fixed; longer texts push the rest.
    private func columns(_ texts: [String]) -> String {
        var line = ""
        for (index, text) in texts.enumerated() {
            let space = String(repeating: " ", count: max(0, Self.widths[index] - text.count))
            let isRight = index == 0 || index > 2
            line += (index == 0 ? "" : "  ") + (isRight ? space + text : text + space)
        }
        return line
    }

    private func quoted(_ value: Value?) -> String {
        var json = JSONWriter()
        json.value(value ?? .null)
        return String(decoding: json.finish(), as: UTF8.self)
    }
}
