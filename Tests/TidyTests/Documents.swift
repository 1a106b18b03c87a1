import Foundation

/// Rules about the documents, the fixtures and the commands they show.
enum Documents {
    /// What a newcomer, an operator and an auditor each must find.
    static let required = [
        "README.md", "docs/ARCHITECTURE.md", "docs/FORMAT.md", "docs/PROTOCOL.md",
        "docs/CATALOG.md", "docs/OPERATING.md", "docs/PERFORMANCE.md", "docs/SAFETY.md",
        "docs/decisions/README.md",
    ]

    /// Links to other files, and paths in backticks, that lead nowhere.
    static func deadLinks(_ file: SourceFile, exists: (String) -> Bool) -> [Violation] {
        guard file.path.hasSuffix(".md") else { return [] }
        let folder = file.path.split(separator: "/").dropLast().joined(separator: "/")
        var found: [Violation] = []
        for (index, line) in file.lines.enumerated() {
            for link in Rules.allMatches(#"\]\(([^)#:\s]+)(?:#[^)]*)?\)"#, in: String(line)) {
                let target = normalised(folder.isEmpty ? link : folder + "/" + link)
                if !exists(target) {
                    found.append(file.violation(index + 1, "the link \(link) leads nowhere"))
                }
            }
            let quoted = #"`((?:Sources|Tests|Fixtures|tools|docs)/[\w./+-]+)`"#
            for path in Rules.allMatches(quoted, in: String(line)) where !exists(path) {
                found.append(file.violation(index + 1, "there is no \(path)"))
            }
        }
        return found
    }

    /// A path with its `.` and `..` parts resolved.
    static func normalised(_ path: String) -> String {
        var parts: [Substring] = []
        for part in path.split(separator: "/") where part != "." {
            if part == "..", !parts.isEmpty { parts.removeLast() } else { parts.append(part) }
        }
        return parts.joined(separator: "/")
    }

    /// Decision pages that the index does not name.
    static func unlistedDecisions(paths: [String], index: String) -> [String] {
        paths.filter { $0.hasPrefix("docs/decisions/") && $0 != "docs/decisions/README.md" }
            .map { String($0.dropFirst("docs/decisions/".count)) }
            .filter { !index.contains("(" + $0 + ")") }
    }

    /// Fixtures that nothing in the repository names: by file name, or by the name of their folder.
    static func deadFixtures(paths: [String], texts: [SourceFile]) -> [String] {
        paths.filter { $0.hasPrefix("Fixtures/") }.filter { path in
            let name = path.split(separator: "/").last.map(String.init) ?? path
            let stem = name.split(separator: ".").first.map(String.init) ?? name
            return !texts.contains { file in
                file.path != path && (file.text.contains(name) || file.text.contains("\"\(stem)\""))
            }
        }
    }

    /// A command line that a document shows: the words of the subcommand and the options used.
    struct Command: Hashable {
        let line: String
        let words: [String]
        let options: [String]
    }

    /// The `daybook …` lines in the fenced blocks of a document, continued lines joined.
    static func commands(in text: String) -> [Command] {
        var found: [Command] = []
        var fenced = false
        let joined = text.replacingOccurrences(of: "\\\n", with: " ")
        for line in joined.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix("```") { fenced.toggle() }
            guard fenced else { continue }
            let shell = line.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)[
                0]
            for part in shell.split(whereSeparator: { "|;&".contains($0) }) {
                var words = part.split(separator: " ").map(String.init)
                if words.first == "$" { words.removeFirst() }
                guard words.first == "daybook", words.count > 1 else { continue }
                let names = words.dropFirst().prefix { Rules.matches("^[a-z][a-z-]*$", in: $0) }
                let options = words.filter { $0.hasPrefix("--") }.map {
                    String($0.split(separator: "=")[0])
                }
                found.append(
                    Command(line: String(part), words: Array(names.prefix(2)), options: options))
            }
        }
        return found
    }

    /// Commands whose subcommand or options the program's own help does not know.
    /// - Parameter help: the output of `daybook <words> --help`, or nil when there is no such command.
    static func unknown(_ commands: [Command], help: ([String]) -> String?) -> [String] {
        commands.compactMap { command in
            guard let first = command.words.first else { return nil }
            let own = command.words.count > 1 ? help(command.words) : nil
            guard let text = own ?? help([first]) else {
                return "there is no command \(first): \(command.line)"
            }
            let missing = command.options.filter { !text.contains($0) && $0 != "--help" }
            return missing.isEmpty
                ? nil : "\(missing.joined(separator: " ")) unknown: \(command.line)"
        }
    }
}
