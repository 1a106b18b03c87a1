import Billing
import Money
import Seeds
import Testing

/// What uses amount to: as by hand, whatever order they came in and however a period is cut.
@Suite struct MeteredUsageTests {
    static let meters = [
        "count", "sum", "max", "min", "average", "latest", "latest carry", "unique",
        "unique operation:op", "unique operation:op carry", "time_weighted", "time_weighted carry",
        "count window:hour", "sum window:day", "sum window:hour across:max", "max window:day",
        "max window:hour across:max", "min window:day", "unique window:day",
        "unique window:hour across:max",
    ]

    private struct Case {
        let meter: Meter
        let period: Period
        /// In no order.
        let uses: [MeterUse]
        let usage: MeteredUsage
        var generator: SeededGenerator

        init(_ text: String, _ seed: UInt64, count: Int) throws {
            generator = SeededGenerator(seed)
            meter = try Usages.meter(text)
            period = Bool.random(using: &generator) ? Usages.march : Usages.october
            uses = Usages.random(
                count, around: period, removing: meter.terms.operationProperty != nil, &generator)
            usage = MeteredUsage(
                meter: meter, uses: Usages.sorted(uses), zone: Usages.berlin)
        }

        var slow: Slow { Slow(meter: meter, uses: uses, period: period) }
    }

    @Test(arguments: meters, Seeds.all)
    func aQuantityIsWhatItIsByHand(_ text: String, _ seed: UInt64) throws {
        for count in [0, 1, 2, 5, 60] {
            var now = try Case(text, seed &+ UInt64(count), count: count)
            let cuts = Usages.cuts(now.period, 3, &now.generator)
            for span in [now.period] + cuts where span.start < span.end {
                let quantity = now.usage.quantity(in: span, of: now.period)
                #expect(quantity == now.slow.quantity(in: span), "\(count) uses, \(span)")
            }
        }
    }

    @Test(arguments: meters, Seeds.all)
    func theOrderInWhichUsesCameDoesNotMatter(_ text: String, _ seed: UInt64) throws {
        var now = try Case(text, seed, count: 50)
        let quantity = now.usage.quantity(in: now.period, of: now.period)
        for _ in 0..<5 {
            let shuffled = now.uses.shuffled(using: &now.generator)
            let usage = MeteredUsage(
                meter: now.meter, uses: Usages.sorted(shuffled), zone: Usages.berlin)
            #expect(usage.all(in: now.period) == now.usage.all(in: now.period))
            #expect(usage.quantity(in: now.period, of: now.period) == quantity)
        }
    }

    @Test(arguments: ["count", "sum", "time_weighted", "time_weighted carry"], Seeds.all)
    func thePartsOfAPeriodAddUp(_ text: String, _ seed: UInt64) throws {
        var now = try Case(text, seed, count: 80)
        let parts = Usages.cuts(now.period, 7, &now.generator).map {
            now.usage.quantity(in: $0, of: now.period)
        }
        let whole = now.usage.quantity(in: now.period, of: now.period)
        #expect(parts.reduce(.zero) { $0 + $1 } == whole)
    }

    /// The quantity after a use is that of a log which ends with it.
    @Test(arguments: meters + ["sum convert", "time_weighted convert"], Seeds.all)
    func aRunningQuantityIsThatOfALogThatEndsThere(_ text: String, _ seed: UInt64) throws {
        let text = text.replacing("convert", with: #"convert:{"multiply":3,"round":"ceiling"}"#)
        var now = try Case(text, seed, count: 40)
        let ordered = Usages.sorted(now.uses)
        let cuts = Usages.cuts(now.period, 2, &now.generator)
        for span in [now.period] + cuts {
            let running = now.usage.running(in: span, of: now.period)
            for (use, quantity) in running {
                let end = try #require(ordered.firstIndex { $0.position == use.position })
                let ended = MeteredUsage(
                    meter: now.meter, uses: Array(ordered[...end]), zone: Usages.berlin)
                #expect(quantity == ended.quantity(in: span, of: now.period))
            }
            #expect(running.map(\.use.position) == now.usage.uses(in: span).map(\.position))
            let quantity = now.usage.quantity(in: span, of: now.period)
            let opening = now.usage.openingQuantity(in: span, of: now.period)
            #expect((running.last?.quantity ?? opening) == quantity)
            let before = MeteredUsage(
                meter: now.meter, uses: ordered.filter { $0.time < span.start },
                zone: Usages.berlin)
            #expect(opening == before.quantity(in: span, of: now.period))
        }
    }

    @Test func usesOfOneInstantAreOrderedBySourceAndIdThenByPosition() throws {
        let time = Usages.march.start
        let ordered = [
            try Usages.use(9, Usages.at(0, nanoseconds: -1), order: "z"),
            try Usages.use(5, time, order: ""), try Usages.use(4, time, order: "a"),
            try Usages.use(3, time, order: "a\u{0}"), try Usages.use(2, time, order: "b"),
            try Usages.use(6, time, order: "b"), try Usages.use(1, time, order: "é"),
            try Usages.use(0, Timestamp(nanoseconds: time.nanoseconds + 1), order: ""),
        ]
        #expect(
            Usages.sorted(ordered.reversed()).map(\.position) == ordered.map(\.position))
    }

