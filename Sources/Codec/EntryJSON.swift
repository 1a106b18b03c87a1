import Billing
package import Bytes
import Money

/// Entries as people and programs read them: the line of `tail` and `follow`.
package enum EntryJSON {
    /// Writes `{"position":…,"recorded_at":…,"kind":…,"event":{…},"outcome":{…}}`, and `"retired":true`
    /// before the event if its body was dropped.
    package static func write(
        _ record: borrowing RecordView, position: UInt64, recordedAt: Int64,
        to json: inout JSONWriter
    ) throws(DecodeFailure) {
        json.beginObject()
        json.member("position", position)
        json.member("recorded_at", Timestamp(nanoseconds: recordedAt).description)
        json.member("kind", record.kind.name)
        if RecordRetirement.isRetired(record) { json.member("retired", true) }
        json.key("event")
        try writeEvent(record, to: &json)
        json.key("outcome")
        try writeOutcome(try record.outcome(), to: &json)
        json.endObject()
    }

    /// Writes the CloudEvent as it was sent; its values, in our order of members.
    private static func writeEvent(
        _ record: borrowing RecordView, to json: inout JSONWriter
    ) throws(DecodeFailure) {
        json.beginObject()
        json.member("specversion", "1.0")
        json.key("id")
        json.string(record.id)
        json.key("source")
        json.string(record.source)
        json.key("type")
        json.string(record.type)
        if let subject = record.subject {
            json.key("subject")
            json.string(subject)
        }
        if let time = record.timeText { json.member("time", time) }
        if let attributes = record.attributes,
            case .object(let members) = try ValueCoder.value(attributes)
        {
            for member in members {
                json.key(member.name)
                json.value(member.value)
            }
        }
        if let data = record.data {
            json.key("data")
            json.value(try ValueCoder.value(data))
        }
        json.endObject()
    }

    private static func writeOutcome(
        _ outcome: Outcome, to json: inout JSONWriter
    ) throws(DecodeFailure) {
        json.beginObject()
        json.member("status", "recorded")
        if let decision = outcome.decision {
            json.member("allowed", decision.allowed)
            json.member("reason", decision.reason.name)
        }
        if !outcome.draws.isEmpty {
            json.key("draws")
            json.beginArray()
            for draw in outcome.draws {
                json.beginObject()
                json.member("grant", UInt64(draw.grant))
                json.member("credits", Quantity(units: draw.units).description)
                json.endObject()
            }
            json.endArray()
        }
        if outcome.shortfallUnits != 0 {
            json.member("shortfall", Quantity(units: outcome.shortfallUnits).description)
        }
        defer { json.endObject() }
        if !outcome.remains.isEmpty {
            json.key("remains")
            json.beginArray()
            for hash in outcome.remains { json.string(hash.hex) }
            json.endArray()
        }
        writeCredits(outcome, to: &json)
    }

    /// What is said of several units, of grants that the entry made, and of thresholds.
    private static func writeCredits(_ outcome: Outcome, to json: inout JSONWriter) {
        func list<Element>(
            _ name: String, _ list: [Element], _ body: (Element, inout JSONWriter) -> Void
        ) {
            guard !list.isEmpty else { return }
            json.key(name)
            json.beginArray()
            for element in list {
                json.beginObject()
                body(element, &json)
                json.endObject()
            }
            json.endArray()
        }
        list("shortfalls", outcome.shortfalls) {
            $1.member("unit", $0.unit)
            $1.member("credits", Quantity(units: $0.units).description)
        }
        list("grants", outcome.grants) {
            $1.member("kind", $0.kind.name)
            $1.member("unit", $0.unit)
            $1.member("credits", Quantity(units: $0.units).description)
            if let expires = $0.expires { $1.member("expires", expires.description) }
        }
        list("warnings", outcome.warnings) {
            $1.member("feature", $0.feature)
            $1.member("threshold", UInt64($0.threshold))
        }
    }
}
