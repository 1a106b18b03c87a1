import Money

/// The lines of one span while they are made: what has been charged so far, exact and rounded, for
/// the span and for the price at hand.
struct SpanLedger {
    let index: Int
    let share: Fraction
    private let span: BillingSpan
    private let currency: Currency
    private(set) var lines: [InvoiceLine] = []
    var notes: [String] = []

    private var rounded: Int128 = 0
    private var exempt: Int128 = 0
    private var fixedTaxable: Int128?
    private var purchased: Int128 = 0
    private var roundedOfPrice: Int128 = 0
    /// The exact sum of the base lines of the price at hand.
    private(set) var exactOfPrice = Fraction.zero
    private var price: Price?

    /// Of which lines a discount takes.
    enum Whole { case price, span }

    init(index: Int, span: BillingSpan, currency: Currency, share: Fraction) {
        self.index = index
        self.span = span
        self.currency = currency
        self.share = share
    }

    /// The rounded lines so far.
    var running: Fraction { Fraction(Amount(minorUnits: rounded, currency: currency)) }

    /// What is taxed of the span, in minor units.
    var taxable: Int128 { fixedTaxable.map { $0 + purchased } ?? rounded - exempt }

    /// What later lines change is not taxed.
    mutating func fixTaxable() { fixedTaxable = taxable }

    mutating func begin(_ price: Price?) {
        self.price = price
        roundedOfPrice = 0
        exactOfPrice = .zero
    }

    mutating func end(_ price: Price) {
        if price.terms.isTaxExempt { exempt += roundedOfPrice }
    }

    mutating func add(
        id: String, kind: InvoiceLine.Kind, description: String, quantity: Fraction? = nil,
        unrounded: Fraction, price: Price? = nil, period: Period? = nil, basis: String? = nil
    ) {
        let name = index == 0 ? id : "\(id)@\(index + 1)"
        guard
            var line = InvoiceLine(
                id: name, kind: kind, description: description, quantity: quantity,
                unrounded: unrounded, currency: currency, period: period ?? span.period)
        else {
            notes.append("line \"\(name)\" is beyond the range of money")
            return
        }
        line.basis = basis
        line.price = price
        line.span = index
        if self.price?.terms.isTaxExempt != true { line.taxRate = span.plan.terms.tax?.rate }
        lines.append(line)
        rounded &+= line.amount.minorUnits
        roundedOfPrice &+= line.amount.minorUnits
        if kind == .usage || kind == .fee { exactOfPrice = exactOfPrice + unrounded }
    }

    /// Credits that were bought stand behind all of the plan's steps: they are taxed, and neither discounted nor
    /// counted by a minimum or a maximum.
    mutating func add(_ bought: EqualPurchases) {
        let before = rounded
        add(
            id: bought.id, kind: .purchase, description: bought.description,
            quantity: bought.count, unrounded: Fraction(bought.first.price) * bought.count,
            basis: bought.basis)
        purchased &+= rounded &- before
    }

    /// Discounts one after the other, each of what the ones before it left.
    mutating func addDiscounts(
        _ discounts: [Discount], id: String, share: Fraction, whole: Whole
    ) {
        for (number, discount) in discounts.enumerated() {
            let left = Fraction(
                Amount(
                    minorUnits: whole == .price ? roundedOfPrice : rounded, currency: currency))
            let off: Fraction
            let basis: String
            switch discount.amount {
            case .percent(let percent):
                off = left * Fraction(percent) * Fraction(1, over: 100)
                basis = "\(percent) % of \(left)"
            case .amount(let amount):
                off = max(.zero, min(Fraction(amount) * share, left))
                basis = "\(Fraction(amount) * share) of \(left)"
            }
            guard !off.isZero else { continue }
            add(
                id: "\(id).\(number + 1)", kind: .discount,
                description: discount.name ?? "Discount", unrounded: -off,
                price: whole == .price ? price : nil, basis: basis)
        }
    }
}
