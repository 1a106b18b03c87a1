import Billing
import Bytes
import Testing

@testable import Projections

/// Windows that are counted beside the books and taken over: the same as if they had been counted there.
@Suite struct RemeteredWindowsTests {
    private let one = Counters.Addition(aggregation: .sum, units: 1_000_000_000_000)

    private func time(_ nanoseconds: Int64) -> Timestamp { Timestamp(nanoseconds: nanoseconds) }

    private func key(_ definition: UInt32, _ start: Int64) -> LimitUsage.Key {
        .init(definition: definition, scope: [], start: time(start))
    }

    /// Two meters with a window each; only the first is used.
    private func usage() -> LimitUsage {
        var usage = LimitUsage()
        for meter in 0..<2 as Range<UInt32> {
            _ = usage.define(
                .init(meter: meter, window: LimitWindow(every: .init(1, .day)), by: nil))
        }
        usage.add(one, to: key(0, 0), until: time(100), of: 3, now: time(1))
        usage.add(one, to: key(0, 100), until: time(500), of: 3, now: time(2))
        return usage
    }

    private func meterAgain(_ usage: inout LimitUsage, at now: Int64) {
        usage.add(one, to: key(1, 0), until: time(300), of: 3, now: time(now))
    }

    /// A use of the second meter that was recorded when a window of the first was over has it forgotten.
    @Test(arguments: [50, 99, 100, 200] as [Int64])
    func windowsThatWereOverAreForgottenAsEver(_ now: Int64) {
        var plain = usage()
        var live = usage()
        plain.drop(meters: [1])
        meterAgain(&plain, at: now)
        live.drop(meters: [1])
        var beside = live.emptied(for: [1])
        meterAgain(&beside, at: now)
        let hasRoom = live.hasRoom(for: beside)
        #expect(hasRoom)
        live.takeOver(beside)
        let used = live.usage(key(0, 0), of: 3)
        #expect(used == (now < 100 ? one.units : 0))
        let (left, right) = (plain.digest(), live.digest())
        #expect(left == right)
        // Both forget the same from here on.
        for later in [250, 310, 600] as [Int64] {
            plain.add(one, to: key(0, later), until: time(later + 100), of: 3, now: time(later))
            live.add(one, to: key(0, later), until: time(later + 100), of: 3, now: time(later))
            let (left, right) = (plain.digest(), live.digest())
            #expect(left == right, "\(later)")
        }
    }

    /// Which values share a window depends on how many there are: that cannot be known beside.
    @Test func anAccountWithTheMostWindowsIsNotTakenOver() {
        var live = LimitUsage()
        for meter in 0..<2 as Range<UInt32> {
            _ = live.define(
                .init(meter: meter, window: LimitWindow(every: .init(1, .day)), by: ["x"]))
        }
        func fill(_ usage: inout LimitUsage, _ definition: UInt32, _ count: Int) {
            for number in 0..<count {
                let scope = [1, UInt8(number >> 8), UInt8(number & 255)] as [UInt8]
                usage.add(
                    one, to: .init(definition: definition, scope: scope, start: time(0)),
                    until: time(100), of: 3, now: time(1))
            }
        }
        fill(&live, 0, LimitUsage.cellsMax - 8)
        var few = live.emptied(for: [1])
        fill(&few, 1, 7)
        let hasRoom = live.hasRoom(for: few)
        #expect(hasRoom)
        fill(&few, 1, 8)
        let hasRoomStill = live.hasRoom(for: few)
        #expect(!hasRoomStill)
    }
}
