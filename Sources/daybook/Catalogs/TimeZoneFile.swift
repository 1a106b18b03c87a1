import Billing
import Bytes
import Platform
import SegmentedLog

/// # A time zone of the machine, as a table
///
/// Reads a TZif file (RFC 8536) of the time zone database, and goes on behind its last transition by
/// the rule in its footer, up to the year 2100. The table is published with the catalog: from then on
/// nothing depends on this machine's database.
enum TimeZoneFile {
    private static let directory = "/usr/share/zoneinfo"
    private static let fileBytesMax = 1 << 20
    /// Offsets are kept from here on: 1970-01-01.
    private static let firstSecond: Int64 = 0
    /// Years up to this one are laid out.
    private static let lastYear = 2100

    /// The table of a zone.
    /// - Throws: `CommandFailure` that says that there is no such zone, or that the database is missing.
    static func table(named name: String) throws -> TimeZoneTable {
        if name == TimeZoneTable.utc.name { return .utc }
        let parts = name.split(separator: "/", omittingEmptySubsequences: false)
        let isPlain = parts.allSatisfy { part in
            !part.isEmpty && part.first != "."
                && part.utf8.allSatisfy { byte in
                    (97...122).contains(byte) || (65...90).contains(byte)
                        || (48...57).contains(byte) || [43, 45, 95].contains(byte)
                }
        }
        guard isPlain, let bytes = try? read("\(directory)/\(name)") else {
            let hint =
                (try? read("\(directory)/Europe/Berlin")) == nil
                ? "; the time zone database is missing: install tzdata" : ""
            throw CommandFailure(
                .rejected,
                "there is no time zone \"\(name)\"; write it as Europe/Berlin or UTC\(hint)")
        }
        guard let transitions = transitions(bytes), !transitions.isEmpty else {
            throw CommandFailure(.rejected, "\(directory)/\(name) is no time zone file")
        }
        return TimeZoneTable(name: name, transitions: merged(transitions))
    }

    private static func read(_ path: String) throws -> [UInt8] {
        let file = try File.open(path, .reading, SystemFileSystem())
        let size = try file.size()
        guard size <= fileBytesMax else { throw CommandFailure(.rejected, path) }
        var bytes = ByteBuffer(capacity: size)
        _ = try file.append(0..<size, to: &bytes)
        try file.close()
        return bytes.copyBytes(in: 0..<bytes.count)
    }

    /// Only transitions that change the offset, from 1970 on; the first says what holds before it.
    private static func merged(
        _ all: [TimeZoneTable.Transition]
    ) -> [TimeZoneTable.Transition] {
        var kept: [TimeZoneTable.Transition] = []
        for transition in all {
            if transition.from <= firstSecond {
                kept = [.init(from: firstSecond, offset: transition.offset)]
            } else if kept.last?.offset != transition.offset {
                kept.append(transition)
            }
        }
        return kept
    }

    // MARK: RFC 8536

    private struct Header {
        let isUTC, isStandard, leaps, times, types, characters: Int

        /// At an offset; nil if there is none.
        init?(_ bytes: [UInt8], at offset: Int) {
            guard bytes.count >= offset + 44,
                bytes[offset..<(offset + 4)].elementsEqual("TZif".utf8)
            else { return nil }
            let counts = (0..<6).map { integer(bytes, offset + 20 + 4 * $0, 4) }
            guard counts.allSatisfy({ (0...65_536).contains($0) }) else { return nil }
            isUTC = Int(counts[0])
            isStandard = Int(counts[1])
            leaps = Int(counts[2])
            times = Int(counts[3])
            types = Int(counts[4])
            characters = Int(counts[5])
        }

        func bodyBytes(timeBytes: Int) -> Int {
            times * timeBytes + times + types * 6 + characters + leaps * (timeBytes + 4)
                + isStandard + isUTC
        }
    }

    /// A big-endian integer with a sign; the caller sees to the bounds.
    private static func integer(_ bytes: [UInt8], _ offset: Int, _ count: Int) -> Int64 {
        let magnitude = bytes[offset..<(offset + count)].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        return count == 4
            ? Int64(Int32(bitPattern: UInt32(magnitude))) : Int64(bitPattern: magnitude)
    }

    static func transitions(_ bytes: [UInt8]) -> [TimeZoneTable.Transition]? {
        guard let first = Header(bytes, at: 0), bytes[4] >= UInt8(ascii: "2") else { return nil }
        let second = 44 + first.bodyBytes(timeBytes: 4)
        guard let header = Header(bytes, at: second) else { return nil }
        let body = second + 44
        let footer = body + header.bodyBytes(timeBytes: 8)
        guard bytes.count >= footer, header.types > 0 else { return nil }
        let indices = body + header.times * 8
        let types = indices + header.times
        func offset(ofType type: Int) -> Int32? {
            guard type < header.types else { return nil }
            return Int32(truncatingIfNeeded: integer(bytes, types + 6 * type, 4))
        }
        guard let before = offset(ofType: 0) else { return nil }
        var all = [TimeZoneTable.Transition(from: .min, offset: before)]
        for index in 0..<header.times {
            guard let offset = offset(ofType: Int(bytes[indices + index])) else { return nil }
            all.append(.init(from: integer(bytes, body + 8 * index, 8), offset: offset))
        }
        let text = bytes[footer...].split(
            separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        guard text.count >= 2 else { return all }
        guard let rule = TimeZoneRule(String(decoding: text[1], as: UTF8.self)) else { return all }
        let last = all[all.count - 1].from
        return all + rule.transitions(after: last, to: lastYear)
    }
}

/// The rule of a time zone for the years to come: the POSIX TZ string of a file's footer.
struct TimeZoneRule {
    private let standard: Int64
    private let summer: (offset: Int64, from: Day, to: Day)?

