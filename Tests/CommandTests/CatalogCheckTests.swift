import Billing
import Foundation
import Testing

@testable import daybook

/// `catalog check` says what is wrong and on which line; numbers and words mean what they look like.
@Suite struct CatalogCheckTests {
    static let head = "catalog: 1\ncurrency: USD\n"

    @Test(arguments: [
        // Our own checks, on the line of the path or of what holds it.
        (
            "plans:\n  free:\n    prices:\n      x:\n        meter: none\n        amount: 1\n",
            "7: plans.free.prices.x.meter: there is no meter \"none\""
        ),
        (
            "meters:\n  m:\n    event: e\n    aggregate: averag\n",
            "6: meters.m.aggregate: \"averag\" is none of"
        ),
        ("meters:\n  m:\n    aggregate: count\n", "4: meters.m.event: is missing"),
        ("meters:\n  m: {event: e, aggregate: sum}\n", "4: meters.m.value: is missing"),
        ("metres: {}\n", "3: metres: unknown key; did you mean \"meters\""),
        (
            "meters:\n  m: {event: e, aggregate: count}\nplans:\n  p:\n    prices:\n      x:\n"
                + "        meter: m\n        graduated:\n          - {up_to: 5, amount: 1}\n"
                + "          - {up_to: 4, amount: 1}\n          - {amount: 1}\n",
            "12: plans.p.prices.x.graduated[1].up_to: each tier but the last"
        ),
        (
            "features:\n  f: {}\nplans:\n  p:\n    entitlements:\n      f: off\n",
            "8: plans.p.entitlements.f: true, false, or a group"
        ),
        ("default_plan: gold\n", "3: default_plan: there is no plan \"gold\""),
        // The file itself.
        (
            "meters:\n  a: {event: e, aggregate: count}\n  a: {event: e, aggregate: count}\n",
            "the key \"a\" stands twice"
        ),
        ("meters: [\n", "not YAML"),
        ("default_plan: 0x1F\n", "3: default_plan: 0x1F is a number in a form"),
        ("default_plan: 010\n", "3: default_plan: 010 begins with a zero"),
        ("default_plan: !binary aGk=\n", "the tag"),
    ])
    func problemsHaveTheirLine(_ text: String, _ expected: String) throws {
        let folder = try TemporaryFolder()
        let file = try folder.file("c.yaml", Self.head + text)
        let ran = try BuiltBinary.run(["catalog", "check", file.path])
        #expect(ran.status == 65)
        #expect(ran.output.isEmpty)
        let lines = ran.errorLines.filter { $0.contains(expected) }
        #expect(!lines.isEmpty, "no \"\(expected)\" in \(ran.errors)")
        #expect(ran.errorLines.allSatisfy { $0.hasPrefix(file.path) || $0.hasPrefix("daybook:") })
    }

    @Test func allProblemsAtOnce() throws {
        let folder = try TemporaryFolder()
        let file = try folder.file(
            "c.yaml", "catalog: 2\ncurrency: USDX\nmeters: {m: {aggregate: count}}\nx: 1\n")
        let ran = try BuiltBinary.run(["catalog", "check", file.path])
        #expect(ran.errorLines.count == 5)
        #expect(ran.errorLines.last?.contains("4 problems") == true)
    }

    @Test(arguments: ["llm.yaml", "kill-test.json", "gate-test.json"])
    func fixturesAreRight(_ name: String) throws {
        let ran = try BuiltBinary.run(["catalog", "check", "Fixtures/catalogs/\(name)"])
        #expect(ran.status == 0, "\(ran.errors)")
    }

