import Money

/// Reads one object of a catalog tree and collects what is wrong, with the path of each fault.
///
/// Reading goes on after a fault, so that a person sees all of them at once.
struct CatalogReader {
    let path: String
    private let members: [Value.Member]
    private(set) var problems: [CatalogProblem] = []

    init(_ value: Value?, path: String, known: [String]) {
        self.path = path
        guard case .object(let members)? = value else {
            members = []
            problems.append(
                CatalogProblem(path: path, message: "a group of keys is needed here"))
            return
        }
        self.members = members
        for member in members where !known.isEmpty && !known.contains(member.name) {
            let hint = Self.nearest(member.name, known).map { "; did you mean \"\($0)\"?" } ?? "."
            problems.append(
                CatalogProblem(
                    path: Self.join(path, member.name),
                    message: "unknown key\(hint) Known here: \(known.joined(separator: ", "))"))
        }
    }

    static func join(_ path: String, _ name: String) -> String {
        // A fault of the group as a whole has no name of its own.
        if path.isEmpty || name.isEmpty { return path + name }
        return "\(path).\(name)"
    }

    /// The members in the order of their names.
    var all: [Value.Member] { members }

    subscript(name: String) -> Value? {
        let value = members.first { $0.name == name }?.value
        return value == .null ? nil : value
    }

    mutating func add(_ name: String, _ message: String) {
        problems.append(CatalogProblem(path: Self.join(path, name), message: message))
    }

    mutating func add(contentsOf more: [CatalogProblem]) { problems += more }

    mutating func text(_ name: String) -> String? {
        switch self[name] {
        case nil: return nil
        case .string(let text)? where !text.isEmpty: return text
        default:
            add(name, "a text that is not empty is needed")
            return nil
        }
    }

    mutating func requiredText(_ name: String) -> String {
        if let text = text(name) { return text }
        if self[name] == nil { add(name, "is missing") }
        return ""
    }

    /// A number from zero up.
    mutating func quantity(_ name: String) -> Quantity? {
        let number: DecimalNumber?
        switch self[name] {
        case nil: return nil
        case .number(let value)?: number = value
        case .string(let text)?: number = DecimalNumber(text)
        default: number = nil
        }
        guard let number, let quantity = Quantity(number), quantity >= .zero else {
            add(
                name, "a number of at most 12 decimals, zero or more, is needed, such as 2.50")
            return nil
        }
        return quantity
    }

    mutating func flag(_ name: String) -> Bool? {
        switch self[name] {
        case nil: return nil
        case .bool(let flag)?: return flag
        default:
            add(name, "true or false is needed")
            return nil
        }
    }

    mutating func currency(_ name: String) -> Currency? {
        guard let code = text(name) else { return nil }
        if let currency = Currency(code: code) { return currency }
        add(name, "\"\(code)\" is no ISO 4217 currency code such as USD or JPY")
        return nil
    }

    /// A property's path under `data`: `a.b` leads into nested objects.
    mutating func property(_ name: String) -> [String]? {
        guard let text = text(name) else { return nil }
        return path(text, at: name)
    }

    /// The path that a text says. An empty part would be lost in the canonical form, and another
    /// property, or none, would be read from it.
    mutating func path(_ text: String, at name: String) -> [String]? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard parts.allSatisfy({ !$0.isEmpty }) else {
            add(name, "\"\(text)\" names no property; write name, or outer.inner")
            return nil
        }
        return parts
    }

    /// The members of a group whose names are keys of the catalog.
    mutating func entries(_ name: String) -> [Value.Member] {
        guard let value = self[name] else { return [] }
        guard case .object(let members) = value else {
            add(name, "a group of named entries is needed")
            return []
        }
        for member in members where !Self.isKey(member.name) {
            add(
                "\(name).\(member.name)",
                "a name is up to 64 small letters, digits, '.', '_' or '-' and begins with a "
                    + "letter or digit")
        }
        return members
    }

    static func isKey(_ name: String) -> Bool {
        let bytes = Array(name.utf8)
        func isPlain(_ byte: UInt8) -> Bool {
            (97...122).contains(byte) || (48...57).contains(byte)
        }
        guard let first = bytes.first, bytes.count <= 64, isPlain(first) else { return false }
        return bytes.allSatisfy { isPlain($0) || [45, 46, 95].contains($0) }
    }

    /// The known word that is nearest by edits, if it is near.
    static func nearest(_ word: String, _ known: [String]) -> String? {
        let best = known.map { ($0, distance(Array(word.utf8), Array($0.utf8))) }
            .min { $0.1 < $1.1 }
        guard let best, best.1 <= max(2, word.utf8.count / 3) else { return nil }
        return best.0
    }

    private static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var row = Array(0...right.count)
        for (i, byte) in left.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, other) in right.enumerated() {
                let above = row[j + 1]
                row[j + 1] = min(above + 1, row[j] + 1, diagonal + (byte == other ? 0 : 1))
                diagonal = above
            }
        }
        return row[right.count]
    }
}
