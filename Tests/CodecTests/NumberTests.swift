import Billing
import Bytes
import Codec
import Money
import Seeds
import Testing

/// Numbers of any length, exact, with one form for each value.
@Suite struct NumberTests {
    /// Spellings of one number, and how `tail` prints it.
    static let groups: [(printed: String, spellings: [String])] = [
        ("0", ["0", "-0", "0.0", "-0.00", "0e5", "-0E-7", "0.0e400", "0e99999999999999999999999"]),
        ("1", ["1", "1.0", "10e-1", "0.1e1", "1e0", "1E+0", "100e-2", "0.001e3", "1.000000"]),
        ("-1", ["-1", "-1.0", "-10e-1", "-0.1E1"]),
        ("0.1", ["0.1", "1e-1", "0.10", "10e-2", "100E-3", "0.01e1"]),
        ("12.5", ["12.5", "125e-1", "1.25e1", "12.50", "1250e-2"]),
        ("100", ["100", "1e2", "1.00e2", "100.0", "0.1e3", "1E02"]),
        ("999999999999999999", ["999999999999999999", "999999999999999999.0"]),
        ("1000000000000000000", ["1000000000000000000", "1e18", "10e17"]),
        ("-1000000000000000000", ["-1000000000000000000", "-1e18"]),
        ("9223372036854775808", ["9223372036854775808", "9223372036854775808.0"]),
        (
            "12345678901234567890123456789012345678",
            [
                "12345678901234567890123456789012345678",
                "1.2345678901234567890123456789012345678e37",
            ]
        ),
        (
            "0.12345678901234567890123456789012345678",
            [
                "0.12345678901234567890123456789012345678",
                "12345678901234567890123456789012345678e-38",
            ]
        ),
        (
            "170141183460469231731687303715884105727",
            [
                "170141183460469231731687303715884105727",
                "170141183460469231731687303715884105727.0",
            ]
        ),
        (
            "170141183460469231731687303715884105728e0",
            [
                "170141183460469231731687303715884105728",
                "1701411834604692317316873037158841057.28e2",
            ]
        ),
        (
            "-170141183460469231731687303715884105728",
            ["-170141183460469231731687303715884105728"]
        ),
        (
            "1234567890123456789012345678901234567891e-1",
            [
                "123456789012345678901234567890123456789.1",
                "1234567890123456789012345678901234567891e-1",
            ]
        ),
        (
            "100000000000000000000000000000000000000",
            ["1e38", "10e37", "100000000000000000000000000000000000000"]
        ),
        ("1e39", ["1e39", "10e38", "1000000000000000000000000000000000000000"]),
        ("2e38", ["2e38", "200000000000000000000000000000000000000"]),
        ("1e400", ["1e400", "1E400", "10e399", "0.1e401", "1e+0400"]),
        ("-1e400", ["-1e400", "-10e399"]),
        ("1e-256", ["1e-256", "10e-257"]),
        ("15e-256", ["1.5e-255", "15e-256"]),
        ("1e999999999999999", ["1e999999999999999", "10e999999999999998"]),
        ("1e-999999999999999", ["1e-999999999999999", "0.1e-999999999999998"]),
    ]

    @Test func eachValueHasOneForm() throws {
        var all: Set<[UInt8]> = []
        for group in Self.groups {
            let contents = try group.spellings.map { try Encoding.content(data: $0) }
            for (spelling, content) in zip(group.spellings, contents) {
                #expect(content == contents[0], "\(spelling)")
                let tail = try Encoding.tail(Encoding.record(content))
                #expect(tail.contains("\"data\":\(group.printed)}"), "\(spelling) in \(tail)")
            }
            #expect(try Encoding.content(data: group.printed) == contents[0])
            #expect(
                all.insert(contents[0]).inserted, "\(group.printed) has a form of another number")
        }
    }

    /// The scale at which a decimal becomes text, from both sides.
    @Test func smallNumbersStayApart() throws {
        var forms: Set<[UInt8]> = []
        for scale in 250...262 {
            for digits in ["1", "15", "99", "170141183460469231731687303715884105727"] {
                let text = "\(digits)e-\(scale)"
                #expect(forms.insert(try Encoding.content(data: text)).inserted, "\(text)")
            }
        }
        #expect(
            try Encoding.content(data: "0." + String(repeating: "0", count: 299) + "1")
                == Encoding.content(data: "1e-300"))
    }

    /// An exponent of more digits than anything can mean is refused: kept short, two different
    /// numbers would be one.
    @Test(arguments: [
        "1e1000000000000000", "1e-1000000000000000", "1e99999999999999999999",
        "-1.5E+123456789012345678901234567890", "0.00001e-12345678901234567",
    ])
    func exponentsBeyondAllMeaningAreRefused(number: String) {
        #expect(throws: Rejection.self) { try Encoding.content(data: number) }
        #expect(throws: Rejection.self) { try Encoding.content(data: "{\"a\":[\(number)]}") }
        #expect(throws: Rejection.self) {
            try ValueCoder.value(json: Array("{\"a\":\(number)}".utf8))
        }
    }

    @Test(arguments: Seeds.all)
    func valuesOf128BitsComeBack(seed: UInt64) throws {
        var generator = SeededGenerator(seed)
        for _ in 0..<1500 {
            let bits = Int.random(in: 1...128, using: &generator)
            let word = UInt128.random(in: 0...UInt128.max, using: &generator)
            let mantissa = Int128(truncatingIfNeeded: word) >> (128 - bits)
            let scale = Int.random(in: 0...255, using: &generator)
            let number = DecimalNumber(mantissa: mantissa, scale: scale)
            let bytes = ValueCoder.nodeBytes(.number(number))
            #expect(ValueCoder.number(bytes.raw) == number)
            #expect(try ValueCoder.value(bytes.raw) == .number(number))
            let json = Array("{\"a\":\(number)}".utf8)
            #expect(try ValueCoder.value(json: json)["a"] == .number(number))
        }
    }

    @Test(arguments: ["null", "true", "\"1\"", "[1]", "{}", "1e400"])
    func otherNodesAreNoNumber(json: String) throws {
        let value = try #require(try ValueCoder.value(json: Array("{\"a\":\(json)}".utf8))["a"])
        #expect(ValueCoder.number(ValueCoder.nodeBytes(value).raw) == nil)
    }

    /// A number's text in a record is read only in its one spelling; anything else is damage.
    @Test(arguments: [
        "", "-", "e", "e5", "1", "1e", "1e+40", "1e040", "01e40", "10e40", "1.5e40", "-0e1", "1e4x",
        "+5e40", "x", "1E40", " 1e40", "0e0", "12e-1", "1e38", "1e0", "1e1000000000000000",
        "--1e40",
    ])
    func damagedNumberTextsThrow(text: String) {
        var buffer = ByteBuffer()
        buffer.append(5)
        buffer.appendPrefixed(utf8: text)
        let bytes = buffer.copyBytes(in: 0..<buffer.count)
        #expect(throws: DecodeFailure.self) { try ValueCoder.value(bytes.raw) }
    }

    /// The longest number that fits a line.
    @Test func aNumberOfAWholeLineIsExact() throws {
        let digits = String(repeating: "7", count: 250_000)
        let tail = try Encoding.tail(Encoding.record(try Encoding.content(data: digits)))
        #expect(tail.contains("\"data\":\(digits)e0}"))
        let zeros = "1" + String(repeating: "0", count: 250_000)
        #expect(try Encoding.content(data: zeros) == Encoding.content(data: "1e250000"))
    }
}