    /// The rate of a price must be exactly what the file says, far beyond what a double holds.
    @Test func numbersAreExact() throws {
        let folder = try TemporaryFolder()
        let price = "12345678901234.000000000001"
        let file = try folder.file(
            "c.yaml",
            Self.head + "meters: {m: {event: e, aggregate: count}}\n"
                + "plans: {p: {prices: {a: {meter: m, amount: \(price)}, "
                + "b: {meter: m, amount: 2.50, per: 1000000}, c: {meter: m, amount: 1e-3}}}}\n")
        let ran = try BuiltBinary.run(["catalog", "check", "--json", file.path])
        #expect(ran.status == 0, "\(ran.errors)")
        #expect(ran.output.contains(#""amount":"\#(price)""#))
        #expect(ran.output.contains(#""amount":"2.5""#))
        #expect(ran.output.contains(#""amount":"0.001""#))
    }

    @Test(arguments: [
        ("1", "1"), ("+1", "1"), ("-0.50", "-0.5"), (".5", "0.5"), ("5.", "5"), ("2.50", "2.5"),
        ("1e3", "1000"), ("0", "0"), ("true", "true"), ("False", "false"), ("~", "null"),
        ("", "null"), ("on", "\"on\""), ("off", "\"off\""), ("yes", "\"yes\""), ("no", "\"no\""),
        ("y", "\"y\""), ("1_000", "\"1_000\""), ("2023-11-01", "\"2023-11-01\""),
        ("12:30:45", "\"12:30:45\""), ("1.2.3", "\"1.2.3\""), ("1e", "\"1e\""), ("-", "\"-\""),
        ("0.1234567890123456789012345678901234567", "0.1234567890123456789012345678901234567"),
    ])
    func plainScalars(_ text: String, _ json: String) throws {
        let value = try YAMLScalar.plain(text)
        #expect(Self.json(value) == json)
    }

    @Test(arguments: ["0x1F", "0o17", ".inf", "-.Inf", ".nan", "007", "00", "-01.5"])
    func treacherousScalarsAreRefused(_ text: String) {
        #expect(throws: YAMLScalar.Refusal.self) { try YAMLScalar.plain(text) }
    }

    @Test func quotedScalarsAreTexts() throws {
        let folder = try TemporaryFolder()
        let file = try folder.file(
            "v.yaml", "a: '5'\nb: \"true\"\nc: &x [1, \"1\"]\nd: *x\ne: !!str 7\n")
        let value = try YAMLDocument(file: file.path).value
        #expect(
            Self.json(value)
                == #"{"a":"5","b":"true","c":[1,"1"],"d":[1,"1"],"e":"7"}"#)
    }

    /// What `show` prints is the same catalog.
    @Test(arguments: ["llm.yaml", "kill-test.json", "gate-test.json"])
    func shownCatalogsReadTheSame(_ name: String) throws {
        let original = try CatalogFile(
            BuiltBinary.top.appendingPathComponent("Fixtures/catalogs/\(name)").path)
        let folder = try TemporaryFolder()
        let text = YAMLWriter.lines(original.canonical).joined(separator: "\n") + "\n"
        let again = try CatalogFile(try folder.file("again.yaml", text).path)
        #expect(again.catalog == original.catalog)
        #expect(CatalogDifference.changes(from: original.canonical, to: again.canonical).isEmpty)
    }

    /// Every option that there is comes back too, names of dimensions that are keys of a price among
    /// them.
    @Test func theWholeLanguageReadsTheSame() throws {
        let folder = try TemporaryFolder()
        let original = try CatalogFile(try folder.file("all.yaml", Self.all).path)
        let text = YAMLWriter.lines(original.canonical).joined(separator: "\n") + "\n"
        let again = try CatalogFile(try folder.file("again.yaml", text).path)
        #expect(again.canonical == original.canonical, "\(text)")
        // Quantities are numbers for people, and what only looks like one keeps its quotes.
        #expect(text.contains("rate: 1.3\n") && text.contains("limit: \"5\"\n"))
        #expect(text.contains("Europe/Berlin: [[0, 3600], [1774746000, 7200]]\n"))
    }

