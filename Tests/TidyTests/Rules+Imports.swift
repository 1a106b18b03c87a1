import Foundation

/// Which module may see which: the layering of the whole project in one table.
enum Layering {
    /// What each module of `Sources/` may import of the others. A module that is not here may not exist.
    static let allowed: [String: Set<String>] = [
        "CDaybook": [],
        "CLZ4": [],
        "Money": [],
        "Bytes": ["CDaybook", "CLZ4"],
        "Platform": ["CDaybook"],
        "Billing": ["Money"],
        "Columns": ["Bytes"],
        "Identities": ["Bytes", "Platform"],
        "SegmentedLog": ["Columns", "Bytes", "Platform"],
        "Codec": ["Columns", "Bytes", "Billing", "Money"],
        "Projections": ["SegmentedLog", "Codec", "Billing", "Money", "Bytes"],
        "Client": ["Codec", "Platform", "Bytes", "Billing"],
        "Engine": [
            "Projections", "Identities", "SegmentedLog", "Codec", "Columns", "Platform", "Bytes",
            "Billing", "Money",
        ],
        "SocketServer": [
            "Engine", "Projections", "Codec", "Platform", "Bytes", "SegmentedLog", "Billing",
        ],
        "Proofs": [
            "Engine", "Projections", "SegmentedLog", "Codec", "Platform", "Bytes", "Billing",
            "Money", "Crypto",
        ],
        "DaybookEngine": ["Engine", "Codec", "Billing", "Money"],
        "daybook": [
            "SocketServer", "Proofs", "Engine", "Client", "Codec", "Billing", "Money", "Platform",
            "Bytes", "Identities", "SegmentedLog", "ArgumentParser", "Yams", "Foundation",
        ],
        "daybook-bench": [
            "SocketServer", "Engine", "Projections", "Identities", "Codec", "Platform", "Bytes",
            "SegmentedLog", "ArgumentParser",
        ],
    ]

    /// The C library is reached from one module only; the rest of the standard library from all.
    static func isStandard(_ name: String, in module: String) -> Bool {
        switch name {
        case "Swift", "Synchronization": true
        case "Glibc": module == "Platform"
        default: false
        }
    }
}

extension Rules {
    /// A file of `Sources/` imports only what its module may see.
    static func forbiddenImports(_ file: SourceFile) -> [Violation] {
        guard file.isSource, let module = file.module else { return [] }
        guard let allowed = Layering.allowed[module] else {
            return [file.violation(0, "module \(module) has no row in Layering.allowed")]
        }
        return imports(of: file).compactMap { line, name in
            allowed.contains(name) || Layering.isStandard(name, in: module)
                ? nil : file.violation(line, "\(module) may not import \(name)")
        }
    }

    /// `Package.swift` gives a module no dependency that the layering forbids.
    static func forbiddenDependencies(_ file: SourceFile) -> [Violation] {
        guard file.path == "Package.swift" else { return [] }
        var found: [Violation] = []
        for (name, dependencies) in targets(of: file.text) {
            guard let allowed = Layering.allowed[name] else { continue }
            for dependency in dependencies where !allowed.contains(dependency) {
                found.append(file.violation(0, "target \(name) may not depend on \(dependency)"))
            }
        }
        return found
    }

    /// The import lines of a file: 1-based line, module name.
    static func imports(of file: SourceFile) -> [(line: Int, name: String)] {
        file.code.enumerated().compactMap { index, line in
            let words = line.split(whereSeparator: { $0 == " " }).map(String.init)
            guard let at = words.firstIndex(of: "import"), at + 1 < words.count,
                words[..<at].allSatisfy({ $0.hasPrefix("@") || accessWords.contains($0) })
            else { return nil }
            let kinds: Set = ["struct", "class", "enum", "protocol", "func", "var", "let"]
            let name = kinds.contains(words[at + 1]) ? words[(at + 2)...].first : words[at + 1]
            guard let name else { return nil }
            return (index + 1, String(name.split(separator: ".")[0]))
        }
    }

    /// The non-test targets that `Package.swift` declares, with the names they depend on.
    static func targets(of text: String) -> [(name: String, dependencies: [String])] {
        let starts = [".target(", ".executableTarget(", ".systemLibrary("]
        return text.components(separatedBy: "\n    .").compactMap { part in
            let piece = "." + part
            guard starts.contains(where: { piece.contains($0) }),
                let name = firstMatch(#"name: "([^"]+)""#, in: piece)
            else { return nil }
            let list = firstMatch(#"dependencies: \[((?:[^\[\]])*)\]"#, in: piece) ?? ""
            var names = allMatches(#""([A-Za-z-]+)""#, in: list)
            names.removeAll { $0 == "Yams" && list.contains("package: \"Yams\"") }
            if list.contains("argumentParser") { names.append("ArgumentParser") }
            if list.contains("crypto") { names.append("Crypto") }
            if list.contains("package: \"Yams\"") { names.append("Yams") }
            return (name, names)
        }
    }

    private static let accessWords: Set = [
        "package", "public", "internal", "private", "fileprivate",
    ]
}
