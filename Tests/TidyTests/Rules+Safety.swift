extension Rules {
    /// Modules that may hold unsafe code: the two that own bytes and system calls.
    static let unsafeModules: Set = ["Bytes", "Platform"]

    /// Single files elsewhere that may, each with its reason. An entry that is no longer needed fails.
    static let unsafeAllowed: [String: String] = [:]

    /// `unsafe`, pointers and bit casts only where every reader expects them.
    static func unsafeOutsideItsModules(_ file: SourceFile) -> [Violation] {
        guard file.isSource, let module = file.module, !unsafeModules.contains(module),
            unsafeAllowed[file.path] == nil
        else { return [] }
        return codeMatches(
            #"\bunsafe\b|\bUnsafe[A-Z]\w*|\bwithUnsafe\w*|\bunsafe[A-Z]\w*|\bUnmanaged\b"#, file,
            "unsafe code belongs in Bytes or Platform")
    }

    /// Who says `@unchecked Sendable` says above it why the compiler need not check.
    static func uncheckedSendable(_ file: SourceFile) -> [Violation] {
        guard file.isSource else { return [] }
        return file.code.enumerated().compactMap { index, line in
            guard line.contains("@unchecked Sendable") else { return nil }
            var above = index - 1
            var words = ""
            while above >= 0, isCommentOrAttribute(file.lines[above]) {
                words += file.lines[above].lowercased()
                above -= 1
            }
            let reasons = ["thread", "lock", "mutex", "sendable", "immutable", "owner"]
            return reasons.contains { words.contains($0) }
                ? nil : file.violation(index + 1, "@unchecked Sendable without its reason above")
        }
    }

    static func isCommentOrAttribute(_ line: Substring) -> Bool {
        let start = line.drop { $0 == " " }
        return start.hasPrefix("//") || start.hasPrefix("@")
    }

    /// Money is integers and exact fractions. A float would round where no rule names it.
    static func floatingPointNearMoney(_ file: SourceFile) -> [Violation] {
        guard file.isSource, ["Money", "Billing", "Projections"].contains(file.module) else {
            return []
        }
        return codeMatches(
            #"\b(Double|Float|Float16|Float32|Float64|Float80|CGFloat|Decimal)\b"#, file,
            "no floating point near money")
    }

    /// Time enters through Platform's clock, so that a test can set it and a fold can never see it.
    static func clockOutsidePlatform(_ file: SourceFile) -> [Violation] {
        guard file.isSource, file.module != "Platform" else { return [] }
        return codeMatches(
            #"\bDate\(\)|\b(ContinuousClock|SuspendingClock|Date)(\(\))?\.now\b|= \.now\b|\bclock_gettime\b"#,
            file, "the clock is read in Platform only")
    }

    /// The same log must give the same bytes, so nothing that folds it may throw dice.
    static func randomnessInFolds(_ file: SourceFile) -> [Violation] {
        guard file.isSource, ["Money", "Billing", "Projections", "Codec"].contains(file.module)
        else {
            return []
        }
        return codeMatches(
            #"\.random\(|\.shuffled\(|\brandomElement\(|\bSystemRandomNumberGenerator\b|\bHasher\(\)"#,
            file, "a fold has no randomness")
    }

    /// A programmer error is a `precondition` with a sentence; everything else is thrown or answered.
    static func trapsByShorthand(_ file: SourceFile) -> [Violation] {
        guard file.isSource else { return [] }
        return codeMatches(#"\btry!"#, file, "no try!")
            + codeMatches(#"\bas!"#, file, "no as!")
            + codeMatches(#"\bfatalError\b"#, file, "no fatalError")
            + codeMatches(#"[\w\)\]\}>?]!(?!=)"#, file, "no force unwrap")
            .filter { !matches(#"\b(try|as)!"#, in: file.code[$0.line - 1]) }
    }
}
