package import Money

/// # The catalog: what is measured, what may be used, and what it costs
///
/// One value, read from a tree (`Catalog.decode`) and written as one (`value`), in one canonical
/// form: all lists sorted by key. The file that people write is described in `docs/CATALOG.md`.
package struct Catalog: Hashable, Sendable {
    /// Currency of plans that name none.
    package let currency: Currency
    /// The plan of accounts without a subscription.
    package let defaultPlan: String?
    /// What is measured.
    package let meters: [Meter]
    /// What may be used.
    package let features: [Feature]
    /// The credit units, ascending by key.
    package let credits: [Credit]
    /// What is sold.
    package internal(set) var plans: [Plan]
    /// What is sold on top of a plan: entitlements, prices and grants, nothing else.
    package var addons: [Plan] = []
    /// What each status of a subscription means for access.
    package var statuses = StatusRules()
    /// Properties under `data` that are of a person, whatever the event: their values can be erased.
    package let personal: [[String]]
    /// Time zones that plans and subscriptions use; UTC is always there.
    package var timezones: [TimeZoneTable] = []
    /// Which events are taken.
    package var events = EventRules()

    /// The plan with this key.
    package func plan(_ key: String) -> Plan? { plans.first { $0.key == key } }
    /// The add-on with this key.
    package func addon(_ key: String) -> Plan? { addons.first { $0.key == key } }
    /// Plans and add-ons.
    package var offers: [Plan] { plans + addons }
    /// The meter with this key.
    package func meter(_ key: String) -> Meter? { meters.first { $0.key == key } }
    /// The credit unit with this key.
    package func credit(_ unit: String) -> Credit? { credits.first { $0.unit == unit } }
    /// The unit that a meter burns, and how much of it.
    package func burn(of meter: String) -> (credit: Credit, burn: Credit.Burn)? {
        for credit in credits {
            if let burn = credit.burn.first(where: { $0.meter == meter }) {
                return (credit, burn)
            }
        }
        return nil
    }
    /// The feature with this key.
    package func feature(_ key: String) -> Feature? { features.first { $0.key == key } }
}

/// How the values of a meter's events become one number.
package enum Aggregation: String, Hashable, Sendable, CaseIterable {
    /// The number of events.
    case count
    /// The sum of their values.
    case sum
    /// The largest of their values.
    case max
    /// The smallest of their values.
    case min
    /// Their sum over their number.
    case average
    /// How many different values they have.
    case unique
    /// The last of their values.
    case latest
    /// The mean over time of a level that they change.
    case timeWeighted = "time_weighted"
}

/// A measure over events of one type.
package struct Meter: Hashable, Sendable {
    /// Its name in the catalog.
    package let key: String
    /// The CloudEvents type it listens to.
    package let eventType: String
    /// How values combine.
    package let aggregation: Aggregation
    /// Where the value stands under `data`; nil for a count.
    package let valueProperty: [String]?
    /// All must hold for an event to count.
    package let filter: [Condition]
    /// Properties under `data` by which usage is also kept.
    package let groupBy: [[String]]
    /// What is said of it beside that.
    package var terms = MeterTerms()

    /// A property that must have one of some values.
    package struct Condition: Hashable, Sendable {
        /// Where it stands under `data`.
        package let path: [String]
        /// The values that match.
        package let values: [Value]
    }
}

/// Something an account may use: a switch, metered, or a configuration value.
package struct Feature: Hashable, Sendable {
    /// Its name in the catalog.
    package let key: String
    /// The meter that counts its use; nil for a switch or a value.
    package let meterKey: String?
    /// What its values are; nil for everything else.
    package var valueKind: ValueKind?
    /// Whether it is allowed where nothing else says anything of it.
    package var isOnByDefault = false

    /// What the values of a feature are.
    package enum ValueKind: String, Hashable, Sendable, CaseIterable {
        /// One of some words.
        case text
        /// A number up to a highest one.
        case number
    }
}