    static let all = """
        catalog: 1
        currency: USD
        timezones: {Europe/Berlin: [[0, 3600], [1774746000, 7200]], Etc/GMT+3: []}
        events: {max_age: 35 days, max_ahead: 5 minutes, late: ignore}
        personal: [who.email]
        meters:
          calls: {event: e, aggregate: count, window: day, across: max}
          money:
            {event: e, aggregate: sum, value: v}
          seats: {event: e, aggregate: unique, value: u, operation: op, carry: true}
          level:
            {event: e, aggregate: time_weighted, value: v}
          gb: {event: e, aggregate: max, value: v, convert: {divide: 1000, round: half_up, decimals: 1}}
        plans:
          p:
            billing: {every: 3 months, anchor: subscription, timezone: Europe/Berlin}
            minimum: 10
            maximum: 1000
            discounts: [{percent: 10, name: Friends}, {amount: 5}]
            tax: {rate: 19, name: VAT}
            order: [tax, discounts]
            prices:
              base: {fee: 20, charged: advance, prorate: day, tax_exempt: true}
              calls: {meter: calls, volume: [{up_to: 5, amount: 1, flat: 2}, {amount: 3}], free: 10}
              cut: {meter: money, percentage: {rate: 1.3, fixed: 0.1, free_events: 3, maximum: 5}}
              cut2: {meter: money, graduated_percentage: [{up_to: 9, rate: 2}, {rate: 1}]}
              gb: {meter: gb, stairstep: [{up_to: 1, amount: 2}, {amount: 3}], flat_at_zero: false}
              level: {meter: level, amount: 4, per: 10, prorate: second, negative: true}
              money: {meter: money, dynamic: {multiplier: 1.2}, minimum: 1, maximum: 2}
              rows:
                meter: money
                matrix:
                  by: [limit, rate]
                  rows: {limit: {limit: "5", amount: 2}, five: {limit: 5, rate: "x", amount: 1, per: 10}}
                  other: 3
              seats: {meter: seats, amount: 1, commitment: {quantity: 5, overage: 1.5, true_up: false}}

        """

    @Test func tiersAreComparedOneByOne() throws {
        func value(_ second: String) throws -> Value {
            let folder = try TemporaryFolder()
            return try YAMLDocument(
                file: try folder.file("c.yaml", "t: [{up_to: 5, amount: 1}\(second)]\n").path
            ).value
        }
        let changes = CatalogDifference.changes(
            from: try value(", {amount: 2}"), to: try value(", {amount: 3}, {amount: 1}"))
        #expect(changes.map(\.path) == ["t[1].amount", "t[2].amount"])
        #expect(changes[1].before == nil)
        let table = Value.array([.array([.bool(true), .bool(true)])])
        #expect(CatalogDifference.shown(table, at: "timezones.UTC") == "a table of 1 offset")
    }

    @Test func differencesNameTheirPath() throws {
        let before = Value.object(of: [
            ("a", .object(of: [("x", .string("1")), ("y", .bool(true))])), ("b", .null),
        ])
        let after = Value.object(of: [
            ("a", .object(of: [("x", .string("2")), ("z", .bool(true))])),
            (
                "c",
                .object(of: [
                    ("n", .null), ("n", .bool(true)),
                    ("d", .object(of: [("e", .bool(true))])),
                ])
            ),
        ])
        let changes = CatalogDifference.changes(from: before, to: after)
        #expect(changes.map(\.path) == ["a.x", "a.y", "a.z", "c.d.e", "c.n"])
        #expect(changes[0].before == .string("1") && changes[0].after == .string("2"))
        #expect(changes[1].after == nil && changes[2].before == nil)
    }

    static func json(_ value: Value) -> String {
        switch value {
        case .null: "null"
        case .bool(let flag): "\(flag)"
        case .number(let number): "\(number)"
        case .numberText(let text), .string(let text): "\"\(text)\""
        case .array(let list): "[" + list.map(json).joined(separator: ",") + "]"
        case .object(let members):
            "{" + members.map { "\"\($0.name)\":\(json($0.value))" }.joined(separator: ",") + "}"
        case .redacted: "redacted"
        }
    }
}
