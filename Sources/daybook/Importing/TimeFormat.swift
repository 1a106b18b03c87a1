import Billing
import Bytes
import Codec

/// How a column writes its times, read without rounding to the nanosecond.
///
///     yyyy MM dd HH mm ss    digits, exactly so many; M d H h: one or two
///     hh tt                  hours 1 to 12 with AM or PM
///     f … fffffffff          fraction digits, exactly so many; F…: up to so many, also none
///     zzz                    an offset: Z, +02:00 or +0200
///     'text' and the rest    stand for themselves
///
/// or one of the words `rfc3339`, `unix` (seconds, with or without fraction), `unix-ms`.
struct TimeFormat {
    private enum Token: Equatable {
        case year
        case month(ClosedRange<Int>)
        case day(ClosedRange<Int>)
        case hour(ClosedRange<Int>)
        case hourOfTwelve(ClosedRange<Int>)
        case minute
        case second
        case halfOfDay
        case fraction(ClosedRange<Int>)
        case offset
        case literal(UInt8)
    }

    private enum Form {
        case tokens([Token])
        case rfc3339
        case unix(decimals: Int)
    }

    /// As it was written, for messages.
    let text: String
    private let form: Form
    /// Minutes that local time is ahead of UTC, for forms that carry no offset.
    private let offsetMinutes: Int

    /// Why a text is no time of this format.
    struct Mismatch: Error {
        let message: String
    }

    /// Reads a format.
    /// - Throws: `Mismatch` with what is wrong with it.
    init(_ text: String, offset: String?) throws(Mismatch) {
        self.text = text
        if let offset {
            guard let minutes = Self.offset(offset) else {
                throw Mismatch(message: "the offset \(offset) is none such as +02:00 or Z")
            }
            offsetMinutes = minutes
        } else {
            offsetMinutes = 0
        }
        switch text {
        case "rfc3339": form = .rfc3339
        case "unix": form = .unix(decimals: 0)
        case "unix-ms": form = .unix(decimals: 3)
        default:
            let tokens = try Self.tokens(text)
            for (needed, name) in [
                (Token.year, "yyyy"), (.month(2...2), "MM"), (.day(2...2), "dd"),
            ] where !tokens.contains(where: { Self.isSame($0, needed) }) {
                throw Mismatch(message: "the format has no \(name)")
            }
            form = .tokens(tokens)
        }
    }

    private static func isSame(_ left: Token, _ right: Token) -> Bool {
        switch (left, right) {
        case (.month, .month), (.day, .day): true
        default: left == right
        }
    }

    private static func tokens(_ text: String) throws(Mismatch) -> [Token] {
        var tokens: [Token] = []
        var rest = Array(text)[...]
        while let letter = rest.first {
            if letter == "'" {
                let quoted = rest.dropFirst().prefix { $0 != "'" }
                guard rest.count >= quoted.count + 2 else {
                    throw Mismatch(message: "a quote in the format is not closed")
                }
                tokens += String(quoted).utf8.map { .literal($0) }
                rest = rest.dropFirst(quoted.count + 2)
                continue
            }
            let count = rest.prefix { $0 == letter }.count
            tokens += try token(letter, count)
            rest = rest.dropFirst(count)
        }
        return tokens
    }

    private static func token(_ letter: Character, _ count: Int) throws(Mismatch) -> [Token] {
        let digits = count == 1 ? 1...2 : 2...2
        switch (letter, count) {
        case ("y", 4): return [.year]
        case ("M", 1...2): return [.month(digits)]
        case ("d", 1...2): return [.day(digits)]
        case ("H", 1...2): return [.hour(digits)]
        case ("h", 1...2): return [.hourOfTwelve(digits)]
        case ("m", 2): return [.minute]
        case ("s", 2): return [.second]
        case ("t", 2): return [.halfOfDay]
        case ("f", 1...9): return [.fraction(count...count)]
        case ("F", 1...9): return [.fraction(0...count)]
        case ("z", 3): return [.offset]
        default:
            guard !letter.isLetter || letter == "T" || letter == "Z" else {
                throw Mismatch(
                    message: "\(String(repeating: letter, count: count)) is no part of a format; "
                        + "letters that stand for themselves need quotes: '\(letter)'")
            }
            return Array(repeating: String(letter).utf8.map { Token.literal($0) }, count: count)
                .flatMap { $0 }
        }
    }

