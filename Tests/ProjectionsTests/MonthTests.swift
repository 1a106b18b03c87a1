import Billing
import Projections
import Testing

/// Months over all instants that 64 bits of nanoseconds hold: 1677 to 2262.
@Suite struct MonthTests {
    private func index(_ year: Int, _ month: Int) -> Int32 { Int32(year * 12 + month - 1) }

    @Test(
        arguments: [
            (Int64.min, 1677, 9), (Int64.max, 2262, 4), (0, 1970, 1), (-1, 1969, 12),
            (951_782_400_000_000_000, 2000, 2), (951_868_799_999_999_999, 2000, 2),
            (951_868_800_000_000_000, 2000, 3),
        ] as [(Int64, Int, Int)])
    func knownInstants(_ nanoseconds: Int64, _ year: Int, _ month: Int) {
        #expect(Month(containing: nanoseconds).index == index(year, month))
    }

    /// The first instant of each month belongs to it, the one before to the month before. The
    /// calendar's inverse, which is other code, says where months begin.
    @Test func everyMonthBeginsAtItsFirstInstant() {
        var checked = 0
        for number in index(1677, 10)...index(2262, 4) {
            let start = CivilDate(year: Int(number) / 12, month: Int(number) % 12 + 1, day: 1)
                .start.nanoseconds
            #expect(Month(containing: start).index == number)
            #expect(Month(containing: start - 1).index == number - 1)
            checked += 1
        }
        #expect(checked == 585 * 12 - 5)
    }

    @Test func monthsAreOrdered() {
        #expect(Month(containing: -1) < Month(containing: 0))
        #expect(Month(index: 5) == Month(index: 5))
    }

    /// Counters and bills must cut at the same instants.
    @Test func billsCutAtTheSameInstants() {
        for number in stride(from: index(1678, 1), to: index(2261, 12), by: 7) {
            let period = Period(monthIndex: Int(number))
            #expect(Month(containing: period.start.nanoseconds).index == number)
            #expect(Month(containing: period.end.nanoseconds - 1).index == number)
        }
    }
}
