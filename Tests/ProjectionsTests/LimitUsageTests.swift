import Billing
import Bytes
import Projections
import Testing

/// Usage in windows: what is kept, what is forgotten, and how much at most.
@Suite struct LimitUsageTests {
    private let one = Counters.Addition(aggregation: .sum, units: 1_000_000_000_000)
    private let later = Timestamp(nanoseconds: 1000)

    private func key(_ number: Int, _ definition: UInt32 = 0) -> LimitUsage.Key {
        var bytes = ByteBuffer()
        bytes.append(1)
        bytes.appendVarint(UInt64(number))
        return .init(
            definition: definition, scope: bytes.copyBytes(in: 0..<bytes.count),
            start: Timestamp(nanoseconds: 0))
    }

    private func usage() -> LimitUsage {
        var usage = LimitUsage()
        _ = usage.define(.init(meter: 0, window: LimitWindow(every: .init(1, .day)), by: ["x"]))
        return usage
    }

    @Test func valuesBeyondTheMostShareOneWindow() {
        var usage = usage()
        let now = Timestamp(nanoseconds: 1)
        for number in 0..<(LimitUsage.cellsMax + 5) {
            usage.add(one, to: key(number), until: later, of: 3, now: now)
        }
        #expect(usage.usage(key(7), of: 3) == one.units)
        #expect(usage.usage(key(LimitUsage.cellsMax + 1), of: 3) == 5 * one.units)
        #expect(usage.usage(key(LimitUsage.cellsMax + 99), of: 3) == 5 * one.units)
        // Once the windows are over there is room again.
        usage.add(one, to: key(1), until: Timestamp(nanoseconds: 5000), of: 3, now: later)
        #expect(usage.usage(key(1), of: 3) == one.units)
        #expect(usage.usage(key(LimitUsage.cellsMax + 1), of: 3) == 0)
    }

    @Test func aRestoredStateGoesOnTheSame() throws {
        var live = usage()
        for number in 0..<40 {
            live.add(
                one, to: key(number), until: Timestamp(nanoseconds: Int64(100 + number)), of: 300,
                now: Timestamp(nanoseconds: 1))
        }
        var bytes = ByteBuffer()
        live.serialise(into: &bytes) { _ in }
        var reader = ByteReader(bytes.bytes)
        var restored = try LimitUsage(restoring: &reader)
        for number in 40..<50 {
            let now = Timestamp(nanoseconds: Int64(60 + number))
            live.add(one, to: key(number), until: later, of: 300, now: now)
            restored.add(one, to: key(number), until: later, of: 300, now: now)
        }
        let (left, right) = (live.digest(), restored.digest())
        #expect(left == right)
        #expect(live.usage(key(5), of: 300) == 0 && live.usage(key(30), of: 300) == one.units)
    }
}
