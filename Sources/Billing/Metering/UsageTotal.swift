import Money

/// What a span amounts to, before conversion: added up use by use in billing order, so that the
/// quantity after each of many uses costs no more than the quantity after all of them.
protocol UsageTotal {
    /// Adds the next use in billing order.
    mutating func add(_ use: MeterUse)
    /// Adds the next uses in billing order; a requirement, so that it is called through the
    /// existential once and not once a use.
    mutating func add(all uses: ArraySlice<MeterUse>)
    /// The quantity so far.
    var quantity: Fraction { get }
    /// The same, where it is a decimal and costs no division to know; nil elsewhere.
    var decimal: Quantity? { get }
}

extension UsageTotal {
    mutating func add(all uses: ArraySlice<MeterUse>) {
        for use in uses { add(use) }
    }

    var decimal: Quantity? { nil }
}

extension Aggregate: UsageTotal {
    var decimal: Quantity? {
        switch aggregation {
        case .average: nil
        case .unique:
            Quantity(units: Int128(present.count) * Quantity.one.units)
        case .count, .sum, .max, .min, .latest, .timeWeighted: Quantity(units: units)
        }
    }
}

/// The windows of a span, each aggregated by itself.
struct WindowTotal: UsageTotal {
    private let meter: Meter
    private let window: MeterTerms.Window
    private let zone: TimeZoneTable
    /// The windows before the open one; nil: there is none.
    private var closed: Fraction?
    private var open: Aggregate
    private var start: Timestamp?

    init(_ meter: Meter, _ window: MeterTerms.Window, zone: TimeZoneTable) {
        self.meter = meter
        self.window = window
        self.zone = zone
        open = Aggregate(meter.aggregation)
    }

    mutating func add(_ use: MeterUse) {
        let begins = Share.windowStart(containing: use.time, window, zone)
        if begins != start {
            if !open.isEmpty { closed = quantity }
            open = Aggregate(meter.aggregation)
            start = begins
        }
        open.add(use)
    }

    var quantity: Fraction {
        guard !open.isEmpty else { return .zero }
        guard let closed else { return open.quantity }
        return switch meter.terms.across {
        case .sum: closed + open.quantity
        case .max: max(closed, open.quantity)
        }
    }
}

/// The integral over a span of a level that uses change, as a part of a period.
///
/// A change holds until the span ends, so it adds its value × the time that is left then: the sum of
/// these is the integral, whatever other changes there are.
struct LevelIntegral: UsageTotal {
    private let span: Period
    private let length: Int128
    /// In 10⁻¹² units × nanoseconds, a whole number of any size.
    private var total = Fraction.zero

    init(over span: Period, of period: Period) {
        self.span = span
        length = Share.length(period)
    }

    mutating func add(_ use: MeterUse) {
        let held = Share.length(Period(start: max(use.time, span.start), end: span.end))
        guard held > 0 else { return }
        total = total + Fraction(use.value.units) * Fraction(held)
    }

    var quantity: Fraction {
        guard length > 0 else { return .zero }
        // Below 2^64 × 2^40: the length of any period in 10⁻¹² nanoseconds.
        return total * Fraction(1, over: length * Quantity.one.units)
    }
}
