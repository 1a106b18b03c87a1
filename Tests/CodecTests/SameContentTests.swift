import Billing
import Bytes
import Codec
import Seeds
import Testing

/// The same content is the same bytes, and other content is other bytes: what conflicts, duplicates
/// and unique counts stand on.
@Suite struct SameContentTests {
    @Test(arguments: Seeds.all)
    func anySpellingGivesTheSameBytes(seed: UInt64) throws {
        var generator = SeededGenerator(seed)
        for _ in 0..<400 {
            let document = JSONDocument.random(3, &generator)
            let first = try Encoding.content(data: document.spelled(&generator))
            for _ in 0..<3 {
                let other = document.spelled(&generator)
                #expect(try Encoding.content(data: other) == first, "\(other)")
            }
        }
    }

    /// Documents out of few pieces, all against all: equal bytes if and only if equal meaning.
    @Test(arguments: Seeds.all)
    func bytesAreEqualOnlyIfMeaningsAre(seed: UInt64) throws {
        var generator = SeededGenerator(seed)
        var meanings: [[UInt8]: String] = [:]
        var contents: [String: [UInt8]] = [:]
        for _ in 0..<1500 {
            let document = JSONDocument.random(1, &generator)
            let content = try Encoding.content(data: document.spelled(&generator))
            let meaning = document.meaning
            #expect(meanings[content, default: meaning] == meaning)
            #expect(contents[meaning, default: content] == content, "\(meaning)")
            meanings[content] = meaning
            contents[meaning] = content
        }
        #expect(meanings.count < 1400)
    }

    /// What `tail` prints says the same as what was sent.
    @Test(arguments: Seeds.all)
    func theTailLineEncodesToTheSameContent(seed: UInt64) throws {
        var generator = SeededGenerator(seed)
        for _ in 0..<300 {
            var members = [
                ("id", JSONDocument.text("1")), ("source", .text("s")), ("type", .text("é")),
                ("specversion", .text("1.0")), ("data", JSONDocument.random(3, &generator)),
            ].map { (name: $0.0, value: $0.1) }
            if Bool.random(using: &generator) {
                members.append((name: "subject", value: .text("e\u{301}")))
            }
            if Bool.random(using: &generator) {
                members.append(
                    (name: "extra", value: .number(isNegative: true, digits: [1, 5], exponent: -1)))
                members.append((name: "Extra", value: .bool(true)))
            }
            let line = JSONDocument.object(members).spelled(&generator)
            let content = try Encoding.content(line)
            let tail = try Encoding.tail(Encoding.record(content))
            let event = try Encoding.event(inTail: tail)
            #expect(try Encoding.content(event) == content, "\(line)\n\(event)")
        }
    }

    /// The third form of a tree, `Value`, keeps the bytes too.
    @Test(arguments: Seeds.all)
    func valuesKeepTheBytes(seed: UInt64) throws {
        var generator = SeededGenerator(seed)
        for _ in 0..<400 {
            let members = JSONDocument.randomMembers(2, &generator)
            let json = JSONDocument.object(members).spelled(&generator)
            let value = try ValueCoder.value(json: Array(json.utf8))
            let bytes = ValueCoder.nodeBytes(value)
            let back = try ValueCoder.value(bytes.raw)
            #expect(back == value)
            #expect(ValueCoder.nodeBytes(back) == bytes)
            var writer = JSONWriter()
            writer.value(value)
            #expect(ValueCoder.nodeBytes(try ValueCoder.value(json: writer.finish())) == bytes)
        }
    }

    /// Texts are compared by their bytes: two people's names that look alike are two names.
    @Test(arguments: [
        ("é", "e\u{301}"), ("Å", "\u{212B}"), ("K", "\u{212A}"), ("ﬁ", "fi"),
        ("가", "\u{1100}\u{1161}"),
        ("a", "A"), ("a", "a\u{0}"), ("", "\u{0}"), ("\u{FEFF}a", "a"), ("a\u{200D}", "a"),
    ])
    func textsThatLookAlikeAreDifferent(left: String, right: String) throws {
        let forms = [
            "{\"specversion\":\"1.0\",\"id\":\"?\",\"source\":\"s\",\"type\":\"t\"}",
            "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"x?\",\"type\":\"t\"}",
            "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"s\",\"type\":\"x?\"}",
            "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"s\",\"type\":\"t\",\"subject\":\"x?\"}",
            "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"s\",\"type\":\"t\",\"x?\":1}",
            "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"s\",\"type\":\"t\",\"data\":\"?\"}",
            "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"s\",\"type\":\"t\",\"data\":{\"?\":1}}",
        ]
        let (escapedLeft, escapedRight) = (Self.escaped(left), Self.escaped(right))
        for form in forms where !(form.contains("\"?\"") && (left.isEmpty || right.isEmpty)) {
            let contents = try [left, right].map {
                try Encoding.content(form.replacing("?", with: Self.plain($0)))
            }
            #expect(contents[0] != contents[1], "\(form)")
            #expect(try Encoding.content(form.replacing("?", with: escapedLeft)) == contents[0])
            #expect(try Encoding.content(form.replacing("?", with: escapedRight)) == contents[1])
        }
        #expect(Value.string(left) != Value.string(right))
        #expect(Set([Value.string(left), .string(right)]).count == 2)
        let (first, second) = (
            Value.object(of: [(left, .null)]), Value.object(of: [(right, .null)])
        )
        #expect(first != second)
        #expect(first[left] == .null && first[right] == nil)
        let both = ValueCoder.nodeBytes(.object(of: [(left, .null), (right, .bool(true))]))
        #expect(both != ValueCoder.nodeBytes(.object(of: [(right, .bool(true))])))
    }

    private static func plain(_ text: String) -> String { text.replacing("\u{0}", with: "\\u0000") }

    private static func escaped(_ text: String) -> String {
        text.utf16.map { unit in
            let hex = String(unit, radix: 16)
            return "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
        }.joined()
    }

    /// Neighbouring texts must not flow into each other.
    @Test func wherePartsEndMatters() throws {
        let forms = [("a", "bc", "d"), ("ab", "c", "d"), ("a", "b", "cd"), ("abc", "d", "x")]
        let contents = try forms.map {
            try Encoding.content(
                "{\"specversion\":\"1.0\",\"source\":\"\($0.0)\",\"id\":\"\($0.1)\",\"type\":\"\($0.2)\"}"
            )
        }
        #expect(Set(contents).count == forms.count)
    }

    @Test(arguments: [
        ("{}", "[]"), ("{}", "null"), ("[]", "[[]]"), ("[null]", "[]"), ("\"1\"", "1"),
        ("\"true\"", "true"), ("0", "false"), ("0", "null"), ("\"\"", "null"), ("[1,2]", "[2,1]"),
        ("{\"a\":null}", "{}"), ("{\"a\":{\"b\":1}}", "{\"a.b\":1}"), ("[1,[2]]", "[1,2]"),
        ("{\"a\":1,\"b\":2}", "{\"a\":2,\"b\":1}"), ("1", "-1"), ("1", "10"), ("1", "0.1"),
    ])
    func otherTreesAreOtherBytes(left: String, right: String) throws {
        #expect(try Encoding.content(data: left) != Encoding.content(data: right))
    }

    @Test func noDataIsNotNull() throws {
        let none = "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"s\",\"type\":\"t\"}"
        #expect(try Encoding.content(none) != Encoding.content(data: "null"))
    }
}
