import Billing
import Bytes
import Codec
import Testing

/// Instants as they are sent: what they mean, and that they come back as they were written.
@Suite struct EventTimeTests {
    @Test(
        arguments: [
            ("1970-01-01T00:00:00Z", 0), ("1969-12-31T23:59:59.999999999Z", -1),
            ("2000-02-29T00:00:00Z", 951_782_400_000_000_000),
            ("2026-03-01T12:00:00Z", 1_772_366_400_000_000_000),
            ("2026-03-01T12:00:00.5Z", 1_772_366_400_500_000_000),
            ("2026-03-01T12:00:00.500Z", 1_772_366_400_500_000_000),
            ("2026-03-01T12:00:00.000000001Z", 1_772_366_400_000_000_001),
            ("2026-03-01T12:00:00.0000000019Z", 1_772_366_400_000_000_001),
            ("2026-03-01t12:00:00z", 1_772_366_400_000_000_000),
            ("2026-03-01 12:00:00Z", 1_772_366_400_000_000_000),
            ("2026-03-01T12:00:00+00:00", 1_772_366_400_000_000_000),
            ("2026-03-01T12:00:00-00:00", 1_772_366_400_000_000_000),
            ("2026-03-01T13:30:00+01:30", 1_772_366_400_000_000_000),
            ("2026-03-01T00:00:00-12:00", 1_772_366_400_000_000_000),
            ("2026-03-02T11:59:00.25+23:59", 1_772_366_400_250_000_000),
            ("2016-12-31T23:59:60Z", 1_483_228_799_999_999_999),
            ("2016-12-31T23:59:60.5Z", 1_483_228_799_999_999_999),
            ("2017-01-01T00:59:60+01:00", 1_483_228_799_999_999_999),
            ("1678-01-01T00:00:00Z", -9_214_560_000_000_000_000),
            ("2261-12-31T23:59:59.999999999Z", 9_214_646_399_999_999_999),
        ] as [(String, Int64)])
    func isReadAndComesBackAsItWas(text: String, nanoseconds: Int64) throws {
        let time = try #require(Encoding.time(text))
        #expect(time.nanoseconds == nanoseconds)
        let content = try Encoding.content(Self.line(text))
        let parts = try Parts(content: content)
        #expect(parts.time == nanoseconds)
        #expect(parts.timeText == text)
        #expect(try Encoding.tail(Encoding.record(content)).contains("\"time\":\"\(text)\""))
    }

    @Test(arguments: [
        "", "Z", "2026-03-01", "2026-03-01T12:00Z", "2026-03-01T12:00:00", "2026-03-01T12:00:00.Z",
        "2026-03-01T12:00:00,5Z", "2026-03-01T24:00:00Z", "2026-03-01T12:60:00Z",
        "2026-03-01T12:00:61Z", "2026-00-01T12:00:00Z", "2026-13-01T12:00:00Z",
        "2026-03-00T12:00:00Z", "2026-03-32T12:00:00Z", "2026-04-31T12:00:00Z",
        "2026-02-29T12:00:00Z", "1900-02-29T12:00:00Z", "2026-03-01T12:00:00Zx",
        "2026-03-01T12:00:00ZZ", "2026-03-01T12:00:00+1:00", "2026-03-01T12:00:00+0100",
        "2026-03-01T12:00:00+01", "2026-03-01T12:00:00+24:00", "2026-03-01T12:00:00+01:60",
        "2026-03-01T12:00:00*01:00", "2026/03/01T12:00:00Z", "2026-03-01X12:00:00Z",
        " 2026-03-01T12:00:00Z", "2026-03-01T12:00:00Z ", "1677-12-31T12:00:00Z",
        "2262-01-01T00:00:00Z", "-026-03-01T12:00:00Z", "+026-03-01T12:00:00Z",
        "2026-3-1T12:00:00.000Z", "２０26-03-01T12:00:00Z", "1772366400",
    ])
    func isNoInstant(text: String) {
        #expect(Encoding.time(text) == nil)
        #expect(throws: Rejection.self) { try Encoding.content(Self.line(text)) }
    }

    /// Every day of the range, against the calendar of `Billing`, which counts the other way.
    @Test func daysAgreeWithTheCalendar() {
        for day in stride(from: -106_600, through: 106_600, by: 7) {
            let start = CivilDate(daysSinceEpoch: day).start
            let time = Encoding.time(start.formatted(fractionDigits: 0))
            #expect(time?.nanoseconds == start.nanoseconds)
        }
    }

    /// A plain time costs nine bytes, any other its text besides.
    @Test func plainTimesAreShort() throws {
        let none = try Encoding.content(
            "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"s\",\"type\":\"t\"}")
        for (text, more) in [
            ("2026-03-01T12:00:00Z", 9), ("2026-03-01T12:00:00.123456789Z", 9),
            ("2026-03-01T12:00:00z", 30), ("2026-03-01T12:00:00.1234567890Z", 41),
        ] {
            #expect(try Encoding.content(Self.line(text)).count == none.count + more, "\(text)")
        }
    }

    private static func line(_ time: String) -> String {
        "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"s\",\"type\":\"t\",\"time\":\"\(time)\"}"
    }
}
