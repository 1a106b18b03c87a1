import Billing
import Foundation
import Seeds
import Testing

/// What clocks show, and when they show it.
@Suite struct TimeZoneTableTests {
    /// The first instant that shows a time or a later one, found by looking at all of them.
    @Test func instantsAreTheFirstThatShowATime() {
        for zone in Zones.all.values {
            for transition in zone.transitions.dropFirst() {
                // On a grid through the change, so that both times of an hour are on it.
                let instants = stride(from: -10_800, through: 10_800, by: 150).map {
                    Timestamp(nanoseconds: (transition.from + $0) * 1_000_000_000)
                }
                let shown = instants.map { Self.clock(zone, $0) }
                for (index, wanted) in shown.enumerated() where index >= 24 {
                    let first = shown.firstIndex(where: { $0 >= wanted }) ?? index
                    let local = zone.local(instants[index])
                    #expect(zone.instant(of: local) == instants[first], "\(zone.name) \(local)")
                }
            }
        }
    }

    @Test(arguments: Seeds.all)
    func clocksAgreeWithThoseOfFoundation(seed: UInt64) throws {
        var random = SeededGenerator(seed)
        for name in ["Europe/Berlin", "America/Havana", "Australia/Lord_Howe", "Africa/Cairo"] {
            let zone = try #require(Zones.all[name])
            let theirs = try #require(TimeZone(identifier: name))
            let bounds = (zone.transitions[0].from, zone.transitions.last?.from ?? 0)
            for _ in 0..<200 {
                let second = Int64.random(in: bounds.0...bounds.1, using: &random)
                let offset = theirs.secondsFromGMT(
                    for: Date(timeIntervalSince1970: Double(second)))
                let time = Timestamp(nanoseconds: second * 1_000_000_000)
                #expect(zone.offset(at: time) == Int64(offset), "\(name) \(time)")
            }
        }
    }

    /// A time that is leapt over is the instant of the leap, whatever lies within the gap.
    @Test func leapsLeadToTheirEnd() throws {
        let berlin = try #require(Zones.all["Europe/Berlin"])
        let date = CivilDate(year: 2026, month: 3, day: 29)
        for minute: Int64 in 120..<180 {
            let local = LocalTime(date: date, nanoseconds: minute * 60_000_000_000)
            #expect(berlin.instant(of: local).nanoseconds == 1_774_746_000_000_000_000)
        }
        let apia = try #require(Zones.all["Pacific/Apia"])
        let missing = LocalTime(
            date: CivilDate(year: 2011, month: 12, day: 30), nanoseconds: 36_000_000_000_000)
        #expect(apia.instant(of: missing).nanoseconds == 1_325_239_200_000_000_000)
    }

    @Test(arguments: Seeds.all)
    func daysBeginAtOrBeforeTheirInstants(seed: UInt64) {
        var random = SeededGenerator(seed)
        for zone in Zones.all.values.sorted(by: { $0.name < $1.name }) {
            for _ in 0..<300 {
                let time = RecurrenceTests.time(of: zone, &random)
                let later = Timestamp(
                    nanoseconds: time.nanoseconds
                        + .random(in: 0...9_000_000_000_000, using: &random))
                let start = zone.startOfDay(containing: time)
                #expect(start <= time, "\(zone.name) \(time)")
                #expect(zone.startOfDay(containing: start) == start, "\(zone.name) \(time)")
                #expect(start <= zone.startOfDay(containing: later), "\(zone.name) \(time)")
                #expect(zone.day(containing: time) <= zone.day(containing: later))
            }
        }
    }

    /// No time and no table makes a trap: both come from outside.
    @Test func endsOfTimeAndOfTablesAreHarmless() {
        let (first, last) = (Int64.min, Int64.max)
        let tables: [[(Int64, Int32)]] = [
            [(first, 86_399), (last, -86_399)], [(last, 1)], [(last - 1, 5), (last, 86_399)],
            [(0, 86_399), (1, -86_399), (2, 86_399), (3, -86_399)], [(first, -86_399)],
        ]
        for table in tables {
            let zone = TimeZoneTable(
                name: "X",
                transitions: table.map { TimeZoneTable.Transition(from: $0.0, offset: $0.1) })
            let year = Recurrence.calendar(count: 1, unit: .year, zone: zone)
            let days = Recurrence(count: 1, unit: .day, anchor: .min, zone: zone)
            let times: [Int64] = [.min, .min + 1, -1, 0, 2_500_000_000, .max - 1]
            for nanoseconds in times {
                let time = Timestamp(nanoseconds: nanoseconds)
                #expect(zone.startOfDay(containing: time) <= time)
                #expect(Share.windowStart(containing: time, .hour, zone) <= time)
                #expect(year.period(containing: time).contains(time), "\(table) \(time)")
                #expect(days.period(containing: time).contains(time), "\(table) \(time)")
            }
            for year in [-100_000, 1677, 1970, 2262, 100_000] {
                let date = CivilDate(year: year, month: 1, day: 1)
                let instant = zone.instant(of: LocalTime(date: date, nanoseconds: 0))
                if abs(year) == 100_000 { #expect(instant == (year < 0 ? .min : .max)) }
            }
        }
    }

    private static func clock(_ zone: TimeZoneTable, _ time: Timestamp) -> Int64 {
        time.nanoseconds / 1_000_000_000 + zone.offset(at: time)
    }
}
