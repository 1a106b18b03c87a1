import Billing
import Money

/// Metering as a person would do it by hand: every answer is looked for in the whole list of uses,
/// in whatever order that is.
struct Slow {
    let meter: Meter
    let uses: [MeterUse]
    let period: Period

    func quantity(in span: Period) -> Fraction {
        let raw: Fraction
        if let window = meter.terms.window {
            raw = windows(mine(span), window)
        } else if case .timeWeighted = meter.aggregation {
            raw = integral(of: courses(in: span))
        } else if case .latest = meter.aggregation, meter.terms.carries {
            raw = aggregate(uses.filter { $0.time < span.end })
        } else if meter.terms.operationProperty != nil {
            raw = aggregate(before(span.end))
        } else {
            raw = aggregate(mine(span))
        }
        return meter.terms.conversion?.apply(raw) ?? raw
    }

    /// The aggregate of some uses, whatever order they are in.
    func aggregate(_ uses: [MeterUse]) -> Fraction {
        let values = uses.map(\.value.units)
        switch meter.aggregation {
        case .count:
            return number(
                uses.reduce(0) { $0 + ($1.isConsume ? $1.value.units : 1_000_000_000_000) })
        case .sum, .timeWeighted: return number(values.reduce(0, +))
        case .average:
            return values.isEmpty
                ? .zero
                : Fraction(values.reduce(0, +), over: Int128(uses.count) * 1_000_000_000_000)
        case .max: return number(values.max() ?? 0)
        case .min: return number(values.min() ?? 0)
        case .latest: return number(last(uses)?.value.units ?? 0)
        case .unique:
            let keys = Set(uses.map(\.key))
            return Fraction(
                Int128(
                    keys.filter { key in last(uses.filter { $0.key == key })?.removes == false }
                        .count))
        }
    }

    /// What was there for how much of the span, by the second: between two changes nothing changes.
    func courses(in span: Period) -> [(level: Fraction, weight: Fraction)] {
        let known = before(span.end)
        let cuts = Set(known.map(\.time).filter { $0 > span.start } + [span.start, span.end])
            .sorted()
        let whole = Int128(period.end.nanoseconds - period.start.nanoseconds)
        return zip(cuts, cuts.dropFirst()).map { from, to in
            (
                aggregate(known.filter { $0.time <= from }),
                Fraction(Int128(to.nanoseconds - from.nanoseconds), over: whole)
            )
        }
    }

    /// The level of each of Berlin's dates that the span meets, and whether the span counts it: its
    /// last date belongs to what comes after it.
    func days(in span: Period) -> [(level: Fraction, counts: Bool)] {
        let known = before(span.end)
        let first = date(span.start)
        let last = date(Timestamp(nanoseconds: span.end.nanoseconds - 1))
        return (first...last).map { day in
            (aggregate(known.filter { date($0.time) <= day }), day < date(span.end))
        }
    }

    func date(_ time: Timestamp) -> Int64 { floored(Usages.berlinClock(time), Usages.day) }

    /// Those that matter for a level at an instant.
    private func before(_ end: Timestamp) -> [MeterUse] {
        uses.filter { $0.time < end && (meter.terms.carries || $0.time >= period.start) }
    }

    private func mine(_ span: Period) -> [MeterUse] {
        uses.filter { $0.time >= span.start && $0.time < span.end }
    }

    private func windows(_ uses: [MeterUse], _ window: MeterTerms.Window) -> Fraction {
        let sums = Dictionary(grouping: uses) { use -> [Int64] in
            let clock = Usages.berlinClock(use.time)
            return window == .day
                ? [floored(clock, Usages.day)]
                : [floored(clock, Usages.hour), clock - use.time.nanoseconds]
        }.values.map(aggregate)
        return meter.terms.across == .sum
            ? sums.reduce(.zero) { $0 + $1 } : sums.max() ?? .zero
    }

    private func last(_ uses: [MeterUse]) -> MeterUse? {
        uses.max { left, right in
            let (mine, its) = (left.order.map(Int.init), right.order.map(Int.init))
            if left.time != right.time { return left.time < right.time }
            if mine == its { return left.position < right.position }
            let common = zip(mine, its).first { $0 != $1 }
            return common.map { $0 < $1 } ?? (mine.count < its.count)
        }
    }

    private func number(_ units: Int128) -> Fraction { Fraction(units, over: 1_000_000_000_000) }

    private func floored(_ value: Int64, _ unit: Int64) -> Int64 {
        value / unit - (value % unit < 0 ? 1 : 0)
    }
}

/// The integral of a course of levels.
func integral(of levels: [(level: Fraction, weight: Fraction)]) -> Fraction {
    levels.reduce(Fraction.zero) { $0 + $1.level * $1.weight }
}
