import Billing
import Codec
import Engine
import Money
import Seeds
import Testing

/// What holds for all bills, on random histories under prices of every kind.
@Suite struct BillPropertyTests {
    private static let catalog = """
        {"catalog":1,"currency":"USD","meters":{
           "sum":{"event":"e","aggregate":"sum","value":"n"},
           "users":{"event":"e","aggregate":"unique","value":"u","operation":"op","carry":true},
           "level":{"event":"e","aggregate":"time_weighted","value":"n","carry":true},
           "peak":{"event":"e","aggregate":"max","value":"n","window":"hour"},
           "last":{"event":"e","aggregate":"latest","value":"n"}},
         "plans":{
           "p":{"prices":{
             "graduated":{"meter":"sum","graduated":[{"up_to":20,"amount":0.333,"flat":2},{"amount":0.1}]},
             "volume":{"meter":"sum","volume":[{"up_to":30,"amount":1},{"amount":0.5}]},
             "percent":{"meter":"sum","percentage":{"rate":1.7,"fixed":0.3,"free_events":3,"free_units":11}},
             "seats":{"meter":"users","amount":9,"prorate":"day"},
             "level":{"meter":"level","amount":0.77},
             "peak":{"meter":"peak","package":{"size":3,"amount":1.01}},
             "last":{"meter":"last","amount":0.5}},"tax":{"rate":19}},
           "q":{"prices":{"sum":{"meter":"sum","amount":0.07},"fee":{"fee":31}}}}}
        """

    private struct Event {
        let id: Int
        let day: Int
        let minute: Int
        let value: Int

        func json(recordedAt: String) -> String {
            let time =
                "2026-03-\(day < 10 ? "0" : "")\(day)T0\(minute / 60):\(minute % 60 < 10 ? "0" : "")\(minute % 60):00Z"
            return
                #"{"kind":"event","recorded_at":"\#(recordedAt)","source":"s","id":"e\#(id)","type":"e","#
                + #""time":"\#(time)","data":{"n":\#(value),"u":"\#(id % 5)","op":"\#(id % 3 == 0 ? "remove" : "add")"}}"#
        }
    }

    private static func events(_ generator: inout SeededGenerator) -> [Event] {
        (0..<Int.random(in: 0...25, using: &generator)).map { id in
            // Few instants, so that many events share one.
            Event(
                id: id, day: Int.random(in: 1...31, using: &generator),
                minute: Int.random(in: 0...9, using: &generator) * 40,
                value: Int.random(in: 0...12, using: &generator))
        }
    }

    private static func invoices(_ entries: [String], _ periods: [String]) throws -> [Value] {
        let head = [
            #"{"kind":"publish","recorded_at":"2026-01-01T00:00:00Z","catalog":\#(catalog)}"#,
            #"{"kind":"subscribe","recorded_at":"2026-01-02T00:00:00Z","plan":"p"}"#,
        ]
        let json =
            #"{"entries":[\#((head + entries).joined(separator: ","))],"#
            + #""invoices":\#(periods),"at":"2027-01-01T00:00:00Z"}"#
        return try RatedCase.invoices(of: ValueCoder.value(json: Array(json.utf8)))
    }

    private static func total(_ invoice: Value) throws -> Fraction {
        Fraction(try #require(invoice["total"]?.text.flatMap { Quantity($0) }))
    }

    /// In whatever order events come, the bill is the same, line by line.
    @Test(arguments: Seeds.all) func theOrderOfArrivalChangesNothing(seed: UInt64) throws {
        var generator = SeededGenerator(seed)
        for _ in 0..<15 {
            let events = Self.events(&generator)
            let first = try Self.invoices(
                events.map { $0.json(recordedAt: "2026-04-01T00:00:00Z") }, ["2026-03"])
            let other = try Self.invoices(
                events.shuffled(using: &generator).map {
                    $0.json(recordedAt: "2026-04-01T00:00:00Z")
                }, ["2026-03"])
            #expect(first[0]["lines"] == other[0]["lines"])
            #expect(first[0]["total"] == other[0]["total"])
        }
    }

    /// A month that was finalised in the middle of its late events, and corrected by two invoices
    /// after it, costs what it costs at once, to the cent; also where a plan change came late.
    @Test(arguments: Seeds.all) func lateAndCorrectedIsTheSameAsInOrder(seed: UInt64) throws {
        var generator = SeededGenerator(seed)
        for round in 0..<15 {
            let events = Self.events(&generator).shuffled(using: &generator)
            var cuts = [
                Int.random(in: 0...events.count, using: &generator),
                Int.random(in: 0...events.count, using: &generator),
            ]
            cuts.sort()
            let change =
                round % 3 == 0
                ? [
                    #"{"kind":"subscribe","recorded_at":"2026-05-20T00:00:00Z","plan":"q","#
                        + #""effective":"2026-03-17T00:00:00Z"}"#
                ] : []
            let months = ["2026-03", "2026-04", "2026-05"]
            let atOnce = try Self.invoices(
                events.map { $0.json(recordedAt: "2026-04-01T00:00:00Z") } + change, months)
            func part(_ range: Range<Int>, _ at: String) -> [String] {
                events[range].map { $0.json(recordedAt: at) }
            }
            let corrected = try Self.invoices(
                part(0..<cuts[0], "2026-04-01T00:00:00Z") + [
                    #"{"kind":"finalise","recorded_at":"2026-04-02T00:00:00Z","period":"2026-03"}"#
                ] + part(cuts[0]..<cuts[1], "2026-04-03T00:00:00Z") + [
                    #"{"kind":"finalise","recorded_at":"2026-05-02T00:00:00Z","period":"2026-04"}"#
                ] + part(cuts[1]..<events.count, "2026-05-03T00:00:00Z") + change, months)
            let left = try atOnce.reduce(Fraction.zero) { $0 + (try Self.total($1)) }
            // What was carried over as credit stands on two invoices: below zero, and as a line.
            var right = try corrected.reduce(Fraction.zero) { $0 + (try Self.total($1)) }
            for invoice in corrected {
                guard case .array(let lines)? = invoice["lines"] else { continue }
                for line in lines where line["kind"]?.text == "carried" {
                    right =
                        right
                        - Fraction(try #require(line["amount"]?.text.flatMap { Quantity($0) }))
                }
            }
            #expect(left == right, "seed \(seed), round \(round)")
        }
    }

    /// What was finalised is never told otherwise.
    @Test(arguments: Seeds.all) func whatIsFinalisedStays(seed: UInt64) throws {
        var generator = SeededGenerator(seed)
        for _ in 0..<10 {
            let events = Self.events(&generator)
            let finalise =
                #"{"kind":"finalise","recorded_at":"2026-04-02T00:00:00Z","period":"2026-03"}"#
            let before = events.map { $0.json(recordedAt: "2026-04-01T00:00:00Z") } + [finalise]
            let late = events.map { event in
                Event(id: event.id + 100, day: event.day, minute: event.minute, value: event.value)
                    .json(recordedAt: "2026-04-03T00:00:00Z")
            }
            let first = try Self.invoices(before, ["2026-03"])
            let then = try Self.invoices(before + late, ["2026-03"])
            #expect(first[0]["hash"] == then[0]["hash"])
            #expect(first[0]["lines"] == then[0]["lines"])
        }
    }
}
