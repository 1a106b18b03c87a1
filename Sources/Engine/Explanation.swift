import Billing
import Bytes
import Codec
import Money
import Projections
import SegmentedLog

/// The events behind one line of an invoice, in billing order, each with its marginal price.
///
/// The price of an event is what the line's exact amount grows by when the event is added to those
/// before it. So: opening + prices = the exact amount, and the line's one rounding is left over as the
/// residue. `opening` is what is due without any event: flat amounts, and levels carried over.
struct Explanation {
    let engine: Engine
    let account: String
    /// The billing period's name; nil: that of `at`.
    let period: String?
    let line: String
    let at: Timestamp
    /// Of the past; nil: of everything known now.
    var point: ReadingPoint?

    private struct Row {
        let use: AccountUses.Use
        let quantity: Fraction
        let price: Fraction
        let runningTotal: Fraction
    }

    /// Writes at most `limit` rows from the row with number `from` on, and the line's sums.
    func write(from: Int, limit: Int, to json: inout JSONWriter) throws(Refusal) {
        let (facts, found) = try facts()
        let billing = AccountBilling(
            facts: facts, source: LoggedEntries(engine: engine, account: account), at: at,
            cut: point?.cut)
        let (bill, uses) = try billing.bill(found)
        json.member("invoice", "\(account)/\(found.name)")
        json.member("account", account)
        guard let line = bill.lines.first(where: { $0.id == self.line }) else {
            return try writeForeign(found, to: &json, facts, bill)
        }
        let course = PriceCourse(line: line, bill: bill, meter: facts.meter)
        let steps = course.map { $0.steps(uses) }
        let rows = steps.map { self.rows($0.opening, $0.steps) } ?? []
        let total = rows.last?.runningTotal ?? steps?.opening ?? line.unrounded
        json.member("line", line.id)
        json.member("kind", line.kind.rawValue)
        json.member("description", line.description)
        json.member("currency", line.amount.currency.code)
        json.key("events")
        json.beginArray()
        for row in rows.dropFirst(from).prefix(limit) { write(row, to: &json) }
        json.endArray()
        json.member("event_count", UInt64(rows.count))
        json.member("quantity", line.quantity?.description)
        json.member("opening", (steps?.opening ?? line.unrounded).unrounded)
        json.member("unrounded", total.unrounded)
        json.member("total", line.amount.description)
        json.member("residue", (Fraction(line.amount) - total).unrounded)
        json.member("basis", line.basis)
        json.member("next", from + limit < rows.count ? UInt64(from + limit) : nil)
        json.member("position", facts.position)
    }

    /// The facts of a finalised invoice are those of the position that it looked up to.
    private func facts() throws(Refusal) -> (BillingFacts, BillingPeriod) {
        let (facts, found, _) = try engine.billingFacts(
            account: account, period: period, at: at, asOf: point?.position)
        guard let finalised = facts.state.finalised(found.name) else { return (facts, found) }
        let then = try engine.withBooks(asOf: point?.position) {
            $0.billingFacts(of: account, before: finalised.through)
        }
        return (then, then.contract.billingPeriod(finalised.period, named: found.name))
    }

    /// A line that came from outside the period: it has no events of its own.
    private func writeForeign(
        _ found: BillingPeriod, to json: inout JSONWriter, _ facts: BillingFacts, _ bill: Invoice
    ) throws(Refusal) {
        let invoice: BilledInvoice
        if let point {
            invoice = try engine.invoice(account: account, period: found.name, point)
        } else {
            invoice = try engine.invoice(account: account, period: found.name, at: at)
        }
        var lines: [Value] = []
        if case .array(let list)? = invoice["lines"] { lines = list }
        guard let foreign = lines.first(where: { $0["id"]?.text == line }) else {
            let known = lines.compactMap { $0["id"]?.text }.joined(separator: ", ")
            throw Refusal(
                code: "unknown_line", field: "line",
                message: "the invoice \(account)/\(found.name) has no line \"\(line)\"; "
                    + (known.isEmpty ? "it has no lines" : "it has: \(known)"))
        }
        json.member("line", line)
        json.member("kind", foreign["kind"]?.text)
        json.member("description", foreign["description"]?.text)
        json.member("currency", invoice["currency"]?.text)
        json.key("events")
        json.beginArray()
        json.endArray()
        json.member("event_count", UInt64(0))
        json.member("opening", foreign["unrounded"]?.text)
        json.member("unrounded", foreign["unrounded"]?.text)
        json.member("total", foreign["amount"]?.text)
        json.member("residue", Fraction.zero.unrounded)
        json.member("basis", foreign["basis"]?.text)
        json.member("position", facts.position)
    }

