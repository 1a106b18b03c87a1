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
        let end = Swift.max(index(of: span.start), index(of: span.end))
        return quantity(in: span, of: period, before: end)
    }

    /// What the span would amount to without any use in it.
    package func openingQuantity(in span: Period, of period: Period) -> Fraction {
        quantity(in: span, of: period, before: index(of: span.start))
    }

    /// The span's uses, each with the span's quantity as if it were the last.
    package func running(
        in span: Period, of period: Period
    ) -> [(use: MeterUse, quantity: Fraction)] {
        let range = uses(in: span)
        if meter.terms.window == nil, let total = simpleTotal(at: range.startIndex, period) {
            var total = total
            return range.map { use in
                total.add(use)
                return (use, convert(total.quantity))
            }
        }
        return range.indices.map { index in
            (all[index], quantity(in: span, of: period, before: index + 1))
        }
    }

    /// The aggregate at the beginning of a span, where it goes on use by use; nil where it does not.
    private func simpleTotal(at start: Int, _ period: Period) -> Aggregate? {
        var total = Aggregate(meter.aggregation)
        switch meter.aggregation {
        case .timeWeighted: return nil
        case .count, .sum, .max, .min, .average: return total
        case .latest:
            if meter.terms.carries, start > 0 { total.add(all[start - 1]) }
            return total
        case .unique:
            guard meter.terms.operationProperty != nil else { return total }
            for use in all[Swift.min(opening(of: period), start)..<start] { total.add(use) }
            return total
        }
    }

    private func quantity(in span: Period, of period: Period, before end: Int) -> Fraction {
        convert(rawQuantity(in: span, of: period, before: end))
    }

    private func rawQuantity(
        in span: Period, of period: Period, before end: Int
    ) -> Fraction {
        let start = index(of: span.start)
        if let window = meter.terms.window { return windowed(all[start..<end], window) }
        if case .timeWeighted = meter.aggregation {
            let found = levels(in: span, of: period, by: .second, before: end)
            return found.levels.reduce(Fraction.zero) { $0 + $1.level * $1.weight }
        }
        guard var total = simpleTotal(at: start, period) else { return .zero }
        for use in all[start..<end] { total.add(use) }
        return total.quantity
    }

    private func windowed(
        _ uses: ArraySlice<MeterUse>, _ window: MeterTerms.Window
    ) -> Fraction {
        var combined = Fraction.zero
        var isFirst = true
        var current = Aggregate(meter.aggregation)
        var start: Timestamp?
        func close() {
            guard !current.isEmpty else { return }
            switch meter.terms.across {
            case .sum: combined = combined + current.quantity
            case .max: combined = isFirst ? current.quantity : Swift.max(combined, current.quantity)
            }
            isFirst = false
        }
        for use in uses {
            let begins = Share.windowStart(containing: use.time, window, zone)
            if begins != start {
                close()
                current = Aggregate(meter.aggregation)
                start = begins
            }
            current.add(use)
        }
        close()
        return combined
    }

    private func convert(_ quantity: Fraction) -> Fraction {
        meter.terms.conversion?.apply(quantity) ?? quantity
    }
}
