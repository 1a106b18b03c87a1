import Money

/// Reads what plans and prices, or the catalog as a whole, say in the same way.
enum TermsReader {
    static func checkBounds(
        _ minimum: Quantity?, _ maximum: Quantity?, _ reader: inout CatalogReader
    ) {
        if let minimum, let maximum, minimum > maximum {
            reader.add("maximum", "is below the minimum")
        }
    }

    static func discounts(_ parent: inout CatalogReader) -> [Discount] {
        guard let value = parent["discounts"] else { return [] }
        guard case .array(let list) = value else {
            parent.add("discounts", "a list is needed, such as [{percent: 10}]")
            return []
        }
        return list.enumerated().compactMap { index, item in
            var reader = CatalogReader(
                item, path: "\(parent.path).discounts[\(index)]",
                known: ["percent", "amount", "name"])
            defer { parent.add(contentsOf: reader.problems) }
            let name = reader.text("name")
            let percent = reader.quantity("percent")
            let amount = reader.quantity("amount")
            if (reader["percent"] == nil) == (reader["amount"] == nil) {
                reader.add("", "give either percent or amount")
            }
            if let percent {
                if percent > Quantity(units: 100 * Quantity.one.units) {
                    reader.add("percent", "is at most 100")
                }
                return Discount(.percent(percent), name: name)
            }
            return amount.map { Discount(.amount($0), name: name) }
        }
    }

    // MARK: Time zones

    /// The tables of time zones, by name.
    static func timezones(_ parent: inout CatalogReader) -> [TimeZoneTable] {
        switch parent["timezones"] {
        case nil: return []
        case .object(let members)?:
            return members.compactMap { member in
                guard let transitions = transitions(member.value) else {
                    parent.add(
                        "timezones.\(member.name)",
                        "a list of [from, offset] in seconds, ascending, is needed")
                    return nil
                }
                return TimeZoneTable(name: member.name, transitions: transitions)
            }
        default:
            parent.add(
                "timezones",
                "the offsets of each zone are needed; publish with the command line, which adds "
                    + "them to the names")
            return []
        }
    }

    private static func transitions(_ value: Value) -> [TimeZoneTable.Transition]? {
        guard case .array(let list) = value, !list.isEmpty, list.count <= 4096 else { return nil }
        var transitions: [TimeZoneTable.Transition] = []
        for item in list {
            guard case .array(let pair) = item, pair.count == 2,
                case .number(let from) = pair[0], case .number(let offset) = pair[1],
                from.scale == 0, offset.scale == 0,
                // Timestamps reach from 1677 to 2262.
                (-9_300_000_000...9_300_000_000).contains(from.mantissa),
                (-86_400...86_400).contains(offset.mantissa)
            else { return nil }
            let transition = TimeZoneTable.Transition(
                from: Int64(from.mantissa), offset: Int32(offset.mantissa))
            if let last = transitions.last, last.from >= transition.from { return nil }
            transitions.append(transition)
        }
        return transitions
    }

    // MARK: Events

    static func events(_ parent: inout CatalogReader) -> EventRules {
        var rules = EventRules()
        guard parent["events"] != nil else { return rules }
        var reader = CatalogReader(
            parent["events"], path: "events", known: ["max_age", "max_ahead", "late"])
        defer { parent.add(contentsOf: reader.problems) }
        rules.maxAge = duration("max_age", &reader)
        rules.maxAhead = duration("max_ahead", &reader)
        rules.late = reader.word("late") ?? .nextInvoice
        return rules
    }

    /// Units of durations, in seconds; the largest first.
    static let units: [(name: String, seconds: Int64)] = [
        ("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1),
    ]

    private static func duration(_ name: String, _ reader: inout CatalogReader) -> Int64? {
        guard let text = reader.text(name) else { return nil }
        let words = text.split(separator: " ")
        if words.count == 2, let count = Int64(words[0]), (0...1_000_000_000).contains(count),
            let unit = units.first(where: { $0.name == words[1] || $0.name + "s" == words[1] })
        {
            let (nanoseconds, overflow) = (count * unit.seconds)
                .multipliedReportingOverflow(by: 1_000_000_000)
            if !overflow { return nanoseconds }
        }
        reader.add(name, "\"\(text)\" is no duration such as \"35 days\" or \"5 minutes\"")
        return nil
    }
}
