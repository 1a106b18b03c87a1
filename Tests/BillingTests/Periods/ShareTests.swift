import Billing
import Money
import Seeds
import Testing

/// Parts of periods: the sheet `Fixtures/billing/proration.csv`, and what holds for all parts.
@Suite struct ShareTests {
    private static func share(
        _ part: Period, _ whole: Period, _ by: Proration, _ zone: TimeZoneTable
    ) -> Fraction {
        let (numerator, denominator) = Share.of(part, in: whole, by: by, zone: zone)
        return Fraction(numerator, over: denominator)
    }

    @Test func partsCostWhatTheSheetSays() throws {
        let rows = try PeriodSheet.rows("proration.csv")
        let dollar = try #require(Currency(code: "USD"))
        #expect(rows.count > 30)
        for row in rows {
            let by = try #require(Proration(rawValue: row.text("by")))
            let share = try Self.share(
                row.period("from", "to"), row.period("period from", "period to"), by, row.zone())
            let charge = try (Fraction(row.quantity("amount")) * share).rounded(to: dollar)
            #expect(
                try charge.map { Fraction($0) } == Fraction(row.quantity("charge")),
                "\(row): \(String(describing: charge))")
        }
    }

    @Test(arguments: Seeds.all)
    func partsAddUpToTheirWhole(seed: UInt64) {
        var random = SeededGenerator(seed)
        for zone in Zones.all.values.sorted(by: { $0.name < $1.name }) {
            for _ in 0..<100 {
                let unit = BillingCycle.Unit.allCases.randomElement(using: &random) ?? .month
                let recurrence = Recurrence(
                    count: .random(in: 1...3, using: &random), unit: unit,
                    anchor: RecurrenceTests.time(of: zone, &random), zone: zone)
                let whole = recurrence.period(
                    containing: RecurrenceTests.time(of: zone, &random))
                let cuts = (0..<3).map { _ in
                    Int64.random(
                        in: whole.start.nanoseconds...whole.end.nanoseconds, using: &random)
                }
                let ends = ([whole.start.nanoseconds, whole.end.nanoseconds] + cuts).sorted()
                for by in [Proration.day, .second] {
                    var sum = Fraction.zero
                    for (start, end) in zip(ends, ends.dropFirst()) {
                        let part = Period(
                            start: Timestamp(nanoseconds: start),
                            end: Timestamp(nanoseconds: end))
                        let share = Self.share(part, whole, by, zone)
                        #expect(!share.isNegative, "\(zone.name) \(part)")
                        sum = sum + share
                    }
                    #expect(sum == .one, "\(zone.name) \(whole) \(by)")
                }
            }
        }
    }

    /// Two boundaries of one date: Apia's 31 December 2011, from the instant of the leap to 10:00.
    @Test func aPeriodWithoutDaysIsSharedBySecond() throws {
        let apia = try #require(Zones.all["Pacific/Apia"])
        let anchor = try PeriodSheet.time("2011-12-20T10:00:00-10:00")
        let days = Recurrence(count: 1, unit: .day, anchor: anchor, zone: apia)
        let whole = try days.period(containing: PeriodSheet.time("2011-12-31T04:00:00+14:00"))
        let middle = try PeriodSheet.time("2011-12-31T05:00:00+14:00")
        let part = Period(start: whole.start, end: middle)
        #expect(Self.share(part, whole, .day, apia) == Fraction(1, over: 2))
    }

    @Test func anEmptyPeriodHasAShare() {
        let empty = Period(start: .max, end: .max)
        for by in Proration.allCases { #expect(Self.share(empty, empty, by, .utc) == .one) }
    }

    /// Hours in a day: 23, 24 or 25; Lord Howe's half hours are windows too.
    @Test(arguments: [
        ("Europe/Berlin", "2026-03-28T12:00:00+01:00", 24),
        ("Europe/Berlin", "2026-03-29T12:00:00+02:00", 23),
        ("Europe/Berlin", "2026-10-25T12:00:00+01:00", 25),
        ("America/Sao_Paulo", "2018-11-04T12:00:00-02:00", 23),
        ("Asia/Kolkata", "2026-10-25T12:00:00+05:30", 24),
        ("Australia/Lord_Howe", "2026-10-04T12:00:00+11:00", 24),
        ("Australia/Lord_Howe", "2026-04-05T12:00:00+10:30", 25),
    ])
    func hoursOfADay(_ name: String, _ noon: String, _ hours: Int) throws {
        let zone = try #require(Zones.all[name])
        let day = Recurrence.calendar(count: 1, unit: .day, zone: zone)
        let period = try day.period(containing: PeriodSheet.time(noon))
        var starts: [Timestamp] = []
        for time in stride(
            from: period.start.nanoseconds, to: period.end.nanoseconds, by: 300_000_000_000)
        {
            let time = Timestamp(nanoseconds: time)
            let start = Share.windowStart(containing: time, .hour, zone)
            #expect(start <= time && time.nanoseconds - start.nanoseconds < 3_600_000_000_000)
            #expect(Share.windowStart(containing: time, .day, zone) == period.start)
            if start != starts.last { starts.append(start) }
        }
        #expect(starts.count == hours)
        #expect(Set(starts).count == hours)
    }
}
