import Billing
import Projections

extension AccountBilling {
    /// One line of usage of a period and the uses behind it, without the rest of the invoice.
    /// - Returns: nil if the period has no such line of usage.
    func usageLine(
        _ id: String, of period: BillingPeriod
    ) throws(Refusal) -> (line: InvoiceLine, uses: SpanUses)? {
        let prices = period.spans.enumerated().flatMap { index, span in
            span.plan.prices.filter { Self.isLine(id, of: $0, inSpan: index) }
        }
        guard !prices.isEmpty else { return nil }
        let uses = try uses(of: [period], for: prices)
        guard let line = line(id, of: period, uses, prices) else { return nil }
        return (line, uses)
    }

    /// A line of usage from uses that are read already.
    func line(
        _ id: String, of period: BillingPeriod, _ uses: SpanUses, _ prices: [Price]
    ) -> InvoiceLine? {
        usageLines(of: period, uses, prices).first { $0.id == id }
    }

    /// The lines of usage that some prices make of uses that are read already.
    func usageLines(
        of period: BillingPeriod, _ uses: SpanUses, _ prices: [Price]
    ) -> [InvoiceLine] {
        var known: [UsageKey: MeteredUsage] = [:]
        let facts = InvoiceFacts(
            period: period, isOver: false, meter: facts.meter,
            usage: { price, _ in
                guard prices.contains(price), let key = UsageKey(price) else { return nil }
                if known[key] == nil { known[key] = uses.metered(price, zone: period.zone) }
                return known[key].map { .metered($0) }
            })
        return InvoiceBuilder.invoice(facts).lines.filter { $0.kind == .usage }
    }

    /// Whether a line's id may be one of a price: `calls`, `calls@2`, of a matrix `calls.row`.
    private static func isLine(_ id: String, of price: Price, inSpan index: Int) -> Bool {
        let suffix = index == 0 ? "" : "@\(index + 1)"
        guard id.hasSuffix(suffix) else { return false }
        let name = id.dropLast(suffix.count)
        return price.matrix == nil ? name == price.key : name.hasPrefix(price.key + ".")
    }
}
