package import Money

/// One account's uses of one meter, and what they amount to in any part of a billing period.
///
/// Everything is a function of the uses in billing order; when they were recorded does not matter.
package struct MeteredUsage: Sendable {
    let meter: Meter
    /// In billing order.
    let all: [MeterUse]
    let zone: TimeZoneTable

    /// Usage of these uses.
    /// - Parameters:
    ///   - uses: in billing order.
    ///   - zone: whose days and hours are windows, and whose days count.
    package init(meter: Meter, uses: [MeterUse], zone: TimeZoneTable) {
        self.meter = meter
        all = uses
        self.zone = zone
    }

    /// The uses in a span, in billing order.
    package func uses(in span: Period) -> ArraySlice<MeterUse> {
        all[index(of: span.start)..<Swift.max(index(of: span.start), index(of: span.end))]
    }

    /// What one use adds to a count or a sum.
    package func value(of use: MeterUse) -> Fraction {
        if case .count = meter.aggregation, !use.isConsume { return .one }
        return Fraction(use.value)
    }

    /// The first use that is not before an instant.
    private func index(of time: Timestamp) -> Int {
        var (low, high) = (0, all.count)
        while low < high {
            let middle = (low + high) / 2
            if all[middle].time < time { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// Where uses begin to matter: at the period's start, or long before it.
    func opening(of period: Period) -> Int {
        meter.terms.carries ? 0 : index(of: period.start)
    }

    // MARK: Quantities

    /// The quantity in a span, in the unit that is priced.
    /// - Parameter period: the whole billing period that the span is a part of.
    package func quantity(in span: Period, of period: Period) -> Fraction {
        convert(rawQuantity(in: span, of: period))
    }

    /// The quantity in a span as it was measured, before conversion.
    package func rawQuantity(in span: Period, of period: Period) -> Fraction {
        var total = opening(of: span, in: period)
        total.add(all: uses(in: span))
        return total.quantity
    }

    /// What the span would amount to without any use in it.
    package func openingQuantity(in span: Period, of period: Period) -> Fraction {
        convert(opening(of: span, in: period).quantity)
    }

    /// A quantity as a run over uses knows it: a decimal, where that is at hand.
    package enum Running: Sendable {
        /// At most twelve decimals.
        case decimal(Quantity)
        /// Any other.
        case exact(Fraction)

        /// The number.
        package var fraction: Fraction {
            switch self {
            case .decimal(let quantity): Fraction(quantity)
            case .exact(let fraction): fraction
            }
        }
    }

    /// Calls `body` with each of the span's uses and the span's quantity as if it were the last.
    /// - Parameter index: of the use among all.
    package func forEachRunning<Failure: Error>(
        in span: Period, of period: Period,
        _ body: (_ index: Int, _ quantity: Running) throws(Failure) -> Void
    ) throws(Failure) {
        var total = opening(of: span, in: period)
        for index in uses(in: span).indices {
            total.add(all[index])
            if meter.terms.conversion == nil, let decimal = total.decimal {
                try body(index, .decimal(decimal))
            } else {
                try body(index, .exact(convert(total.quantity)))
            }
        }
    }

    /// The total at the beginning of a span: of what goes on from before, else nothing.
    private func opening(of span: Period, in period: Period) -> any UsageTotal {
        if let window = meter.terms.window { return WindowTotal(meter, window, zone: zone) }
        let start = index(of: span.start)
        switch meter.aggregation {
        case .timeWeighted:
            var total = LevelIntegral(over: span, of: period)
            total.add(all: all[Swift.min(opening(of: period), start)..<start])
            return total
        case .count, .sum, .max, .min, .average: return Aggregate(meter.aggregation)
        case .latest:
            var total = Aggregate(meter.aggregation)
            if meter.terms.carries, start > 0 { total.add(all[start - 1]) }
            return total
        case .unique:
            var total = Aggregate(meter.aggregation)
            guard meter.terms.operationProperty != nil else { return total }
            total.add(all: all[Swift.min(opening(of: period), start)..<start])
            return total
        }
    }

    private func convert(_ quantity: Fraction) -> Fraction {
        meter.terms.conversion?.apply(quantity) ?? quantity
    }
}
