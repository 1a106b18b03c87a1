import Foundation

/// One text file of the repository, seen three ways: as it is, in lines, and as code alone.
///
/// Rules that look for code must not trip over a comment or a string that talks about it, so `code`
/// has every comment and every string literal blanked out, with the line ends kept.
struct SourceFile {
    /// The path from the top of the repository, with `/` between its parts.
    let path: String
    /// The text as it is.
    let text: String
    /// `text` in lines, without their ends.
    let lines: [Substring]
    /// `text` with comments and string literals replaced by blanks; the same number of lines.
    let code: [Substring]

    init(path: String, text: String) {
        self.path = path
        self.text = text
        lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        code = Blanking.code(of: text).split(separator: "\n", omittingEmptySubsequences: false)
    }

    /// The module of a file below `Sources/`, or nil elsewhere.
    var module: String? {
        let parts = path.split(separator: "/")
        return parts.count > 2 && parts[0] == "Sources" ? String(parts[1]) : nil
    }

    var isSwift: Bool { path.hasSuffix(".swift") }
    var isSource: Bool { path.hasPrefix("Sources/") && isSwift }
    var isTest: Bool { path.hasPrefix("Tests/") && isSwift }
}

/// What a rule found: where, and what to do about it.
struct Violation: CustomStringConvertible, Equatable {
    let path: String
    /// 1-based; 0 when the whole file is meant.
    let line: Int
    let message: String

    var description: String { "\(path):\(line): \(message)" }
}

/// Replaces comments and string literals with blanks. It knows nested block comments, multi-line
/// and raw strings, and interpolation (whose inside is blanked too: no rule needs to look there).
enum Blanking {
    static func code(of text: String) -> String {
        var source = Scanner(bytes: Array(text.utf8))
        source.run()
        return String(decoding: source.output, as: UTF8.self)
    }

    private struct Scanner {
        let bytes: [UInt8]
        var output: [UInt8] = []
        var index = 0

        init(bytes: [UInt8]) { self.bytes = bytes }

        func starts(with text: StaticString, at offset: Int) -> Bool {
            let wanted = Array("\(text)".utf8)
            return offset + wanted.count <= bytes.count
                && bytes[offset..<offset + wanted.count].elementsEqual(wanted)
        }

        mutating func blank() {
            output.append(bytes[index] == UInt8(ascii: "\n") ? bytes[index] : UInt8(ascii: " "))
            index += 1
        }

        mutating func blank(count: Int) {
            for _ in 0..<count where index < bytes.count { blank() }
        }

        mutating func run() {
            while index < bytes.count {
                if starts(with: "//", at: index) {
                    while index < bytes.count, bytes[index] != UInt8(ascii: "\n") { blank() }
                } else if starts(with: "/*", at: index) {
                    blockComment()
                } else if let hashes = stringStart() {
                    string(hashes: hashes)
                } else {
                    output.append(bytes[index])
                    index += 1
                }
            }
        }

        mutating func blockComment() {
            var depth = 0
            repeat {
                if starts(with: "/*", at: index) {
                    depth += 1
                    blank(count: 2)
                } else if starts(with: "*/", at: index) {
                    depth -= 1
                    blank(count: 2)
                } else {
                    blank()
                }
            } while depth > 0 && index < bytes.count
        }

        /// The number of `#` before the quote when a string literal starts here.
        func stringStart() -> Int? {
            var hashes = 0
            while index + hashes < bytes.count, bytes[index + hashes] == UInt8(ascii: "#") {
                hashes += 1
            }
            let quote = index + hashes
            return quote < bytes.count && bytes[quote] == UInt8(ascii: "\"") ? hashes : nil
        }

        mutating func string(hashes: Int) {
            blank(count: hashes)
            let quotes = starts(with: "\"\"\"", at: index) ? 3 : 1
            blank(count: quotes)
            let end =
                [UInt8](repeating: UInt8(ascii: "\""), count: quotes)
                + [UInt8](repeating: UInt8(ascii: "#"), count: hashes)
            let escape = [UInt8(ascii: "\\")] + [UInt8](repeating: UInt8(ascii: "#"), count: hashes)
            while index < bytes.count {
                if bytes[index...].starts(with: end) { return blank(count: end.count) }
                if bytes[index...].starts(with: escape) {
                    blank(count: escape.count)
                    if index < bytes.count, bytes[index] == UInt8(ascii: "(") {
                        interpolation()
                    } else {
                        blank(count: 1)
                    }
                } else if quotes == 1, bytes[index] == UInt8(ascii: "\n") {
                    return
                } else {
                    blank()
                }
            }
        }

        mutating func interpolation() {
            var depth = 0
            repeat {
                if let hashes = stringStart() {
                    string(hashes: hashes)
                    continue
                }
                if bytes[index] == UInt8(ascii: "(") { depth += 1 }
                if bytes[index] == UInt8(ascii: ")") { depth -= 1 }
                blank()
            } while depth > 0 && index < bytes.count
        }
    }
}
