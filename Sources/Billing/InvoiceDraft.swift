package import Money

/// A part of a period during which an account was on one plan.
package struct PlanSegment: Hashable, Sendable {
    /// The plan.
    package let plan: Plan
    /// First instant.
    package let start: Timestamp
    /// First instant after it.
    package let end: Timestamp

    /// A segment.
    package init(plan: Plan, start: Timestamp, end: Timestamp) {
        self.plan = plan
        self.start = start
        self.end = end
    }

    /// The segment as a period.
    package var period: Period { Period(start: start, end: end) }
}

/// One line of a draft invoice.
package struct InvoiceLine: Hashable, Sendable {
    /// The price's key, with `@n` from the second segment on.
    package let id: String
    /// What stands on the invoice.
    package let description: String
    /// What was used.
    package let quantity: Quantity
    /// The exact amount.
    package let unrounded: ExactAmount
    /// The exact amount, rounded once.
    package let amount: Amount
    /// The price.
    package let price: Price
    /// When the price held.
    package let period: Period
    /// Index of the plan segment.
    package let segment: Int
}

/// What an account owes for a period, as far as the entries say now: a pure function of plans and
/// usage. A line is rounded once; the total is the sum of the rounded lines.
package struct InvoiceDraft: Sendable {
    /// Of what the amounts are; nil where no plan applied.
    package let currency: Currency?
    /// By segment, then price key.
    package let lines: [InvoiceLine]
    /// The sum of the lines.
    package let total: Amount?
    /// What could not be put on this invoice, for people; mostly nothing.
    package let notes: [String]

    /// Drafts an invoice.
    /// - Parameter usage: quantity of a meter (by key) in a segment (by index).
    package init(
        segments: [PlanSegment], usage: (_ meter: String, _ segment: Int) -> Quantity
    ) {
        // An invoice has one currency: the last plan's. Segments in another one are said, not
        // added up.
        let currency = segments.last?.plan.currency
        var lines: [InvoiceLine] = []
        var notes: [String] = []
        var total = currency.map { Amount(minorUnits: 0, currency: $0) }
        for (index, segment) in segments.enumerated() {
            guard segment.plan.currency == currency else {
                notes.append(
                    "plan \"\(segment.plan.key)\" until \(segment.end) is in "
                        + "\(segment.plan.currency.code) and is not on this invoice")
                continue
            }
            for price in segment.plan.prices {
                let quantity = usage(price.meter ?? "", index)
                guard let exact = price.model.total(quantity),
                    let amount = exact.rounded(to: segment.plan.currency),
                    let sum = total?.adding(amount)
                else {
                    notes.append("line \"\(price.key)\" is beyond the range of money")
                    continue
                }
                total = sum
                lines.append(
                    InvoiceLine(
                        id: index == 0 ? price.key : "\(price.key)@\(index + 1)",
                        description: price.description, quantity: quantity, unrounded: exact,
                        amount: amount, price: price, period: segment.period, segment: index))
            }
        }
        self.currency = currency
        self.lines = lines
        self.total = total
        self.notes = notes
    }
}
