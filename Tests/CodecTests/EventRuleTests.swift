import Billing
import Bytes
import Codec
import Seeds
import Testing

/// The rules of CloudEvents 1.0, each with the member that a rejection names.
@Suite struct EventRuleTests {
    /// A valid event with some members put in, replaced or, by nil, left out.
    private static func line(_ changes: [(String, String?)]) -> String {
        var members = [
            ("specversion", "\"1.0\""), ("id", "\"1\""), ("source", "\"s\""), ("type", "\"t\""),
        ]
        for (name, value) in changes {
            members.removeAll { $0.0 == name }
            if let value { members.append((name, value)) }
        }
        return "{\(members.map { "\"\($0.0)\":\($0.1)" }.joined(separator: ","))}"
    }

    @Test(
        arguments: [
            ("specversion", nil), ("specversion", "1.0"), ("specversion", "\"1.1\""),
            ("specversion", "\"0.3\""), ("specversion", "\"\""), ("specversion", "null"),
            ("specversion", "\"1.00\""), ("id", nil), ("id", "\"\""), ("id", "1"), ("id", "null"),
            ("id", "[\"1\"]"), ("source", nil), ("source", "\"\""), ("source", "true"),
            ("source", "null"), ("type", nil), ("type", "\"\""), ("type", "{}"), ("type", "null"),
            ("subject", "\"\""), ("subject", "5"), ("subject", "[]"), ("time", "\"\""),
            ("time", "0"),
            ("time", "\"yesterday\""), ("time", "{}"), ("extra", "{}"), ("extra", "[]"),
            ("extra", "{\"a\":1}"), ("data_base64", "5"), ("data_base64", "{}"), ("", "1"),
            ("", "null"),
        ] as [(String, String?)])
    func aBrokenRuleNamesItsMember(name: String, value: String?) throws {
        let line = Self.line([(name, value)])
        let rejection = #expect(throws: Rejection.self) { try Encoding.content(line) }
        #expect(rejection?.field == name, "\(line)")
        #expect(rejection?.message.isEmpty == false)
    }

    @Test func dataComesInOneFormOnly() {
        for data in ["1", "null"] {
            let line = Self.line([("data", data), ("data_base64", "\"AA==\"")])
            let rejection = #expect(throws: Rejection.self) { try Encoding.content(line) }
            #expect(rejection?.field == "data_base64")
        }
    }

    @Test(
        arguments: [
            [("subject", "\"acme\"")], [("subject", "null")], [("time", "null")],
            [("extra", "null")],
            [("extra", "1.5")], [("extra", "\"\"")], [("extra", "false")],
            [("data_base64", "\"AA==\"")],
            [("data_base64", "null"), ("data", "1")], [("data", "null")], [("data", "[]")],
            [("data", "\"\"")], [("datacontenttype", "\"application/json\"")], [("UPPER", "1")],
        ] as [[(String, String?)]])
    func theseAreEvents(changes: [(String, String?)]) throws {
        #expect(try !Encoding.content(Self.line(changes)).isEmpty)
    }

    @Test func aNullAttributeCountsAsAbsent() throws {
        let plain = try Encoding.content(Self.line([("extra", "1")]))
        for name in ["subject", "time", "other", "data_base64", "aaa"] {
            #expect(try Encoding.content(Self.line([("extra", "1"), (name, "null")])) == plain)
        }
        #expect(try Encoding.content(Self.line([("a", "null")])) == Encoding.content(Self.line([])))
    }

    /// No member may stand twice, at any depth, however it is spelled, and not even as null.
    @Test(arguments: [
        ("id", "\"id\":\"1\""), ("id", "\"id\":null"), ("id", "\"\\u0069d\":\"2\""),
        ("source", "\"source\":\"s\""), ("type", "\"type\":\"x\""),
        ("time", "\"time\":null,\"time\":null"),
        ("specversion", "\"specversion\":\"1.0\""),
        ("subject", "\"subject\":\"a\",\"subject\":\"b\""),
        ("data", "\"data\":1,\"data\":1"), ("data", "\"data\":null,\"data\":null"),
        ("x", "\"x\":1,\"x\":1"), ("x", "\"x\":1,\"y\":2,\"\\u0078\":1"),
        ("x", "\"x\":null,\"x\":1"),
        ("data_base64", "\"data_base64\":\"\",\"data_base64\":\"\""),
        ("a", "\"data\":{\"a\":1,\"a\":1}"), ("a", "\"data\":{\"a\":1,\"b\":2,\"a\":1}"),
        ("a", "\"data\":[[{\"b\":1,\"a\":null,\"a\":null}]]"), ("", "\"data\":{\"\":1,\"\":1}"),
        ("é", "\"data\":{\"é\":1,\"\\u00e9\":1}"),
    ])
    func noMemberStandsTwice(field: String, members: String) throws {
        let line = Self.line([]).dropLast() + ",\(members)}"
        let rejection = #expect(throws: Rejection.self) { try Encoding.content(String(line)) }
        #expect(rejection?.field == field)
        #expect(rejection?.message.contains("twice") == true)
    }

    /// Objects of any size are sorted and searched for duplicates alike.
    @Test(arguments: [1, 2, 15, 16, 17, 18, 33, 1000, 12_000])
    func objectsOfAnySizeAreSorted(count: Int) throws {
        var generator = SeededGenerator(UInt64(count))
        let members = (0..<count).map { "\"k\($0)\":\($0)" }
        let sorted = try Encoding.content(data: "{\(members.joined(separator: ","))}")
        let mixed = members.shuffled(using: &generator)
        #expect(try Encoding.content(data: "{\(mixed.joined(separator: ","))}") == sorted)
        let attributes = "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"s\",\"type\":\"t\","
        let first = try Encoding.content(attributes + members.joined(separator: ",") + "}")
        #expect(try Encoding.content(attributes + mixed.joined(separator: ",") + "}") == first)
        let twice = mixed + ["\"k\(count / 2)\":0"]
        #expect(throws: Rejection.self) {
            try Encoding.content(data: "{\(twice.joined(separator: ","))}")
        }
        #expect(throws: Rejection.self) {
            try Encoding.content(attributes + twice.joined(separator: ",") + "}")
        }
    }

    /// An event cannot make itself a command by its type.
    @Test func kindsAreNotForged() throws {
        let content = try Encoding.content(Self.line([("type", "\"daybook.grant\"")]))
        #expect(try Parts(content: content).kind == .event)
        var arena = ByteBuffer()
        let command = CommandEncoder(key: Encoding.key).encode(
            .grant, source: "s", id: "1", subject: nil, time: nil, timeText: "", data: .null,
            into: &arena)
        let prepared = try command.get()
        #expect(prepared.kind == .grant)
        #expect(arena.copyBytes(in: 0..<arena.count) != content)
    }
}