/// A credit unit: what burns it, and who pays first.
package struct Credit: Hashable, Sendable {
    /// Its name, e.g. `credits`.
    package let unit: String
    /// Burn rates, by meter.
    package let burn: [Burn]
    /// Which grant pays first.
    package var order = BurnOrder.standard
    /// Whether new credits first pay for what was used without cover.
    package var repays = false
    /// How far a consume or hold may go beyond the balance.
    package var overdraft = Quantity.zero
    /// Whether a hold may be settled for more than the balance holds: the rest is overage then.
    package var settlesBeyond = false
    /// nil: nobody tops up.
    package var topUp: TopUp?
    /// Nanoseconds after which credits that negative usage gave back expire; nil: never.
    package var adjustmentLifetime: Int64?

    /// What one unit of a meter costs in credits.
    package struct Burn: Hashable, Sendable {
        /// The meter.
        package let meter: String
        /// Credits for one unit of it; with rates by properties, of one that no row matches.
        package let rate: Quantity
        /// Rates by properties; nil: all units cost the same. Its `other` is the rate.
        package var matrix: Matrix?
    }
}

/// What is sold: entitlements and prices.
package struct Plan: Hashable, Sendable {
    /// Its name in the catalog.
    package let key: String
    /// Its name for people.
    package let name: String
    /// What its prices are in.
    package let currency: Currency
    /// What it allows, by feature.
    package let entitlements: [PlanEntitlement]
    /// What it charges, in the order of the invoice.
    package var prices: [Price]
    /// Credits that it includes, ascending by key.
    package var grants: [PlanGrant] = []
    /// What is said of its invoices beside that.
    package var terms = PlanTerms()

    /// What the plan says of a feature.
    package func entitlement(_ feature: String) -> PlanEntitlement? {
        entitlements.first { $0.feature == feature }
    }
}

/// Credits that a plan includes.
package struct PlanGrant: Hashable, Sendable {
    /// Its name in the plan.
    package let key: String
    /// What is given.
    package let terms: GrantTerms
    /// How much, each time.
    package var amount: Quantity
    /// Whether that is for each unit of the plan's quantity.
    package var isForEach = false
    /// How often; nil: once, when the plan begins.
    package let every: Every?
    /// What goes over into the next period.
    package let rollover: Rollover?
    /// The add-on that it is of; nil: the plan itself.
    package var addon: String?

    /// How often a grant is made.
    package struct Every: Hashable, Sendable {
        /// Units of a period, 1 to 1000.
        package let count: Int
        /// The unit.
        package let unit: BillingCycle.Unit
        /// Where periods begin.
        package let anchor: BillingCycle.Anchor
    }
}

/// What a plan charges for one meter.
package struct Price: Hashable, Sendable {
    /// Its name in the plan: the id of the invoice line.
    package let key: String
    /// The meter; nil for a fee.
    package let meter: String?
    /// What stands on the invoice.
    package let description: String
    /// How quantity becomes money.
    package let model: PriceModel
    /// For how many units `amount` is, where the price is per unit; kept for the canonical form.
    package let per: Quantity
    /// Prices by dimension, where the model is `matrix`.
    package var matrix: Matrix?
    /// What is said of it beside that.
    package var terms = PriceTerms()
}

/// Something wrong in a catalog, and where.
package struct CatalogProblem: Hashable, Sendable, CustomStringConvertible {
    /// The path from the root, e.g. `plans.free.entitlements.api.limit`.
    package let path: String
    /// What is wrong and what is expected.
    package let message: String

    /// A problem; see the properties.
    package init(path: String, message: String) {
        self.path = path
        self.message = message
    }

    /// `path: message`.
    package var description: String { path.isEmpty ? message : "\(path): \(message)" }
}

/// All problems of a catalog, at once.
package struct CatalogProblems: Error, Hashable, Sendable {
    /// In the order of the file's keys.
    package let list: [CatalogProblem]
}
