package import Money

/// One use of a meter, as one entry says it.
package struct MeterUse: Sendable {
    /// The entry.
    package let position: UInt64
    /// When it was used.
    package let time: Timestamp
    /// What orders uses of one time: source and id.
    package let order: [UInt8]
    /// What was measured, or consumed; of a count's event nothing is read.
    package let value: Quantity
    /// Under which a unique meter counts the value.
    package let key: UInt128
    /// Whether a unique meter's value is taken away.
    package let removes: Bool
    /// What a price asks of the event; parallel to its dimensions, nil where one is missing.
    package let dimensions: [Value?]
    /// Whether it was decided: a count then counts its quantity.
    package let isConsume: Bool

    /// A use; see the properties.
    package init(
        position: UInt64, time: Timestamp, order: [UInt8], value: Quantity, key: UInt128 = 0,
        removes: Bool = false, dimensions: [Value?] = [], isConsume: Bool = false
    ) {
        self.position = position
        self.time = time
        self.order = order
        self.value = value
        self.key = key
        self.removes = removes
        self.dimensions = dimensions
        self.isConsume = isConsume
    }

    /// The billing order: by time, then source and id, so that it does not matter when an event came.
    package static func precedes(_ left: MeterUse, _ right: MeterUse) -> Bool {
        if left.time != right.time { return left.time < right.time }
        if left.order != right.order { return left.order.lexicographicallyPrecedes(right.order) }
        return left.position < right.position
    }
}

extension MeterTerms.Conversion {
    /// The quantity in the unit that is priced.
    package func apply(_ quantity: Fraction) -> Fraction {
        let exact = (quantity * Fraction(multiply)).divided(by: Fraction(divide))
        let rule: Fraction.Rounding
        switch rounding {
        case .none: return exact
        case .ceiling: rule = .ceiling
        case .floor: rule = .floor
        case .halfUp: rule = .halfAwayFromZero
        }
        return exact.rounded(toDecimals: decimals, rule)
    }
}