    /// A day of each year and the local second at which the clocks change.
    private struct Day {
        enum Kind { case weekday(month: Int, week: Int, day: Int), julian(Int), ordinal(Int) }
        let kind: Kind
        let second: Int64

        /// Seconds since 1970 as the clocks show them.
        func seconds(in year: Int) -> Int64 {
            let days: Int
            switch kind {
            case .ordinal(let day):
                days = CivilDate(year: year, month: 1, day: 1).daysSinceEpoch + day
            case .julian(let day):
                // 29 February is never counted.
                let leap = CivilDate.days(year, 2) == 29 && day > 59 ? 1 : 0
                days = CivilDate(year: year, month: 1, day: 1).daysSinceEpoch + day - 1 + leap
            case .weekday(let month, let week, let day):
                let first = CivilDate(year: year, month: month, day: 1).daysSinceEpoch
                // 1970-01-01 was a Thursday.
                let weekday = ((first + 4) % 7 + 7) % 7
                var date = (day - weekday + 7) % 7 + 7 * (week - 1)
                while date >= CivilDate.days(year, month) { date -= 7 }
                days = first + date
            }
            return Int64(days) * 86_400 + second
        }
    }

    /// Reads `CET-1CEST,M3.5.0,M10.5.0/3`.
    init?(_ text: String) {
        var rest = Substring(text)
        guard Self.skipName(&rest), let standard = Self.time(&rest) else { return nil }
        self.standard = -standard
        guard !rest.isEmpty else {
            summer = nil
            return
        }
        guard Self.skipName(&rest) else { return nil }
        let own = rest.first == "," ? nil : Self.time(&rest)
        guard rest.popFirst() == ",", let from = Self.day(&rest), rest.popFirst() == ",",
            let to = Self.day(&rest), rest.isEmpty
        else { return nil }
        summer = (own.map { -$0 } ?? self.standard + 3600, from, to)
    }

    /// All changes behind an instant.
    func transitions(after last: Int64, to lastYear: Int) -> [TimeZoneTable.Transition] {
        guard let summer else { return [] }
        var all: [TimeZoneTable.Transition] = []
        for year in 1970...lastYear {
            all.append(
                .init(
                    from: summer.from.seconds(in: year) - standard,
                    offset: Int32(truncatingIfNeeded: summer.offset)))
            all.append(
                .init(
                    from: summer.to.seconds(in: year) - summer.offset,
                    offset: Int32(truncatingIfNeeded: standard)))
        }
        return all.filter { $0.from > last }.sorted { $0.from < $1.from }
    }

    private static func skipName(_ rest: inout Substring) -> Bool {
        if rest.first == "<" {
            guard let end = rest.firstIndex(of: ">") else { return false }
            rest = rest[rest.index(after: end)...]
            return true
        }
        let name = rest.prefix { $0.isLetter }
        rest = rest.dropFirst(name.count)
        return name.count >= 3
    }

    /// `[+-]h[:m[:s]]` in seconds.
    private static func time(_ rest: inout Substring) -> Int64? {
        var sign: Int64 = 1
        if let first = rest.first, first == "-" || first == "+" {
            sign = first == "-" ? -1 : 1
            rest.removeFirst()
        }
        guard var seconds = number(&rest).map({ Int64($0) * 3600 }) else { return nil }
        for unit: Int64 in [60, 1] where rest.first == ":" {
            rest.removeFirst()
            guard let part = number(&rest) else { return nil }
            seconds += Int64(part) * unit
        }
        return sign * seconds
    }

    private static func number(_ rest: inout Substring) -> Int? {
        let digits = rest.prefix { $0.isASCII && $0.isNumber }
        guard digits.count <= 3 else { return nil }
        rest = rest.dropFirst(digits.count)
        return Int(digits)
    }

    private static func day(_ rest: inout Substring) -> Day? {
        let kind: Day.Kind
        switch rest.first {
        case "M":
            rest.removeFirst()
            guard let month = number(&rest), rest.popFirst() == ".", let week = number(&rest),
                rest.popFirst() == ".", let day = number(&rest), (1...12).contains(month),
                (1...5).contains(week), (0...6).contains(day)
            else { return nil }
            kind = .weekday(month: month, week: week, day: day)
        case "J":
            rest.removeFirst()
            guard let day = number(&rest), (1...365).contains(day) else { return nil }
            kind = .julian(day)
        default:
            guard let day = number(&rest), (0...365).contains(day) else { return nil }
            kind = .ordinal(day)
        }
        guard rest.first == "/" else { return Day(kind: kind, second: 7200) }
        rest.removeFirst()
        return time(&rest).map { Day(kind: kind, second: $0) }
    }
}
