extension PriceModel {
    /// A step of a stairstep price: what a quantity up to its bound costs as a whole.
    package struct Step: Hashable, Sendable {
        /// The step's last quantity, inclusive; nil: no end.
        package let upTo: Quantity?
        /// The price of any quantity in the step.
        package let amount: Quantity

        /// A step.
        package init(upTo: Quantity?, amount: Quantity) {
            self.upTo = upTo
            self.amount = amount
        }
    }

    /// A share of each event's value, with a fixed part, bounds, and a free allowance.
    package struct Percentage: Hashable, Sendable {
        /// In percent: 1.3 is 1.3 %.
        package let rate: Quantity
        /// Due for each event that is not wholly free.
        package let fixed: Quantity
        /// So many events are free; nil: no such bound.
        package let freeEvents: Int?
        /// Free units of all events together; nil: no such bound.
        package let freeUnits: Quantity?
        /// The least that an event costs which is not wholly free; nil: none.
        package let minimum: Quantity?
        /// The most that an event costs; nil: none.
        package let maximum: Quantity?

        /// A percentage; see the properties.
        package init(
            rate: Quantity, fixed: Quantity = .zero, freeEvents: Int? = nil,
            freeUnits: Quantity? = nil, minimum: Quantity? = nil, maximum: Quantity? = nil
        ) {
            self.rate = rate
            self.fixed = fixed
            self.freeEvents = freeEvents
            self.freeUnits = freeUnits
            self.minimum = minimum
            self.maximum = maximum
        }
    }
}
