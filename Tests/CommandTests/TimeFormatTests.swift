import Billing
import Bytes
import Testing

@testable import daybook

/// Times of CSV files, to the nanosecond.
@Suite struct TimeFormatTests {
    @Test(
        arguments: [
            (
                "yyyy-MM-dd HH:mm:ss.fffffff", nil, "2023-11-16 18:17:03.9799600",
                "2023-11-16T18:17:03.97996Z"
            ),
            (
                "yyyy-MM-dd HH:mm:ss.fffffff", nil, "2023-11-16 18:17:03.0000001",
                "2023-11-16T18:17:03.0000001Z"
            ),
            (
                "yyyy-MM-dd HH:mm:ss.fffffffff", nil, "2023-11-16 18:17:03.000000001",
                "2023-11-16T18:17:03.000000001Z"
            ),
            ("yyyy-MM-dd", nil, "2024-02-29", "2024-02-29T00:00:00Z"),
            ("yyyy-MM-ddTHH:mm:ssFFF", nil, "2023-11-16T18:17:035", "2023-11-16T18:17:03.5Z"),
            ("yyyy-MM-dd HH:mm", "+02:00", "2023-11-01 01:30", "2023-10-31T23:30:00Z"),
            ("yyyy-MM-dd HH:mm", "-0530", "2023-11-01 01:30", "2023-11-01T07:00:00Z"),
            ("yyyy-MM-dd HH:mm zzz", "+02:00", "2023-11-01 01:30 -01:00", "2023-11-01T02:30:00Z"),
            ("M/d/yyyy hh:mm tt", nil, "1/2/2024 12:05 am", "2024-01-02T00:05:00Z"),
            ("M/d/yyyy hh:mm tt", nil, "11/12/2024 12:05 PM", "2024-11-12T12:05:00Z"),
            ("dd.MM.yyyy 'um' HH:mm", nil, "03.11.2023 um 10:00", "2023-11-03T10:00:00Z"),
            ("rfc3339", nil, "2023-11-03T10:00:00+01:00", "2023-11-03T09:00:00Z"),
            ("unix", nil, "1700000000.123456789", "2023-11-14T22:13:20.123456789Z"),
            ("unix-ms", nil, "1700000000123", "2023-11-14T22:13:20.123Z"),
        ] as [(String, String?, String, String)])
    func reads(_ format: String, _ offset: String?, _ text: String, _ expected: String) throws {
        let format = try TimeFormat(format, offset: offset)
        let nanoseconds = try format.nanoseconds(text)
        #expect(Timestamp(nanoseconds: nanoseconds).description == expected)
    }

    @Test(arguments: [
        ("yyyy-MM-dd", "2023-02-29"), ("yyyy-MM-dd", "2023-13-01"), ("yyyy-MM-dd", "2023-1-01"),
        ("yyyy-MM-dd", "2023-01-01x"), ("yyyy-MM-dd", ""), ("yyyy-MM-dd HH:mm", "2023-01-01 24:00"),
        ("yyyy-MM-dd HH:mm:ss.fffffff", "2023-11-16 18:17:03.97996"),
        ("yyyy-MM-dd HH:mm:ss.fff", "2023-11-16 18:17:03.9799"), ("yyyy-MM-dd", "1500-01-01"),
        ("unix", "x"), ("unix", "99999999999"), ("rfc3339", "2023-11-03"),
        ("yyyy-MM-dd zzz", "2023-11-03 25:00"),
    ])
    func refuses(_ format: String, _ text: String) throws {
        let format = try TimeFormat(format, offset: nil)
        #expect(throws: TimeFormat.Mismatch.self) { try format.nanoseconds(text) }
    }

    @Test(arguments: [
        "yyyy-MM", "dd/MM", "yyyy-MM-dd 'x", "yyyy-MM-dd Q", "yyy-MM-dd", "yyyy-mm-dd",
    ])
    func refusesFormats(_ format: String) {
        #expect(throws: TimeFormat.Mismatch.self) { try TimeFormat(format, offset: nil) }
    }

    @Test(arguments: ["2", "+2", "+25:00", "+01:60", "01:00", "+1:000"])
    func refusesOffsets(_ offset: String) {
        #expect(throws: TimeFormat.Mismatch.self) {
            try TimeFormat("yyyy-MM-dd", offset: offset)
        }
    }
}
