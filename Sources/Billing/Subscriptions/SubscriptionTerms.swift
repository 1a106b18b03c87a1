import Money

/// What a subscription is for, at one time.
package struct SubscriptionTerms: Hashable, Sendable {
    /// The plan's key.
    package var plan: String
    /// How many of it, such as seats; 0 to `quantityMax`.
    package var quantity: Int = 1
    /// What is bought on top, ascending by key.
    package var addons: [Addon] = []

    /// An add-on that is bought.
    package struct Addon: Hashable, Sendable {
        /// Its key in the catalog.
        package let key: String
        /// How many of it, 0 to `quantityMax`.
        package let quantity: Int

        /// An add-on; see the properties.
        package init(key: String, quantity: Int) {
            self.key = key
            self.quantity = quantity
        }
    }

    /// The most of a plan or an add-on.
    package static let quantityMax = 1_000_000
    /// The most add-ons that a subscription has.
    package static let addonsMax = 64

    /// One of a plan, without add-ons.
    package init(plan: String) { self.plan = plan }
}

/// A plan with its quantity and add-ons as one plan: what entitlements, invoices and grants read.
extension Plan {
    /// What an account has bought, as one plan.
    ///
    /// Fees count once for each unit of their plan or add-on; so do credits that are said to be for each
    /// unit of the plan, and all credits of an add-on. Lines and grants of an add-on go by its key, `seats.base`.
    /// - Parameters:
    ///   - quantity: how many of the plan.
    ///   - addons: those that the catalog has, with their quantities.
    ///   - isFree: whether nothing is charged, as in a trial.
    package func sold(
        _ quantity: Int, with addons: [(addon: Plan, quantity: Int)], isFree: Bool = false
    ) -> Plan {
        guard quantity != 1 || !addons.isEmpty || isFree else { return self }
        var entitlements: [String: [PlanEntitlement.Allowance]] = [:]
        for entitlement in self.entitlements {
            entitlements[entitlement.feature] = [entitlement.allowance.forEach(quantity)]
        }
        var prices = isFree ? [] : self.prices.map { $0.times(quantity) }
        var grants = self.grants.map { $0.isForEach ? $0.times(quantity) : $0 }
        for (addon, count) in addons where count > 0 {
            for entitlement in addon.entitlements {
                entitlements[entitlement.feature, default: []].append(
                    entitlement.allowance.forEach(quantity).adding(count))
            }
            if !isFree {
                prices += addon.prices.map { $0.named("\(addon.key).\($0.key)").times(count) }
            }
            grants += addon.grants.map { grant in
                var grant = (grant.isForEach ? grant.times(quantity) : grant).times(count)
                grant.addon = addon.key
                return grant
            }
        }
        let keys = entitlements.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        return Plan(
            key: key, name: name, currency: currency,
            entitlements: keys.map {
                PlanEntitlement(feature: $0, allowance: .mostGenerous(entitlements[$0] ?? []))
            },
            prices: prices, grants: grants.filter { $0.amount > .zero },
            terms: isFree ? terms.free : terms)
    }
}

extension PlanTerms {
    /// Without what is due where nothing is sold.
    fileprivate var free: PlanTerms {
        var terms = self
        terms.minimum = nil
        return terms
    }
}

extension PlanEntitlement.Allowance {
    /// With the amount that a quantity of the plan gives.
    package func forEach(_ quantity: Int) -> Self {
        guard case .limit(var limit) = self, limit.isForEach else { return self }
        limit.amount = limit.amount.times(quantity)
        limit.overage = limit.overage?.times(quantity)
        limit.isForEach = false
        return .limit(limit)
    }

    /// With what so many of an add-on add.
    fileprivate func adding(_ count: Int) -> Self {
        guard case .limit(var limit) = self, limit.isAddition else { return self }
        limit.amount = limit.amount.times(count)
        return .limit(limit)
    }
}

extension PlanGrant {
    /// So many of it: at most what one grant can have.
    fileprivate func times(_ count: Int) -> PlanGrant {
        var grant = self
        grant.amount = min(grant.amount.times(count), CreditGrant.amountMax)
        grant.isForEach = false
        return grant
    }
}

extension Price {
    /// So many of a fee; a price of usage is the same for any quantity.
    fileprivate func times(_ count: Int) -> Price {
        guard case .fee(let amount) = model, count != 1 else { return self }
        var price = Price(
            key: key, meter: nil, description: "\(description) × \(count)",
            model: .fee(amount.times(count)), per: per)
        price.terms = terms
        return price
    }

    fileprivate func named(_ key: String) -> Price {
        var price = Price(
            key: key, meter: meter, description: description, model: model, per: per)
        price.matrix = matrix
        price.terms = terms
        return price
    }
}

extension Quantity {
    /// So many times as much, at most the largest there is.
    fileprivate func times(_ count: Int) -> Quantity {
        let (units, overflow) = units.multipliedReportingOverflow(by: Int128(count))
        return overflow ? Quantity(units: .max) : Quantity(units: units)
    }
}
