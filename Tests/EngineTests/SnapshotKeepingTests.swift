import Engine
import Seeds
import SegmentedLog
import Testing

/// Newest three, the first of each day for a month, the first of each month after.
@Suite struct SnapshotKeepingTests {
    /// 2026-01-01T00:00:00Z.
    private static let start: Int64 = 1_767_225_600
    private static let day: Int64 = 86_400

    /// A candidate so many seconds after the start of 2026; its position is that number.
    private func at(_ seconds: Int64) -> SnapshotKeeping.Candidate {
        .init(
            position: Position(seconds + 2_000_000_000),
            recordedAt: (Self.start + seconds) * 1_000_000_000)
    }

    private func kept(_ seconds: [Int64]) -> [Int64] {
        SnapshotKeeping.kept(seconds.map(at)).map { Int64($0) - 2_000_000_000 }.sorted()
    }

    @Test func nothingOfNothing() { #expect(kept([]).isEmpty) }

    @Test func theNewestThreeAndTheFirstOfTheDay() {
        #expect(kept([10]) == [10])
        #expect(kept([10, 20, 30]) == [10, 20, 30])
        #expect(kept([60, 10, 50, 20, 40, 30]) == [10, 40, 50, 60])
    }

    @Test func daysEndAtMidnightUTC() {
        let midnight = Self.day
        #expect(
            kept([midnight - 2, midnight - 1, midnight, midnight + 1, midnight + 2, midnight + 3])
                == [midnight - 2, midnight, midnight + 1, midnight + 2, midnight + 3])
    }

    @Test func oneADayForThirtyOneDaysOneAMonthAfter() {
        // Two a day from January 1 to April 10, which is day 99 from 0.
        let all = (0..<200).map { Int64($0) * Self.day / 2 }
        // April 10 and the 30 days before it: days 69 to 99. Months by their first day.
        let days = (69...99).map { Int64($0) * Self.day }
        let months = [0, 31, 59].map { Int64($0) * Self.day }
        let newest = [197, 198, 199].map { Int64($0) * Self.day / 2 }
        #expect(kept(all) == Set(days + months + newest).sorted())
    }

    @Test func timesBefore1970HaveDaysToo() {
        let old = -Self.start
        #expect(
            kept([old - 3, old - 2, old - 1, old, old + 1, old + 2, old + 3])
                == [old - 3, old, old + 1, old + 2, old + 3])
    }

    /// Asked after each snapshot, as the engine does, it keeps what it would keep of all at once.
    @Test(arguments: Seeds.all) func removingAsOneGoesChangesNothing(_ seed: UInt64) {
        var generator = SeededGenerator(seed)
        var (all, remaining, now) = ([Int64](), [Int64](), Int64(0))
        for _ in 0..<300 {
            now += Int64.random(in: 1...Self.day * 2, using: &generator)
            all.append(now)
            remaining = kept(remaining + [now])
            #expect(remaining == kept(all))
        }
        #expect(remaining.count < 31 + 3 + 21)
    }
}
