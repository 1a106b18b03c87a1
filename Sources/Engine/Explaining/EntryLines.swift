import Billing
import Codec
import Money
import Projections
import SegmentedLog

/// The lines of invoices that one entry is in, each with what the line grew by when it was counted.
struct EntryLines {
    let engine: Engine
    let account: String
    let entry: Place
    let at: Timestamp

    /// Where it stands what counts of the entry, and when it happened.
    struct Place: Sendable {
        let position: Position
        let time: Timestamp
    }

    /// The period that the entry belongs to, and what became of it.
    private struct Where {
        let facts: BillingFacts
        let period: BillingPeriod
        let status: Status
        /// The invoice that charges it: its period's, or the one that corrects it.
        let invoice: String
        /// How the line is called there.
        let prefix: String
    }

    private enum Status: String {
        case draft, final
        /// The period was finalised before: a later invoice has the difference.
        case late
        /// The same, and the catalog says that late usage is not charged.
        case notCharged = "not_charged"
    }

    /// Writes one object a line.
    func write(_ meters: Set<String>, to json: inout JSONWriter) throws(Refusal) {
        let place = try place()
        let prices = place.period.spans.filter { $0.period.contains(entry.time) }
            .flatMap(\.plan.prices).filter { $0.meter.map { meters.contains($0) } ?? false }
        guard !prices.isEmpty else { return }
        let billing = AccountBilling(
            facts: place.facts, source: LoggedEntries(engine: engine, account: account), at: at)
        let uses = try billing.uses(of: [place.period], for: prices)
        for line in billing.usageLines(of: place.period, uses, prices)
        where line.period.contains(entry.time) {
            try write(line, place, uses, to: &json)
        }
    }

    private func place() throws(Refusal) -> Where {
        let facts = try engine.withBooks(asOf: nil) { $0.billingFacts(of: account) }
        let finalised = facts.state.finalised.last { $0.period.contains(entry.time) }
        guard let finalised else {
            let period = facts.contract.billingPeriod(at: entry.time)
            return Where(
                facts: facts, period: period, status: .draft,
                invoice: "\(account)/\(period.name)", prefix: "")
        }
        guard entry.position >= finalised.through else {
            let then = try engine.facts(of: finalised, account, asOf: nil)
            return Where(
                facts: then,
                period: then.contract.billingPeriod(finalised.period, named: finalised.name),
                status: .final, invoice: "\(account)/\(finalised.name)", prefix: "")
        }
        let next = facts.state.finalised.first { $0.through > entry.position }
        let name = next?.name ?? facts.contract.billingPeriod(at: at).name
        return Where(
            facts: facts,
            period: facts.contract.billingPeriod(finalised.period, named: finalised.name),
            status: facts.late == .ignore ? .notCharged : .late, invoice: "\(account)/\(name)",
            prefix: "correction/\(finalised.name)/")
    }

    private func write(
        _ line: InvoiceLine, _ place: Where, _ uses: SpanUses, to json: inout JSONWriter
    ) throws(Refusal) {
        guard
            let course = PriceCourse(line: line, period: place.period, meter: place.facts.meter)
        else { return }
        var last: (total: Int128, tier: Int?) = (0, nil)
        var found: (step: PriceCourse.Step, amount: Int128, tier: Int?)?
        try course.walk(uses) {
            last = ($0.total, $0.tier)
        } _: { step in
            if step.use.use.position == entry.position {
                found = (step, step.total - last.total, last.tier)
            }
            last = (step.total, step.tier)
        }
        guard let found else { return }
        json.beginObject()
        json.member("invoice", place.invoice)
        json.member("status", place.status.rawValue)
        json.member("line", place.prefix + line.id)
        json.member("period", place.period.name)
        json.member("description", line.description)
        json.member("quantity", Quantity(units: found.step.quantity).description)
        if let tier = found.step.tier {
            if let before = found.tier, before != tier {
                json.member("tier_from", UInt64(before))
            }
            json.member("tier", UInt64(tier))
        }
        json.member("amount", Quantity(units: found.amount).unrounded)
        json.member("currency", line.amount.currency.code)
        json.endObject()
    }
}
