import Billing
import Client

/// What an entry did, for people.
enum ExplainedEntry {
    static func lines(_ reply: Reply) -> [String] {
        head(reply) + counted(reply) + credits(reply) + invoices(reply) + names(reply)
    }

    private static func head(_ reply: Reply) -> [String] {
        let account = reply["account"].shown
        var lines = [
            "position \(reply.shown("entry")): \(reply.shown("kind")) \(reply.shown("type"))"
                + (account == "-" ? ", of no account" : " of \(account)"),
            "  id           \(reply.shown("id"))", "  source       \(reply.shown("source"))",
            "  happened     \(reply.shown("time"))", "  recorded     \(reply.shown("recorded_at"))",
        ]
        if let allowed = reply["allowed"]?.flag {
            lines.append(
                "  decided      \(allowed ? "allowed" : "denied") (\(reply.shown("reason"))); "
                    + "`daybook explain --decision \(reply.shown("entry"))` says why")
        }
        let redacted = reply["redacted"]?.elements ?? []
        let corrections = reply["corrected_by"]?.elements ?? []
        if !corrections.isEmpty {
            lines.append(
                "  corrected by \(corrections.map { Optional($0).shown }.joined(separator: ", "))")
        }
        for item in (reply["corrects"]?.elements ?? []).prefix(20) {
            lines.append("  \(item["action"].shown)s position \(item["entry"].shown)")
        }
        if !redacted.isEmpty {
            lines.append(
                "  redacted     \(redacted.map { Optional($0).shown }.joined(separator: ", "))")
        }
        return lines
    }

    private static func counted(_ reply: Reply) -> [String] {
        var lines: [String] = []
        let counted = reply["counted"]?.elements ?? []
        if !counted.isEmpty {
            var table = Table([
                .left("meter"), .right("quantity"), .left("as"), .left("month"), .left("group"),
            ])
            for meter in counted {
                table.add([
                    meter["meter"].shown, meter["quantity"].grouped, meter["aggregate"].shown,
                    meter["month"].shown, meter["group"].shown == "" ? "-" : meter["group"].shown,
                ])
            }
            lines += ["", "It counted in"] + indented(table)
            for meter in counted {
                for window in meter["windows"]?.elements ?? [] {
                    lines.append("  and in the limit of \(meter["meter"].shown), \(text(window))")
                }
            }
        }
        for passed in reply["not_counted"]?.elements ?? [] {
            let why =
                passed["reason"].shown == "filter"
                ? "its filter does not match" : "its value is missing, no number, or out of range"
            lines.append("  not in \(passed["meter"].shown): \(why)")
        }
        switch reply.shown("unmatched") {
        case "no_meter":
            lines.append("It counted nowhere: no meter of any catalog measures it; it can later.")
        case "no_account":
            lines.append("It counted nowhere: it has no subject, so no account can be charged.")
        case "denied": lines.append("It counted nowhere, for it was denied.")
        case "retracted": lines.append("It counts nowhere, for it was retracted.")
        case "batch_open":
            lines.append("It counts nowhere before its batch is closed: daybook backfill list")
        case "batch_reverted": lines.append("It counts nowhere, for its batch was reverted.")
        case "batch_not_billed":
            lines.append("It counts nowhere, for its batch is never billed.")
        default: break
        }
        return lines
    }

    private static func text(_ window: Value) -> String {
        let apart =
            window["by"] == nil ? "" : " of \(window["by"].shown) \(window["value"].shown)"
        guard window["start"].shown != "-" else { return "which never begins anew" + apart }
        return "\(window["start"].day) to \(window["end"].day)" + apart
    }

    private static func credits(_ reply: Reply) -> [String] {
        var lines: [String] = []
        for draw in reply["draws"]?.elements ?? [] {
            lines.append(
                "  drew \(draw["credits"].grouped) \(draw["unit"].shown) of grant "
                    + "\(draw["grant"].shown) (\(draw["kind"].shown))")
        }
        for shortfall in reply["shortfalls"]?.elements ?? [] {
            lines.append(
                "  \(shortfall["credits"].grouped) \(shortfall["unit"].shown) that no grant covered"
            )
        }
        for grant in reply["grants"]?.elements ?? [] {
            lines.append(
                "  made a grant of \(grant["credits"].grouped) \(grant["unit"].shown) "
                    + "(\(grant["kind"].shown))")
        }
        for warning in reply["warnings"]?.elements ?? [] {
            lines.append(
                "  crossed \(warning["threshold"].shown) % of the limit of "
                    + warning["feature"].shown)
        }
        return lines.isEmpty ? [] : ["", "Credits and warnings"] + lines
    }

    private static func invoices(_ reply: Reply) -> [String] {
        let lines = reply["lines"]?.elements ?? []
        guard !lines.isEmpty else { return [] }
        var table = Table([
            .left("invoice"), .left("status"), .left("line"), .right("quantity"), .right("tier"),
            .right("amount"), .left("currency"),
        ])
        for line in lines {
            table.add([
                line["invoice"].shown, line["status"].shown.replacing("_", with: " "),
                line["line"].shown, line["quantity"].grouped,
                ExplainedPages.tier(line, or: "-"),
                line["amount"].grouped, line["currency"].shown,
            ])
        }
        var text = ["", "It is in these lines; amount is what each grew by when it was counted"]
        text += indented(table)
        if lines.contains(where: { $0["status"].shown == "late" }) {
            text.append(
                "late: its period was finalised before; the invoice named here has the difference")
        }
        if lines.contains(where: { $0["status"].shown == "not_charged" }) {
            text.append("not charged: its period was finalised before, and events.late is ignore")
        }
        return text
    }

    private static func names(_ reply: Reply) -> [String] {
        let names = reply["named_by"]?.elements ?? []
        guard !names.isEmpty else { return [] }
        return ["", "Later entries that name it"]
            + names.map {
                "  position \($0["entry"].shown): \($0["kind"].shown) \($0["id"].shown), recorded "
                    + $0["recorded_at"].shown
            }
    }

    private static func indented(_ table: Table) -> [String] { table.lines.map { "  " + $0 } }
}
