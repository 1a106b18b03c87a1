import Billing
import Bytes
import Codec
import Money
import Seeds
import Testing

/// A record read back: all its parts, and what becomes of damage.
@Suite struct RecordTests {
    private static let line =
        "{\"specversion\":\"1.0\",\"id\":\"e-1\",\"source\":\"api\",\"type\":\"tokens.used\","
        + "\"subject\":\"acme\",\"time\":\"2026-03-01T12:00:00.250Z\",\"region\":\"eu\",\"n\":-1.5,"
        + "\"data\":{\"model\":\"large\",\"n\":42,\"deep\":{\"a\":[1,null,{\"b\":true}]},\"f\":false,"
        + "\"big\":-12e40,\"small\":0.001}}"

    @Test func allPartsComeBack() throws {
        let content = try Encoding.content(Self.line)
        let outcome = Outcome(
            decision: OutcomeDecision(allowed: true, reason: .allowedOverage),
            draws: [Draw(grant: 3, units: 5)], shortfallUnits: 7)
        let record = Encoding.record(content, outcome)
        let parts = try Parts(record: record)
        #expect(parts.kind == .event)
        #expect(parts.source == "api" && parts.id == "e-1" && parts.type == "tokens.used")
        #expect(parts.subject == "acme")
        #expect(parts.time == 1_772_366_400_250_000_000)
        #expect(parts.timeText == "2026-03-01T12:00:00.250Z")
        #expect(parts.content == content)
        #expect(try Parts.outcome(of: record) == outcome)
        #expect(parts.attributes?["region"] == .string("eu"))
        #expect(parts.attributes?["n"] == .number(DecimalNumber(mantissa: -15, scale: 1)))
        #expect(parts.data?["big"] == .numberText("-12e40"))
    }

    @Test(
        arguments: [
            (["model"], .string("large")), (["n"], .number(DecimalNumber(mantissa: 42, scale: 0))),
            (["f"], .bool(false)), (["small"], .number(DecimalNumber(mantissa: 1, scale: 3))),
            (["none"], nil), (["model", "x"], nil), (["deep", "b"], nil),
            (["deep", "a", "b"], nil),
            (
                ["deep", "a"],
                .array([
                    .number(DecimalNumber(mantissa: 1, scale: 0)), .null,
                    .object(of: [("b", .bool(true))]),
                ])
            ),
        ] as [([String], Value?)])
    func propertiesAreFound(path: [String], value: Value?) throws {
        let content = try Encoding.content(Self.line)
        #expect(try Parts.property(path, of: content) == value)
    }

    @Test func partsThatAreNotThereAreNil() throws {
        let content = try Encoding.content(
            "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"s\",\"type\":\"t\"}")
        let parts = try Parts(content: content)
        #expect(parts.subject == nil && parts.time == nil && parts.timeText == nil)
        #expect(parts.attributes == nil && parts.data == nil)
        #expect(try Parts.property(["a"], of: content) == nil)
    }

    @Test func identityIsSourceAndId() throws {
        func event(_ source: String, _ id: String, _ type: String) throws -> [UInt8] {
            try Encoding.content(
                "{\"specversion\":\"1.0\",\"source\":\"\(source)\",\"id\":\"\(id)\",\"type\":\"\(type)\"}"
            )
        }
        let first = try event("api", "1", "t")
        let print = try Parts(content: first).fingerprint
        for (other, isSame) in [
            (try event("api", "1", "other"), true), (try event("api", "2", "t"), false),
            (try event("ap", "i1", "t"), false), (try event("apis", "1", "t"), false),
        ] {
            #expect(try Parts.haveOneIdentity(first, other) == isSame)
            #expect((try Parts(content: other).fingerprint == print) == isSame)
        }
    }

    @Test func thePreparedRecordSaysWhereThingsLie() throws {
        let tokens = JSONTokenizer()
        #expect(tokens.parse(Array(Self.line.utf8).raw, paddingAvailable: 0) == nil)
        var arena = ByteBuffer()
        arena.append([1, 2, 3])
        let prepared = try EventEncoder(key: Encoding.key).encode(tokens, into: &arena).get()
        let end = prepared.contentStart + prepared.contentLength
        #expect(prepared.contentStart == 3 && end == arena.count)
        let parts = try Parts(content: arena.copyBytes(in: 3..<end))
        #expect(prepared.fingerprint == parts.fingerprint)
        let range = prepared.idStart..<(prepared.idStart + prepared.idLength)
        #expect(arena.bytes(in: range).makeString() == parts.id)
    }

