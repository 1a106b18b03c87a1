package import Money

/// How a part of a period is charged.
package enum Proration: String, Hashable, Sendable, CaseIterable {
    /// In full.
    case none
    /// By whole local days: the day of a change belongs to what comes after it.
    case day
    /// By nanoseconds.
    case second
}

/// A reduction, of a line or of all of a plan's lines.
package struct Discount: Hashable, Sendable {
    /// How much.
    package let amount: Size
    /// What stands on the invoice; nil: "Discount".
    package let name: String?

    /// How much a discount takes off.
    package enum Size: Hashable, Sendable {
        /// In percent of what is left: 10 is 10 %.
        case percent(Quantity)
        /// In major units; never more than is left.
        case amount(Quantity)
    }

    /// A discount.
    package init(_ amount: Size, name: String? = nil) {
        self.amount = amount
        self.name = name
    }
}

/// What an account has promised to use of a price.
package struct Commitment: Hashable, Sendable {
    /// How much.
    package let size: Size
    /// What usage beyond it costs, as a multiple of its price.
    package let overage: Quantity
    /// Whether what was promised and not used is charged.
    package let trueUp: Bool

    /// What is promised.
    package enum Size: Hashable, Sendable {
        /// Money in major units.
        case amount(Quantity)
        /// Units, at the price's own model.
        case quantity(Quantity)
    }

    /// A commitment; see the properties.
    package init(_ size: Size, overage: Quantity = .one, trueUp: Bool = true) {
        self.size = size
        self.overage = overage
        self.trueUp = trueUp
    }
}

/// Prices of a unit by the event's dimensions; the row that names the most of them counts.
package struct Matrix: Hashable, Sendable {
    /// The dimensions: properties under `data`.
    package let by: [[String]]
    /// Sorted by key; of rows of one size no two can match the same event.
    package let rows: [Row]
    /// The price of a unit that no row matches; nil: such usage is not priced.
    package let other: Quantity?

    /// One row.
    package struct Row: Hashable, Sendable {
        /// Its name: part of the line's id.
        package let key: String
        /// What it asks of each dimension, parallel to `by`; nil: anything.
        package let values: [Value?]
        /// The price of one unit.
        package let rate: Quantity
        /// For how many units the catalog says the amount.
        package let per: Quantity

        /// A row; see the properties.
        package init(key: String, values: [Value?], rate: Quantity, per: Quantity = .one) {
            self.key = key
            self.values = values
            self.rate = rate
            self.per = per
        }
    }

    /// A matrix; see the properties.
    package init(by: [[String]], rows: [Row], other: Quantity?) {
        self.by = by
        self.rows = rows
        self.other = other
    }

    /// The row to which an event belongs.
    /// - Parameter values: of the dimensions, parallel to `by`; nil where one is missing.
    package func row(for values: [Value?]) -> Row? {
        var best: (row: Row, size: Int)?
        for row in rows {
            var size = 0
            var matches = true
            for (wanted, value) in zip(row.values, values) {
                guard let wanted else { continue }
                guard let value, value == wanted else {
                    matches = false
                    break
                }
                size += 1
            }
            if matches, size > best?.size ?? -1 { best = (row, size) }
        }
        return best?.row
    }
}

/// What may be said of a price beside its model.
package struct PriceTerms: Hashable, Sendable {
    /// Units free in each period before the model is applied.
    package var free = Quantity.zero
    /// How a part of a period is charged; `none` unless the catalog says otherwise, and for a fee
    /// `second`.
    package var proration = Proration.none
    /// The least that is charged for a whole period; nil: none.
    package var minimum: Quantity?
    /// The most that is charged for a whole period; nil: none.
    package var maximum: Quantity?
    /// What is promised; nil: nothing.
    package var commitment: Commitment?
    /// Taken off one after the other.
    package var discounts: [Discount] = []
    /// Whether a quantity below zero is credited.
    package var allowsNegative = false
    /// Whether no tax is due.
    package var isTaxExempt = false
    /// Whether a fee is charged before its period.
    package var isInAdvance = false

    /// The terms of a price that says nothing of them.
    package init() {}
}

/// A step between the lines of a plan and their total.
package enum InvoiceStep: String, Hashable, Sendable, CaseIterable {
    case minimum, maximum, discounts, tax
}

/// A tax on the lines of a plan.
package struct Tax: Hashable, Sendable {
    /// In percent.
    package let rate: Quantity
    /// What stands on the invoice.
    package let name: String

    /// A tax.
    package init(rate: Quantity, name: String) {
        self.rate = rate
        self.name = name
    }
}

/// When the periods of a plan begin.
package struct BillingCycle: Hashable, Sendable {
    /// How many units a period has, 1…1000.
    package let count: Int
    /// Days, weeks, months or years.
    package let unit: Unit
    /// Where they begin.
    package let anchor: Anchor
    /// IANA name of the zone whose days and midnights count.
    package let timezone: String

    /// A unit of the calendar.
    package enum Unit: String, Hashable, Sendable, CaseIterable {
        case hour, day, week, month, year

        /// Those that a billing period can have.
        package static let ofBilling: [Unit] = [.day, .week, .month, .year]
    }

    /// Where periods begin.
    package enum Anchor: String, Hashable, Sendable, CaseIterable {
        /// With the calendar's own months, weeks or years.
        case calendar
        /// With the account's subscription.
        case subscription
    }

    /// Calendar months in UTC.
    package static let monthly = BillingCycle(
        count: 1, unit: .month, anchor: .calendar, timezone: "UTC")

    /// A cycle; see the properties.
    package init(count: Int, unit: Unit, anchor: Anchor, timezone: String) {
        self.count = count
        self.unit = unit
        self.anchor = anchor
        self.timezone = timezone
    }
}

/// What a plan says of an invoice as a whole.
package struct PlanTerms: Hashable, Sendable {
    /// When its periods begin.
    package var cycle = BillingCycle.monthly
    /// The least that is charged for a whole period; nil: none.
    package var minimum: Quantity?
    /// The most that is charged for a whole period; nil: none.
    package var maximum: Quantity?
    /// Taken off one after the other.
    package var discounts: [Discount] = []
    /// nil: none.
    package var tax: Tax?
    /// What the usage of a calendar month may cost before a consume is denied, before discounts and tax; nil: anything.
    package var spendCap: Quantity?
    /// All steps, each once.
    package var order = InvoiceStep.allCases

    /// The terms of a plan that says nothing of them.
    package init() {}
}

/// Which events are taken, and what becomes of late ones.
package struct EventRules: Hashable, Sendable {
    /// Nanoseconds before recorded-at; nil: no bound.
    package var maxAge: Int64?
    /// Nanoseconds after recorded-at; nil: no bound.
    package var maxAhead: Int64?
    /// How long the bodies of events must be kept, nanoseconds: the legal period; nil: for ever.
    package var keep: Int64?
    /// What becomes of usage that comes after its period was finalised.
    package var late = Late.nextInvoice

    /// What becomes of late usage.
    package enum Late: String, Hashable, Sendable, CaseIterable {
        /// It is charged on the next invoice, under the period it belongs to.
        case nextInvoice = "next_invoice"
        /// It is counted and noted, and not charged.
        case ignore
    }

    /// Every event is taken, and late ones are charged.
    package init() {}
}