    /// Nanoseconds since 1970 UTC.
    /// - Throws: `Mismatch` with what was expected and where.
    func nanoseconds(_ text: String) throws(Mismatch) -> Int64 {
        try text.withBytes { bytes throws(Mismatch) in try nanoseconds(bytes) }
    }

    /// Nanoseconds since 1970 UTC of a text given as UTF-8.
    /// - Throws: `Mismatch` with what was expected and where.
    func nanoseconds(_ span: RawSpan) throws(Mismatch) -> Int64 {
        switch form {
        case .rfc3339:
            guard let time = EventTime(span) else {
                throw Mismatch(message: "is no RFC 3339 time such as 2023-11-16T18:17:03Z")
            }
            return time.nanoseconds
        case .unix(let decimals): return try Self.unix(span, decimals)
        case .tokens(let tokens): return try read(tokens, span)
        }
    }

    private struct Parts {
        var year = 0
        var month = 0
        var day = 0
        var hour = 0
        var minute = 0
        var second = 0
        var fraction: Int64 = 0
        var isAfternoon: Bool?
        var offset: Int?
    }

    private func read(_ tokens: [Token], _ span: RawSpan) throws(Mismatch) -> Int64 {
        var parts = Parts()
        var cursor = DigitCursor(span)
        for token in tokens {
            guard take(token, &cursor, &parts) else {
                throw Mismatch(
                    message: "is no time of the form \(text): see its character "
                        + "\(cursor.offset + 1)")
            }
        }
        guard cursor.isAtEnd else {
            throw Mismatch(message: "has more text behind the form \(text)")
        }
        if let isAfternoon = parts.isAfternoon {
            parts.hour = parts.hour % 12 + (isAfternoon ? 12 : 0)
        }
        return try nanoseconds(parts)
    }

    private func take(_ token: Token, _ cursor: inout DigitCursor, _ parts: inout Parts) -> Bool {
        func number(_ count: ClosedRange<Int>, _ range: ClosedRange<Int>) -> Int? {
            guard let (value, _) = cursor.digits(count), range.contains(Int(value)) else {
                return nil
            }
            return Int(value)
        }
        func set(_ part: WritableKeyPath<Parts, Int>, _ value: Int?) -> Bool {
            guard let value else { return false }
            parts[keyPath: part] = value
            return true
        }
        switch token {
        case .year: return set(\.year, number(4...4, 1678...2261))
        case .month(let count): return set(\.month, number(count, 1...12))
        case .day(let count): return set(\.day, number(count, 1...31))
        case .hour(let count): return set(\.hour, number(count, 0...23))
        case .hourOfTwelve(let count): return set(\.hour, number(count, 1...12))
        case .minute: return set(\.minute, number(2...2, 0...59))
        case .second: return set(\.second, number(2...2, 0...59))
        case .fraction(let count):
            guard let (value, length) = cursor.digits(count) else { return false }
            parts.fraction = (length..<9).reduce(value) { value, _ in value * 10 }
            return true
        case .halfOfDay:
            guard let isAfternoon = cursor.halfOfDay() else { return false }
            parts.isAfternoon = isAfternoon
            return true
        case .offset:
            parts.offset = cursor.rest().flatMap { Self.offset($0) }
            return parts.offset != nil
        case .literal(let byte): return cursor.skip(byte)
        }
    }