    private static func samples() throws -> [[UInt8]] {
        let contents = try [
            Encoding.content(line),
            Encoding.content(line.replacing("12:00:00.250Z", with: "13:00:00+01:00")),
            Encoding.content(line.replacing(".250Z", with: ".123456789Z")),
            Encoding.content(
                "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"s\",\"type\":\"t\"}"),
            Encoding.content(data: "[0.5,1e400,12345678901234567890,\"\"]"),
        ]
        let outcomes = [
            Outcome.recorded, Outcome(shortfallUnits: -1), Outcome.recorded,
            Outcome(decision: OutcomeDecision(allowed: false, reason: .limitReached)),
            Outcome(
                decision: OutcomeDecision(allowed: true, reason: .allowed),
                draws: [Draw(grant: 0, units: 1), Draw(grant: 300, units: 1 << 70)]),
        ]
        return zip(contents, outcomes).map { Encoding.record($0, $1) }
    }

    @Test func everyTruncationThrows() throws {
        for record in try Self.samples() {
            for length in 0..<record.count {
                #expect(throws: DecodeFailure.self) {
                    try Encoding.everything(Array(record.prefix(length)))
                }
            }
            #expect(throws: DecodeFailure.self) { try Encoding.everything(record + [0]) }
        }
    }

    /// Any other byte anywhere says something else or nothing, and traps nowhere.
    @Test func everyChangeOfAByteIsSeen() throws {
        for record in try Self.samples() {
            let whole = try Encoding.everything(record)
            var changed = record
            for place in record.indices {
                for byte in UInt8.min...UInt8.max where byte != record[place] {
                    changed[place] = byte
                    let other = try? Encoding.everything(changed)
                    if other == whole {
                        Issue.record("byte \(place) as \(byte) of \(whole) goes unseen")
                    }
                }
                changed[place] = record[place]
            }
        }
    }

    @Test(arguments: Seeds.all)
    func noBytesTrap(seed: UInt64) throws {
        var generator = SeededGenerator(seed)
        let samples = try Self.samples()
        for _ in 0..<3000 {
            var record = samples.randomElement(using: &generator) ?? []
            for _ in 0..<Int.random(in: 1...6, using: &generator) {
                let place = Int.random(in: 0..<record.count, using: &generator)
                switch Int.random(in: 0..<3, using: &generator) {
                case 0: record[place] = UInt8.random(in: 0...255, using: &generator)
                case 1: record.insert(UInt8.random(in: 0...12, using: &generator), at: place)
                default: if record.count > 1 { record.remove(at: place) }
                }
            }
            guard let all = try? Encoding.everything(record) else { continue }
            // Whatever is still read is read as JSON.
            let tokens = JSONTokenizer()
            let start = all.firstIndex(of: "{") ?? all.startIndex
            _ = tokens.parse(Array(all[start...].utf8).raw, paddingAvailable: 0)
        }
    }

    @Test func nestingBeyondTheBoundThrows() {
        let deep: [UInt8] = (0..<400).map { $0 % 2 == 0 ? 7 : 1 } + [0]
        #expect(throws: DecodeFailure.self) { try ValueCoder.value(deep.raw) }
        #expect(throws: DecodeFailure.self) { try ValueCoder.value([7, 0xFF, 0xFF, 3].raw) }
        #expect(throws: DecodeFailure.self) { try ValueCoder.value([11].raw) }
        #expect(throws: DecodeFailure.self) { try ValueCoder.value([0, 0].raw) }
        #expect(throws: DecodeFailure.self) { try ValueCoder.value([6, 1, 0xFF].raw) }
    }

    /// Keys out of order or twice, and numbers that are not normalised, are no canonical tree.
    @Test(
        arguments: [
            [8, 2, 1, 0x62, 0, 1, 0x61, 0], [8, 2, 1, 0x61, 0, 1, 0x61, 0], [4, 0, 2], [4, 1, 20],
            [4, 1, 0], [4, 3, 0xD0, 0x0F],
        ] as [[UInt8]])
    func oneTreeHasOneForm(node: [UInt8]) {
        #expect(throws: DecodeFailure.self) { try ValueCoder.value(node.raw) }
    }

    @Test func redactedValuesKeepTheirHash() throws {
        let hash = (0..<32).map { UInt8($0) }
        let bytes = ValueCoder.nodeBytes(.object(of: [("a", .redacted(hash)), ("b", .bool(true))]))
        let value = try ValueCoder.value(bytes.raw)
        #expect(value["a"] == .redacted(hash) && value["b"] == .bool(true))
        #expect(ValueCoder.nodeBytes(value) == bytes)
        var json = JSONWriter()
        json.value(value)
        let hex = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
        #expect(
            String(decoding: json.finish(), as: UTF8.self)
                == "{\"a\":{\"redacted\":\"\(hex)\"},\"b\":true}")
        for length in 0..<bytes.count {
            #expect(throws: DecodeFailure.self) {
                try ValueCoder.value(Array(bytes.prefix(length)).raw)
            }
        }
    }

    /// A salt protects a value that may be redacted later; it is not part of what the value says.
    @Test func saltsAreReadThrough() throws {
        let node: [UInt8] = [9] + [UInt8](repeating: 7, count: 16) + [2]
        #expect(try ValueCoder.value(node.raw) == .bool(true))
        #expect(throws: DecodeFailure.self) { try ValueCoder.value(Array(node.dropLast()).raw) }
    }
}
