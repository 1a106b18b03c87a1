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
        "catalog", "currency", "default_plan", "meters", "features", "credit", "plans", "event",
        "aggregate", "value", "filter", "group_by", "unit", "burn", "name", "entitlements",
        "prices", "meter", "description", "up_to", "size", "amount", "per", "flat", "package",
        "graduated", "limit", "enforce", "reset",
    ]
    /// Keys whose canonical text is a quantity.
    private static let quantities: Set = ["amount", "per", "limit", "size", "up_to", "flat"]
    /// Keys whose members are named by people and stand in the order of their names.
    private static let groups: Set = [
        "meters", "features", "plans", "entitlements", "prices", "burn", "filter",
    ]

    private mutating func members(_ value: Value, indent: Int, parent: String) {
        guard case .object(let members) = value else { return }
        let shown = members.filter { $0.value != .null }
        let sorted =
            Self.groups.contains(parent) ? shown : shown.sorted { rank($0) < rank($1) }
        for member in sorted {
            let isQuantity =
                Self.quantities.contains(member.name) && !Self.groups.contains(parent)
                || parent == "burn"
            write(
                Self.plain(member.name) + ":", member.value, indent: indent,
                parent: Self.groups.contains(parent) ? "" : member.name, isQuantity: isQuantity)
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
