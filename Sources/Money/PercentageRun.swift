/// A percentage price over the events of a period, one after the other: what is free goes to the first.
package struct PercentageRun: Sendable {
    private let terms: PriceModel.Percentage
    private let allowsNegative: Bool
    private var events = 0
    private var freeLeft: Fraction?
    /// The price of all events so far.
    package private(set) var total = Fraction.zero

    /// A run before its first event.
    /// - Parameter allowsNegative: whether an event of a value below zero is credited, at the rate
    ///   alone.
    package init(_ terms: PriceModel.Percentage, allowsNegative: Bool) {
        self.terms = terms
        self.allowsNegative = allowsNegative
        freeLeft = terms.freeUnits.map { Fraction($0) }
    }

    /// Adds an event.
    /// - Returns: the price of all events so far.
    package mutating func add(_ value: Quantity) -> Fraction {
        total = total + price(Fraction(value))
        return total
    }

    /// The price of the next event.
    mutating func price(_ value: Fraction) -> Fraction {
        guard !value.isNegative else {
            return allowsNegative ? share(of: value) : .zero
        }
        let free = takeFree(of: value)
        events += 1
        guard let free, free == value else {
            let price = share(of: value - (free ?? .zero)) + Fraction(terms.fixed)
            let least = terms.minimum.map { max(price, Fraction($0)) } ?? price
            return terms.maximum.map { min(least, Fraction($0)) } ?? least
        }
        return .zero
    }

    private func share(of value: Fraction) -> Fraction {
        value * Fraction(terms.rate) * PriceModel.percent
    }

    /// How much of an event is free; nil: the allowance is over, or there is none.
    private mutating func takeFree(of value: Fraction) -> Fraction? {
        guard terms.freeEvents != nil || terms.freeUnits != nil else { return nil }
        if let most = terms.freeEvents, events >= most { return nil }
        guard let left = freeLeft else { return value }
        // Without a number of events only units bound the allowance: used up, it is over.
        if left.isZero, terms.freeEvents == nil { return nil }
        let free = min(value, left)
        freeLeft = left - free
        return free
    }
}
