import Billing
import Seeds
import Testing

/// Billing periods: the sheet `Fixtures/billing/periods.csv`, and what holds for all recurrences.
@Suite struct RecurrenceTests {
    @Test func periodsAreThoseOfTheSheet() throws {
        let rows = try PeriodSheet.rows("periods.csv")
        #expect(rows.count > 40)
        for row in rows {
            let recurrence = try row.recurrence()
            let period = try recurrence.period(containing: row.time("time"))
            #expect(try period == row.period("starts", "ends"), "\(row): \(period)")
            #expect(try recurrence.name(of: period) == row.text("name"), "\(row)")
            #expect(try recurrence.period(named: row.text("name")) == period, "\(row)")
        }
    }

    @Test(arguments: Seeds.all)
    func everyInstantLiesInItsPeriod(seed: UInt64) {
        var random = SeededGenerator(seed)
        for _ in 0..<1500 {
            let recurrence = Self.recurrence(&random)
            let time = Self.time(of: recurrence.zone, &random)
            let index = recurrence.index(containing: time)
            let period = recurrence.period(containing: time)
            #expect(
                period.contains(time), "\(recurrence.count) \(recurrence.unit) \(time) \(period)")
            #expect(period.start == recurrence.boundary(index))
            #expect(period.end == recurrence.boundary(index + 1))
            // Its first and last instants lie in it too, and those next to it do not.
            let last = Timestamp(nanoseconds: period.end.nanoseconds - 1)
            #expect(recurrence.period(containing: period.start) == period)
            #expect(recurrence.period(containing: last) == period)
            if period.end < .max {
                #expect(recurrence.period(containing: period.end).start == period.end)
            }
            #expect(recurrence.boundary(0) == recurrence.anchor)
        }
    }

    @Test(arguments: Seeds.all)
    func boundariesGoUp(seed: UInt64) {
        var random = SeededGenerator(seed)
        for _ in 0..<200 {
            let recurrence = Self.recurrence(&random)
            let first = recurrence.index(containing: Self.time(of: recurrence.zone, &random))
            for index in (first - 10)..<(first + 10) {
                let (start, end) = (recurrence.boundary(index), recurrence.boundary(index + 1))
                // Only a date that the clocks leapt over makes two boundaries one.
                let mayMeet =
                    recurrence.zone.name == "Pacific/Apia" && recurrence.count == 1
                    && recurrence.unit == .day
                let isEnd = start == .max || end == .min
                #expect(start < end || (start == end && (mayMeet || isEnd)), "\(start) \(end)")
            }
        }
    }

    /// A day of the month is the anchor's wherever the month has it, else the month's last.
    @Test func daysAreThoseOfTheAnchor() {
        for day in 1...31 {
            let anchor = CivilDate(year: 2023, month: 12, day: day).start
            let recurrence = Recurrence(count: 1, unit: .month, anchor: anchor, zone: .utc)
            for number in -200...200 {
                let date = TimeZoneTable.utc.local(recurrence.boundary(number)).date
                let month = 2023 * 12 + 11 + number
                #expect(date.year == month / 12 && date.month == month % 12 + 1)
                #expect(date.day == min(day, CivilDate.days(date.year, date.month)))
            }
        }
    }

    /// Two roads to one place: calendar months in UTC are those that month counters hold.
    @Test func calendarMonthsAreThoseOfCounters() {
        let months = Recurrence.calendar(count: 1, unit: .month, zone: .utc)
        for month in stride(from: 1700 * 12, to: 2250 * 12, by: 1) {
            let period = Period(monthIndex: month)
            #expect(months.period(containing: period.start) == period)
        }
    }

    /// An event may claim any time that can be represented.
    @Test func theEndsOfTimeLieInPeriods() {
        for zone in Zones.all.values {
            for unit in BillingCycle.Unit.allCases {
                for count in [1, 7, 1000] {
                    let recurrence = Recurrence(
                        count: count, unit: unit, anchor: Timestamp(nanoseconds: 0), zone: zone)
                    for distance: Int64 in [1, 2, 1_000_000_007, 100_000_000_000_000_000] {
                        for time in [Int64.min, .min + distance, .max - distance] {
                            let time = Timestamp(nanoseconds: time)
                            #expect(recurrence.period(containing: time).contains(time))
                        }
                    }
                    #expect(recurrence.period(containing: .max).end == .max)
                }
            }
        }
    }

    @Test func namesThatAreNoPeriodsAreRefused() {
        let month = Recurrence.calendar(count: 1, unit: .month, zone: .utc)
        for text in [
            "", "2026", "2026-13", "2026-00", "2026-1", "2026-02-30", "2026-02-29", "2026-03-02",
            "2026-03-1", "+026-03", "2026-03-01Z", "1500-01", "2300-01", "2026-03-", "２０２６-03",
        ] {
            #expect(month.period(named: text) == nil, "\(text)")
        }
        #expect(month.period(named: "2026-03") == Period(month: "2026-03"))
        #expect(month.period(named: "2026-03-01") == Period(month: "2026-03"))
    }

    /// A month names the only period that starts in it.
    @Test func monthsNamePeriodsThatStartInThem() throws {
        let march = try PeriodSheet.time("2026-03-15T10:00:00Z")
        let monthly = Recurrence(count: 1, unit: .month, anchor: march, zone: .utc)
        #expect(monthly.period(named: "2026-03")?.start == march)
        #expect(monthly.period(named: "2026-03-15")?.start == march)
        let weekly = Recurrence(count: 1, unit: .week, anchor: march, zone: .utc)
        #expect(weekly.period(named: "2026-03") == nil)
        let yearly = Recurrence(count: 1, unit: .year, anchor: march, zone: .utc)
        #expect(yearly.period(named: "2026-03")?.start == march)
        #expect(yearly.period(named: "2026-04") == nil)
        // From 1 March two start in one month.
        let first = CivilDate(year: 2026, month: 3, day: 1).start
        let days = Recurrence(count: 30, unit: .day, anchor: first, zone: .utc)
        #expect(days.period(named: "2026-03") == nil)
        #expect(days.period(named: "2026-03-31") != nil)
        #expect(days.period(named: "2026-04") != nil)
    }

    private static func recurrence(_ random: inout SeededGenerator) -> Recurrence {
        let zones = Zones.all.keys.sorted()
        let zone = Zones.all[zones[Int.random(in: 0..<zones.count, using: &random)]] ?? .utc
        let unit = BillingCycle.Unit.allCases.randomElement(using: &random) ?? .month
        let count = Bool.random(using: &random) ? 1 : Int.random(in: 1...40, using: &random)
        return Int.random(in: 0..<4, using: &random) == 0
            ? .calendar(count: count, unit: unit, zone: zone)
            : Recurrence(count: count, unit: unit, anchor: time(of: zone, &random), zone: zone)
    }

    /// Mostly near a change of the clocks.
    static func time(of zone: TimeZoneTable, _ random: inout SeededGenerator) -> Timestamp {
        let near = zone.transitions.dropFirst().randomElement(using: &random)?.from ?? 1_770_000_000
        let range: Int64 = [7200, 200_000, 40_000_000, 2_000_000_000][
            Int.random(in: 0..<4, using: &random)]
        let second = near + Int64.random(in: -range...range, using: &random)
        let precise =
            Bool.random(using: &random) ? 0 : Int64.random(in: 0..<1_000_000_000, using: &random)
        return Timestamp(nanoseconds: second * 1_000_000_000 + precise)
    }
}
