package import Money

/// A level over a span: how high it was for which part of the period.
package struct LevelCourse: Sendable {
    /// Each level and the part of the whole period in which it held, in time order.
    package var levels: [(level: Fraction, weight: Fraction)]
    /// The level at the end of the span.
    package var end: Fraction
    /// The highest level in the span.
    package var peak: Fraction
}

extension MeteredUsage {
    /// The level in a span: of a time-weighted meter or a sum the changes so far, of a count their
    /// number, of a unique meter how many values are there.
    ///
    /// By `day` a change holds from the start of its local day on, by `second` from its own instant.
    /// A time-weighted level may be below zero; a price counts that as zero.
    /// - Parameter uses: with so many of the span's uses, the first in billing order; nil: all.
    package func levels(
        in span: Period, of period: Period, by proration: Proration, uses: Int? = nil
    ) -> LevelCourse {
        let mine = self.uses(in: span)
        // Never beyond the span, though by the day a change counts before its own instant.
        let end = mine.startIndex + Swift.min(uses ?? mine.count, mine.count)
        var total = Aggregate(meter.aggregation)
        let first = opening(of: period)
        var index = first
        // What holds when the span begins: by the day, also the changes of its first day, which
        // belong to it whatever their hour.
        while index < end, time(of: all[index], proration) < span.start {
            total.add(all[index])
            index += 1
        }
        var course = LevelCourse(levels: [], end: total.quantity, peak: total.quantity)
        var from = span.start
        while index < end {
            let at = Swift.max(time(of: all[index], proration), span.start)
            if at > from {
                append(from, at, &course, period, proration)
                from = at
            }
            total.add(all[index])
            course.end = total.quantity
            index += 1
        }
        append(from, span.end, &course, period, proration)
        // A level between two changes of one instant held for no time.
        course.peak = course.levels.map(\.level).max() ?? course.end
        return course
    }

    /// When each use of a span takes effect, and the level that it leaves.
    package func changes(
        in span: Period, of period: Period, by proration: Proration
    ) -> [(time: Timestamp, level: Fraction)] {
        var total = Aggregate(meter.aggregation)
        let range = uses(in: span)
        for use in all[Swift.min(opening(of: period), range.startIndex)..<range.startIndex] {
            total.add(use)
        }
        return range.map { use in
            total.add(use)
            return (Swift.max(time(of: use, proration), span.start), total.quantity)
        }
    }

    private func time(of use: MeterUse, _ proration: Proration) -> Timestamp {
        proration == .day ? zone.startOfDay(containing: use.time) : use.time
    }

    private func append(
        _ start: Timestamp, _ end: Timestamp, _ course: inout LevelCourse, _ period: Period,
        _ proration: Proration
    ) {
        guard start < end else { return }
        let (numerator, denominator) = Share.of(
            Period(start: start, end: end), in: period, by: proration, zone: zone)
        course.levels.append((course.end, Fraction(numerator, over: denominator)))
    }
}
