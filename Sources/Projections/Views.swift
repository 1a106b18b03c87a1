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
