import Money

/// Which grant pays first: a list of keys, the earlier ones deciding. What they leave open is decided by the
/// order in which grants were made, so no two are ever equal.
package struct BurnOrder: Hashable, Sendable {
    /// One thing by which grants are ordered.
    package enum Key: String, Hashable, Sendable, CaseIterable {
        /// Lower first.
        case priority
        /// Those for some features only before those for all.
        case restricted
        /// Sooner first, never last.
        case expires
        /// Adjustment, promotional, plan, purchased.
        case kind
        /// Cheaper first; one without a cost costs nothing.
        case cost
        /// Earlier first.
        case effective
    }

    /// Each at most once.
    package let keys: [Key]

    /// An order of keys.
    package init(_ keys: [Key]) { self.keys = keys }

    /// Priority, restricted, expiry, kind, cost, effective time.
    package static let standard = BurnOrder(Key.allCases)

    /// Whether a grant pays before another.
    package func precedes(_ left: CreditGrant, _ right: CreditGrant) -> Bool {
        for key in keys {
            switch Self.compare(left, right, by: key) {
            case ..<0: return true
            case 1...: return false
            default: continue
            }
        }
        return left.ordinal < right.ordinal
    }

    /// Below zero: the left one is first; zero: the key does not tell.
    private static func compare(_ left: CreditGrant, _ right: CreditGrant, by key: Key) -> Int {
        switch key {
        case .priority: order(left.terms.priority, right.terms.priority)
        case .restricted:
            order(left.terms.features.isEmpty ? 1 : 0, right.terms.features.isEmpty ? 1 : 0)
        case .expires: order(left.expires ?? .max, right.expires ?? .max)
        case .kind: order(left.terms.kind.rawValue, right.terms.kind.rawValue)
        case .cost: order(left.terms.cost ?? .zero, right.terms.cost ?? .zero)
        case .effective: order(left.effective, right.effective)
        }
    }

    private static func order<Value: Comparable>(_ left: Value, _ right: Value) -> Int {
        left < right ? -1 : left == right ? 0 : 1
    }
}

/// What a catalog says of the credits of all accounts.
package struct CreditRules: Hashable, Sendable {
    private let credits: [Unit]

    private struct Unit: Hashable, Sendable {
        let unit: String
        let order: BurnOrder
        let repays: Bool
    }

    /// The rules of a catalog's units.
    package init(_ credits: [Credit]) {
        self.credits = credits.map { Unit(unit: $0.unit, order: $0.order, repays: $0.repays) }
    }

    /// The rules of units that no catalog names.
    package static let standard = CreditRules([])

    private func rules(of unit: String) -> Unit? { credits.first { $0.unit == unit } }

    /// Whether new credits of a unit first pay for overage.
    package func repays(_ unit: String) -> Bool { rules(of: unit)?.repays ?? false }

    /// Whether a grant comes before another: unit by unit, each in its own burn order.
    package func precedes(_ left: CreditGrant, _ right: CreditGrant) -> Bool {
        guard left.terms.unit == right.terms.unit else { return left.terms.unit < right.terms.unit }
        return (rules(of: left.terms.unit)?.order ?? .standard).precedes(left, right)
    }
}