    private func nanoseconds(_ parts: Parts) throws(Mismatch) -> Int64 {
        let date = CivilDate(year: parts.year, month: parts.month, day: parts.day)
        guard CivilDate(daysSinceEpoch: date.daysSinceEpoch) == date else {
            throw Mismatch(message: "names a day that its month does not have")
        }
        let minutes = parts.hour * 60 + parts.minute - (parts.offset ?? offsetMinutes)
        let seconds = Int64(date.daysSinceEpoch) * 86_400 + Int64(minutes * 60 + parts.second)
        return seconds * 1_000_000_000 + parts.fraction
    }

    /// Minutes of an offset: `Z`, `+02:00`, `-0530`.
    private static func offset(_ text: String) -> Int? {
        if text == "Z" || text == "z" { return 0 }
        let bytes = Array(text.utf8)
        guard let sign = bytes.first, sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-")
        else { return nil }
        var digits = Array(bytes.dropFirst())
        if digits.count == 5, digits[2] == UInt8(ascii: ":") { digits.remove(at: 2) }
        guard digits.count == 4, digits.allSatisfy({ (48...57).contains($0) }) else { return nil }
        let value = digits.reduce(0) { $0 * 10 + Int($1 - 48) }
        guard value / 100 <= 23, value % 100 <= 59 else { return nil }
        let minutes = value / 100 * 60 + value % 100
        return sign == UInt8(ascii: "-") ? -minutes : minutes
    }

    /// Seconds (or thousandths) since 1970, with up to nine decimals of a second.
    private static func unix(_ span: RawSpan, _ decimals: Int) throws(Mismatch) -> Int64 {
        var cursor = DigitCursor(span)
        let mismatch = Mismatch(message: "is no number of seconds since 1970 in the years to 2261")
        guard let (whole, _) = cursor.digits(1...13) else { throw mismatch }
        var fraction: Int64 = 0
        if cursor.skip(UInt8(ascii: ".")) {
            guard let (value, length) = cursor.digits(1...(9 - decimals)) else { throw mismatch }
            fraction = (length..<(9 - decimals)).reduce(value) { value, _ in value * 10 }
        }
        let unit: Int64 = decimals == 3 ? 1_000_000 : 1_000_000_000
        let (product, overflow) = whole.multipliedReportingOverflow(by: unit)
        guard cursor.isAtEnd, !overflow, product < Int64.max - unit else { throw mismatch }
        return product + fraction
    }
}

/// Walks over a short text.
private struct DigitCursor {
    private let bytes: [UInt8]
    private(set) var offset = 0

    init(_ span: RawSpan) { bytes = span.makeArray() }

    var isAtEnd: Bool { offset == bytes.count }

    /// As many digits as there are, within `count`, as a number; and how many they were.
    mutating func digits(_ count: ClosedRange<Int>) -> (Int64, Int)? {
        var value: Int64 = 0
        var length = 0
        while length < count.upperBound, offset < bytes.count,
            (48...57).contains(bytes[offset])
        {
            value = value * 10 + Int64(bytes[offset] - 48)
            offset += 1
            length += 1
        }
        return length >= count.lowerBound ? (value, length) : nil
    }

    mutating func skip(_ byte: UInt8) -> Bool {
        guard offset < bytes.count, bytes[offset] == byte else { return false }
        offset += 1
        return true
    }

    /// `AM` or `PM`, in any case: whether it is the afternoon.
    mutating func halfOfDay() -> Bool? {
        let word = bytes[offset...].prefix(2).map { $0 & 0xDF }
        guard word.count == 2, word[1] == UInt8(ascii: "M"),
            word[0] == UInt8(ascii: "A") || word[0] == UInt8(ascii: "P")
        else { return nil }
        offset += 2
        return word[0] == UInt8(ascii: "P")
    }

    /// The text up to the end.
    mutating func rest() -> String? {
        guard offset < bytes.count else { return nil }
        defer { offset = bytes.count }
        return String(decoding: bytes[offset...], as: UTF8.self)
    }
}
