import Bytes
import Seeds
import Testing

/// What is a JSON line and what is not, by RFC 8259 and nothing more generous.
@Suite struct JSONTokenizerTests {
    private static func nested(_ depth: Int, _ open: String, _ close: String) -> String {
        // The object of the line is the first level.
        "{\"a\":" + String(repeating: open, count: depth - 1) + "1"
            + String(repeating: close, count: depth - 1) + "}"
    }

    static let accepted: [String] = [
        "{}", " {\t} ", "\r\n{}\n", "{\"a\":1}", "{ \"a\" : 1 , \"b\" : [ ] }", "{\"\":null}",
        "{\"a\":-0}", "{\"a\":0.1}", "{\"a\":1e5}", "{\"a\":1E+05}", "{\"a\":1.5e-300}",
        "{\"a\":1E400}", "{\"a\":-1E400}", "{\"a\":0e0}", "{\"a\":0.0000}",
        "{\"a\":123456789012345678901234567890123456789012345678901234567890}",
        "{\"a\":true,\"b\":false,\"c\":null}", "{\"a\":[1,[2,[3]],{}]}",
        "{\"a\":\"\\\" \\\\ \\/ \\b \\f \\n \\r \\t \\u00e9\"}", "{\"a\":\"\\ud83d\\ude42\"}",
        "{\"a\":\"\\u0000\"}", "{\"a\":\"\u{7F}\u{80}\u{2028}\u{FFFF}🙂\"}", "{\"a\":1,\"a\":2}",
        "{\"\\u0061\":1}", nested(64, "{\"a\":", "}"), nested(64, "[", "]"),
    ]

    static let refused: [String] = [
        "", " ", "\n", "[]", "1", "\"a\"", "null", "true", "{", "}", "{}}", "{} {}", "{},", "{}x",
        "{}\u{0}", "\u{0}{}", "{\u{0}}", "{\"a\":1}\u{0}", "{\"a\":1\u{0}}", "{\"a\"}", "{\"a\":}",
        "{:1}", "{a:1}", "{'a':1}", "{1:1}", "{\"a\":1,}", "{,}", "{\"a\" 1}", "{\"a\":1 \"b\":2}",
        "{\"a\":1,,\"b\":2}", "{\"a\":[1,]}", "{\"a\":[,1]}", "{\"a\":[1 2]}", "{\"a\":[1}",
        "{\"a\":{]}", "{\"a\":[}", "{\"a\":\"b}", "{\"a\":\"b", "{\"a", "{\"a\":[1",
        "{\"a\":{\"b\":1}",
        "{\"a\":01}", "{\"a\":-01}", "{\"a\":1.}", "{\"a\":.5}", "{\"a\":1e}", "{\"a\":1e+}",
        "{\"a\":+1}", "{\"a\":-}", "{\"a\":--1}", "{\"a\":1.2.3}", "{\"a\":1.e5}", "{\"a\":0x10}",
        "{\"a\":1x}", "{\"a\":1_000}", "{\"a\":NaN}", "{\"a\":Infinity}", "{\"a\":-Infinity}",
        "{\"a\":tru}", "{\"a\":truee}", "{\"a\":True}", "{\"a\":nul}", "{\"a\":nullnull}",
        "{\"a\":falsey}", "{\"a\":true\u{0}}", "{\"a\":1/**/}", "{\"a\":1}//", "{\"a\":\u{C}1}",
        "{\"a\":\u{A0}1}", "{\"a\":\"\t\"}", "{\"a\":\"\n\"}", "{\"a\":\"\u{0}\"}",
        "{\"a\":\"\u{1F}\"}", "{\"a\":\"\\x41\"}", "{\"a\":\"\\u12\"}", "{\"a\":\"\\u12G4\"}",
        "{\"a\":\"\\\"}", "{\"a\":\"\\U0041\"}", "{\"a\":\"\\ud83d\"}", "{\"a\":\"\\ude42\"}",
        "{\"a\":\"\\ud83d\\u0041\"}", "{\"a\":\"\\ud83dx\"}", "{\"a\":\"\\ude42\\ud83d\"}",
        "{\"a\":\"\\ud83d\\ud83d\"}", "{\"\\ud83d\":1}", "{\"\\q\":1}", "{\"a\t\":1}",
        nested(65, "{\"a\":", "}"), nested(65, "[", "]"),
    ]

