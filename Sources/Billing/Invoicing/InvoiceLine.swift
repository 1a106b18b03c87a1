package import Money

/// One line of an invoice: an exact amount, rounded once.
package struct InvoiceLine: Hashable, Sendable {
    /// Its name on the invoice: the price's key, `@n` behind it from the second span on, and what it
    /// is besides: `calls`, `calls/minimum`, `calls@2`, `discount.1`, `tax`.
    package let id: String
    /// What it charges for.
    package let kind: Kind
    /// What stands on the invoice.
    package let description: String
    /// What was used or bought; nil where an amount follows from other lines.
    package let quantity: Fraction?
    /// The exact amount in major units.
    package let unrounded: Fraction
    /// The exact amount, rounded once.
    package let amount: Amount
    /// When what it charges for was used or holds.
    package let period: Period
    /// What the amount follows from, for people, where it is not the quantity; nil there.
    package var basis: String?
    /// The price, where there is one.
    package var price: Price?
    /// Index of the span; nil for lines of the invoice as a whole.
    package var span: Int?
    /// What is taxed of it, in percent; nil: nothing.
    package var taxRate: Quantity?

    /// What a line charges for.
    package enum Kind: String, Hashable, Sendable, CaseIterable {
        case usage, fee, commitment, minimum, maximum, discount, correction
        case creditNote = "credit_note"
        case carried, tax
    }

    /// A line; nil if the amount is beyond the range of money.
    package init?(
        id: String, kind: Kind, description: String, quantity: Fraction? = nil,
        unrounded: Fraction, currency: Currency, period: Period
    ) {
        guard let amount = unrounded.rounded(to: currency) else { return nil }
        self.id = id
        self.kind = kind
        self.description = description
        self.quantity = quantity
        self.unrounded = unrounded
        self.amount = amount
        self.period = period
    }
}

/// What an account owes for a billing period, as far as the entries say now: a pure function of its
/// contract and its usage.
package struct Invoice: Sendable {
    /// What it is about.
    package let period: BillingPeriod
    /// Of what the amounts are; nil where no plan applied.
    package let currency: Currency?
    /// In the order of the invoice.
    package internal(set) var lines: [InvoiceLine] = []
    /// What could not be put on it, or should be known, for people; mostly nothing.
    package internal(set) var notes: [String] = []

    /// An invoice without lines.
    package init(period: BillingPeriod, currency: Currency?) {
        self.period = period
        self.currency = currency
    }

    /// The sum of all lines; nil where no plan applied, or beyond the range of money.
    package var total: Amount? { sum { _ in true } }
    /// The sum of the lines before tax.
    package var subtotal: Amount? { sum { $0.kind != .tax } }
    /// The sum of the tax lines.
    package var tax: Amount? { sum { $0.kind == .tax } }

    /// What is to be paid: the total, if it is not below zero.
    package var due: Amount? { total.map { $0.minorUnits < 0 ? zero($0.currency) : $0 } }
    /// What is below zero of the total goes on to the next invoice, as an amount below zero.
    package var carried: Amount? {
        total.map { $0.minorUnits < 0 ? $0 : zero($0.currency) }
    }

    /// Adds what people should know.
    package mutating func add(notes more: [String]) { notes += more }

    private func zero(_ currency: Currency) -> Amount { Amount(minorUnits: 0, currency: currency) }

    private func sum(of isMeant: (InvoiceLine) -> Bool) -> Amount? {
        guard let currency else { return nil }
        var sum = zero(currency)
        for line in lines where isMeant(line) {
            guard let next = sum.adding(line.amount) else { return nil }
            sum = next
        }
        return sum
    }
}
