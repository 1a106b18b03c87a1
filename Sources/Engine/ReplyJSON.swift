import Billing
import Bytes
package import Codec
import Money
package import Projections

/// Replies as the protocol's lines, without their line end.
package enum ReplyJSON {
    /// Writes the reply to an event or a command.
    /// - Parameters:
    ///   - id: the request's id, UTF-8.
    ///   - line: its number in a stream; nil in line mode.
    package static func write(
        _ reply: Reply, _ detail: ReplyDetail?, id: RawSpan, line: UInt64? = nil,
        to json: inout JSONWriter
    ) {
        json.beginObject()
        if let line { json.member("line", line) }
        json.key("id")
        json.string(id)
        switch reply.status {
        case .recorded, .duplicate:
            json.member("outcome", reply.status == .recorded ? "recorded" : "duplicate")
            json.member("position", reply.position)
            if let detail { write(detail, reply.position, to: &json) }
        case .conflict:
            json.member("outcome", "rejected")
            json.member("error", "conflict")
            json.member("position", reply.position)
            json.member(
                "message",
                "this source and id stand at position \(reply.position) with other content; a new "
                    + "event takes a new id")
        case .refused:
            json.member("outcome", "rejected")
            if let refusal = detail?.refusal { members(of: refusal, to: &json) }
        case .unknown:
            json.member("outcome", "rejected")
            json.member("error", "storage_failed")
            json.member(
                "message",
                "the log failed; whether this was recorded is decided at the next start: send it "
                    + "again then")
        }
        json.endObject()
    }

    private static func write(
        _ detail: ReplyDetail, _ position: UInt64, to json: inout JSONWriter
    ) {
        var drawn: Int128 = 0
        for draw in detail.draws { drawn += draw.units }
        for grant in detail.grants {
            json.member(
                grant.kind == .adjustment ? "given_back" : "topped_up",
                Quantity(units: grant.units).description)
        }
        json.members(of: detail.warnings)
        if let effective = detail.evidence?.effective {
            json.member("effective", effective.description)
        }
        guard let decision = detail.decision else {
            if drawn != 0 { json.member("credits", Quantity(units: drawn).description) }
            if detail.shortfallUnits != 0 {
                json.member("shortfall", Quantity(units: detail.shortfallUnits).description)
            }
            return
        }
        json.member("allowed", decision.allowed)
        json.member("reason", decision.reason.name)
        if let feature = detail.heldFeature {
            json.member("hold", HoldName(feature: feature, position: position).name)
        }
        if let expires = detail.evidence?.holdExpires {
            json.member("expires", expires.description)
        }
        if drawn != 0 { json.member("credits", Quantity(units: drawn).description) }
        guard let evidence = detail.evidence else { return }
        if let remaining = evidence.remaining { json.member("remaining", remaining.description) }
        if let limit = evidence.limit { json.member("limit", limit.description) }
        if let used = evidence.used { json.member("used", used.description) }
        if let resets = evidence.resetsAt { json.member("resets_at", resets.description) }
        if let price = evidence.overagePrice { json.member("overage_price", price.unrounded) }
        if let isHard = evidence.isHard { json.member("enforce", isHard ? "hard" : "soft") }
        if let value = evidence.value {
            json.key("value")
            json.value(value.json)
        }
        if let plan = evidence.plan { json.member("plan", plan) }
        if let override = evidence.override { json.member("override", override) }
    }

    /// Writes the answer to a line that did not become a request.
    /// - Parameters:
    ///   - isQuery: whether it is answered as queries are, with `ok`.
    ///   - line: its number in a stream; nil in line mode.
    package static func write(
        _ refusal: Refusal, id: String?, isQuery: Bool, line: UInt64? = nil,
        to json: inout JSONWriter
    ) {
        json.beginObject()
        if let line { json.member("line", line) }
        if let id { json.member("id", id) }
        if isQuery { json.member("ok", false) } else { json.member("outcome", "rejected") }
        members(of: refusal, to: &json)
        json.endObject()
    }

    private static func members(of refusal: Refusal, to json: inout JSONWriter) {
        json.member("error", refusal.code)
        if let field = refusal.field { json.member("field", field) }
        json.member("message", refusal.message)
        json.append(refusal.members)
        guard !refusal.problems.isEmpty else { return }
        json.key("problems")
        json.beginArray()
        for problem in refusal.problems {
            json.beginObject()
            json.member("path", problem.path)
            json.member("message", problem.message)
            json.endObject()
        }
        json.endArray()
    }
}
