import Billing
import Codec
import Money
import SegmentedLog

/// Bills made again, beside what was issued.
struct ReplayReport: Sendable {
    let rows: [ReplayRow]
    let position: Position
    let limit: Int
    /// Whether the log was read once for all, and not account by account.
    let scanned: Bool
    let readNanoseconds: Int64
    let billNanoseconds: Int64

    func write(to json: inout JSONWriter) {
        let final = rows.filter(\.isFinal)
        let different = final.filter { !$0.isSame }
        let late = final.filter(\.isLate)
        json.member("bills", UInt64(rows.count))
        json.member("finalised", UInt64(final.count))
        json.member("equal", UInt64(final.count - different.count))
        json.member("different", UInt64(different.count))
        json.member("with_late_entries", UInt64(late.count))
        json.member("matches", different.isEmpty)
        json.member("read_at_once", scanned)
        json.member("read_milliseconds", UInt64(max(0, readNanoseconds)) / 1_000_000)
        json.member("bill_milliseconds", UInt64(max(0, billNanoseconds)) / 1_000_000)
        writeSums(to: &json)
        let order = rows.sorted { left, right in
            let (first, second) = (Self.rank(left), Self.rank(right))
            return first == second
                ? (left.account, left.name) < (right.account, right.name) : first < second
        }
        json.key("invoices")
        json.beginArray()
        for row in order.prefix(limit) { write(row, to: &json) }
        json.endArray()
        json.member("position", position)
    }

    private static func rank(_ row: ReplayRow) -> Int { row.isSame ? row.isLate ? 1 : 2 : 0 }

    private func writeSums(to json: inout JSONWriter) {
        var sums: [(currency: Currency, issued: Int128, now: Int128)] = []
        for row in rows {
            guard let currency = row.currency else { continue }
            let place = sums.firstIndex { $0.currency == currency } ?? sums.count
            if place == sums.count { sums.append((currency, 0, 0)) }
            sums[place].issued += row.issued ?? 0
            sums[place].now += row.now
        }
        json.key("sums")
        json.beginArray()
        for sum in sums {
            json.beginObject()
            json.member("currency", sum.currency.code)
            json.member(
                "issued", Amount(minorUnits: sum.issued, currency: sum.currency).description)
            json.member("now", Amount(minorUnits: sum.now, currency: sum.currency).description)
            json.endObject()
        }
        json.endArray()
    }

    private func write(_ row: ReplayRow, to json: inout JSONWriter) {
        func amount(_ name: String, _ units: Int128?, _ json: inout JSONWriter) {
            json.member(
                name,
                units.flatMap { units in
                    row.currency.map { Amount(minorUnits: units, currency: $0).description }
                })
        }
        json.beginObject()
        json.member("invoice", "\(row.account)/\(row.name)")
        json.member("status", row.isFinal ? "final" : "draft")
        json.member("currency", row.currency?.code)
        amount("issued", row.issued, &json)
        amount("again", row.again, &json)
        amount("now", row.now, &json)
        if row.isFinal { json.member("equal", row.isSame) }
        json.key("lines")
        json.beginArray()
        for line in row.lines {
            json.beginObject()
            json.member("line", line.id)
            amount("issued", line.issued, &json)
            amount("again", line.again, &json)
            amount("now", line.now, &json)
            json.endObject()
        }
        json.endArray()
        json.member("late_entries", UInt64(row.causes.count))
        json.key("late_positions")
        json.beginArray()
        for position in row.causes.positions { json.value(BilledInvoice.number(position)) }
        json.endArray()
        json.endObject()
    }
}
