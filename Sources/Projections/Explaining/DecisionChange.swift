package import Billing
package import Money

/// One thing that could have been otherwise when a request was decided.
package enum DecisionChange: Equatable, Sendable {
    /// Less was asked for, or more.
    case quantity(Quantity)
    /// Another configuration value was asked for.
    case value(FeatureValue)
    /// The feature's limit was raised: to how much, and by how much.
    case limit(to: Quantity, by: Quantity)
    /// The account was given credits.
    case grant(Quantity, unit: String)
    /// The feature was allowed apart from the plan.
    case override(PlanEntitlement.Allowance)
    /// What was decided of the feature apart from the plan was taken back.
    case withoutOverride
    /// The account was on another plan of the newest catalog.
    case plan(String)
    /// The subscription was active.
    case active
    /// The account was not archived.
    case restored
    /// The request came later.
    case later(Timestamp)

    /// The word of the protocol.
    package var name: String {
        switch self {
        case .quantity: "quantity"
        case .value: "value"
        case .limit: "limit"
        case .grant: "grant"
        case .override: "override"
        case .withoutOverride: "without_override"
        case .plan: "plan"
        case .active: "status"
        case .restored: "restore"
        case .later: "later"
        }
    }
}
