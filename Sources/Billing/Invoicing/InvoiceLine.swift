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
        case usage, fee, commitment, minimum, maximum, discount, purchase, correction
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
    /// What the account's prepaid money pays of the total; nil: it has none in this currency.
    package private(set) var wallet: WalletDraw?
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

    /// What is to be paid: the total, if it is not below zero, less what the wallet pays.
    package var due: Amount? {
        guard let total, total.minorUnits > 0 else { return total.map { zero($0.currency) } }
        return Amount(
            minorUnits: total.minorUnits - (wallet?.drawn.minorUnits ?? 0),
            currency: total.currency)
    }
    /// What is below zero of the total goes on to the next invoice, as an amount below zero.
    package var carried: Amount? {
        total.map { $0.minorUnits < 0 ? $0 : zero($0.currency) }
    }

    /// Adds what people should know.
    package mutating func add(notes more: [String]) { notes += more }

    /// Lets prepaid money pay as much of the total as it can. Called last, when all lines are there.
    /// - Parameter left: what the wallet has, zero or more. Money in another currency pays nothing.
    package mutating func pay(from left: Amount) {
        guard left.currency == currency, left.minorUnits > 0, let total else { return }
        let drawn = min(left.minorUnits, max(total.minorUnits, 0))
        wallet = WalletDraw(
            drawn: Amount(minorUnits: drawn, currency: left.currency),
            left: Amount(minorUnits: left.minorUnits - drawn, currency: left.currency))
    }

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

/// What a wallet pays of an invoice.
package struct WalletDraw: Hashable, Sendable {
    /// Zero or more, the total at most.
    package let drawn: Amount
    /// What the wallet has after it.
    package let left: Amount
}
