import Billing
import Bytes
import Codec
import Money
import Projections
import SegmentedLog

/// Everything that made a decision, and the smallest changes that would have made another one.
struct DecisionExplanation {
    let engine: Engine
    let position: Position

    func write(to json: inout JSONWriter) throws(Refusal) {
        let (bytes, recordedAt) = try EntryExplanation.read(position) {
            try engine.reader.withRecord(at: position) { ($0.makeArray(), $1.commitTime) }
        }
        let isDecided = try EntryExplanation.read(position) {
            try RecordView(record: bytes.raw).outcome().decision != nil
        }
        // Without it no books need to be made.
        let books = isDecided ? try engine.books(asOf: position) : Books(key: engine.key)
        let report: DecisionReport
        do {
            let record = try RecordView(record: bytes.raw)
            report = try DecisionReport(
                books, record, try record.outcome(), recordedAt: recordedAt)
            writeHead(record, recordedAt, to: &json)
        } catch let refusal as Refusal {
            throw refusal
        } catch {
            throw Refusal(
                code: "storage_failed",
                message: "position \(position) cannot be read: \(error); run `daybook verify`")
        }
        write(report, to: &json)
        json.member("position", engine.durablePosition)
    }

    private func writeHead(
        _ record: borrowing RecordView, _ recordedAt: Int64, to json: inout JSONWriter
    ) {
        json.member("entry", position)
        json.member("kind", record.kind.name)
        json.member("source", record.source.makeString())
        json.member("id", record.id.makeString())
        json.member("recorded_at", Timestamp(nanoseconds: recordedAt).description)
    }

    private func write(_ report: DecisionReport, to json: inout JSONWriter) {
        let held = report.circumstances
        json.member("account", report.account)
        json.member("feature", report.feature)
        json.member("quantity", report.quantity.description)
        json.member("allowed", report.decided.allowed)
        json.member("reason", report.decided.reason.name)
        json.member("rule", report.rule)
        json.member("agrees", report.again == report.decided)
        json.member("plan", report.evidence.plan)
        json.member("catalog", report.evidence.catalog)
        json.member("catalog_version", held.version.map { UInt64($0) })
        json.member("status", held.holding?.status.name)
        json.member("status_since", held.holding?.since.description)
        json.member("subscription", held.holding?.name)
        json.member("override", report.evidence.override)
        if let value = report.evidence.value {
            json.key("value")
            json.value(value.json)
        }
        json.member("limit", held.limit?.amount.description)
        json.member("enforce", held.limit.map { $0.isHard ? "hard" : "soft" })
        json.member("bound", held.limit?.bound?.description)
        json.member("reset", held.limit?.window.text)
        let window = held.window.flatMap { $0 == LimitWindow.forever ? nil : $0 }
        json.key("window")
        if let window {
            json.beginObject()
            json.member("start", window.start.description)
            json.member("end", window.end.description)
            json.endObject()
        } else {
            json.null()
        }
        json.member("resets_at", report.evidence.resetsAt?.description)
        json.member("used", held.used?.description)
        json.member("held", held.held.description)
        json.member("remaining", report.evidence.remaining?.description)
        writeCredits(report, to: &json)
        writeChanges(report, to: &json)
    }

    private func writeCredits(_ report: DecisionReport, to json: inout JSONWriter) {
        let held = report.circumstances
        json.member("credit_unit", held.creditUnit)
        json.member("credits", report.evidence.credits?.description)
        json.member("balance", held.creditUnit.map { _ in held.balance.description })
        let drawn = Dictionary(
            report.outcome.draws.map { ($0.grant, $0.units) }, uniquingKeysWith: { $0 &+ $1 })
        json.key("grants")
        json.beginArray()
        for grant in held.grants.prefix(EngineLimits.decisionGrantsShown) {
            json.beginObject()
            json.member("grant", UInt64(grant.ordinal))
            json.member("kind", grant.terms.kind.name)
            json.member("remaining", grant.remaining.description)
            json.member("expires", grant.expires?.description)
            json.member(
                "drawn", drawn[grant.ordinal].map { Quantity(units: $0).description })
            json.endObject()
        }
        json.endArray()
        json.member("grant_count", UInt64(held.grants.count))
    }

    private func writeChanges(_ report: DecisionReport, to json: inout JSONWriter) {
        json.key("would_allow")
        json.beginArray()
        for remedy in report.remedies {
            json.beginObject()
            json.key("changes")
            json.beginArray()
            for change in remedy.changes { write(change, to: &json) }
            json.endArray()
            json.member("step", remedy.step?.description)
            json.member("reason", remedy.reason.name)
            json.endObject()
        }
        json.endArray()
        json.key("room")
        guard let room = report.room else { return json.null() }
        json.beginObject()
        json.member("quantity", room.quantity.description)
        json.member("more", room.more.description)
        json.member("step", room.step.description)
        json.member("then", room.then.name)
        json.endObject()
    }

    private func write(_ change: DecisionChange, to json: inout JSONWriter) {
        json.beginObject()
        json.member("change", change.name)
        switch change {
        case .quantity(let quantity): json.member("to", quantity.description)
        case .value(let value):
            json.key("to")
            json.value(value.json)
        case .limit(let limit, let more):
            json.member("to", limit.description)
            json.member("by", more.description)
        case .grant(let credits, let unit):
            json.member("credits", credits.description)
            json.member("unit", unit)
        case .override(let allowance):
            json.key("to")
            if case .value(let value) = allowance {
                json.value(value.json)
            } else {
                json.bool(true)
            }
        case .plan(let plan): json.member("to", plan)
        case .active: json.member("to", SubscriptionStatus.active.name)
        case .later(let time): json.member("to", time.description)
        case .withoutOverride, .restored: break
        }
        json.endObject()
    }
}
