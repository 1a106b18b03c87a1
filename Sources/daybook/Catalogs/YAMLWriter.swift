import Billing
import Client
import Codec

/// A canonical catalog as YAML for people: names in the order of `docs/CATALOG.md`, quantities as
/// numbers, texts in quotes only where they would be read as something else.
struct YAMLWriter {
    private(set) var lines: [String] = []

    /// A catalog's lines.
    static func lines(_ catalog: Value) -> [String] {
        var writer = YAMLWriter()
        writer.members(catalog, indent: 0, parent: "")
        return writer.lines
    }

    private static let order = [
        "catalog", "currency", "default_plan", "timezones", "events", "meters", "features",
        "credit", "plans", "personal",
        // A meter.
        "event", "aggregate", "value", "operation", "filter", "group_by", "window", "across",
        "carry", "convert", "multiply", "divide", "round", "decimals",
        // Credits, a plan.
        "unit", "burn", "name", "billing", "every", "anchor", "timezone", "entitlements", "prices",
        // A price, its model, and what else is said of it.
        "meter", "description", "fee", "charged", "by", "rows", "up_to", "size", "rate", "percent",
        "quantity", "amount", "per", "flat", "fixed", "free_events", "free_units", "multiplier",
        "package", "graduated", "volume", "stairstep", "percentage", "graduated_percentage",
        "dynamic", "matrix", "other", "flat_at_zero", "free", "prorate", "minimum", "maximum",
        "commitment", "overage", "true_up", "discounts", "negative", "tax_exempt",
        // The rest of a plan, an entitlement, and of the rules for events.
        "tax", "order", "limit", "enforce", "reset", "max_age", "max_ahead", "keep", "late",
    ]
    /// Keys whose canonical text is a quantity.
    private static let quantities: Set = [
        "amount", "per", "limit", "size", "up_to", "flat", "multiply", "divide", "fee", "rate",
        "percent", "quantity", "fixed", "free_units", "multiplier", "other", "free", "minimum",
        "maximum", "overage",
    ]
    /// Keys whose members are named by people and stand in the order of their names.
    private static let groups: Set = [
        "meters", "features", "plans", "entitlements", "prices", "burn", "filter", "rows",
        "timezones",
    ]

    private mutating func members(_ value: Value, indent: Int, parent: String) {
        guard case .object(let members) = value else { return }
        let shown = members.filter { $0.value != .null }
        let sorted =
            Self.groups.contains(parent) ? shown : shown.sorted { rank($0) < rank($1) }
        for member in sorted {
            let isQuantity =
                switch parent {
                case "burn": true
                // Beside its price a row has the values of its dimensions, whatever their names.
                case "row": member.name == "amount" || member.name == "per"
                default: Self.quantities.contains(member.name) && !Self.groups.contains(parent)
                }
            let inner =
                switch parent {
                case "rows": "row"
                case "row": ""
                default: Self.groups.contains(parent) ? "" : member.name
                }
            write(
                Self.plain(member.name) + ":", member.value, indent: indent, parent: inner,
                isQuantity: isQuantity)
        }
    }

    private func rank(_ member: Value.Member) -> Int {
        Self.order.firstIndex(of: member.name) ?? Self.order.count
    }

    private mutating func write(
        _ head: String, _ value: Value, indent: Int, parent: String, isQuantity: Bool
    ) {
        let space = String(repeating: " ", count: indent)
        switch value {
        case .object(let members) where !members.isEmpty:
            lines.append(space + head)
            self.members(value, indent: indent + 2, parent: parent)
        case .array(let list) where list.contains { if case .object = $0 { true } else { false } }:
            lines.append(space + head)
            for item in list {
                let start = lines.count
                members(item, indent: indent + 4, parent: "")
                if lines.count > start {
                    let text = lines[start].dropFirst(indent + 4)
                    lines[start] = space + "  - " + text
                }
            }
        default:
            lines.append("\(space)\(head) \(flow(value, isQuantity: isQuantity))")
        }
    }

    private func flow(_ value: Value, isQuantity: Bool) -> String {
        switch value {
        case .string(let text): isQuantity && Decimals.isDecimal(text) ? text : Self.plain(text)
        case .array(let list):
            "[" + list.map { flow($0, isQuantity: false) }.joined(separator: ", ") + "]"
        case .null, .bool, .number, .numberText, .object, .redacted: Self.json(value)
        }
    }

    private static func json(_ value: Value) -> String {
        var json = JSONWriter()
        json.value(value)
        return String(decoding: json.finish(), as: UTF8.self)
    }

    /// A text as it stands in YAML: bare where nobody, old readers included, can misread it.
    static func plain(_ text: String) -> String {
        let words: Set = [
            "true", "false", "null", "yes", "no", "on", "off", "y", "n",
        ]
        let isSafe =
            text.utf8.allSatisfy { byte in
                (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
                    || [32, 45, 46, 47, 95].contains(byte)
            }
            && text.first.map { $0.isLetter } == true && text.last != " "
            && !words.contains(text.lowercased())
        return isSafe ? text : json(.string(text))
    }
}
