import Billing
import Money
import Seeds
import Testing

/// Meters, zones and uses for the tests of metering.
enum Usages {
    static let hour: Int64 = 3_600_000_000_000
    static let day = 24 * hour

    /// March 2026 in Berlin: 743 hours, of which the 29th has 23.
    static let march = Period(start: at(1_772_319_600), end: at(1_774_994_400))
    /// October 2026 in Berlin: 745 hours, of which the 25th has 25.
    static let october = Period(start: at(1_790_805_600), end: at(1_793_487_600))

    /// Berlin's offsets of 2026.
    static let berlin = TimeZoneTable(
        name: "Europe/Berlin",
        transitions: [
            .init(from: 0, offset: 3600), .init(from: 1_774_746_000, offset: 7200),
            .init(from: 1_792_890_000, offset: 3600),
        ])

    /// What the clocks of Berlin show in 2026, in nanoseconds: not asked of the table.
    static func berlinClock(_ time: Timestamp) -> Int64 {
        let isSummer = (at(1_774_746_000)..<at(1_792_890_000)).contains(time)
        return time.nanoseconds + (isSummer ? 2 : 1) * hour
    }

    static func at(_ seconds: Int64, nanoseconds: Int64 = 0) -> Timestamp {
        Timestamp(nanoseconds: seconds * 1_000_000_000 + nanoseconds)
    }

    /// A meter, decoded as every meter is: `sum window:day across:max` and so on.
    static func meter(_ text: String) throws -> Meter {
        let words = text.split(separator: " ").map(String.init)
        var members = [#""event":"e""#, #""aggregate":"\#(words[0])""#]
        if words[0] != "count" { members.append(#""value":"v""#) }
        for word in words.dropFirst() {
            let parts = word.split(separator: ":", maxSplits: 1).map(String.init)
            let value = parts.count == 1 ? "true" : parts[1]
            let isText = parts.count == 2 && !value.hasPrefix("{")
            members.append(isText ? #""\#(parts[0])":"\#(value)""# : #""\#(parts[0])":\#(value)"#)
        }
        // Only for a price over time does a sum or a count go on in the next period.
        let isPriced = ["count carry", "sum carry"].contains(text)
        let prices = isPriced ? #""line":{"meter":"m","amount":1,"prorate":"day"}"# : ""
        let json = """
            {"catalog":1,"currency":"USD","meters":{"m":{\(members.joined(separator: ","))}},
             "plans":{"p":{"prices":{\(prices)}}}}
            """
        let catalog = try Catalog.decode(try Trees.value(json)).get()
        return try #require(catalog.meter("m"))
    }

    static func use(
        _ position: UInt64, _ time: Timestamp, _ value: String = "1", key: UInt128 = 0,
        removes: Bool = false, isConsume: Bool = false, order: String? = nil
    ) throws -> MeterUse {
        MeterUse(
            position: position, time: time, order: Array((order ?? "\(position)").utf8),
            value: try #require(Quantity(value)), key: key, removes: removes, isConsume: isConsume)
    }

    /// So many uses in and around a period, some of them at one instant, on an hour or at its ends.
    static func random(
        _ count: Int, around period: Period, removing: Bool = false,
        _ generator: inout SeededGenerator
    ) -> [MeterUse] {
        let (start, end) = (period.start.nanoseconds, period.end.nanoseconds)
        let ends = [start - 1, start, end - 1, end]
        let scales: [Int128] = [1, 250_000_000_000, Quantity.one.units]
        let instants = (0...count / 2).map { _ -> Int64 in
            let instant = Int64.random(in: (start - 9 * day)..<(end + 9 * day), using: &generator)
            return switch Int.random(in: 0..<6, using: &generator) {
            case 0: instant - instant % hour
            case 1: ends[Int.random(in: 0..<4, using: &generator)]
            // Close together, so that windows have several uses.
            case 2: start + Int64.random(in: 0..<(7 * hour), using: &generator)
            default: instant
            }
        }
        return (0..<count).map { position in
            let instant = instants[Int.random(in: 0...count / 2, using: &generator)]
            let scale = scales[Int.random(in: 0..<3, using: &generator)]
            return MeterUse(
                position: UInt64(position), time: Timestamp(nanoseconds: instant),
                order: Array("\(Int.random(in: 0..<40, using: &generator))".utf8),
                value: Quantity(units: Int128.random(in: -3...9, using: &generator) * scale),
                key: UInt128.random(in: 0..<6, using: &generator),
                removes: removing && Bool.random(using: &generator),
                isConsume: Int.random(in: 0..<4, using: &generator) == 0)
        }
    }

    static func sorted(_ uses: [MeterUse]) -> [MeterUse] { uses.sorted(by: MeterUse.precedes) }

    /// The period cut at some instants of its own.
    static func cuts(_ period: Period, _ count: Int, _ generator: inout SeededGenerator) -> [Period]
    {
        let inside = (0..<count).map { _ in
            Timestamp(
                nanoseconds: Int64.random(
                    in: period.start.nanoseconds...period.end.nanoseconds, using: &generator))
        }
        let ends = ([period.start, period.end] + inside).sorted()
        return zip(ends, ends.dropFirst()).map { Period(start: $0, end: $1) }
    }
}

extension MeteredUsage {
    /// The span's uses, each with the span's quantity as if it were the last.
    func running(in span: Period, of period: Period) -> [(use: MeterUse, quantity: Fraction)] {
        var list: [(use: MeterUse, quantity: Fraction)] = []
        let mine = uses(in: span)
        forEachRunning(in: span, of: period) { list.append((mine[$0], $1.fraction)) }
        return list
    }
}
