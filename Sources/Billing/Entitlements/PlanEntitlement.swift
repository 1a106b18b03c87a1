package import Money

/// What a plan, an add-on or an override allows of one feature.
package struct PlanEntitlement: Hashable, Sendable {
    /// The feature.
    package let feature: String
    /// How much of it.
    package let allowance: Allowance

    /// How much of a feature is allowed.
    package enum Allowance: Hashable, Sendable {
        /// Not at all.
        case off
        /// Without a limit.
        case on
        /// Up to a limit.
        case limit(Limit)
        /// A configuration value.
        case value(FeatureValue)
    }

    /// An entitlement; see the properties.
    package init(feature: String, allowance: Allowance) {
        self.feature = feature
        self.allowance = allowance
    }
}

/// A configuration value of a feature.
package enum FeatureValue: Hashable, Sendable {
    /// Up to a number, such as days of retention.
    case number(Quantity)
    /// Any of some words, such as regions; sorted by their bytes.
    case words([String])

    /// Of two values the one that allows what each of them allows.
    package func joined(with other: FeatureValue) -> FeatureValue {
        switch (self, other) {
        case (.number(let left), .number(let right)): .number(max(left, right))
        case (.words(let left), .words(let right)): .words(Self.sorted(left + right))
        // The catalog gives all values of a feature one kind.
        case (.number, .words), (.words, .number): self
        }
    }

    /// Words in their canonical order, each once.
    static func sorted(_ words: [String]) -> [String] {
        Set(words).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }
}

/// How much of a metered feature may be used in a window of time.
package struct Limit: Hashable, Sendable {
    /// How much; of an addition how much more.
    package var amount: Quantity
    /// Whether a consume beyond it is denied.
    package var isHard = true
    /// How far a consume may go beyond a soft limit; nil: any far.
    package var overage: Quantity?
    /// When usage begins anew.
    package var window = LimitWindow.monthly
    /// Whether the amount is for each unit of the plan's quantity, all of which share it.
    package var isForEach = false
    /// A property of the event's data, each value of which has a limit of its own; nil: they share one.
    package var by: [String]?
    /// Percentages of the limit at which a warning is due, ascending.
    package var warnings: [UInt32] = []
    /// Whether the amount comes on top of what else is allowed.
    package var isAddition = false

    /// A hard limit of calendar months.
    package init(_ amount: Quantity) { self.amount = amount }

    /// The most that usage can be before a consume is denied; nil: none is.
    package var bound: Quantity? {
        if isHard { return amount }
        return overage.map { amount.adding($0) ?? Quantity(units: .max) }
    }
}

/// When the usage that a limit is about begins anew.
package struct LimitWindow: Hashable, Sendable {
    /// How long a window is; nil: usage counts for ever.
    package let every: Length?
    /// Where windows begin.
    package let anchor: BillingCycle.Anchor

    /// A length of time by the calendar.
    package struct Length: Hashable, Sendable {
        /// How many units, 1 to 1000.
        package let count: Int
        /// Hours to years.
        package let unit: BillingCycle.Unit

        /// A length; see the properties.
        package init(_ count: Int, _ unit: BillingCycle.Unit) {
            self.count = count
            self.unit = unit
        }
    }

    /// A window; see the properties.
    package init(every: Length?, anchor: BillingCycle.Anchor = .calendar) {
        self.every = every
        self.anchor = every == nil ? .calendar : anchor
    }

    /// Calendar months.
    package static let monthly = LimitWindow(every: Length(1, .month))

    /// The window that begins never and ends never.
    package static let forever = Period(start: .min, end: .max)
}