    private func rows(_ opening: Fraction, _ steps: [PriceCourse.Step]) -> [Row] {
        var before = opening
        return steps.map { step in
            defer { before = step.total }
            return Row(
                use: step.use, quantity: step.quantity, price: step.total - before,
                runningTotal: step.total)
        }
    }

    private func write(_ row: Row, to json: inout JSONWriter) {
        json.beginObject()
        json.member("position", row.use.use.position)
        json.member("time", row.use.use.time.description)
        json.member("id", row.use.id)
        json.member("quantity", row.quantity.description)
        json.member("amount", row.price.unrounded)
        json.member("running_total", row.runningTotal.unrounded)
        json.endObject()
    }
}

/// How the exact amount of a line of usage comes about, use by use.
struct PriceCourse {
    /// The line after one more use.
    struct Step {
        let use: AccountUses.Use
        /// What the use adds to the line's quantity.
        let quantity: Fraction
        /// The line's exact amount with it.
        let total: Fraction
    }

    private let charge: PriceCharge
    private let row: String?
    private let period: BillingPeriod

    /// The course of a line; nil for lines that are not of usage.
    init?(line: InvoiceLine, bill: Invoice, meter: (String) -> Meter?) {
        guard line.kind == .usage, let price = line.price, let span = line.span,
            let meter = price.meter.flatMap(meter)
        else { return nil }
        period = bill.period
        charge = PriceCharge(
            price: price, meter: meter, span: bill.period.spans[span], period: bill.period)
        // The id of a matrix line is the price's key, a dot, the row's key, and perhaps the span.
        let name = line.id.split(separator: "@")[0]
        row = price.matrix == nil ? nil : String(name.dropFirst(price.key.utf8.count + 1))
    }

    /// The uses in billing order, each with the line's amount after it.
    func steps(_ uses: SpanUses) -> (opening: Fraction, steps: [Step]) {
        guard let metered = uses.metered(charge.price, zone: period.zone) else {
            return (.zero, [])
        }
        let span = charge.span.period
        let mine = uses.sorted(charge.price).filter { span.contains($0.use.time) }
        switch charge.price.model {
        case .percentage(let percentage):
            var run = PercentageRun(
                percentage, allowsNegative: charge.price.terms.allowsNegative)
            return (
                .zero,
                mine.map {
                    Step(use: $0, quantity: Fraction($0.use.value), total: run.add($0.use.value))
                }
            )
        case .matrix: return (.zero, rowSteps(mine, metered))
        case .perUnit, .package, .graduated, .volume, .stairstep, .graduatedPercentage, .dynamic,
            .fee:
            guard charge.price.terms.proration == .none else {
                return levelSteps(mine, metered)
            }
            let opening = metered.openingQuantity(in: span, of: period.whole)
            var before = opening
            let steps = zip(mine, metered.running(in: span, of: period.whole)).map {
                use, running -> Step in
                defer { before = running.quantity }
                return Step(
                    use: use, quantity: running.quantity - before,
                    total: charge.amount(running.quantity))
            }
            return (charge.amount(opening), steps)
        }
    }

    /// A price taken over time: each use as if the level stayed from then on.
    private func levelSteps(
        _ uses: [AccountUses.Use], _ metered: MeteredUsage
    ) -> (opening: Fraction, steps: [Step]) {
        let parts = charge.integrals(metered)
        var before = parts.opening.quantity ?? .zero
        let steps = zip(uses, parts.after).map { use, part -> Step in
            let quantity = part.quantity ?? .zero
            defer { before = quantity }
            return Step(use: use, quantity: quantity - before, total: part.amount)
        }
        return (parts.opening.amount, steps)
    }

    private func rowSteps(_ uses: [AccountUses.Use], _ metered: MeteredUsage) -> [Step] {
        guard let matrix = charge.price.matrix else { return [] }
        var quantity = Fraction.zero
        return uses.compactMap { use in
            guard matrix.row(for: use.use.dimensions)?.key ?? PriceCharge.otherRow == row else {
                return nil
            }
            let value = metered.value(of: use.use)
            quantity = quantity + value
            return Step(
                use: use, quantity: value, total: charge.amount(ofRow: row ?? "", quantity))
        }
    }
}
