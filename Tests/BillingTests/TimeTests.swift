import Billing
import Foundation
import Testing

/// Instants, dates and months: half-open, exact, and as Foundation's calendar has them.
@Suite struct TimeTests {
    private static let day: Int64 = 86_400_000_000_000

    @Test(
        arguments: [
            (0, "1970-01-01T00:00:00Z"), (-1, "1969-12-31T23:59:59.999999999Z"),
            (1, "1970-01-01T00:00:00.000000001Z"), (500_000_000, "1970-01-01T00:00:00.5Z"),
            (1_000_000, "1970-01-01T00:00:00.001Z"), (-86_400_000_000_000, "1969-12-31T00:00:00Z"),
            (951_782_400_000_000_000, "2000-02-29T00:00:00Z"),
            (1_772_366_400_250_000_000, "2026-03-01T12:00:00.25Z"),
            (.min, "1677-09-21T00:12:43.145224192Z"), (.max, "2262-04-11T23:47:16.854775807Z"),
        ] as [(Int64, String)])
    func prints(nanoseconds: Int64, text: String) {
        #expect(Timestamp(nanoseconds: nanoseconds).description == text)
    }

    @Test func fractionDigitsAreCut() {
        let time = Timestamp(nanoseconds: 1_987_654_321)
        let texts = (0...9).map { time.formatted(fractionDigits: $0) }
        #expect(texts[0] == "1970-01-01T00:00:01Z" && texts[1] == "1970-01-01T00:00:01.9Z")
        #expect(texts[9] == "1970-01-01T00:00:01.987654321Z")
    }

    @Test func datesAgreeWithTheCalendarOfFoundation() throws {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = try #require(TimeZone(secondsFromGMT: 0))
        for day in stride(from: -106_000, through: 106_000, by: 97) {
            let date = CivilDate(daysSinceEpoch: day)
            let parts = calendar.dateComponents(
                [.year, .month, .day], from: Date(timeIntervalSince1970: Double(day) * 86_400))
            #expect(date.year == parts.year && date.month == parts.month && date.day == parts.day)
            #expect(date.daysSinceEpoch == day)
            #expect(date.start.nanoseconds == Int64(day) * Self.day)
        }
    }

    @Test func everyDayFollowsTheOneBefore() {
        var last = CivilDate(daysSinceEpoch: -107_000)
        var gaps: [Int] = []
        for day in -106_999...107_000 {
            let date = CivilDate(daysSinceEpoch: day)
            let isNextDay = date.month == last.month && date.day == last.day + 1
            let isNextMonth = date.day == 1 && last.day >= 28 && date.month == last.month % 12 + 1
            if !isNextDay && !isNextMonth { gaps.append(day) }
            last = date
        }
        #expect(gaps.isEmpty)
    }

    @Test(arguments: [
        ("2026-03", "2026-03-01T00:00:00Z", "2026-04-01T00:00:00Z"),
        ("2024-02", "2024-02-01T00:00:00Z", "2024-03-01T00:00:00Z"),
        ("1969-12", "1969-12-01T00:00:00Z", "1970-01-01T00:00:00Z"),
        ("1900-02", "1900-02-01T00:00:00Z", "1900-03-01T00:00:00Z"),
        ("1678-01", "1678-01-01T00:00:00Z", "1678-02-01T00:00:00Z"),
        ("2261-12", "2261-12-01T00:00:00Z", "2262-01-01T00:00:00Z"),
    ])
    func monthsAreRead(text: String, start: String, end: String) throws {
        let month = try #require(Period(month: text))
        #expect(month.start.description == start && month.end.description == end)
        #expect(month.monthName == text)
    }

    @Test(arguments: [
        "", "2026", "2026-3", "2026-13", "2026-00", "2026-+3", "2026--3", "+026-03", "-026-03",
        "2026/03", "2026-03-01", "2026-03 ", " 2026-3", "1677-12", "2262-01", "２026-03", "2026-0３",
        "202603", "20 6-03", "2026-0x",
    ])
    func isNoMonth(text: String) {
        #expect(Period(month: text) == nil)
    }

    /// A boundary belongs to the new month, the nanosecond before it to the old one.
    @Test func monthsAreHalfOpen() {
        for index in (1678 * 12)..<(2262 * 12) {
            let month = Period(monthIndex: index)
            let before = Timestamp(nanoseconds: month.start.nanoseconds - 1)
            let last = Timestamp(nanoseconds: month.end.nanoseconds - 1)
            #expect(month.contains(month.start) && month.contains(last))
            #expect(!month.contains(before) && !month.contains(month.end))
            #expect(Period.calendarMonth(containing: month.start) == month)
            #expect(Period.calendarMonth(containing: last) == month)
            #expect(month.end == Period(monthIndex: index + 1).start)
            let days = (month.end.nanoseconds - month.start.nanoseconds) / Self.day
            #expect((28...31).contains(days))
        }
    }

    /// The months at the ends of the range are cut there and do not trap.
    @Test func theEndsOfTheRangeHaveMonths() {
        let first = Period.calendarMonth(containing: Timestamp(nanoseconds: .min))
        #expect(first.start.nanoseconds == .min)
        #expect(first.end.description == "1677-10-01T00:00:00Z")
        let last = Period.calendarMonth(containing: Timestamp(nanoseconds: .max))
        #expect(last.start.description == "2262-04-01T00:00:00Z")
        #expect(last.end.nanoseconds == .max)
    }
}
