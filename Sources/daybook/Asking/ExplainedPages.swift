import Billing
import Client
import Codec

/// The events behind a line, page after page, as a table, as CSV, or as one JSON object.
struct ExplainedPages {
    /// How they are printed.
    enum Form { case table, csv, json }

    let answering: any Answering
    let request: Request
    /// Events at most; nil: all.
    let limit: Int?
    let form: Form

    private static let pageEvents = 10_000

    /// Asks for page after page and prints each when it comes.
    func print() throws {
        var output = Output()
        var shown = 0
        var asked = request
        var last: Reply
        var hasMore = false
        repeat {
            let page = min(Self.pageEvents, (limit ?? .max) - shown)
            last = try answering.answer(asked.setting("limit", .whole(page)))
            if shown == 0 { try begin(last, &output) }
            for event in last["events"]?.elements ?? [] {
                try row(event, last, isFirst: shown == 0, &output)
                shown += 1
            }
            hasMore = false
            if let next = last["next"], next != .null, let cursor = last["cursor"] {
                hasMore = true
                // By its name: the period of now may be another one when the next page is asked for.
                let name = InvoiceName(last.shown("invoice"), nil)
                asked = request.setting("from", next).setting("cursor", cursor)
                if let period = name.period { asked = asked.setting("period", period) }
            }
        } while hasMore && shown < limit ?? .max && !output.isReaderGone
        try end(last, shown, hasMore: hasMore, &output)
        try output.flush()
    }

    private func begin(_ reply: Reply, _ output: inout Output) throws {
        switch form {
        case .json:
            try output.text("{")
            for name in [
                "invoice", "account", "line", "kind", "description", "currency", "credit_unit",
            ] where reply[name] != nil { try output.text(member(name, reply) + ",") }
            try output.text(#""events":["#)
        case .csv:
            try output.csv([
                "row", "position", "time", "id", "quantity", "tier", "amount", "credits",
                "running_total",
            ])
            try output.csv([
                "opening", "", "", "", "", "", reply.shown("opening"), "", reply.shown("opening"),
            ])
        case .table:
            let currency = reply.shown("currency")
            try output.line(
                "line \(reply.shown("line")) of \(reply.shown("invoice")): "
                    + "\(reply.shown("description")), in \(currency)")
            try output.line("")
            guard reply["event_count"].shown != "0" else { return }
            try output.line(
                columns(
                    [
                        "position", "time", "id", "quantity", "tier", "amount", "running total",
                    ] + (reply["credit_unit"].map { [Optional($0).shown] } ?? [])))
        }
    }

    private func row(
        _ event: Value, _ reply: Reply, isFirst: Bool, _ output: inout Output
    ) throws {
        switch form {
        case .json:
            var json = JSONWriter()
            json.value(event)
            try output.text((isFirst ? "" : ",") + String(decoding: json.finish(), as: UTF8.self))
        case .csv:
            try output.csv([
                "event", event["position"].shown, event["time"].shown, event["id"].shown,
                event["quantity"].shown, Self.tier(event, or: ""), event["amount"].shown,
                event["credits"].map { Optional($0).shown } ?? "", event["running_total"].shown,
            ])
        case .table:
            try output.line(
                columns(
                    [
                        event["position"].shown, event["time"].shown, event["id"].shown,
                        event["quantity"].grouped, Self.tier(event, or: "-"),
                        event["amount"].grouped,
                        event["running_total"].grouped,
                    ] + (event["credits"].map { [Optional($0).grouped] } ?? [])))
        }
    }

    /// `2`, `1>2` where a bound is crossed, `free` in the free units.
    static func tier(_ event: Value, or none: String) -> String {
        func name(_ tier: Value) -> String {
            let text = Optional(tier).shown
            return text == "0" ? "free" : text
        }
        guard let tier = event["tier"] else { return none }
        return (event["tier_from"].map { name($0) + ">" } ?? "") + name(tier)
    }

    private func end(
        _ reply: Reply, _ shown: Int, hasMore: Bool, _ output: inout Output
    ) throws {
        switch form {
        case .json:
            let names = [
                "event_count", "quantity", "opening", "unrounded", "total", "invoiced", "residue",
                "basis", "next", "cursor", "position", "asked_at", "known_until",
            ].filter { reply[$0] != nil }
            try output.line("]," + names.map { member($0, reply) }.joined(separator: ",") + "}")
        case .csv:
            // A part of the events does not add up to the line.
            guard !hasMore else { return }
            try output.csv([
                "rounding", "", "", "", "", "", reply.shown("residue"), "", reply.shown("total"),
            ])
        case .table: try total(reply, shown, hasMore: hasMore, &output)
        }
    }

    private func total(
        _ reply: Reply, _ shown: Int, hasMore: Bool, _ output: inout Output
    ) throws {
        let all = reply["event_count"].grouped
        if all != "0" {
            try output.line("")
            try output.line(
                hasMore ? "\(Digits.grouped(shown)) of \(all) events are shown" : "\(all) events")
        }
        if let basis = reply["basis"], basis != .null {
            try output.line("it follows from: \(Optional(basis).shown)")
        }
        var table = Table([.left("what"), .right(reply.shown("currency"))])
        if all != "0" {
            table.add(["due before any event", reply["opening"].grouped])
            table.add(["all events", difference(reply)])
        }
        table.add(["exact amount", reply["unrounded"].grouped])
        table.add(["the line's one rounding", reply["residue"].grouped])
        table.total(["the line", reply["total"].grouped])
        for line in table.lines { try output.line(line) }
        if let moment = reply.momentShown { try output.line(moment) }
        if let invoiced = reply["invoiced"], Optional(invoiced).shown != reply.shown("total") {
            try output.line(
                "note: the finalised invoice has \(Optional(invoiced).shown), and stays so; a "
                    + "catalog published later measures its events otherwise")
        }
    }

    /// What all events cost together.
    private func difference(_ reply: Reply) -> String {
        guard let end = DecimalText(reply.shown("unrounded")),
            let start = DecimalText(reply.shown("opening"))
        else { return "-" }
        return Digits.grouped(end.minus(start))
    }

    private func member(_ name: String, _ reply: Reply) -> String {
        var json = JSONWriter()
        json.value(reply[name] ?? .null)
        return "\"\(name)\":" + String(decoding: json.finish(), as: UTF8.self)
    }

    private static let widths = [10, 30, 36, 16, 6, 20, 20, 16]

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
}

/// An amount with twelve decimals, for a difference that is shown.
private struct DecimalText {
    private let units: Int128

    init?(_ text: String) {
        let isNegative = text.hasPrefix("-")
        let parts = text.drop { $0 == "-" }.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[1].count == 12, let units = Int128(parts[0] + parts[1])
        else { return nil }
        self.units = isNegative ? -units : units
    }

    func minus(_ other: DecimalText) -> String {
        let difference = units - other.units
        let digits = String(difference.magnitude)
        let padded = String(repeating: "0", count: max(0, 13 - digits.count)) + digits
        return (difference < 0 ? "-" : "") + padded.dropLast(12) + "." + padded.suffix(12)
    }
}

extension Output {
    /// Adds a record of CSV, as RFC 4180 has it.
    fileprivate mutating func csv(_ fields: [String]) throws {
        try text(fields.map(Self.quoted).joined(separator: ",") + "\r\n")
    }

    private static func quoted(_ field: String) -> String {
        let needsQuotes = field.utf8.contains { [34, 44, 10, 13].contains($0) }
        return needsQuotes ? "\"" + field.replacing("\"", with: "\"\"") + "\"" : field
    }
}
