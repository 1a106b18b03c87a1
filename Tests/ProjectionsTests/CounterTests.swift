import Billing
import Bytes
import Money
import Projections
import Seeds
import Testing

/// Counters: what adds up, what is refused, and that only what counts is in the digest.
@Suite struct CounterTests {
    /// One addition, by hand.
    struct Use {
        var aggregation = Aggregation.sum
        var units: Int128 = Sample.one
        var uniqueKey: UInt128 = 0
        var account: UInt32 = 0
        var meter: UInt32 = 0
        var month: Int32 = 24_314
        var group: String?
        var isCounted = true
    }

    @discardableResult
    private func add(_ use: Use, to counters: inout Counters) -> Bool {
        let addition = Counters.Addition(
            aggregation: use.aggregation, units: use.units, uniqueKey: use.uniqueKey,
            isCounted: use.isCounted)
        guard let group = use.group else {
            return counters.add(
                addition, account: use.account, meter: use.meter, month: Month(index: use.month),
                group: nil)
        }
        return group.withBytes { group in
            counters.add(
                addition, account: use.account, meter: use.meter,
                month: Month(index: use.month), group: group)
        }
    }

    private func counters(_ uses: [Use]) -> Counters {
        var counters = Counters(key: Sample.key)
        for use in uses { #expect(add(use, to: &counters)) }
        return counters
    }

    private func digest(_ uses: [Use]) -> String {
        var counters = counters(uses)
        return counters.digest().hex
    }

    private func total(_ counters: borrowing Counters, _ use: Use) -> [Int128] {
        let total = counters.total(
            account: use.account, meter: use.meter, month: Month(index: use.month))
        return [Int128(total.events), total.units]
    }

    @Test(
        arguments: [
            (Aggregation.count, [1, 1, 1], [3, 3]), (.sum, [5, -7, 1], [3, -1]),
            (.max, [-5, -9, -2, -4], [4, -2]), (.max, [3, 9, 1], [3, 9]),
            (.min, [-5, -9, -2, -4], [4, -9]), (.min, [3, 9, 1], [3, 1]), (.min, [7], [1, 7]),
            (.average, [5, -7, 1, 1], [4, 0]), (.latest, [5, 6], [2, 0]),
            (.timeWeighted, [5, 6], [2, 0]),
        ] as [(Aggregation, [Int128], [Int128])])
    func valuesCombine(_ aggregation: Aggregation, _ values: [Int128], _ expected: [Int128]) {
        let counters = counters(values.map { Use(aggregation: aggregation, units: $0) })
        #expect(total(counters, Use()) == expected)
    }

    /// Of a meter whose aggregate depends on order, on windows or on other months only the number of
    /// events is kept.
    @Test(arguments: Aggregation.allCases)
    func whatCannotBeCountedIsOnlyNumbered(_ aggregation: Aggregation) {
        let uses = [Int128.max, Int128.max, -7].map {
            Use(
                aggregation: aggregation, units: $0, uniqueKey: 9, group: "g", isCounted: false)
        }
        let counters = counters(uses)
        #expect(total(counters, Use()) == [3, 0])
        counters.forEachCell(of: 0) { #expect($0.events == 3 && $0.units == 0) }
    }

    @Test func anAverageIsASumOverANumber() {
        let counters = counters(
            [1, 2, 2].map { Use(aggregation: .average, units: $0 * Sample.one) })
        func quantity(_ month: Int32, isAverage: Bool) -> Fraction {
            counters.quantity(
                account: 0, meter: 0, month: Month(index: month), isAverage: isAverage)
        }
        #expect(quantity(24_314, isAverage: true) == Fraction(5, over: 3))
        #expect(quantity(24_314, isAverage: false) == Fraction(5))
        #expect(quantity(24_315, isAverage: true) == .zero)
    }

    /// A counter says what the uses one by one amount to.
    @Test(
        arguments: [Aggregation.count, .sum, .max, .min, .average, .unique], Seeds.all)
    func aCounterSaysWhatTheUsesAmountTo(_ aggregation: Aggregation, _ seed: UInt64) throws {
        var generator = SeededGenerator(seed)
        let value = aggregation == .count ? "" : #","value":"v""#
        let meters = #""m":{"event":"e","aggregate":"\#(aggregation.rawValue)"\#(value)}"#
        let json = #"{"catalog":1,"currency":"USD","meters":{\#(meters)},"plans":{}}"#
        let meter = try #require(try Sample.catalog(json).meters.first)
        #expect(meter.isCounted)
        let time = Timestamp(nanoseconds: 1_772_323_200_000_000_000)
        for count in [0, 1, 2, 30] {
            let uses = (0..<UInt64(count)).map { position in
                MeterUse(
                    position: position, time: time, order: [],
                    value: Quantity(units: Int128.random(in: -9...9, using: &generator)),
                    key: UInt128.random(in: 0..<9, using: &generator), isConsume: true)
            }
            let counters = counters(
                uses.map {
                    Use(aggregation: aggregation, units: $0.value.units, uniqueKey: $0.key)
                })
            let month = Period(start: time, end: Timestamp(nanoseconds: time.nanoseconds + 1))
            let counted = counters.quantity(
                account: 0, meter: 0, month: Month(index: 24_314),
                isAverage: aggregation == .average)
            let usage = MeteredUsage(meter: meter, uses: uses, zone: .utc)
            #expect(counted == usage.quantity(in: month, of: month))
        }
    }

    @Test func distinctValuesAreCountedOnce() {
        let counters = counters(
            ([1, 2, 1, 1, 1 << 100, 2] as [UInt128]).map {
                Use(aggregation: .unique, units: 0, uniqueKey: $0)
            })
        #expect(total(counters, Use()) == [6, 3 * Sample.one])
    }

    /// A sum that 128 bits do not hold is refused, and nothing of it stays.
    @Test(
        arguments: [
            (Aggregation.sum, Int128.max, 1), (.sum, Int128.min, -1), (.count, Int128.max, 1),
            (.count, Int128.max - 5, Int128.max), (.average, Int128.max, 1),
        ] as [(Aggregation, Int128, Int128)])
    func anOverflowIsRefusedAndLeavesNothing(
        _ aggregation: Aggregation, _ first: Int128, _ second: Int128
    ) {
        var counters = counters([Use(aggregation: aggregation, units: first, group: "g")])
        let before = counters.digest()
        let fits = add(
            Use(aggregation: aggregation, units: second, group: "g"), to: &counters)
        #expect(!fits)
        #expect(total(counters, Use()) == [1, first])
        let after = counters.digest()
        #expect(after == before)
        let stillWorks = add(
            Use(aggregation: aggregation, units: -second, group: "g"), to: &counters)
        #expect(stillWorks)
    }

    /// A group's sum may leave 128 bits where the total does not.
    @Test func aGroupBeyondTheRangeDoesNotTrap() {
        let uses = [
            Use(units: Int128.max, group: "a"), Use(units: Int128.min, group: "b"),
            Use(units: Int128.max, group: "a"),
        ]
        let counters = counters(uses)
        #expect(total(counters, Use())[1] == Int128.max - 1)
    }

    @Test func theCellsOfAnAccountAreChained() {
        var uses: [Use] = []
        for account in 0..<40 as Range<UInt32> {
            for meter in 0..<3 as Range<UInt32> {
                for month in 0..<4 as Range<Int32> {
                    for group in ["a", "b"] {
                        uses.append(
                            Use(account: account, meter: meter, month: month, group: group))
                    }
                }
            }
        }
        let counters = counters(uses.shuffledByHand())
        for account in 0..<40 as Range<UInt32> {
            var cells: [[Int]] = []
            counters.forEachCell(of: account) { cell in
                cells.append([
                    Int(cell.account), Int(cell.meter), Int(cell.month.index), Int(cell.group),
                    Int(cell.events), Int(cell.units / Sample.one),
                ])
            }
            #expect(cells.count == 3 * 4 * 3)
            #expect(Set(cells).count == cells.count)
            for cell in cells {
                #expect(cell[0] == Int(account))
                #expect(Array(cell[4...]) == (cell[3] == 0 ? [2, 2] : [1, 1]))
            }
        }
        var strangers = 0
        counters.forEachCell(of: 40) { _ in strangers += 1 }
        #expect(strangers == 0)
    }

    @Test func theOrderOfAccountsIsNotInTheDigest() {
        let uses = (0..<600).map { Use(units: Int128($0), account: UInt32($0), group: "g") }
        #expect(digest(uses) == digest(uses.shuffledByHand()))
    }

    /// Every field of a cell is in the digest.
    @Test(arguments: [
        Use(units: 2), Use(account: 1), Use(meter: 1), Use(month: 1), Use(group: "g"),
        Use(aggregation: .unique, units: 0, uniqueKey: 7), Use(isCounted: false),
    ])
    func everyFieldIsInTheDigest(_ use: Use) {
        #expect(digest([use]) != digest([Use()]))
        #expect(digest([use]) == digest([use]))
    }

    @Test func whichValuesWereSeenIsInTheDigest() {
        let seen = { (key: UInt128) in Use(aggregation: .unique, units: 0, uniqueKey: key) }
        #expect(digest([seen(1)]) != digest([seen(2)]))
        #expect(digest([seen(1), seen(2)]) == digest([seen(2), seen(1)]))
    }

    /// A meter that is dropped and metered again is as if it had always been metered so.
    @Test(arguments: Aggregation.allCases)
    func aDroppedMeterLeavesNoTrace(_ newer: Aggregation) {
        for older in Aggregation.allCases {
            let accounts = Array(0..<300 as Range<UInt32>)
            let others = accounts.map { Use(account: $0, meter: 1, group: "g") }
            let history = accounts.map {
                Use(aggregation: older, units: 7, uniqueKey: 3, account: $0, group: "g")
            }
            let again = accounts.filter { $0 % 2 == 0 }.map {
                Use(aggregation: newer, units: -4, uniqueKey: 9, account: $0, group: "g")
            }
            var dropped = counters(others + history)
            _ = dropped.digest()
            dropped.drop(meters: [0])
            #expect(total(dropped, Use()) == [0, 0])
            let withoutMeter = dropped.digest()
            #expect(withoutMeter.hex == digest(others))
            for use in again { add(use, to: &dropped) }
            let metered = dropped.digest()
            #expect(metered.hex == digest(others + again), "\(older) then \(newer)")
        }
    }

    @Test func aRestoredStateIsTheSameAndGoesOnTheSame() throws {
        var uses: [Use] = []
        for number in 0..<700 {
            var use = Use(units: Int128(number) - 350)
            use.account = UInt32(number * 31 % 520)
            use.meter = UInt32(number % 3)
            use.month = Int32(24_310 + number % 5)
            if number % 4 > 0 { use.group = "g\(number % 4)" }
            uses.append(use)
        }
        for number in 0..<40 {
            let key = UInt128(number % 8) << 90
            uses.append(
                Use(aggregation: .unique, units: 0, uniqueKey: key, account: 3, meter: 9))
        }
        var live = counters(uses)
        var bytes = ByteBuffer()
        live.serialise(into: &bytes) { _ in }
        var reader = ByteReader(bytes.bytes)
        var restored = try Counters(key: Sample.key, restoring: &reader)
        let isAtEnd = reader.isAtEnd
        #expect(isAtEnd)
        let tail = [
            Use(aggregation: .unique, units: 0, uniqueKey: 3 << 90, account: 3, meter: 9),
            Use(aggregation: .unique, units: 0, uniqueKey: 99, account: 3, meter: 9),
            Use(units: 5, account: 519, meter: 2, group: "g1"), Use(account: 900, group: "new"),
        ]
        for use in tail {
            let (left, right) = (live.digest(), restored.digest())
            #expect(left == right)
            add(use, to: &live)
            add(use, to: &restored)
        }
        let (left, right) = (live.digest(), restored.digest())
        #expect(left == right)
        #expect(total(restored, tail[0]) == [42, 9 * Sample.one])
        var again = ByteBuffer()
        live.serialise(into: &again) { _ in }
        var other = ByteBuffer()
        restored.serialise(into: &other) { _ in }
        #expect(again.copyBytes(in: 0..<again.count) == other.copyBytes(in: 0..<other.count))
    }

    @Test func groupsKeepTheirBytes() {
        let counters = counters([Use(group: "a"), Use(group: ""), Use(group: "a")])
        let first = counters.withGroup(1) { $0.makeArray() }
        let second = counters.withGroup(2) { $0.makeArray() }
        #expect(first == Array("a".utf8))
        #expect(second == [])
    }
}

extension Array {
    /// Another order, always the same one.
    func shuffledByHand() -> [Element] {
        var state: UInt64 = 42
        var order = self
        for index in order.indices.reversed() {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            order.swapAt(index, Int((state >> 33) % UInt64(index + 1)))
        }
        return order
    }
}