    /// A use at the very end belongs to what comes after it.
    @Test(arguments: ["count", "sum", "max", "latest", "unique", "sum window:hour"])
    func aPeriodHasItsStartAndNotItsEnd(_ text: String) throws {
        let (start, end) = (Usages.march.start, Usages.march.end)
        let usage = MeteredUsage(
            meter: try Usages.meter(text),
            uses: [
                try Usages.use(0, Timestamp(nanoseconds: start.nanoseconds - 1), "5", key: 1),
                try Usages.use(1, start, "1", key: 2), try Usages.use(2, end, "9", key: 3),
            ], zone: Usages.berlin)
        #expect(usage.quantity(in: Usages.march, of: Usages.march) == .one)
        #expect(usage.uses(in: Usages.march).map(\.position) == [1])
    }

    /// The most uses in one window; seconds are counted from a local midnight.
    @Test(
        arguments: [
            // 29 March has 23 hours: it ends 82,800 seconds after it began.
            ("day", 1_774_738_800, [-1, 0, 82_799, 82_800], "2"),
            // 25 October has 25.
            ("day", 1_792_879_200, [-1, 0, 86_400, 89_999, 90_000], "3"),
            // At two that morning it is three.
            ("hour", 1_774_738_800, [3_599, 3_600, 7_199, 7_200], "2"),
            // Half past two comes twice that night, in two hours.
            ("hour", 1_792_879_200, [9_000, 12_600], "1"),
            ("hour", 1_792_879_200, [7_200, 10_799, 10_800], "2"),
        ] as [(String, Int64, [Int64], String)])
    func windowsFollowTheClocksOfTheZone(
        _ window: String, _ midnight: Int64, _ seconds: [Int64], _ expected: String
    ) throws {
        let usage = MeteredUsage(
            meter: try Usages.meter("count window:\(window) across:max"),
            uses: try seconds.map { try Usages.use(UInt64($0 + 1), Usages.at(midnight + $0)) },
            zone: Usages.berlin)
        let year = Period(start: Usages.march.start, end: Usages.october.end)
        #expect(usage.quantity(in: year, of: year).description == expected)
    }

    /// A consume of a count counts what it consumed, an event counts one.
    @Test func aCountAddsWhatWasConsumed() throws {
        let start = Usages.march.start
        let uses = [
            try Usages.use(0, start, "7"), try Usages.use(1, start, "2.5", isConsume: true),
        ]
        let usage = MeteredUsage(
            meter: try Usages.meter("count"), uses: uses, zone: .utc)
        #expect(usage.quantity(in: Usages.march, of: Usages.march).description == "3.5")
        #expect(uses.map { usage.value(of: $0).description } == ["1", "2.5"])
    }

    /// Int128 holds no such sum: the use is left out whole, as the counters leave it out.
    @Test func aUseThatNoSumHoldsIsNotCounted() throws {
        let start = Usages.march.start
        let most = MeterUse(
            position: 0, time: start, order: [0], value: Quantity(units: .max))
        let more = try Usages.use(1, start, "1", order: "b")
        for text in ["sum", "average"] {
            let usage = MeteredUsage(
                meter: try Usages.meter(text), uses: [most, more], zone: .utc)
            let quantity = usage.quantity(in: Usages.march, of: Usages.march)
            #expect(quantity == Fraction(Quantity(units: .max)), "\(text)")
        }
    }
}

extension MeteredUsage {
    fileprivate func all(in period: Period) -> [UInt64] { uses(in: period).map(\.position) }
}
