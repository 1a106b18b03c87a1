import Billing
import Bytes
import Codec
import Projections
import Testing

/// What a meter reads from one event.
@Suite struct MeteringTests {
    private enum Read: Equatable {
        case notMine, unreadable
        case counts(Int128)
    }

    private func read(_ meter: String, _ data: String?) throws -> Read {
        let compiled = try #require(try Sample.meters(#""m":\#(meter)"#).first)
        let data = data.map { #","data":\#($0)"# } ?? ""
        let content = try Sample.event(
            #"{"specversion":"1.0","id":"e","source":"s","type":"t","subject":"a"\#(data)}"#)
        let view = try RecordView(content: content.raw)
        return switch compiled.reading(of: view) {
        case .notMine: .notMine
        case .unreadable: .unreadable
        case .counts(let units, _, _): .counts(units)
        }
    }

    private func filter(_ conditions: String) -> String {
        #"{"event":"t","aggregate":"count","filter":{\#(conditions)}}"#
    }

    @Test(arguments: [
        (#""region":"eu""#, #"{"region":"eu"}"#, true),
        (#""region":"eu""#, #"{"region":"EU"}"#, false),
        (#""region":"eu""#, #"{"region":["eu"]}"#, false), (#""region":"eu""#, "{}", false),
        (#""region":["eu","us"]"#, #"{"region":"us"}"#, true),
        (#""region":["eu","us"]"#, #"{"region":"uk"}"#, false),
        (#""n":1"#, #"{"n":1}"#, true), (#""n":1"#, #"{"n":1.0}"#, true),
        (#""n":1.50"#, #"{"n":15e-1}"#, true), (#""n":1"#, #"{"n":"1"}"#, false),
        (#""n":1"#, #"{"n":true}"#, false), (#""n":-0"#, #"{"n":0}"#, true),
        (#""cached":true"#, #"{"cached":true}"#, true),
        (#""cached":true"#, #"{"cached":false}"#, false),
        (#""cached":false"#, "{}", false), (#""cached":false"#, #"{"cached":null}"#, false),
        (#""a.b.c":"x""#, #"{"a":{"b":{"c":"x"}}}"#, true),
        (#""a.b.c":"x""#, #"{"a":{"b":"x"}}"#, false),
        (#""a.b.c":"x""#, #"{"a.b.c":"x"}"#, false),
        (#""n":1,"region":"eu""#, #"{"n":1,"region":"eu"}"#, true),
        (#""n":1,"region":"eu""#, #"{"n":1}"#, false),
    ])
    func filtersCompareValues(_ conditions: String, _ data: String, _ matches: Bool) throws {
        let expected: Read = matches ? .counts(Sample.one) : .notMine
        #expect(try read(filter(conditions), data) == expected)
        if !matches { #expect(try read(filter(conditions), nil) == .notMine) }
    }

    @Test(
        arguments: [
            (#"{"n":7}"#, 7_000_000_000_000), (#"{"n":0}"#, 0),
            (#"{"n":-2.5}"#, -2_500_000_000_000),
            (#"{"n":0.000000000001}"#, 1), (#"{"n":25e-1}"#, 2_500_000_000_000),
            (#"{"n":0.0000000000001}"#, nil), (#"{"n":1e30}"#, nil), (#"{"n":"7"}"#, nil),
            (#"{"n":null}"#, nil), (#"{"n":true}"#, nil), (#"{"n":[7]}"#, nil), ("{}", nil),
            ("7", nil), ("null", nil),
        ] as [(String, Int128?)])
    func valuesAreExactNumbersOrUnreadable(_ data: String, _ units: Int128?) throws {
        let expected = units.map { Read.counts($0) } ?? .unreadable
        for word in ["sum", "max", "min", "average", "latest", "time_weighted"] {
            let meter = #"{"event":"t","aggregate":"\#(word)","value":"n"}"#
            #expect(try read(meter, data) == expected, "\(word)")
        }
    }

    @Test func valuesMayStandDeep() throws {
        let meter = #"{"event":"t","aggregate":"sum","value":"usage.tokens"}"#
        #expect(try read(meter, #"{"usage":{"tokens":3}}"#) == .counts(3 * Sample.one))
        #expect(try read(meter, #"{"usage":3}"#) == .unreadable)
        #expect(try read(meter, nil) == .unreadable)
    }

    /// An event that a filter leaves out is not counted as unreadable.
    @Test func theFilterComesBeforeTheValue() throws {
        let meter = #"{"event":"t","aggregate":"sum","value":"n","filter":{"k":1}}"#
        #expect(try read(meter, #"{"k":2,"n":"x"}"#) == .notMine)
        #expect(try read(meter, #"{"k":1,"n":"x"}"#) == .unreadable)
    }

    private func uniqueKey(_ data: String) throws -> UInt128? {
        let meter = try #require(
            try Sample.meters(#""m":{"event":"t","aggregate":"unique","value":"v"}"#).first)
        let content = try Sample.event("e", "t", "a", data)
        let view = try RecordView(content: content.raw)
        guard case .counts(_, let key, _) = meter.reading(of: view) else { return nil }
        return key
    }

    @Test func distinctMeansDifferentByValue() throws {
        let one = try #require(try uniqueKey(#"{"v":1}"#))
        for same in [#"{"v":1.0}"#, #"{"v":10e-1}"#, #"{"v":1e0}"#] {
            #expect(try uniqueKey(same) == one, "\(same)")
        }
        var keys = [one]
        for other in [
            #"{"v":"1"}"#, #"{"v":1.1}"#, #"{"v":true}"#, #"{"v":null}"#, #"{"v":[1]}"#,
            #"{"v":{"a":1}}"#, #"{"v":"é"}"#, #"{"v":"e\u0301"}"#,
        ] { keys.append(try #require(try uniqueKey(other))) }
        #expect(Set(keys).count == keys.count)
        #expect(try uniqueKey("{}") == nil)
        #expect(try uniqueKey(#"{"v":{"a":1,"b":2}}"#) == uniqueKey(#"{"v":{"b":2,"a":1}}"#))
    }

    /// What a unique meter with an operation reads: true if the value goes; nil: unreadable.
    private func removes(_ data: String, operation: String?) throws -> Bool? {
        let member = operation.map { #","operation":"\#($0)""# } ?? ""
        let meter = try #require(
            try Sample.meters(#""m":{"event":"t","aggregate":"unique","value":"v"\#(member)}"#)
                .first)
        let content = try Sample.event("e", "t", "a", data)
        let view = try RecordView(content: content.raw)
        switch meter.reading(of: view) {
        case .counts(_, _, let removes): return removes
        case .unreadable: return nil
        case .notMine:
            Issue.record("it is the meter's")
            return nil
        }
    }

    @Test(
        arguments: [
            (#"{"v":1,"op":"add"}"#, false), (#"{"v":1,"op":"remove"}"#, true),
            (#"{"v":1}"#, false), (#"{"v":1,"op":"Remove"}"#, nil), (#"{"v":1,"op":""}"#, nil),
            (#"{"v":1,"op":"remove "}"#, nil), (#"{"v":1,"op":null}"#, nil),
            (#"{"v":1,"op":true}"#, nil), (#"{"v":1,"op":0}"#, nil),
            (#"{"v":1,"op":["add"]}"#, nil), (#"{"op":"remove"}"#, nil), ("{}", nil),
        ] as [(String, Bool?)])
    func anOperationAddsOrRemovesOrCannotBeRead(_ data: String, _ expected: Bool?) throws {
        #expect(try removes(data, operation: "op") == expected)
        let deep = #"{"v":1,"o":\#(data)}"#
        let isValueless = !data.contains(#""v""#)
        if !isValueless { #expect(try removes(deep, operation: "o.op") == expected) }
        // A meter without an operation does not look for one.
        #expect(try removes(data, operation: nil) == (isValueless ? nil : false))
    }

    private func group(_ data: String, number: UInt32 = 0) throws -> [UInt8] {
        let json =
            #"{"catalog":1,"currency":"USD","meters":{"m":{"event":"t","aggregate":"count","#
            + #""group_by":["model","a.b"]}},"plans":{}}"#
        let meter = try #require(try Sample.catalog(json).meters.first)
        let compiled = CompiledMeter(meter, number: number, burn: nil)
        let content = try Sample.event("e", "t", "a", data)
        let view = try RecordView(content: content.raw)
        var bytes = ByteBuffer()
        compiled.appendGroup(of: view, to: &bytes)
        return bytes.copyBytes(in: 0..<bytes.count)
    }

    @Test func groupsAreTheValuesInTheCatalogsOrder() throws {
        let full = try group(#"{"a":{"b":2},"model":"x"}"#)
        #expect(full == [0, 6, 1, UInt8(ascii: "x"), 3, 4])
        #expect(try group(#"{"model":"x","a":{"b":2.0}}"#) == full)
        // A missing property is null, so that every event of the meter has a group.
        #expect(try group("{}") == [0, 0, 0])
        #expect(try group(#"{"model":null}"#) == [0, 0, 0])
        #expect(try group(#"{"model":"x","a":7}"#) == [0, 6, 1, UInt8(ascii: "x"), 0])
        // Groups of two meters do not meet.
        #expect(try group("{}", number: 1) == [1, 0, 0])
    }

    @Test func aConsumesPropertiesStandUnderItsData() throws {
        let json = #""m":{"event":"t","aggregate":"unique","value":"v","filter":{"k":1}}"#
        let catalog = try Sample.catalog(
            #"{"catalog":1,"currency":"USD","meters":{\#(json)},"plans":{}}"#)
        let meter = CompiledMeter(
            try #require(catalog.meters.first), number: 0, burn: nil, prefix: ["data"])
        let content = try Sample.command(
            .consume, "c", "a", #"{"feature":"f","data":{"v":7,"k":1}}"#)
        let view = try RecordView(content: content.raw)
        guard case .counts(_, let key, _) = meter.reading(of: view) else {
            Issue.record("the consume is not read")
            return
        }
        #expect(try key == uniqueKey(#"{"v":7}"#))
    }
}
