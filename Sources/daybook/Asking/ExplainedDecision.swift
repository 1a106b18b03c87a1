import Billing
import Client

/// What made a decision, and what would have made another one, for people.
enum ExplainedDecision {
    static func lines(_ reply: Reply) -> [String] {
        head(reply) + [""] + facts(reply) + grants(reply) + [""] + changes(reply)
    }

    private static func head(_ reply: Reply) -> [String] {
        let allowed = reply["allowed"]?.flag == true
        var lines = [
            "\(allowed ? "allowed" : "denied"): \(reply.shown("account")) "
                + "\(reply.shown("feature")) × \(reply.shown("quantity")), \(reply.shown("kind")) at "
                + "position \(reply.shown("entry"))",
            "recorded \(reply.shown("recorded_at")), id \(reply.shown("id"))",
            "reason: \(reply.shown("reason")), \(words(reply.shown("reason")))",
        ]
        if reply["agrees"]?.flag == false {
            lines.append(
                "note: by the rules of this version it would be decided otherwise; what was decided "
                    + "stays")
        }
        return lines
    }

    /// A reason in a few words.
    private static func words(_ reason: String) -> String {
        switch reason {
        case "allowed": "as the plan or the feature's default has it"
        case "allowed_overage": "beyond a soft limit, which is charged"
        case "allowed_override": "by an override of the account"
        case "account_unknown": "the log had no entry of the account, and no default plan"
        case "feature_unknown": "no catalog had the feature"
        case "no_active_subscription": "the account was on no plan"
        case "subscription_past_due": "the subscription was not paid, and the catalog denies that"
        case "subscription_paused": "the subscription was paused"
        case "subscription_incomplete": "the subscription was never completed"
        case "not_in_plan": "the plan does not have the feature"
        case "limit_reached": "usage in the window would have passed the limit"
        case "credit_insufficient": "the credits would not have covered it"
        case "spend_cap_reached": "the month would have cost more than the plan's cap"
        case "override_denied": "an override of the account denies it"
        case "value_mismatch": "the value that was asked for is not allowed"
        case "account_archived": "the account was archived"
        default: "see docs/PROTOCOL.md"
        }
    }

    private static func facts(_ reply: Reply) -> [String] {
        var rows: [(String, String)] = []
        if reply.shown("plan") != "-" {
            rows.append(
                (
                    "plan",
                    "\(reply.shown("plan")), of catalog version \(reply.shown("catalog_version")) "
                        + "(position \(reply.shown("catalog")))"
                ))
        }
        if reply.shown("status") != "-" {
            let name =
                reply.shown("subscription") == "-" ? "" : " \(reply.shown("subscription"))"
            rows.append(
                (
                    "subscription",
                    "\(reply.shown("status")) since \(reply.shown("status_since"))\(name)"
                ))
        }
        if reply.shown("override") != "-" {
            rows.append(("override", "of position \(reply.shown("override"))"))
        }
        if reply["value"].shown != "-" { rows.append(("value", reply["value"].shown)) }
        if reply.shown("limit") != "-" {
            var text = "\(reply["limit"].grouped), \(reply.shown("enforce"))"
            if let bound = reply["bound"], Optional(bound).shown != reply.shown("limit"),
                bound != .null
            {
                text += ", up to \(Optional(bound).grouped) with overage"
            }
            if let window = reply["window"], window != .null {
                text += "; counted from \(window["start"].day) to \(window["end"].day)"
            }
            rows.append(("limit", text))
            if reply.shown("resets_at") != "-" {
                rows.append(("begins anew", reply.shown("resets_at")))
            }
        }
        if reply.shown("used") != "-" {
            let held = reply.shown("held") == "0" ? "" : " and \(reply["held"].grouped) held"
            rows.append(("used before", reply["used"].grouped + held))
        }
        if reply.shown("credit_unit") != "-" {
            let unit = reply.shown("credit_unit")
            rows.append(
                (
                    "credits",
                    "\(reply["balance"].grouped) \(unit) in \(reply["grant_count"].grouped) grants; it "
                        + "costs \(reply["credits"].grouped)"
                ))
        }
        return rows.map { name, text in
            "  " + name + String(repeating: " ", count: max(1, 14 - name.count)) + text
        }
    }

    private static func grants(_ reply: Reply) -> [String] {
        (reply["grants"]?.elements ?? []).map { grant in
            let drawn =
                grant["drawn"].shown == "-" ? "" : ", of which it took \(grant["drawn"].grouped)"
            let expires =
                grant["expires"].shown == "-" ? "" : ", expires \(grant["expires"].shown)"
            return
                "                grant \(grant["grant"].shown) (\(grant["kind"].shown)): "
                + "\(grant["remaining"].grouped) left\(drawn)\(expires)"
        }
    }

    private static func changes(_ reply: Reply) -> [String] {
        if reply["allowed"]?.flag == true {
            guard let room = reply["room"], room != .null else {
                return ["Any quantity would have been allowed."]
            }
            return [
                "Up to \(room["quantity"].grouped) would have been allowed, "
                    + "\(room["more"].grouped) more than was asked for; \(room["step"].shown) more is "
                    + "denied (\(room["then"].shown))."
            ]
        }
        let remedies = reply["would_allow"]?.elements ?? []
        guard !remedies.isEmpty else { return ["No single change would have allowed it."] }
        var lines = ["It would have been allowed with any one of these:"]
        for remedy in remedies {
            let texts = (remedy["changes"]?.elements ?? []).map(text)
            let step =
                remedy["step"].shown == "-" ? "" : "; \(remedy["step"].shown) less is not enough"
            let quantity = (remedy["changes"]?.elements ?? []).first?["change"].shown
            let words = ["quantity", "value"].contains(quantity ?? "")
            lines.append(
                "  - " + texts.joined(separator: ", and ")
                    + (words ? step.replacing("less is not enough", with: "more is denied") : step))
        }
        lines.append("Each was tried on a copy of the books as they stood right before.")
        return lines
    }

    private static func text(_ change: Value) -> String {
        let to = change["to"].grouped
        switch change["change"].shown {
        case "quantity": return "a quantity of \(to)"
        case "value": return "the value \(change["to"].shown)"
        case "limit": return "a limit of \(to), which is \(change["by"].grouped) more"
        case "grant":
            return "a grant of \(change["credits"].grouped) \(change["unit"].shown)"
        case "override":
            return change["to"]?.flag == true
                ? "an override that allows the feature"
                : "an override with the value \(change["to"].shown)"
        case "without_override": return "the override taken back"
        case "plan": return "the plan \(change["to"].shown)"
        case "status": return "a subscription that is active"
        case "restore": return "the account restored"
        case "later": return "the same request from \(change["to"].shown) on"
        default: return change["change"].shown
        }
    }
}
