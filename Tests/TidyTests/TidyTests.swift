import Foundation
import Testing

/// The house rules, checked over the whole tree. `RuleTests` shows that each rule can fail.
@Suite struct TidyTests {
    @Test(arguments: Rules.all)
    func holds(_ rule: Rules.Named) {
        let found = Repository.files.flatMap { rule.check($0) }
        #expect(found.isEmpty, "\(rule.name):\n\(found.map(\.description).joined(separator: "\n"))")
    }

    @Test func theTreeWasFound() {
        #expect(Repository.file("Package.swift") != nil)
        #expect(Repository.files.contains { $0.isSource })
        #expect(Repository.files.contains { $0.path == "Tests/TidyTests/TidyTests.swift" })
    }

    @Test func allowancesAreUsed() {
        for (path, reason) in Rules.unsafeAllowed {
            let found = Repository.file(path).map { Rules.matches("\\b[uU]nsafe", in: $0.text) }
            #expect(found == true, "\(path) no longer needs its allowance (\(reason))")
        }
    }

    @Test func everyModuleOfTheTableIsDeclared() throws {
        let package = try #require(Repository.file("Package.swift"))
        let declared = Set(Rules.targets(of: package.text).map(\.name))
        for module in Layering.allowed.keys {
            #expect(declared.contains(module), "Package.swift does not declare \(module)")
        }
    }

    @Test(arguments: Documents.required)
    func isThere(_ document: String) {
        #expect(Repository.file(document) != nil, "\(document) is missing")
    }

    @Test func documentsLeadSomewhere() {
        let found = Repository.files.flatMap { Documents.deadLinks($0, exists: Repository.exists) }
        #expect(found.isEmpty, "\(found.map(\.description).joined(separator: "\n"))")
    }

    /// A map that names files which moved is worse than none.
    @Test func theMapNamesFilesThatExist() throws {
        let map = try #require(Repository.file("docs/ARCHITECTURE.md"))
        let names = Set(Rules.allMatches(#"([A-Za-z+/-]+\.swift)"#, in: map.text))
        #expect(names.count > 20)
        let sources = Repository.paths.filter { $0.hasPrefix("Sources/") }
        for name in names {
            #expect(sources.contains { $0.hasSuffix("/" + name) }, "there is no \(name)")
        }
    }

    @Test func decisionsAreListed() throws {
        let index = try #require(Repository.file("docs/decisions/README.md"))
        #expect(Documents.unlistedDecisions(paths: Repository.paths, index: index.text) == [])
    }

    @Test func fixturesAreUsed() {
        #expect(Documents.deadFixtures(paths: Repository.paths, texts: Repository.files) == [])
    }

    @Test func documentedCommandsExist() throws {
        guard let binary = Self.binary else {
            try Test.cancel("the daybook executable is not built")
        }
        let documents = Repository.files.filter { $0.path.hasSuffix(".md") }
        let commands = documents.flatMap { Documents.commands(in: $0.text) }
        #expect(!commands.isEmpty, "the documents show no command at all")
        var known: [[String]: String?] = [:]
        let unknown = Documents.unknown(commands) { words in
            if let text = known[words] { return text }
            let text = Self.help(binary, words)
            known[words] = text
            return text
        }
        #expect(unknown.isEmpty, "\(unknown.joined(separator: "\n"))")
    }

    /// The executable beside this test's bundle, as SwiftPM builds them into one folder.
    private static let binary: URL? = {
        let beside = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
            .appendingPathComponent("daybook")
        let debug = Repository.root.appendingPathComponent(".build/debug/daybook")
        return [beside, debug].first { FileManager.default.isExecutableFile(atPath: $0.path) }
    }()

    /// What `daybook <words> --help` prints, or nil when it does not know the words. The parser
    /// answers an unknown word with an error, or with the help of the command before it.
    private static func help(_ binary: URL, _ words: [String]) -> String? {
        let process = Process()
        process.executableURL = binary
        process.arguments = words + ["--help"]
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return nil }
        let data = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        let text = String(decoding: data, as: UTF8.self)
        let usage = "daybook " + words.joined(separator: " ")
        return process.terminationStatus == 0 && text.contains("USAGE: \(usage)") ? text : nil
    }
}
