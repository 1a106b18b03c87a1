import Billing
import Bytes
import Codec
import Money
import Platform
import Projections
import SegmentedLog

/// The events behind one line of a draft invoice, in log order, each with its marginal price.
///
/// The price of an event is what the line's exact amount grows by when the event is added to those
/// before it. The prices therefore sum to the exact amount, and the line's one rounding is left
/// over as the residue: amount = sum of prices + residue.
struct Explanation {
    let engine: Engine
    let account: String
    let period: Period
    let line: String

    private struct Row {
        let use: AccountEntries.Usage
        let price: ExactAmount
        let runningTotal: ExactAmount
        let quantity: Quantity
    }

    /// Writes the rows after a position, at most `limit`, and the line's sums.
    func write(
        after: Position, limit: Int, to json: inout JSONWriter
    ) throws(Refusal) {
        let (draft, end) = try engine.invoice(account: account, period: period)
        guard let line = draft.lines.first(where: { $0.id == line }) else {
            let known = draft.lines.map(\.id).joined(separator: ", ")
            throw Refusal(
                code: "unknown_line",
                message: "the invoice \(account)/\(period.monthName) has no line \"\(line)\"; "
                    + (known.isEmpty ? "it has no lines" : "it has: \(known)"))
        }
        let rows = try rows(of: line, end: end)
        var total = try exact(line.price.model.total(.zero))
        if let last = rows.last { total = last.runningTotal }
        let page = rows.drop { $0.use.position < after }.prefix(limit)
        json.member("invoice", "\(account)/\(period.monthName)")
        json.member("account", account)
        json.member("line", line.id)
        json.member("description", line.description)
        json.member("currency", draft.currency?.code)
        json.key("events")
        json.beginArray()
        for row in page { write(row, to: &json) }
        json.endArray()
        json.member("event_count", UInt64(rows.count))
        json.member("quantity", line.quantity.description)
        json.member("unrounded", total.unrounded)
        json.member("total", line.amount.description)
        json.member("residue", line.amount.exact.subtracting(total)?.unrounded)
        let next = page.last.flatMap { last in
            rows.last.map { $0.use.position > last.use.position } == true
                ? last.use.position + 1 : nil
        }
        json.member("next", next)
        json.member("position", end)
    }

    private func write(_ row: Row, to json: inout JSONWriter) {
        json.beginObject()
        json.member("position", row.use.position)
        json.member("time", row.use.time.description)
        json.member("id", row.use.id)
        json.member("quantity", row.quantity.description)
        json.member("amount", row.price.unrounded)
        json.member("running_total", row.runningTotal.unrounded)
        json.endObject()
    }

    private func rows(of line: InvoiceLine, end: Position) throws(Refusal) -> [Row] {
        let meters = engine.meters([line.price.meter])
        var rows: [Row] = []
        var total = RunningTotal()
        let model = line.price.model
        var priced = ExactAmount.zero
        var isExact = true
        try AccountEntries(engine: engine, account: account, end: end).forEach(
            meters, in: line.period
        ) { _, use in
            let before = total.units
            guard total.add(use.addition) else { return }
            // What a plan charges for no usage at all comes with the first event.
            guard let now = model.total(Quantity(units: total.units)),
                let price = now.subtracting(priced)
            else {
                isExact = false
                return
            }
            rows.append(
                Row(
                    use: use, price: price, runningTotal: now,
                    quantity: Quantity(units: total.units - before)))
            priced = now
        }
        guard isExact else { throw Self.outOfRange }
        return rows
    }

    private func exact(_ amount: ExactAmount?) throws(Refusal) -> ExactAmount {
        guard let amount else { throw Self.outOfRange }
        return amount
    }

    private static let outOfRange = Refusal(
        code: "out_of_range",
        message: "an amount on the way to this line is beyond the range of money")
}