    @Test(arguments: accepted)
    func accepts(text: String) {
        for padding in [0, 64] {
            let problem = parse(Array(text.utf8), padding: padding)
            #expect(problem == nil, "\(text)")
        }
    }

    @Test(arguments: refused)
    func refuses(text: String) {
        for padding in [0, 64] {
            let problem = parse(Array(text.utf8), padding: padding)
            #expect(problem?.message.isEmpty == false, "\(text) with \(padding) bytes behind it")
        }
    }

    /// Bytes that are no UTF-8: cut short, overlong, surrogates, beyond Unicode, stray.
    @Test(
        arguments: [
            [0x80], [0xBF], [0xC3], [0xC3, 0x28], [0xC0, 0x80], [0xC1, 0xBF], [0xE0, 0x80, 0x80],
            [0xE2, 0x82], [0xED, 0xA0, 0x80], [0xED, 0xBF, 0xBF], [0xF0, 0x80, 0x80, 0x80],
            [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xFE], [0xFF],
        ] as [[UInt8]])
    func refusesWhatIsNotUTF8(bytes: [UInt8]) {
        for (before, after) in [("{\"a\":\"", "\"}"), ("{\"", "\":1}"), ("{\"a\":1}", "")] {
            let line = Array(before.utf8) + bytes + Array(after.utf8)
            #expect(parse(line, padding: 0) != nil)
        }
        #expect(parse(bytes, padding: 0) != nil)
    }

    /// Every line between any two others is judged by itself.
    @Test(arguments: Seeds.all)
    func aBadLineDoesNotSpoilTheNext(seed: UInt64) {
        var generator = SeededGenerator(seed)
        let tokens = JSONTokenizer()
        for _ in 0..<3000 {
            let isGood = Bool.random(using: &generator)
            let text =
                (isGood ? Self.accepted : Self.refused).randomElement(using: &generator) ?? ""
            let line = Array(text.utf8)
            #expect((tokens.parse(line.raw, paddingAvailable: 0) == nil) == isGood, "\(text)")
            #expect((tokens.count > 0) == isGood)
        }
    }

    /// A whole batch lies in one buffer: what follows a line is not the line's.
    @Test func linesOfOneBufferAreReadInPlace() {
        var buffer = ByteBuffer()
        var ranges: [(Range<Int>, Bool)] = []
        for (text, isGood) in Self.accepted.map({ ($0, true) }) + Self.refused.map({ ($0, false) })
        {
            let start = buffer.count
            buffer.append(utf8: text)
            ranges.append((start..<buffer.count, isGood))
            buffer.append(utf8: "\n,}]\"")
        }
        buffer.appendZeros(JSONTokenizer.paddingBytes)
        let tokens = JSONTokenizer()
        for (range, isGood) in ranges {
            let problem = tokens.parse(
                buffer.bytes(in: range), paddingAvailable: buffer.count - range.upperBound)
            #expect((problem == nil) == isGood, "\(buffer.copyBytes(in: range))")
        }
    }

    @Test(arguments: Seeds.all)
    func anyBytesAreAnswered(seed: UInt64) {
        var generator = SeededGenerator(seed)
        let tokens = JSONTokenizer()
        let pieces = [
            "{", "}", "[", "]", ":", ",", "\"", "\\", "1", "-", ".", "e", "t", "n", " ", "\\u0",
        ]
        for _ in 0..<5000 {
            var line = Array("{\"a\":".utf8)
            for _ in 0..<Int.random(in: 0...40, using: &generator) {
                line += Array((pieces.randomElement(using: &generator) ?? "").utf8)
            }
            if Int.random(in: 0..<4, using: &generator) == 0 {
                line.append(UInt8.random(in: 0...255, using: &generator))
            }
            if tokens.parse(line.raw, paddingAvailable: 0) == nil {
                #expect(tokens.next(0) == tokens.count)
            }
        }
    }

