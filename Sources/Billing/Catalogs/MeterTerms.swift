package import Money

/// What may be said of a meter beside what it measures.
package struct MeterTerms: Hashable, Sendable {
    /// Where a unique meter's event says whether its value is added or removed; nil: always added.
    package var operationProperty: [String]?
    /// The meter is aggregated in each window by itself; nil: in the period as a whole.
    package var window: Window?
    /// How the windows of a period combine.
    package var across = Across.sum
    /// Whether the level at the end of a period goes on in the next.
    package var carries = false
    /// What becomes of the aggregated quantity; nil: nothing.
    package var conversion: Conversion?

    /// A window of the clock in the plan's time zone.
    package enum Window: String, Hashable, Sendable, CaseIterable {
        case hour, day
    }

    /// How windows combine.
    package enum Across: String, Hashable, Sendable, CaseIterable {
        case sum, max
    }

    /// A change of unit, with its own rounding.
    package struct Conversion: Hashable, Sendable {
        /// The quantity is multiplied by it.
        package let multiply: Quantity
        /// And divided by it; above zero.
        package let divide: Quantity
        /// How the result is rounded.
        package let rounding: Rounding
        /// To so many decimals, 0…12.
        package let decimals: Int

        /// A way to round.
        package enum Rounding: String, Hashable, Sendable, CaseIterable {
            /// Not at all.
            case none
            /// Towards plus infinity.
            case ceiling
            /// Towards minus infinity.
            case floor
            /// To the nearest, halves away from zero.
            case halfUp = "half_up"
        }

        /// A conversion; see the properties.
        package init(multiply: Quantity, divide: Quantity, rounding: Rounding, decimals: Int) {
            self.multiply = multiply
            self.divide = divide
            self.rounding = rounding
            self.decimals = decimals
        }
    }

    /// The terms of a meter that says nothing of them.
    package init() {}
}

extension Meter {
    /// Whether counters can keep it: its aggregate does not depend on the order of events, on a
    /// window, or on other periods.
    package var isCounted: Bool {
        switch aggregation {
        case .latest, .timeWeighted: false
        case .count, .sum, .max, .min, .average, .unique:
            terms.operationProperty == nil && terms.window == nil && !terms.carries
        }
    }
}
