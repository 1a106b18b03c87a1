extension Rules {
    /// Written in two parts, so that this file does not find itself.
    private static let marks = ["TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK"]

    /// Work that is not done is not in the tree; it is not promised in a comment either.
    static func marksOfUnfinishedWork(_ file: SourceFile) -> [Violation] {
        let folders = ["Sources/", "Tests/", "tools/", "docs/", ".ci/"]
        guard folders.contains(where: file.path.hasPrefix) || !file.path.contains("/") else {
            return []
        }
        let pattern = "\\b(" + marks.joined(separator: "|") + ")\\b"
        return textMatches(pattern, file, "a mark of unfinished work")
    }

    /// The repository works wherever it is cloned and names no place or ticket outside itself.
    static func foreignPlaces(_ file: SourceFile) -> [Violation] {
        let places = ["/wo" + "rk/", "/fa" + "rm/", "/[.]libr" + "ary\\b", "/tmp/pl" + "an"]
        return textMatches(places.joined(separator: "|"), file, "a path of one machine")
            + textMatches(
                "(?i)\\bissue " + "#?[0-9]+|\\bissue" + " #", file, "a ticket outside the project")
    }

    private static func textMatches(
        _ pattern: String, _ file: SourceFile, _ message: String
    ) -> [Violation] {
        file.lines.enumerated().compactMap { index, line in
            matches(pattern, in: line) ? file.violation(index + 1, message) : nil
        }
    }
}
