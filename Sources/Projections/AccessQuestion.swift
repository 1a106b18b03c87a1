package import Billing
package import Money

/// Whether an account may use a feature.
package struct AccessQuestion: Sendable {
    /// The account's name.
    package let account: String
    /// The feature's key.
    package let feature: String
    /// How much of it, zero or more.
    package let quantity: Quantity
    /// The configuration value that is asked for; nil: none.
    package let value: FeatureValue?
    /// Properties as a consume has them, for limits by one of them; nil: none.
    package let data: Value?

    /// A question; see the properties.
    package init(
        account: String, feature: String, quantity: Quantity, value: FeatureValue? = nil,
        data: Value? = nil
    ) {
        self.account = account
        self.feature = feature
        self.quantity = quantity
        self.value = value
        self.data = data
    }
}
