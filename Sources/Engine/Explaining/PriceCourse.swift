import Billing
import Money
import Projections

/// How the amount of a line of usage comes about, use by use.
///
/// Each total is the exact one, rounded to the twelve decimals that are printed; the price of a use is the
/// difference of two of them. So the prices add up to the line as it is printed, to the last decimal, and each
/// is the exact price but for one unit of the last decimal.
struct PriceCourse {
    /// The line after one more use.
    struct Step {
        let use: AccountUses.Use
        /// What the use adds to the line's quantity, in 10⁻¹².
        let quantity: Int128
        /// The line's amount with it, in 10⁻¹² major units.
        let total: Int128
        /// The tier in which the quantity ends, from 1; 0: in the free units; nil: the price has no tiers.
        let tier: Int?
    }

    /// Before the first use: what is due without any.
    struct Opening {
        let total: Int128
        let tier: Int?
    }

    private let charge: PriceCharge
    private let row: String?
    private let period: BillingPeriod
    private let free: Fraction
    /// The same in 10⁻¹²; nil where it is no decimal.
    private let freeUnits: Int128?
    private let curve: DecimalCurve?

    /// The course of a line; nil for lines that are not of usage.
    init?(line: InvoiceLine, period: BillingPeriod, meter: (String) -> Meter?) {
        guard line.kind == .usage, let price = line.price, let span = line.span,
            let meter = price.meter.flatMap(meter)
        else { return nil }
        self.period = period
        charge = PriceCharge(
            price: price, meter: meter, span: period.spans[span], period: period)
        free = charge.free
        freeUnits = free.quantity?.units
        curve = DecimalCurve(price.model)
        // The id of a matrix line is the price's key, a dot, the row's key, and perhaps the span.
        let name = line.id.split(separator: "@")[0]
        row = price.matrix == nil ? nil : String(name.dropFirst(price.key.utf8.count + 1))
    }

    /// Calls `body` with each use in billing order; `begin` with what is due before the first.
    /// - Throws: `out_of_range` for amounts beyond 10^26, or what the closures throw.
    func walk(
        _ uses: SpanUses, begin: (Opening) throws(Refusal) -> Void,
        _ body: (Step) throws(Refusal) -> Void
    ) throws(Refusal) {
        guard let metered = uses.metered(charge.price, zone: period.zone) else {
            return try begin(Opening(total: 0, tier: nil))
        }
        let all = uses.sorted(charge.price)
        switch charge.price.model {
        case .percentage(let percentage):
            try begin(Opening(total: 0, tier: nil))
            var run = PercentageRun(
                percentage, allowsNegative: charge.price.terms.allowsNegative)
            for index in metered.uses(in: charge.span.period).indices {
                let value = all[index].use.value
                let total = run.add(value)
                try body(
                    Step(
                        use: all[index], quantity: value.units, total: try printed(total),
                        tier: nil))
            }
        case .matrix:
            try begin(Opening(total: 0, tier: nil))
            try walkRow(all, metered, body)
        case .perUnit, .package, .graduated, .volume, .stairstep, .graduatedPercentage, .dynamic,
            .fee:
            guard charge.price.terms.proration == .none else {
                return try walkLevels(all, metered, begin, body)
            }
            try walkQuantities(all, metered, begin, body)
        }
    }

    private func walkQuantities(
        _ uses: [AccountUses.Use], _ metered: MeteredUsage,
        _ begin: (Opening) throws(Refusal) -> Void, _ body: (Step) throws(Refusal) -> Void
    ) throws(Refusal) {
        let span = charge.span.period
        let opening = metered.openingQuantity(in: span, of: period.whole)
        let first = try point(.exact(opening))
        try begin(Opening(total: first.total, tier: first.tier))
        var before = try printed(opening)
        try metered.forEachRunning(in: span, of: period.whole) {
            (index, running) throws(Refusal) in
            let point = try point(running)
            let quantity = point.quantity
            try body(
                Step(
                    use: uses[index], quantity: quantity &- before, total: point.total,
                    tier: point.tier))
            before = quantity
        }
    }

    /// A price taken over time: each use as if the level stayed from then on.
    private func walkLevels(
        _ uses: [AccountUses.Use], _ metered: MeteredUsage,
        _ begin: (Opening) throws(Refusal) -> Void, _ body: (Step) throws(Refusal) -> Void
    ) throws(Refusal) {
        let parts = charge.integrals(metered)
        try begin(Opening(total: try printed(parts.opening.amount), tier: nil))
        var before = try printed(parts.opening.quantity ?? .zero)
        for (index, part) in zip(metered.uses(in: charge.span.period).indices, parts.after) {
            let quantity = try printed(part.quantity ?? .zero)
            try body(
                Step(
                    use: uses[index], quantity: quantity &- before,
                    total: try printed(part.amount), tier: nil))
            before = quantity
        }
    }

    private func walkRow(
        _ uses: [AccountUses.Use], _ metered: MeteredUsage,
        _ body: (Step) throws(Refusal) -> Void
    ) throws(Refusal) {
        guard let matrix = charge.price.matrix, let row else { return }
        var quantity = Fraction.zero
        var before: Int128 = 0
        for index in metered.uses(in: charge.span.period).indices {
            let use = uses[index]
            guard (matrix.row(for: use.use.dimensions)?.key ?? PriceCharge.otherRow) == row else {
                continue
            }
            quantity = quantity + metered.value(of: use.use)
            let part = charge.part(ofRow: row, quantity)
            let after = try printed(part.quantity ?? .zero)
            try body(
                Step(
                    use: use, quantity: after &- before, total: try printed(part.amount),
                    tier: nil))
            before = after
        }
    }

    /// The line at a quantity.
    private func point(
        _ running: MeteredUsage.Running
    ) throws(Refusal) -> (quantity: Int128, total: Int128, tier: Int?) {
        let model = charge.price.model
        if case .decimal(let quantity) = running, let freeUnits, let curve {
            let units = quantity.units
            let paid = units > 0 ? max(0, units - freeUnits) : units
            if let point = curve.total(Quantity(units: paid)) {
                let isFree = freeUnits > 0 && paid == 0
                return (
                    units, point.printed, isFree ? 0 : model.hasTiers ? point.tier + 1 : nil
                )
            }
        }
        let quantity = running.fraction
        let total = try printed(charge.amount(quantity))
        let paid = max(.zero, quantity - free)
        let isFree = !free.isZero && paid.isZero
        return (
            try printed(quantity), total, isFree ? 0 : model.tier(of: paid).map { $0 + 1 }
        )
    }

    private func printed(_ number: Fraction) throws(Refusal) -> Int128 {
        if let units = number.rounded(decimals: Quantity.scale) { return units }
        throw Refusal(
            code: "out_of_range",
            message: "the line has amounts or quantities beyond 10^26, which cannot be shown")
    }
}
