import Testing

/// Each rule on a few lines of text: what it must catch, and what it must leave alone. A rule that
/// cannot fail is decoration.
@Suite struct RuleTests {
    private func engine(_ text: String) -> SourceFile {
        SourceFile(path: "Sources/Engine/Example.swift", text: text)
    }

    private func billing(_ text: String) -> SourceFile {
        SourceFile(path: "Sources/Billing/Example.swift", text: text)
    }

    @Test(arguments: [
        ("Sources/Engine/A.swift", "import Foundation", 1),
        ("Sources/Engine/A.swift", "import Glibc", 1),
        ("Sources/Money/A.swift", "package import Billing", 1),
        ("Sources/SegmentedLog/A.swift", "internal import Codec", 1),
        ("Sources/Projections/A.swift", "import struct Yams.Node", 1),
        ("Sources/Cellar/A.swift", "import Money", 1),
        ("Sources/Platform/A.swift", "import CDaybook\nimport Glibc\nimport Synchronization", 0),
        ("Sources/daybook/A.swift", "import ArgumentParser\nimport Foundation", 0),
        ("Sources/Engine/A.swift", "package import Codec // import Foundation", 0),
        ("Tests/EngineTests/A.swift", "import Foundation", 0),
    ])
    func imports(path: String, text: String, count: Int) {
        #expect(Rules.forbiddenImports(SourceFile(path: path, text: text)).count == count)
    }

    @Test func dependencies() {
        let text = """
            let targets: [Target] = [
                .target(name: "Money", dependencies: ["Engine"]),
                .target(
                    name: "Codec",
                    dependencies: ["Bytes", "Billing", "Money"]),
                .executableTarget(
                    name: "daybook", dependencies: ["Engine", argumentParser]),
                .testTarget(name: "MoneyTests", dependencies: ["Engine"]),
            ]
            """
        let found = Rules.forbiddenDependencies(SourceFile(path: "Package.swift", text: text))
        #expect(found.map(\.message) == ["target Money may not depend on Engine"])
        #expect(Rules.targets(of: text).map(\.name) == ["Money", "Codec", "daybook"])
    }

    @Test(arguments: [
        ("let x = unsafe y", 1), ("func f(_ p: UnsafeRawPointer) {}", 1),
        ("a.withUnsafeBytes { _ in }", 1), ("nonisolated(unsafe) var x = 0", 1),
        ("unsafeBitCast(a, to: B.self)", 1),
        ("// unsafe is not used here", 0), ("let text = \"unsafe\"", 0), ("let unsafety = 1", 0),
    ])
    func unsafety(text: String, count: Int) {
        #expect(Rules.unsafeOutsideItsModules(engine(text)).count == count)
        let own = SourceFile(path: "Sources/Bytes/Example.swift", text: text)
        #expect(Rules.unsafeOutsideItsModules(own).isEmpty)
    }

    @Test func uncheckedNeedsAReason() {
        let bare = "final class A: @unchecked Sendable {}"
        #expect(Rules.uncheckedSendable(engine(bare)).count == 1)
        #expect(Rules.uncheckedSendable(engine("/// An A.\n" + bare)).count == 1)
        #expect(Rules.uncheckedSendable(engine("// Only its one thread sees it.\n" + bare)).isEmpty)
    }

    @Test(arguments: [
        ("var x: Double = 1", 1), ("let y = Float(3)", 1), ("let z: Decimal", 1),
        ("let doubled = x * 2", 0), ("/// never a Double", 0),
    ])
    func floats(text: String, count: Int) {
        #expect(Rules.floatingPointNearMoney(billing(text)).count == count)
        #expect(Rules.floatingPointNearMoney(engine(text)).isEmpty)
    }

    @Test(arguments: [
        ("let now = Date()", 1), ("let now = ContinuousClock.now", 1),
        ("let now = ContinuousClock().now", 1), ("let now = clock.now()", 0), ("case now", 0),
    ])
    func clocks(text: String, count: Int) {
        #expect(Rules.clockOutsidePlatform(engine(text)).count == count)
        let own = SourceFile(path: "Sources/Platform/Example.swift", text: text)
        #expect(Rules.clockOutsidePlatform(own).isEmpty)
    }

    @Test(arguments: [("Int.random(in: 0..<4)", 1), ("list.shuffled()", 1), ("let random = 1", 0)])
    func dice(text: String, count: Int) {
        #expect(Rules.randomnessInFolds(billing(text)).count == count)
    }

    @Test(arguments: [
        ("let a = try! f()", 1), ("let a = b as! C", 1), ("fatalError(\"no\")", 1),
        ("let a = b!", 1), ("let a = b[0]!.c", 1), ("var a: Int!", 1), ("f(x!)", 1),
        ("if a != b {}", 0), ("if !a {}", 0), ("let a = \"b!\"", 0), ("f(!x)", 0),
        ("let a = b ?? c // never b!", 0), ("a = \"\\(b!)\"", 0),
    ])
    func traps(text: String, count: Int) {
        #expect(Rules.trapsByShorthand(engine(text)).count == count)
    }

    @Test func length() {
        let short = String(repeating: "let a = 1\n", count: 400)
        #expect(Rules.longFiles(engine(short)).isEmpty)
        #expect(Rules.longFiles(engine(short + "let b = 1\n")).count == 1)
    }

