import Money

extension EventRules {
    /// Reads `events`.
    static func read(_ parent: inout CatalogReader) -> EventRules {
        parent.group("events", known: ["max_age", "max_ahead", "late", "keep"]) { reader in
            var rules = EventRules()
            rules.maxAge = duration("max_age", &reader)
            rules.maxAhead = duration("max_ahead", &reader)
            rules.keep = duration("keep", &reader)
            if let late = reader.word("late", Late.self) { rules.late = late }
            return rules
        } ?? EventRules()
    }

    private static let units: [(name: String, nanoseconds: Int64)] = [
        ("day", 86_400_000_000_000), ("hour", 3_600_000_000_000), ("minute", 60_000_000_000),
        ("second", 1_000_000_000),
    ]
    /// A hundred years.
    private static let daysMax: Int64 = 36_525

    /// Reads `5 minutes`, `1 day` …
    static func duration(_ name: String, _ reader: inout CatalogReader) -> Int64? {
        guard let text = reader.text(name) else { return nil }
        let parts = text.split(separator: " ", omittingEmptySubsequences: false)
        if parts.count == 2, let count = CatalogReader.number(parts[0]),
            let unit = units.first(where: { CatalogReader.isWord(parts[1], $0.name) })
        {
            let (length, overflow) = Int64(count).multipliedReportingOverflow(by: unit.nanoseconds)
            if !overflow, length <= daysMax * units[0].nanoseconds { return length }
        }
        reader.add(
            name,
            "\"\(text)\" is no duration; give a whole number of seconds, minutes, hours or days, up "
                + "to 100 years, such as \"35 days\"")
        return nil
    }

    /// A duration as it is read, in the largest unit that leaves it whole.
    static func text(_ duration: Int64) -> String {
        let unit = units.first { duration != 0 && duration % $0.nanoseconds == 0 } ?? units[3]
        let count = duration / unit.nanoseconds
        return "\(count) \(unit.name)\(count == 1 ? "" : "s")"
    }
}

extension CatalogReader {
    /// A number of plain digits, without leading zeros.
    static func number(_ text: Substring) -> Int? {
        let bytes = text.utf8
        guard (1...10).contains(bytes.count), bytes.allSatisfy({ (48...57).contains($0) }),
            bytes.first != 48 || bytes.count == 1
        else { return nil }
        return Int(text)
    }

    /// Whether a text is a word or its plural.
    static func isWord(_ text: Substring, _ word: String) -> Bool {
        text == word || text == word + "s"
    }
}
