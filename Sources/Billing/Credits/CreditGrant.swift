package import Money

/// What a grant is, in the order in which grants of equal standing pay.
package enum GrantKind: UInt8, Hashable, Sendable, CaseIterable {
    /// Credits that usage gave back.
    case adjustment = 0
    case promotional = 1
    /// Included in a plan.
    case plan = 2
    case purchased = 3

    /// The word of catalogs and requests.
    package var name: String {
        switch self {
        case .adjustment: "adjustment"
        case .promotional: "promotional"
        case .plan: "plan"
        case .purchased: "purchased"
        }
    }

    /// The kind with a name.
    package init?(name: String) {
        guard let kind = Self.allCases.first(where: { $0.name == name }) else { return nil }
        self = kind
    }
}

/// What all grants of one making have in common.
package struct GrantTerms: Hashable, Sendable {
    /// The credit unit's key.
    package var unit: String
    /// What it is.
    package var kind = GrantKind.purchased
    /// Lower pays first.
    package var priority = 0
    /// Features and meters that it may pay for; empty: all. Ascending, none twice.
    package var features: [String] = []
    /// What one credit cost, in the unit's currency; nil: nothing.
    package var cost: Quantity?

    /// Purchased credits that may pay for everything; see the properties.
    package init(unit: String) { self.unit = unit }

    /// Whether it may pay for a use of a feature or meter.
    package func pays(for use: [String]) -> Bool {
        features.isEmpty || use.contains { features.contains($0) }
    }
}

/// Credits that an account was given at one time, and what became of them.
///
/// granted = drawn + held + remaining + voided + rolled, at every moment; what remains after `expires` is
/// expired.
package struct CreditGrant: Hashable, Sendable {
    /// The most credits that one grant gives, 10^15: balances of any number of grants stay far inside Int128.
    package static let amountMax = Quantity(units: 1_000_000_000_000_000_000_000_000_000)

    /// Number among the account's grants, in the order of their making.
    package let ordinal: UInt32
    /// What it is.
    package let terms: GrantTerms
    /// What was given.
    package var amount: Quantity
    /// What is left.
    package var remaining: Quantity
    /// Reserved by holds.
    package var held = Quantity.zero
    /// Taken away by a void.
    package var voided = Quantity.zero
    /// Gone over into the grant of the next period.
    package var rolled = Quantity.zero
    /// First instant at which it can pay.
    package let effective: Timestamp
    /// First instant at which it can pay no more; nil: never.
    package var expires: Timestamp?
    /// The recurring grant that it belongs to, by its index; nil: none.
    package let origin: UInt32?
    /// Whether a plan gave it, once.
    package var isOnceOfPlan = false
    /// What a reset leaves of it; nil: a reset does not touch it.
    package let rollover: Rollover?
    /// Whether it was voided: what comes back to it is voided too.
    package var isVoid = false
    /// Position of the entry that made it, or whose time made it due.
    package let position: UInt64

    /// A whole grant.
    package init(
        ordinal: UInt32, terms: GrantTerms, amount: Quantity, effective: Timestamp,
        expires: Timestamp?, origin: UInt32? = nil, rollover: Rollover? = nil, position: UInt64
    ) {
        self.ordinal = ordinal
        self.terms = terms
        self.amount = amount
        remaining = amount
        self.effective = effective
        self.expires = expires
        self.origin = origin
        self.rollover = rollover
        self.position = position
    }

    /// Whether it can pay for something at an instant.
    package func isUsable(at time: Timestamp) -> Bool {
        effective <= time && !isExpired(at: time)
    }

    /// Whether it can pay no more at an instant.
    package func isExpired(at time: Timestamp) -> Bool { expires.map { $0 <= time } ?? false }

    /// What was drawn from it for good.
    package var drawn: Quantity {
        Quantity(
            units: amount.units - remaining.units - held.units - voided.units - rolled.units)
    }
}