    @Test func functionLength() {
        func function(_ head: String, _ lines: Int) -> String {
            head + " {\n" + String(repeating: "    use(1)\n", count: lines) + "}\n"
        }
        let heads = [
            "func f(a: () -> Void = { })", "init?(a: Int)", "subscript(i: Int) -> Int",
            "package func f<T>(_ a: T) -> Int\nwhere T: Hashable",
        ]
        for head in heads {
            let breaks = head.split(separator: "\n").count - 1
            #expect(Rules.longFunctions(engine(function(head, 68 - breaks))).isEmpty)
            #expect(Rules.longFunctions(engine(function(head, 69 - breaks))).count == 1)
        }
        let requirement = "protocol P {\n    func f()\n    init(a: Int)\n}\n"
        let big = "struct S {\n" + String(repeating: "    let a = 1\n", count: 100) + "}\n"
        #expect(Rules.longFunctions(engine(requirement + big + "let x = S.init(a: 1)\n")).isEmpty)
        #expect(Rules.functionSpans(of: engine("func a() {\n}\nfunc b() { c() }\n")).count == 2)
    }

    @Test(arguments: [
        ("package func f() {}", 1), ("    package var x: Int { 1 }", 1),
        ("package static func make() {}", 1), ("package private(set) var x = 1", 1),
        ("@inlinable package init() {}", 1), ("/// Says it.\npackage func f() {}", 0),
        ("/// Says it.\n@inlinable\npackage func f() {}", 0), ("package import Bytes", 0),
        ("// Not a doc comment.\npackage let x = 1", 1), ("func f() {}", 0),
        ("package var description: String { \"\" }", 0),
        ("package static func == (a: A, b: A) -> Bool { true }", 0),
    ])
    func documentation(text: String, count: Int) {
        #expect(Rules.undocumented(engine(text)).count == count)
    }

    @Test func words() {
        let mark = "// " + "TO" + "DO: later"
        #expect(Rules.marksOfUnfinishedWork(engine(mark)).count == 1)
        #expect(Rules.marksOfUnfinishedWork(engine("// todos are a data type here")).isEmpty)
        #expect(Rules.foreignPlaces(engine("let p = \"/wo" + "rk/main\"")).count == 1)
        #expect(Rules.foreignPlaces(engine("// see issue" + " #12")).count == 1)
        #expect(Rules.foreignPlaces(engine("// a work/life balance, an issue of paper")).isEmpty)
    }

    @Test func blanking() {
        let text = """
            let a = "x // y" // unsafe
            /* unsafe /* nested */ unsafe */ let b = #"raw \\"# + "\\(unsafe + "inner")"
            let c = \"\"\"
                unsafe "quoted"
                \"\"\"
            """
        let file = engine(text)
        #expect(file.code.count == file.lines.count)
        #expect(!file.code.joined().contains("unsafe"))
        #expect(file.code[1].contains("let b = "))
        #expect(file.code[0].hasPrefix("let a ="))
    }
}

/// The rules about documents, on small examples.
@Suite struct DocumentRuleTests {
    @Test func links() {
        let text =
            "See [a](ARCHITECTURE.md), [b](../README.md#top), `Sources/Engine/Gone.swift`, [c](no.md)."
        let file = SourceFile(path: "docs/SAFETY.md", text: text)
        let known: Set = ["docs/ARCHITECTURE.md", "README.md"]
        let found = Documents.deadLinks(file, exists: known.contains)
        #expect(
            found.map(\.message) == [
                "the link no.md leads nowhere", "there is no Sources/Engine/Gone.swift",
            ])
    }

    @Test func decisions() {
        let paths = [
            "docs/decisions/README.md", "docs/decisions/0001-a.md", "docs/decisions/0002-b.md",
        ]
        #expect(Documents.unlistedDecisions(paths: paths, index: "[a](0001-a.md)") == ["0002-b.md"])
    }

    @Test func fixtures() {
        let test = SourceFile(path: "Tests/A.swift", text: "open(\"used.json\"); open(\"stem\")")
        let paths = ["Fixtures/used.json", "Fixtures/stem.yaml", "Fixtures/dead.json"]
        #expect(Documents.deadFixtures(paths: paths, texts: [test]) == ["Fixtures/dead.json"])
    }

    @Test func commands() {
        let text = """
            Run `daybook ghost` or:
            ```sh
            $ daybook serve --data d \\
                --socket s   # daybook comment
            cat x | daybook record --json -
            daybook catalog publish prices.yaml --nope
            daybook ghost
            ```
            """
        let commands = Documents.commands(in: text)
        #expect(
            commands.map(\.words) == [["serve"], ["record"], ["catalog", "publish"], ["ghost"]])
        #expect(commands[0].options == ["--data", "--socket"])
        let help: [[String]: String] = [
            ["serve"]: "--data --socket", ["record"]: "--json", ["catalog"]: "publish",
            ["catalog", "publish"]: "--socket",
        ]
        let unknown = Documents.unknown(commands) { help[$0] }
        #expect(unknown.count == 2)
        #expect(unknown[0].hasPrefix("--nope unknown"))
        #expect(unknown[1].hasPrefix("there is no command ghost"))
    }
}
