import Seeds

/// A JSON document as a test sees it: made up at random, spelled at random, and compared by its own
/// rules. Nothing of the code under test is in it.
indirect enum JSONDocument {
    case null
    case bool(Bool)
    /// ± digits × 10^exponent.
    case number(isNegative: Bool, digits: [UInt8], exponent: Int)
    case text(String)
    case array([JSONDocument])
    case object([(name: String, value: JSONDocument)])

    /// What a document says, in one form: equal for two documents that say the same.
    var meaning: String {
        switch self {
        case .null: return "null"
        case .bool(let flag): return "\(flag)"
        case .number(let isNegative, let digits, let exponent):
            var digits = Array(digits.drop { $0 == 0 })
            var exponent = exponent
            guard !digits.isEmpty else { return "#0" }
            while digits.last == 0 {
                digits.removeLast()
                exponent += 1
            }
            return "#\(isNegative ? "-" : "")\(digits.map { "\($0)" }.joined())e\(exponent)"
        case .text(let text): return Self.exactly(text)
        case .array(let elements): return "[\(elements.map(\.meaning).joined(separator: ","))]"
        case .object(let members):
            let sorted = members.map { (Self.exactly($0.name), $0.value.meaning) }
                .sorted { $0.0 < $1.0 }
            return "{\(sorted.map { "\($0.0):\($0.1)" }.joined(separator: ","))}"
        }
    }

    /// A text by its bytes: Swift's own comparison holds different bytes for equal.
    private static func exactly(_ text: String) -> String {
        "'" + text.utf8.map { String($0, radix: 16) }.joined(separator: ".") + "'"
    }
}

extension JSONDocument {
    /// Few texts and numbers, many of them nearly alike, so that equal documents come up too.
    static func random(_ depth: Int, _ generator: inout SeededGenerator) -> JSONDocument {
        switch Int.random(in: 0..<(depth > 0 ? 9 : 6), using: &generator) {
        case 0: return .null
        case 1: return .bool(Bool.random(using: &generator))
        case 2, 3: return randomNumber(&generator)
        case 4, 5: return .text(randomText(&generator))
        case 6:
            return .array(
                (0..<Int.random(in: 0...3, using: &generator)).map { _ in
                    random(depth - 1, &generator)
                })
        default: return .object(randomMembers(depth - 1, &generator))
        }
    }

    static func randomMembers(
        _ depth: Int, _ generator: inout SeededGenerator
    ) -> [(name: String, value: JSONDocument)] {
        var members: [(name: String, value: JSONDocument)] = []
        let count = Int.random(in: 0..<20, using: &generator) == 0 ? 40 : 5
        for _ in 0..<Int.random(in: 0...count, using: &generator) {
            let name = count == 40 ? "k\(members.count)" : randomText(&generator)
            if members.contains(where: { $0.name.utf8.elementsEqual(name.utf8) }) { continue }
            members.append((name, random(depth, &generator)))
        }
        return members
    }

    private static func randomText(_ generator: inout SeededGenerator) -> String {
        let texts = [
            "", "a", "A", "b", "aa", "é", "e\u{301}", "\u{212A}", "K", "\u{0}", "\"", "\\", "\n",
            "/",
            "🙂", "\u{FFFF}", "\u{10FFFF}", "null", "1", "\u{7F}", "\u{80}", "ß", "ss", "ﬁ",
        ]
        return texts.randomElement(using: &generator) ?? ""
    }

    private static func randomNumber(_ generator: inout SeededGenerator) -> JSONDocument {
        let most = [1, 1, 2, 19, 38, 39, 40, 60].randomElement(using: &generator) ?? 1
        let digits = (0..<Int.random(in: 1...most, using: &generator)).map { _ in
            UInt8.random(in: 0...(most < 3 ? 2 : 9), using: &generator)
        }
        let reach = [0, 2, 40, 300, 400].randomElement(using: &generator) ?? 0
        return .number(
            isNegative: Bool.random(using: &generator), digits: digits,
            exponent: Int.random(in: -reach...reach, using: &generator))
    }
}

extension JSONDocument {
    /// One of the document's many spellings.
    func spelled(_ generator: inout SeededGenerator) -> String {
        switch self {
        case .null: return "null"
        case .bool(let flag): return "\(flag)"
        case .number(let isNegative, let digits, let exponent):
            return Self.number(isNegative, digits, exponent, &generator)
        case .text(let text): return Self.quoted(text, &generator)
        case .array(let elements):
            let parts = elements.map { $0.spelled(&generator) }
            return "[" + parts.joined(separator: Self.blank(&generator) + ",") + "]"
        case .object(let members):
            let parts = members.shuffled(using: &generator).map { member in
                Self.quoted(member.name, &generator) + Self.blank(&generator) + ":"
                    + Self.blank(&generator) + member.value.spelled(&generator)
            }
            return "{" + Self.blank(&generator)
                + parts.joined(separator: "," + Self.blank(&generator)) + "}"
        }
    }

    private static func blank(_ generator: inout SeededGenerator) -> String {
        ["", "", "", " ", "\t", "  "].randomElement(using: &generator) ?? ""
    }

    static func quoted(_ text: String, _ generator: inout SeededGenerator) -> String {
        var out = "\""
        for scalar in text.unicodeScalars {
            let mustEscape = scalar.value < 0x20 || scalar == "\"" || scalar == "\\"
            if mustEscape || Int.random(in: 0..<3, using: &generator) == 0 {
                for unit in String(scalar).utf16 {
                    let hex = String(unit, radix: 16, uppercase: Bool.random(using: &generator))
                    out += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
                }
            } else {
                out.unicodeScalars.append(scalar)
            }
        }
        return out + "\""
    }

    /// The digits with the point somewhere, zeros before or behind, and an exponent that makes up
    /// for it.
    private static func number(
        _ isNegative: Bool, _ digits: [UInt8], _ exponent: Int, _ generator: inout SeededGenerator
    ) -> String {
        var digits = digits
        var exponent = exponent
        for _ in 0..<Int.random(in: 0...3, using: &generator) {
            digits.append(0)
            exponent -= 1
        }
        if exponent > 0, exponent < 50, Bool.random(using: &generator) {
            digits += [UInt8](repeating: 0, count: exponent)
            exponent = 0
        }
        var text = digits.map { "\($0)" }.joined()
        let cut =
            -exponent > 0 && -exponent < 60 ? -exponent : Int.random(in: 0...3, using: &generator)
        var whole = String(text.dropLast(cut))
        let fraction = String(repeating: "0", count: max(0, cut - text.count)) + text.suffix(cut)
        while whole.hasPrefix("0") { whole.removeFirst() }
        text = (isNegative ? "-" : "") + (whole.isEmpty ? "0" : whole)
        if cut > 0 { text += "." + fraction }
        exponent += cut
        guard exponent != 0 || Int.random(in: 0..<4, using: &generator) == 0 else { return text }
        text += Bool.random(using: &generator) ? "e" : "E"
        if exponent >= 0, Bool.random(using: &generator) { text += "+" }
        if exponent < 0 { text += "-" }
        text += String(repeating: "0", count: Int.random(in: 0...2, using: &generator))
        return text + "\(abs(exponent))"
    }
}
