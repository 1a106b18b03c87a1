package import Money

/// Credits that an account bought and pays by invoice.
package struct Purchase: Hashable, Sendable {
    /// Position of the entry that gave them.
    package let position: UInt64
    /// The instant from which they can pay: it is charged in the billing period in which that lies.
    package let time: Timestamp
    /// The credit unit's key.
    package let unit: String
    /// How many.
    package let credits: Quantity
    /// What they cost together, in major units of the currency of the plan at that time.
    package let price: Quantity
    /// Whether nobody asked for them: they were added by themselves.
    package let isTopUp: Bool

    /// A purchase; see the properties.
    package init(
        position: UInt64, time: Timestamp, unit: String, credits: Quantity, price: Quantity,
        isTopUp: Bool
    ) {
        self.position = position
        self.time = time
        self.unit = unit
        self.credits = credits
        self.price = price
        self.isTopUp = isTopUp
    }
}

/// Where a price is paid.
package enum PaidWhere: String, CaseIterable, Sendable {
    /// By a line of an invoice.
    case invoice
    /// Somewhere else: nothing is charged.
    case outside
}

/// Purchases that differ in nothing but when they were made: one line.
struct EqualPurchases {
    let first: Purchase
    private var positions: [UInt64]

    /// Positions that a line names at most.
    private static let namedMax = 10

    /// Purchases in log order, sorted into lines, in the order of their first ones.
    static func groups(_ purchases: [Purchase]) -> [EqualPurchases] {
        struct Key: Hashable {
            let unit: String
            let credits: Quantity
            let price: Quantity
            let isTopUp: Bool
        }
        var groups: [EqualPurchases] = []
        var places: [Key: Int] = [:]
        for purchase in purchases {
            let key = Key(
                unit: purchase.unit, credits: purchase.credits, price: purchase.price,
                isTopUp: purchase.isTopUp)
            if let place = places[key] {
                groups[place].positions.append(purchase.position)
            } else {
                places[key] = groups.count
                groups.append(EqualPurchases(first: purchase, positions: [purchase.position]))
            }
        }
        return groups
    }

    var count: Fraction { Fraction(Int128(positions.count), over: 1) }

    /// The line's id: by the first of them, which later ones do not change.
    var id: String { "\(first.isTopUp ? "top_up" : "purchase")/\(first.position)" }

    var description: String {
        first.isTopUp
            ? "Top-up of \(first.credits) \(first.unit)"
            : "\(first.credits) \(first.unit) purchased"
    }

    /// Which entries they are.
    var basis: String {
        let named = positions.prefix(Self.namedMax).map(String.init).joined(separator: ", ")
        let more = positions.count - Self.namedMax
        return (positions.count == 1 ? "entry " : "entries ") + named
            + (more > 0 ? " and \(more) more" : "")
    }
}
