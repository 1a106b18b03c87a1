import Billing
import Money
import Seeds
import Testing

/// Levels over time: as by hand, by the second and by the day, through days of 23 and 25 hours.
@Suite struct LevelTests {
    static let meters = [
        "count", "count carry", "sum", "sum carry", "unique", "unique operation:op",
        "unique operation:op carry", "time_weighted", "time_weighted carry",
    ]

    /// One of many courses of one meter, with everything that is compared.
    private struct Case {
        let slow: Slow
        let usage: MeteredUsage
        let period: Period
        let spans: [Period]

        init(_ text: String, _ seed: UInt64, count: Int) throws {
            var generator = SeededGenerator(seed &+ UInt64(count))
            let meter = try Usages.meter(text)
            period = Bool.random(using: &generator) ? Usages.march : Usages.october
            let uses = Usages.random(
                count, around: period, removing: meter.terms.operationProperty != nil, &generator)
            slow = Slow(meter: meter, uses: uses, period: period)
            usage = MeteredUsage(
                meter: meter, uses: Usages.sorted(uses), zone: Usages.berlin)
            let cuts = Usages.cuts(period, 3, &generator) + Usages.cuts(period, 40, &generator)
            spans = ([period] + cuts).filter { $0.start < $0.end }
        }
    }

    @Test(arguments: meters, Seeds.all)
    func bySecondALevelHoldsFromItsChangeOn(_ text: String, _ seed: UInt64) throws {
        for count in [0, 1, 3, 40] {
            let now = try Case(text, seed, count: count)
            for span in now.spans {
                let found = now.usage.levels(in: span, of: now.period, by: .second)
                let slow = now.slow.courses(in: span)
                #expect(moments(found.levels) == moments(slow), "\(count) uses, \(span)")
                #expect(found.peak == slow.map(\.level).max())
                #expect(found.end == slow.last?.level)
            }
        }
    }

    @Test(arguments: meters, Seeds.all)
    func byDayALevelHoldsFromTheStartOfItsDayOn(_ text: String, _ seed: UInt64) throws {
        for count in [0, 1, 3, 40] {
            let now = try Case(text, seed, count: count)
            for span in now.spans {
                let found = now.usage.levels(in: span, of: now.period, by: .day)
                let slow = now.slow.days(in: span)
                let days = slow.filter(\.counts).map { ($0.level, Fraction(1, over: 31)) }
                #expect(moments(found.levels) == moments(days), "\(count) uses, \(span)")
                #expect(found.peak == slow.map(\.level).max())
                #expect(found.end == slow.last?.level)
            }
        }
    }

    /// With so many of a span's uses the levels are those of a log which ends there.
    @Test(arguments: meters, Seeds.all)
    func someOfTheUsesAreALogThatEndsThere(_ text: String, _ seed: UInt64) throws {
        let now = try Case(text, seed, count: 30)
        for span in now.spans.prefix(4) {
            let first = now.usage.uses(in: span).startIndex
            for count in 0...now.usage.uses(in: span).count {
                let ended = MeteredUsage(
                    meter: now.slow.meter,
                    uses: Array(Usages.sorted(now.slow.uses)[..<(first + count)]),
                    zone: Usages.berlin)
                for proration in [Proration.second, .day] {
                    let some = now.usage.levels(
                        in: span, of: now.period, by: proration, uses: count)
                    let all = ended.levels(in: span, of: now.period, by: proration)
                    #expect(moments(some.levels) == moments(all.levels))
                    #expect(some.peak == all.peak && some.end == all.end)
                }
            }
        }
    }

    /// A span that begins and ends on one day has nothing of what comes later that day.
    @Test func byDayASpanDoesNotLookBeyondItsEnd() throws {
        let noon = Usages.at(1_772_319_600 + 12 * 3600)
        let evening = Usages.at(1_772_319_600 + 18 * 3600)
        let usage = MeteredUsage(
            meter: try Usages.meter("sum"),
            uses: [
                try Usages.use(0, noon, "3"),
                try Usages.use(1, Usages.at(1_772_319_600 + 20 * 3600), "100"),
            ], zone: Usages.berlin)
        let found = usage.levels(
            in: Period(start: noon, end: evening), of: Usages.march, by: .day)
        #expect(found.end == Fraction(3) && found.peak == Fraction(3))
    }

    /// Weight, integral and the integral of the square: another course has others.
    private func moments(_ levels: [(level: Fraction, weight: Fraction)]) -> [Fraction] {
        let weights = levels.map { (level: Fraction.one, weight: $0.weight) }
        let squares = levels.map { (level: $0.level * $0.level, weight: $0.weight) }
        return [integral(of: weights), integral(of: levels), integral(of: squares)]
    }
}
