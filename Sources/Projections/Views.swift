package import Billing
import Bytes
package import Codec
import Money

/// The views as JSON: each writes the members of its answer's object, in a fixed order.
///
/// `mutating` nowhere: a view reads the books and changes nothing.
extension Books {
    /// The number of an account, if the log knows it.
    package func account(_ name: String) -> UInt32? {
        registry.accounts.number(of: name)
    }

    /// Usage of an account in a month, by meter and group.
    package func writeUsage(account name: String, month: Period, to json: inout JSONWriter) {
        json.member("account", name)
        json.member("period") { write(month, to: &$0) }
        json.key("meters")
        json.beginArray()
        if let account = account(name) {
            for cell in cells(of: account, in: month) where cell.group == 0 {
                let meter = registry.meters[Int(cell.meter)]
                json.beginObject()
                json.member("meter", meter.key)
                json.member("quantity", Self.quantity(of: cell, meter))
                json.member("events", cell.events)
                json.key("groups")
                json.beginArray()
                for part in cells(of: account, in: month)
                where part.meter == cell.meter && part.group > 0 {
                    writeGroup(part, meter, to: &json)
                }
                json.endArray()
                json.endObject()
            }
        }
        json.endArray()
    }

    /// What a cell amounts to, before conversion; nil of a meter that counters do not keep: its quantity
    /// is that of the invoice.
    private static func quantity(of cell: Counters.Cell, _ meter: Meter) -> String? {
        guard meter.isCounted else { return nil }
        let units = Fraction(Quantity(units: cell.units))
        guard meter.aggregation == .average, cell.events > 0 else { return units.description }
        return (units * Fraction(1, over: Int128(cell.events))).description
    }

    /// The cells of an account in a month: by meter key, the total first, then by group values.
    private func cells(of account: UInt32, in month: Period) -> [Counters.Cell] {
        var cells: [Counters.Cell] = []
        let index = Month(containing: month.start.nanoseconds)
        counters.forEachCell(of: account) { if $0.month == index { cells.append($0) } }
        cells.sort { left, right in
            let keys = (registry.meters[Int(left.meter)].key, registry.meters[Int(right.meter)].key)
            return keys.0 == keys.1
                ? left.group < right.group
                : keys.0.utf8.lexicographicallyPrecedes(keys.1.utf8)
        }
        return cells
    }

    private func writeGroup(_ cell: Counters.Cell, _ meter: Meter, to json: inout JSONWriter) {
        let values = counters.withGroup(cell.group) { bytes -> [Value] in
            var reader = ByteReader(bytes)
            guard (try? reader.readVarint()) != nil else { return [] }
            return meter.groupBy.map { _ in (try? ValueCoder.value(from: &reader)) ?? .null }
        }
        json.beginObject()
        json.key("by")
        json.beginObject()
        for (path, value) in zip(meter.groupBy, values) {
            json.key(path.joined(separator: "."))
            json.value(value)
        }
        json.endObject()
        json.member("quantity", Self.quantity(of: cell, meter))
        json.member("events", cell.events)
        json.endObject()
    }

    /// What an account may use at an instant: one row for each feature of its plan.
    package func writeEntitlements(
        account name: String, at time: Timestamp, to json: inout JSONWriter
    ) {
        let number = account(name)
        let plan = plan(of: number, at: time)
        json.member("account", name)
        json.member("plan", plan?.key)
        let subscription = number.flatMap { entitlements.subscription(of: $0, at: time) }
        json.member("since", subscription?.effective.description)
        json.member("at", time.description)
        json.key("features")
        json.beginArray()
        for entitlement in plan?.entitlements ?? [] {
            guard let feature = registry.features[entitlement.feature] else { continue }
            writeFeature(feature, plan, name, time, to: &json)
        }
        json.endArray()
    }

    private func writeFeature(
        _ feature: Feature, _ plan: Plan?, _ account: String, _ time: Timestamp,
        to json: inout JSONWriter
    ) {
        let (now, evidence) = check(
            account: account, feature: feature.key, quantity: Quantity(units: 0),
            at: time)
        let isMetered = feature.meterKey != nil
        // A limit that is used up still allows zero more: ask for the smallest amount there is.
        let (next, _) = check(
            account: account, feature: feature.key,
            quantity: Quantity(units: isMetered ? 1 : 0), at: time)
        json.beginObject()
        json.member("feature", feature.key)
        json.member("kind", isMetered ? "metered" : "switch")
        json.member("allowed", next.allowed)
        json.member("reason", next.allowed ? now.reason.name : next.reason.name)
        json.member("limit", evidence.limit?.description)
        json.member("enforce", enforcement(of: feature, on: plan))
        json.member("used", isMetered ? evidence.used?.description : nil)
        json.member("remaining", evidence.remaining?.description)
        json.member("resets_at", evidence.resetsAt?.description)
        json.endObject()
    }

    /// How use beyond what is there is stopped: `hard`, `soft`, `credits`, or nil for not at all.
    private func enforcement(of feature: Feature, on plan: Plan?) -> String? {
        if case .limit(_, let isHard)? = plan?.entitlement(feature.key)?.allowance {
            return isHard ? "hard" : "soft"
        }
        guard let number = feature.meterKey.flatMap({ registry.meter($0) }) else { return nil }
        return registry.consumeMeter(number).burn == nil ? nil : "credits"
    }

    /// Event types that no meter listens to, events without an account, and events that a meter
    /// could not read: recorded, kept, and waiting for a catalog that covers them.
    package func writeUnmatched(limit: Int, to json: inout JSONWriter) {
        var rows: [(reason: String, key: String, seen: Registry.Seen)] = []
        for number in 0..<registry.typeCount where registry.meters(ofType: number).isEmpty {
            let seen = registry.seen(ofType: number)
            rows.append(("no_meter", registry.typeNames.text(UInt32(number)), seen))
        }
        if registry.withoutAccount.events > 0 {
            rows.append(("no_account", "subject", registry.withoutAccount))
        }
        for (number, seen) in registry.unreadable.enumerated() where seen.events > 0 {
            rows.append(("unreadable_value", registry.meters[number].key, seen))
        }
        let total: UInt64 = rows.reduce(0) { $0 + $1.seen.events }
        json.member("total", total)
        json.key("unmatched")
        json.beginArray()
        for row in rows.prefix(limit) {
            json.beginObject()
            json.member("reason", row.reason)
            json.member("key", row.key)
            json.member("events", row.seen.events)
            json.member("first_position", row.seen.first)
            json.member("last_position", row.seen.last)
            json.endObject()
        }
        json.endArray()
    }

    /// Writes a period as `{"start":…,"end":…}`.
    package func write(_ period: Period, to json: inout JSONWriter) {
        json.beginObject()
        json.member("start", period.start.description)
        json.member("end", period.end.description)
        json.endObject()
    }
}