/// What may go over from one period of a grant into the next.
package struct Rollover: Hashable, Sendable {
    /// At most so much; nil: all.
    package var max: Quantity?
    /// At least so much is there in the next period; zero: whatever is left.
    package var min = Quantity.zero

    /// A rollover; see the properties.
    package init(max: Quantity?, min: Quantity = .zero) {
        self.max = max
        self.min = min
    }

    /// What of a rest goes over.
    package func kept(of rest: Quantity) -> Quantity { Swift.min(rest, max ?? rest) }
}

/// A grant that is made anew with each period.
package struct RecurringGrant: Hashable, Sendable {
    /// What each of them is.
    package let terms: GrantTerms
    /// What each of them gives.
    package let amount: Quantity
    /// When they are made.
    package let recurrence: Recurrence
    /// First instant.
    package let effective: Timestamp
    /// First instant after it; nil: it goes on.
    package var ends: Timestamp?
    /// nil: what is left of a period expires with it.
    package let rollover: Rollover?
    /// The plan or add-on that includes it; nil: it was granted by itself.
    package let source: String?
    /// The next boundary at which one is to be made.
    package var next: Timestamp
    /// Ordinals of the grants of the running period: the period's own, and those that went over into it.
    package var current: [UInt32] = []

    /// A recurring grant of which nothing was made yet.
    package init(
        terms: GrantTerms, amount: Quantity, recurrence: Recurrence, effective: Timestamp,
        ends: Timestamp?, rollover: Rollover?, source: String?
    ) {
        self.terms = terms
        self.amount = amount
        self.recurrence = recurrence
        self.effective = effective
        self.ends = ends
        self.rollover = rollover
        self.source = source
        next = effective
    }

    /// Whether it makes one at an instant.
    package func isDue(at time: Timestamp) -> Bool {
        next <= time && ends.map { next < $0 } ?? true
    }
}

/// Credits and usage that are reserved for work whose cost is not known yet.
package struct CreditHold: Hashable, Sendable {
    /// Position of the entry that placed it: its name.
    package let position: UInt64
    /// The feature.
    package let feature: String
    /// How much of it is reserved, in the meter's unit.
    package let quantity: Quantity
    /// The credit unit; empty: it reserves no credits.
    package let unit: String
    /// What is reserved of grants, in paying order.
    package let draws: [Draw]
    /// First instant at which it is no more.
    package var expires: Timestamp
    /// Of limits by a property, the value whose usage it reserves.
    package let scopes: [Scope]

    /// A value of a property, as a limit by it counts.
    package struct Scope: Hashable, Sendable {
        /// The property under `data`.
        package let by: [String]
        /// Its value, canonical bytes.
        package let value: [UInt8]

        /// A value; see the properties.
        package init(by: [String], value: [UInt8]) {
            self.by = by
            self.value = value
        }
    }

    /// A hold; see the properties.
    package init(
        position: UInt64, feature: String, quantity: Quantity, unit: String, draws: [Draw],
        expires: Timestamp, scopes: [Scope] = []
    ) {
        self.scopes = scopes
        self.position = position
        self.feature = feature
        self.quantity = quantity
        self.unit = unit
        self.draws = draws
        self.expires = expires
    }

    /// So much of what is reserved, in paying order.
    package func kept(of units: Int128) -> [Draw] {
        var rest = units
        return draws.compactMap { draw in
            let used = min(draw.units, max(rest, 0))
            rest -= used
            return used > 0 ? Draw(grant: draw.grant, units: used) : nil
        }
    }
}

/// What one grant pays.
package struct Draw: Hashable, Sendable {
    /// The grant's ordinal.
    package let grant: UInt32
    /// Credits in 10⁻¹²; below zero: given back.
    package let units: Int128

    /// A draw.
    package init(grant: UInt32, units: Int128) {
        self.grant = grant
        self.units = units
    }
}
