import Money

/// What an invoice is made from.
package struct InvoiceFacts {
    /// What it is about.
    package let period: BillingPeriod
    /// Whether the period is over at the asking time: what was promised is only then known to be missed.
    package let isOver: Bool
    /// The newest definition of a meter.
    package let meter: (_ key: String) -> Meter?
    /// The usage that a price reads in the span with this index; nil if its meter is not known.
    package let usage: (_ price: Price, _ span: Int) -> SpanUsage?
    /// Credits that were bought in the period, in log order.
    package let purchases: [Purchase]

    /// Facts; see the properties.
    package init(
        period: BillingPeriod, isOver: Bool, meter: @escaping (_ key: String) -> Meter?,
        usage: @escaping (_ price: Price, _ span: Int) -> SpanUsage?, purchases: [Purchase] = []
    ) {
        self.period = period
        self.isOver = isOver
        self.meter = meter
        self.usage = usage
        self.purchases = purchases
    }
}

/// A line that is due to what happened outside the period: a correction, a credit note, a balance.
package struct ForeignLine: Sendable {
    /// The line; its period is where it belongs.
    package let line: InvoiceLine

    /// A line from outside the period.
    package init(_ line: InvoiceLine) { self.line = line }
}

/// Makes invoices: line by line in one fixed order, each rounded once, every later line from the
/// rounded ones before it.
///
///     span 1: price a │ its commitment, minimum, maximum, discounts │ price b … │ the plan's steps
///             │ credits that were bought
///     span 2: …
///     advance fees │ lines from outside │ taxes
package struct InvoiceBuilder {
    private let facts: InvoiceFacts
    private let currency: Currency
    private var invoice: Invoice
    /// What is taxed, by tax, in order of appearance.
    private var taxes: [(tax: Tax, base: Int128)] = []

    /// The invoice of these facts.
    /// - Parameter foreign: lines from outside the period, in their order; those in another currency
    ///   are noted and left out.
    package static func invoice(_ facts: InvoiceFacts, foreign: [ForeignLine] = []) -> Invoice {
        // An invoice has one currency: the last plan's. Spans in another one are said, not added up.
        let currency =
            facts.period.spans.last?.plan.currency ?? foreign.first?.line.amount.currency
        guard let currency else {
            var invoice = Invoice(period: facts.period, currency: nil)
            for bought in EqualPurchases.groups(facts.purchases) {
                invoice.notes.append("\(bought.id) is on no invoice: the account is on no plan")
            }
            return invoice
        }
        var builder = InvoiceBuilder(facts, currency)
        for index in facts.period.spans.indices { builder.add(span: index) }
        builder.addAdvanceFees()
        for line in foreign { builder.add(line.line) }
        builder.addTaxes()
        return builder.invoice
    }

    private init(_ facts: InvoiceFacts, _ currency: Currency) {
        self.facts = facts
        self.currency = currency
        invoice = Invoice(period: facts.period, currency: currency)
    }

    private var period: BillingPeriod { facts.period }

    private mutating func add(_ line: InvoiceLine) {
        guard line.amount.currency == currency else {
            invoice.notes.append(
                "\(line.id) is in \(line.amount.currency.code) and is not on this invoice")
            return
        }
        invoice.lines.append(line)
    }

    // MARK: Spans

    private mutating func add(span index: Int) {
        let span = period.spans[index]
        guard span.plan.currency == currency else {
            invoice.notes.append(
                "plan \"\(span.plan.key)\" until \(span.period.end) is in "
                    + "\(span.plan.currency.code) and is not on this invoice")
            return
        }
        var ledger = SpanLedger(
            index: index, span: span, currency: currency,
            share: PriceCharge.share(of: span.period, in: period, by: .second))
        for price in span.plan.prices { add(price, to: &ledger) }
        addSteps(of: span.plan, to: &ledger)
        let bought = facts.purchases.filter { self.span(of: $0) == index }
        for bought in EqualPurchases.groups(bought) { ledger.add(bought) }
        invoice.lines += ledger.lines
        invoice.notes += ledger.notes
        guard let tax = span.plan.terms.tax else { return }
        let base = ledger.taxable
        if let known = taxes.firstIndex(where: { $0.tax == tax }) {
            taxes[known].base += base
        } else {
            taxes.append((tax, base))
        }
    }

    /// The span in which something was bought; without a plan at that time, the next one, or the last.
    private func span(of purchase: Purchase) -> Int {
        period.spans.firstIndex { purchase.time < $0.period.end } ?? period.spans.count - 1
    }

    private mutating func add(_ price: Price, to ledger: inout SpanLedger) {
        let meter = price.meter.flatMap { facts.meter($0) }
        let charge = PriceCharge(
            price: price, meter: meter, span: period.spans[ledger.index], period: period)
        ledger.begin(price)
        if case .fee(let fee) = price.model {
            addFee(Fraction(fee), charge, to: &ledger)
        } else if let usage = facts.usage(price, ledger.index) {
            for part in charge.parts(usage) { add(part, of: price, to: &ledger) }
            addBounds(charge, to: &ledger)
        }
        ledger.addDiscounts(
            price.terms.discounts, id: price.key + "/discount", share: ledger.share,
            whole: .price)
        ledger.end(price)
    }

    private func add(
        _ part: PriceCharge.Part, of price: Price, to ledger: inout SpanLedger
    ) {
        if part.row == PriceCharge.otherRow, price.matrix?.other == nil {
            let units = part.quantity?.description ?? "0"
            ledger.notes.append(
                "\(units) units of \(price.meter ?? "") match no row of \(price.key)")
            return
        }
        let id = part.row.map { "\(price.key).\($0)" } ?? price.key
        let text = part.row.map { "\(price.description) (\($0))" } ?? price.description
        ledger.add(
            id: id, kind: .usage, description: text, quantity: part.quantity,
            unrounded: part.amount, price: price)
    }

    /// What is promised, at least due, or at most due for a price.
    private func addBounds(_ charge: PriceCharge, to ledger: inout SpanLedger) {
        let price = charge.price
        let base = ledger.exactOfPrice
        if let commitment = price.terms.commitment {
            let promised: Fraction
            switch commitment.size {
            case .amount(let amount): promised = Fraction(amount) * ledger.share
            case .quantity(let quantity):
                promised = price.model.total(Fraction(quantity) * ledger.share)
            }
            let beyond = base - promised
            if beyond > .zero, commitment.overage != .one {
                ledger.add(
                    id: price.key + "/commitment", kind: .commitment,
                    description: "\(price.description): beyond the commitment",
                    unrounded: beyond * (Fraction(commitment.overage) - .one), price: price,
                    basis: "\(beyond) beyond \(promised), at \(commitment.overage) times its price")
            } else if beyond < .zero, commitment.trueUp, facts.isOver {
                ledger.add(
                    id: price.key + "/commitment", kind: .commitment,
                    description: "\(price.description): up to the commitment",
                    unrounded: -beyond, price: price, basis: "\(promised) promised, \(base) used")
            }
        }
        if let minimum = price.terms.minimum, facts.isOver {
            let least = Fraction(minimum) * ledger.share
            if base < least {
                ledger.add(
                    id: price.key + "/minimum", kind: .minimum,
                    description: "\(price.description): up to the minimum",
                    unrounded: least - base, price: price, basis: "at least \(least)")
            }
        }
        if let maximum = price.terms.maximum {
            let most = Fraction(maximum) * ledger.share
            if base > most {
                ledger.add(
                    id: price.key + "/maximum", kind: .maximum,
                    description: "\(price.description): down to the maximum",
                    unrounded: most - base, price: price, basis: "at most \(most)")
            }
        }
    }

    private func addSteps(of plan: Plan, to ledger: inout SpanLedger) {
        ledger.begin(nil)
        for step in plan.terms.order {
            switch step {
            case .minimum:
                guard let minimum = plan.terms.minimum, facts.isOver else { continue }
                let least = Fraction(minimum) * ledger.share
                let missing = least - ledger.running
                guard missing > .zero else { continue }
                ledger.add(
                    id: "minimum", kind: .minimum, description: "Minimum of \(plan.name)",
                    unrounded: missing, basis: "at least \(least), \(ledger.running) so far")
            case .maximum:
                guard let maximum = plan.terms.maximum else { continue }
                let most = Fraction(maximum) * ledger.share
                let excess = most - ledger.running
                guard excess < .zero else { continue }
                ledger.add(
                    id: "maximum", kind: .maximum, description: "Maximum of \(plan.name)",
                    unrounded: excess, basis: "at most \(most), \(ledger.running) so far")
            case .discounts:
                ledger.addDiscounts(
                    plan.terms.discounts, id: "discount", share: ledger.share, whole: .span)
            case .tax: ledger.fixTaxable()
            }
        }
    }

    // MARK: Fees

    /// A fee in arrears is due for the span. One in advance was charged for the whole period before it
    /// began, so only what differs from that is due.
    private func addFee(_ fee: Fraction, _ charge: PriceCharge, to ledger: inout SpanLedger) {
        let price = charge.price
        guard price.terms.isInAdvance else {
            ledger.add(
                id: price.key, kind: .fee, description: price.description, quantity: .one,
                unrounded: fee * charge.share(by: price.terms.proration), price: price)
            return
        }
        let span = charge.span.period
        if !wasChargedBefore(charge) {
            let rest = Period(start: span.start, end: period.whole.end)
            ledger.add(
                id: price.key, kind: .fee, description: price.description, quantity: .one,
                unrounded: fee
                    * PriceCharge.share(of: rest, in: period, by: price.terms.proration),
                price: price, period: rest)
        }
        guard span.end < period.whole.end, price.terms.proration != .none else { return }
        let rest = Period(start: span.end, end: period.whole.end)
        ledger.add(
            id: price.key + "/unused", kind: .fee,
            description: "\(price.description): unused", quantity: .one,
            unrounded: -fee * PriceCharge.share(of: rest, in: period, by: price.terms.proration),
            price: price, period: rest)
    }

    /// Whether the invoice before this one carried the fee: it does if a plan was in force up to its end.
    private func wasChargedBefore(_ charge: PriceCharge) -> Bool {
        charge.span.period.start == period.period.start
            && period.planBefore?.currency == charge.span.plan.currency
    }

    private mutating func addAdvanceFees() {
        guard let next = period.next, next.plan.currency == currency else { return }
        // Who had no plan at the end of this period is charged on the first invoice of the next.
        guard let last = period.spans.last, last.period.end == period.period.end else { return }
        for price in next.plan.prices where price.terms.isInAdvance {
            guard case .fee(let fee) = price.model else { continue }
            let (numerator, denominator) = Share.of(
                next.part, in: next.period, by: price.terms.proration, zone: next.zone)
            var line = InvoiceLine(
                id: price.key + "/advance", kind: .fee, description: price.description,
                quantity: .one, unrounded: Fraction(fee) * Fraction(numerator, over: denominator),
                currency: currency, period: next.part)
            line?.price = price
            guard let line else { continue }
            invoice.lines.append(line)
            guard let tax = next.plan.terms.tax, !price.terms.isTaxExempt else { continue }
            addTaxable(line.amount.minorUnits, tax)
        }
    }

    // MARK: Taxes

    private mutating func addTaxable(_ base: Int128, _ tax: Tax) {
        if let known = taxes.firstIndex(where: { $0.tax == tax }) {
            taxes[known].base += base
        } else {
            taxes.append((tax, base))
        }
    }

    private mutating func addTaxes() {
        for (index, (tax, base)) in taxes.enumerated() {
            let base = Amount(minorUnits: base, currency: currency)
            var line = InvoiceLine(
                id: index == 0 ? "tax" : "tax.\(index + 1)", kind: .tax, description: tax.name,
                unrounded: Fraction(base) * Fraction(tax.rate) * Fraction(1, over: 100),
                currency: currency, period: period.period)
            line?.basis = "\(tax.rate) % of \(base)"
            if let line { invoice.lines.append(line) }
        }
    }
}
