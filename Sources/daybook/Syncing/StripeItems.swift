import Billing

/// What the items of a subscription come to.
struct StripeItems {
    /// Units that an item may have at most, and a sum of them.
    private static let quantityMax = 1_000_000_000_000

    /// The plan that one of them is for.
    private(set) var plan: String?
    /// Units of the plan; 1 where there is none.
    private(set) var quantity = 1
    /// Units of each add-on. Several items of one add-on count together: its monthly and its yearly
    /// price, say.
    private(set) var addons: [String: Int] = [:]
    /// The end of the billing period that ends first, where the items say it (API versions from
    /// 2025-03-31 on). At that one Stripe ends a subscription with `cancel_at_period_end`.
    private(set) var periodEnd: Timestamp?

    /// - Parameter items: the subscription's `items`, a Stripe list.
    init(_ items: StripeNode, _ mapping: StripeMapping) throws(SyncFault) {
        guard try !items.object()["has_more"].flag() else {
            throw items["has_more"].fault(
                "the subscription has more items than the event carries, so what it is for is "
                    + "not known; subscribe its account by hand, or split it in Stripe")
        }
        for item in try items["data"].elements() {
            try add(item.object(), mapping)
        }
    }

    private mutating func add(
        _ item: StripeNode, _ mapping: StripeMapping
    ) throws(SyncFault) {
        if try item["deleted"].flag() { return }
        if let end = try item["current_period_end"].instantIfSet() {
            periodEnd = min(end, periodEnd ?? end)
        }
        // A metered item has no quantity: what it bills is counted elsewhere.
        let units = item["quantity"]
        let count = try units.isAbsent ? 1 : units.whole(in: 0...Self.quantityMax)
        switch try Self.target(of: item, mapping) {
        case .plan(let key):
            if let plan {
                throw item.fault(
                    "is for plan \(key), and an item before it for plan \(plan); a subscription "
                        + "has one plan: map the other as {addon: KEY}")
            }
            (plan, quantity) = (key, count)
        case .addon(let key):
            let sum = addons[key, default: 0] + count
            guard sum <= Self.quantityMax else {
                throw units.fault(
                    "with the items before it, add-on \(key) has \(sum) units; at most "
                        + "\(Self.quantityMax) can be counted")
            }
            addons[key] = sum
        }
    }

    /// What an item is for: by its price, else its product, else the plan of API versions that had
    /// no prices.
    private static func target(
        of item: StripeNode, _ mapping: StripeMapping
    ) throws(SyncFault) -> StripeMapping.Target {
        let (price, plan) = (item["price"], item["plan"])
        var names: [String] = []
        for node in [price, price["product"], plan, plan["product"]] where !node.isAbsent {
            let id = try node.identifier()
            if let target = mapping.prices[id] { return target }
            let name = StripeNode(.string(id)).shown
            if !names.contains(name) { names.append(name) }
        }
        guard let first = names.first else {
            throw item.fault("names neither a price nor a plan, so what it is for is not known")
        }
        throw (price.isAbsent ? plan : price).fault(
            "\(names.joined(separator: ", ")): not in the mapping; add to its file, under prices: "
                + "\(first): {plan: KEY} or {addon: KEY}")
    }
}
