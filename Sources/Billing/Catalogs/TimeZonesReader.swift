import Money

/// Reads the time zones of a catalog: their tables, so that no bill depends on the machine's zones.
enum TimeZonesReader {
    private static let zonesMax = 64
    private static let transitionsMax = 2000
    /// Seconds: no zone is a day away from UTC.
    private static let offsetMax: Int128 = 86_399

    static func read(_ parent: inout CatalogReader) -> [TimeZoneTable] {
        switch parent["timezones"] {
        case nil: return []
        case .array(let list)?:
            // Names, as people write them: daybook has the tables, this reader has none.
            for item in list where item.text != TimeZoneTable.utc.name {
                guard let name = item.text else {
                    parent.add("timezones", "each entry is a name such as Europe/Berlin")
                    continue
                }
                parent.add(
                    "timezones",
                    "\"\(name)\" has no table; publish through daybook, which adds it")
            }
            return []
        case .object(let members)?:
            if members.count > zonesMax {
                parent.add("timezones", "has more than \(zonesMax) zones")
            }
            return members.compactMap { table($0, &parent) }
        default:
            parent.add(
                "timezones", "a list of names is needed, such as [Europe/Berlin]")
            return []
        }
    }

    /// The names in either form.
    static func names(_ value: Value?) -> [String] {
        switch value {
        case .array(let list)?: list.compactMap(\.text)
        case .object(let members)?: members.map(\.name)
        default: []
        }
    }

    /// Whether a text can be the name of a zone: letters, digits, `_`, `+`, `-`, and slashes between.
    package static func isName(_ name: String) -> Bool {
        let parts = name.utf8.split(separator: 47, omittingEmptySubsequences: false)
        return name.utf8.count <= 64
            && parts.allSatisfy { part in
                guard let first = part.first, isLetter(first) || isDigit(first) else {
                    return false
                }
                return part.allSatisfy { isLetter($0) || isDigit($0) || [43, 45, 95].contains($0) }
            }
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (65...90).contains(byte) || (97...122).contains(byte)
    }
    private static func isDigit(_ byte: UInt8) -> Bool { (48...57).contains(byte) }

    private static func table(
        _ member: Value.Member, _ parent: inout CatalogReader
    ) -> TimeZoneTable? {
        let path = "timezones.\(member.name)"
        guard isName(member.name), member.name != TimeZoneTable.utc.name else {
            parent.add(
                path,
                member.name == TimeZoneTable.utc.name
                    ? "is always there; leave it out" : "is no name such as Europe/Berlin")
            return nil
        }
        guard case .array(let list) = member.value, list.count <= transitionsMax else {
            parent.add(
                path,
                "a list of at most \(transitionsMax) [from, offset] in seconds is needed; publish "
                    + "through daybook, which makes it")
            return nil
        }
        var transitions: [TimeZoneTable.Transition] = []
        for (index, item) in list.enumerated() {
            guard case .array(let pair) = item, pair.count == 2,
                let from = pair[0].integer.flatMap({ Int64(exactly: $0) }),
                let offset = pair[1].integer, abs(offset) <= offsetMax
            else {
                parent.add(
                    "\(path)[\(index)]",
                    "[from, offset] is needed: seconds since 1970 in UTC, and local time minus UTC "
                        + "in seconds, less than a day")
                return nil
            }
            if let last = transitions.last, last.from >= from {
                parent.add("\(path)[\(index)]", "must begin after the one before it")
                return nil
            }
            transitions.append(TimeZoneTable.Transition(from: from, offset: Int32(offset)))
        }
        return TimeZoneTable(name: member.name, transitions: transitions)
    }
}
