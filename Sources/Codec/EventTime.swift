import Bytes

/// An RFC 3339 instant as nanoseconds UTC, with how it was written.
///
/// RFC 3339 section 5.6, with the liberties it allows: lower-case `t` and `z`, a space for `T`,
/// any number of fraction digits (beyond nine are cut), offsets, and the leap second `:60`, which
/// counts as the last nanosecond before the next minute.
package struct EventTime: Equatable, Sendable {
    /// Since 1970-01-01T00:00:00Z.
    package let nanoseconds: Int64
    /// Fraction digits (0…9) of a time in the plain form ending in `Z`; else `TimeStyle.text`.
    package let style: UInt8

    /// Reads an instant; nil if it is none or lies outside the years 1678 to 2261.
    package init?(_ text: String) {
        guard let time = text.withBytes({ EventTime($0) }) else { return nil }
        self = time
    }

    /// Reads an instant, given as UTF-8; nil if it is none or lies outside the years 1678 to 2261.
    package init?(_ text: RawSpan) {
        guard text.byteCount >= 20, text.byte(at: 4) == UInt8(ascii: "-"),
            text.byte(at: 7) == UInt8(ascii: "-"), text.byte(at: 13) == UInt8(ascii: ":"),
            text.byte(at: 16) == UInt8(ascii: ":")
        else { return nil }
        let year = Self.two(text, 0) * 100 + Self.two(text, 2)
        let (month, day) = (Self.two(text, 5), Self.two(text, 8))
        let (hour, minute, second) = (
            Self.two(text, 11), Self.two(text, 14), Self.two(text, 17)
        )
        let separator = text.byte(at: 10)
        guard separator | 0x20 == UInt8(ascii: "t") || separator == UInt8(ascii: " "),
            (1678...2261).contains(year), (1...12).contains(month), day >= 1,
            day <= Self.days(in: month, year), hour < 24, minute < 60, second <= 60
        else { return nil }
        var offset = 19
        var fraction: Int64 = 0
        var fractionDigits = 0
        if text.byte(at: offset) == UInt8(ascii: ".") {
            offset += 1
            while offset < text.byteCount {
                let digit = text.byte(at: offset) &- 48
                guard digit < 10 else { break }
                if fractionDigits < 9 { fraction = fraction * 10 + Int64(digit) }
                fractionDigits += 1
                offset += 1
            }
            guard fractionDigits > 0 else { return nil }
        }
        for _ in min(fractionDigits, 9)..<9 { fraction *= 10 }
        guard let zone = Self.zone(text, offset) else { return nil }
        let days = Self.daysFromCivil(year, month, day)
        var seconds = Int64(days) * 86_400 + Int64(hour * 3600 + minute * 60 + second)
        seconds -= Int64(zone.minutes * 60)
        if second == 60 { (seconds, fraction) = (seconds - 1, 999_999_999) }
        nanoseconds = seconds * 1_000_000_000 + fraction
        let isPlain =
            zone.isZulu && separator == UInt8(ascii: "T") && fractionDigits <= 9 && second < 60
        style = isPlain ? UInt8(fractionDigits) : TimeStyle.text
    }

    /// Two digits; where one is none, a number beyond all that are asked for.
    private static func two(_ text: RawSpan, _ offset: Int) -> Int {
        let (tens, ones) = (text.byte(at: offset) &- 48, text.byte(at: offset + 1) &- 48)
        return tens < 10 && ones < 10 ? Int(tens) * 10 + Int(ones) : 1_000_000
    }

    private static func zone(_ text: RawSpan, _ offset: Int) -> (minutes: Int, isZulu: Bool)? {
        guard offset < text.byteCount else { return nil }
        let sign = text.byte(at: offset)
        if sign | 0x20 == UInt8(ascii: "z") {
            guard offset + 1 == text.byteCount else { return nil }
            return (0, sign == UInt8(ascii: "Z"))
        }
        guard sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-"),
            text.byteCount == offset + 6, text.byte(at: offset + 3) == UInt8(ascii: ":")
        else { return nil }
        let (hours, minutes) = (two(text, offset + 1), two(text, offset + 4))
        guard hours < 24, minutes < 60 else { return nil }
        let total = hours * 60 + minutes
        return (sign == UInt8(ascii: "-") ? -total : total, false)
    }

    private static func days(in month: Int, _ year: Int) -> Int {
        switch month {
        case 4, 6, 9, 11: 30
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        default: 31
        }
    }

    /// Days since 1970-01-01, as published by Howard Hinnant ("chrono-compatible low-level date
    /// algorithms").
    private static func daysFromCivil(_ year: Int, _ month: Int, _ day: Int) -> Int {
        let shifted = month <= 2 ? year - 1 : year
        let era = shifted / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }
}
