extension Rules {
    static let fileLinesMax = 400
    static let functionLinesMax = 70

    /// Every file of code fits in one reading.
    static func longFiles(_ file: SourceFile) -> [Violation] {
        let endings = [".swift", ".c", ".cpp", ".h"]
        guard endings.contains(where: file.path.hasSuffix) || file.path.hasPrefix("tools/") else {
            return []
        }
        let count = file.text.hasSuffix("\n") ? file.lines.count - 1 : file.lines.count
        return count <= fileLinesMax
            ? [] : [file.violation(0, "\(count) lines; at most \(fileLinesMax)")]
    }

    /// Every function fits on a screen.
    static func longFunctions(_ file: SourceFile) -> [Violation] {
        guard file.isSource || file.isTest else { return [] }
        return functionSpans(of: file).compactMap { first, last in
            let count = last - first + 1
            return count <= functionLinesMax
                ? nil
                : file.violation(first, "function of \(count) lines; at most \(functionLinesMax)")
        }
    }

    /// First and last line, 1-based, of every function, initialiser and subscript with a body.
    static func functionSpans(of file: SourceFile) -> [(first: Int, last: Int)] {
        let text = Array(file.code.joined(separator: "\n").utf8)
        var spans: [(Int, Int)] = []
        var line = 1
        var index = 0
        while index < text.count {
            if text[index] == UInt8(ascii: "\n") { line += 1 }
            if let length = functionWord(text, at: index) {
                if let end = bodyEnd(text, from: index + length) {
                    let newlines = text[index..<end].reduce(0) {
                        $0 + ($1 == UInt8(ascii: "\n") ? 1 : 0)
                    }
                    spans.append((line, line + newlines))
                }
                index += length
            } else {
                index += 1
            }
        }
        return spans
    }

    /// The length of the word that opens a function here, if one does.
    private static func functionWord(_ text: [UInt8], at index: Int) -> Int? {
        if index > 0, isWord(text[index - 1]) || text[index - 1] == UInt8(ascii: ".") { return nil }
        for word in ["func", "init", "deinit", "subscript"] {
            let end = index + word.utf8.count
            if end < text.count, text[index..<end].elementsEqual(word.utf8), !isWord(text[end]) {
                return word.utf8.count
            }
        }
        return nil
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: "_") || byte == UInt8(ascii: "`")
            || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
            || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }

    /// The offset of the brace that closes the body, or nil for a requirement without one.
    private static func bodyEnd(_ text: [UInt8], from start: Int) -> Int? {
        var parentheses = 0
        var index = start
        while index < text.count {
            switch text[index] {
            case UInt8(ascii: "("), UInt8(ascii: "["): parentheses += 1
            case UInt8(ascii: ")"), UInt8(ascii: "]"): parentheses -= 1
            case UInt8(ascii: "{") where parentheses == 0:
                return closingBrace(text, from: index)
            case UInt8(ascii: "}") where parentheses == 0, UInt8(ascii: ";"): return nil
            case UInt8(ascii: "\n") where parentheses == 0:
                if !continues(text, after: index) { return nil }
            default: break
            }
            if parentheses < 0 { return nil }
            index += 1
        }
        return nil
    }

    /// Whether a signature goes on in the next line.
    private static func continues(_ text: [UInt8], after newline: Int) -> Bool {
        let next = text[(newline + 1)...].drop {
            $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\n")
        }
        return ["{", "->", "where", "throws", "async", "rethrows"].contains {
            next.starts(with: $0.utf8)
        }
    }

    private static func closingBrace(_ text: [UInt8], from open: Int) -> Int? {
        var depth = 0
        for index in open..<text.count {
            if text[index] == UInt8(ascii: "{") { depth += 1 }
            if text[index] == UInt8(ascii: "}") { depth -= 1 }
            if depth == 0 { return index }
        }
        return nil
    }

    /// What another module may use says what it is. Witnesses of the standard library's own
    /// protocols are left out: their meaning is the standard library's.
    static func undocumented(_ file: SourceFile) -> [Violation] {
        guard file.isSource else { return [] }
        let kinds = "func|var|let|struct|class|enum|actor|protocol|init|subscript|typealias"
        let modifiers = #"(?:[a-z]+(?:\([a-z]+\))? )*"#
        let declaration =
            #"^ *(?:@\w+(?:\([^)]*\))? )*(?:package|public) "# + modifiers
            + "(?:\(kinds))\\b"
        let witness =
            #"(var (debugDescription|description|hashValue)\b|func (==|<|hash\(into|encode\(to))|init\(from "#
        return file.code.enumerated().compactMap { index, line in
            guard matches(declaration, in: line), !matches(witness, in: line) else { return nil }
            var above = index - 1
            while above >= 0, file.lines[above].drop(while: { $0 == " " }).hasPrefix("@") {
                above -= 1
            }
            let comment = above >= 0 ? file.lines[above].drop { $0 == " " } : ""
            return comment.hasPrefix("///")
                ? nil : file.violation(index + 1, "no doc comment on a package declaration")
        }
    }
}
