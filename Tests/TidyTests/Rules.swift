import Foundation

/// The house rules that a machine can check. Each is a function from a file to what is wrong in it,
/// so that each can be shown, on a few lines of text, to catch what it is there for.
enum Rules {
    /// A rule with the name under which a failure is reported.
    struct Named: CustomStringConvertible, Sendable {
        let name: String
        let check: @Sendable (SourceFile) -> [Violation]
        var description: String { name }
    }

    /// Every rule that looks at one file at a time.
    static let all: [Named] = [
        Named(name: "imports follow the layering", check: forbiddenImports),
        Named(name: "the package follows the layering", check: forbiddenDependencies),
        Named(name: "unsafe code stays in Bytes and Platform", check: unsafeOutsideItsModules),
        Named(name: "unchecked Sendable has its reason", check: uncheckedSendable),
        Named(name: "no floating point near money", check: floatingPointNearMoney),
        Named(name: "the clock is read in Platform only", check: clockOutsidePlatform),
        Named(name: "folds have no randomness", check: randomnessInFolds),
        Named(name: "nothing traps by a shorthand", check: trapsByShorthand),
        Named(name: "files are short", check: longFiles),
        Named(name: "functions are short", check: longFunctions),
        Named(name: "package declarations are documented", check: undocumented),
        Named(name: "nothing is left for later", check: marksOfUnfinishedWork),
        Named(name: "the project speaks of itself alone", check: foreignPlaces),
    ]

    static func matches(_ pattern: String, in line: some StringProtocol) -> Bool {
        String(line).range(of: pattern, options: .regularExpression) != nil
    }

    /// The first group of the first match.
    static func firstMatch(_ pattern: String, in text: String) -> String? {
        allMatches(pattern, in: text).first
    }

    /// The first group of every match.
    static func allMatches(_ pattern: String, in text: String) -> [String] {
        guard let regex = try? NSRegularExpression(pattern: pattern) else { return [] }
        let whole = NSRange(text.startIndex..., in: text)
        return regex.matches(in: text, range: whole).compactMap { match in
            Range(match.range(at: match.numberOfRanges > 1 ? 1 : 0), in: text).map {
                String(text[$0])
            }
        }
    }

    /// The lines of code (not comments, not strings) that a pattern matches, as violations.
    static func codeMatches(_ pattern: String, _ file: SourceFile, _ message: String) -> [Violation]
    {
        file.code.enumerated().compactMap { index, line in
            matches(pattern, in: line) ? file.violation(index + 1, message) : nil
        }
    }
}

extension SourceFile {
    /// What is wrong in this file; line 0 means the file as a whole.
    func violation(_ line: Int, _ message: String) -> Violation {
        Violation(path: path, line: line, message: message)
    }
}