    @Test func tokensStandInDocumentOrder() {
        let tokens = JSONTokenizer()
        let line = Array(
            "{\"a\\n\":[1.50,\"é\\u0041\",{}],\"b\":{\"c\":null},\"d\":true,\"e\":false}".utf8)
        #expect(tokens.parse(line.raw, paddingAvailable: 0) == nil)
        let expected: [(JSONTag, String)] = [
            (.object, ""), (.key, "a\n"), (.array, ""), (.number, "1.50"), (.string, "éA"),
            (.object, ""), (.key, "b"), (.object, ""), (.key, "c"), (.null, ""), (.key, "d"),
            (.true, ""), (.key, "e"), (.false, ""),
        ]
        #expect(tokens.count == expected.count)
        for (index, token) in expected.enumerated() {
            #expect(tokens.tag(index) == token.0)
            switch token.0 {
            case .key, .number, .string: #expect(tokens.text(index).makeString() == token.1)
            default: break
            }
        }
        #expect(tokens.memberCount(0) == 4 && tokens.memberCount(2) == 3)
        #expect(tokens.next(0) == 14 && tokens.next(2) == 6 && tokens.next(5) == 6)
        #expect(tokens.next(7) == 10)
    }

    /// A text is found eight bytes at a time: every length, with an escape or an odd byte at every
    /// place of it, as a key and as a value.
    @Test func textsOfEveryLengthAreRead() {
        let tokens = JSONTokenizer()
        let pieces = [
            ("\\\"", "\""), ("\\\\", "\\"), ("\\u00e9", "é"), ("é", "é"), ("!", "!"), ("#", "#"),
            ("[", "["), ("]", "]"), ("\u{7F}", "\u{7F}"), ("🙂", "🙂"),
        ]
        for length in 0...20 {
            for place in 0...length {
                for (spelled, meant) in pieces {
                    let before = String(repeating: "x", count: place)
                    let after = String(repeating: "y", count: length - place)
                    let text = before + spelled + after
                    let line = Array("{\"\(text)\":\"\(text)\",\"z\":\"\"}".utf8)
                    #expect(tokens.parse(line.raw, paddingAvailable: 0) == nil, "\(text)")
                    let read = [1, 2, 3, 4].map { tokens.text($0).makeString() }
                    #expect(read == [before + meant + after, before + meant + after, "z", ""])
                }
            }
        }
    }

    /// The longest line there is, as one text, as one number and as many members.
    @Test func aLineOf256KiBIsRead() {
        let size = 256 * 1024
        let tokens = JSONTokenizer()
        let text = "{\"a\":\"" + String(repeating: "x", count: size - 8) + "\"}"
        let digits = "{\"a\":" + String(repeating: "7", count: size - 6) + "}"
        let members = "{" + (0..<30_000).map { "\"\($0)\":1" }.joined(separator: ",") + "}"
        for line in [text, digits, members].map({ Array($0.utf8) }) {
            #expect(tokens.parse(line.raw, paddingAvailable: 0) == nil)
            #expect(tokens.parse(Array("{\"b\":2}".utf8).raw, paddingAvailable: 0) == nil)
            #expect(tokens.count == 3)
            #expect(tokens.text(2).makeString() == "2")
        }
    }

    private func parse(_ line: [UInt8], padding: Int) -> JSONProblem? {
        // What lies behind the line would close or spoil it, if it were looked at.
        var buffer = ByteBuffer()
        buffer.append(line)
        for _ in 0..<padding { buffer.append(UInt8(ascii: "}")) }
        return JSONTokenizer().parse(
            buffer.bytes(in: 0..<line.count), paddingAvailable: padding)
    }
}
