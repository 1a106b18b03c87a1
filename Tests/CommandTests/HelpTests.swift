import ArgumentParser
import Foundation
import Testing

@testable import daybook

/// Every command explains itself, and ends with the exit code that the documents name.
@Suite struct HelpTests {
    /// All commands with the words that lead to them.
    static func commands(
        _ command: any ParsableCommand.Type = Daybook.self, _ words: [String] = []
    ) -> [(words: [String], command: any ParsableCommand.Type)] {
        let configuration = command.configuration
        let below =
            configuration.ungroupedSubcommands
            + configuration.groupedSubcommands.flatMap(\.subcommands)
        return [(words, command)]
            + below.flatMap { commands($0, words + [$0.configuration.commandName ?? ""]) }
    }

    @Test(arguments: commands().map(\.words))
    func explainsItself(_ words: [String]) throws {
        let ran = try BuiltBinary.run(words + ["--help"])
        #expect(ran.status == 0 && ran.errors.isEmpty)
        #expect(ran.output.contains("OVERVIEW:") && ran.output.contains("USAGE: daybook"))
        let hasExample = ran.output.contains("Example: ") || words.isEmpty
        #expect(hasExample, "no example in the help of \(words)")
        // An option without a word of explanation is a line that ends with its name.
        for line in ran.outputLines where line.hasPrefix("  --") || line.hasPrefix("  <") {
            #expect(line.count > 30 || line.contains("  "), "\(words): \(line)")
        }
    }

    @Test func theVersionIsPrinted() throws {
        let ran = try BuiltBinary.run(["--version"])
        #expect(ran.status == 0 && ran.output.hasPrefix("daybook "))
    }

    static let asking = [
        ["ping"], ["status"], ["verify"], ["snapshot"], ["backup", "/tmp/daybook-no-backup"],
        ["unmatched"], ["usage", "a"],
        ["credits", "a"], ["entitlements", "a"], ["invoice", "a"], ["explain", "a", "line"],
        ["check", "a", "f"], ["consume", "a", "f"], ["subscribe", "a", "p"], ["grant", "a", "5"],
        ["tail"], ["record"], ["catalog", "show"], ["prove", "a"], ["checkpoint"], ["key"],
        ["catalog", "diff", "Fixtures/catalogs/llm.yaml"],
        ["catalog", "publish", "Fixtures/catalogs/llm.yaml"],
        ["redact", "--position", "1", "--property", "p", "--reason", "r"],
        ["redact", "--account", "a", "--property", "p", "--reason", "r"],
        ["void", "a", "0"], ["refund", "a", "7"], ["reset", "a"], ["hold", "a", "f"],
        ["settle", "a", "f/1", "2"], ["release", "a", "f/1"], ["extend", "a", "f/1"],
        ["retire", "--before", "2016-01-01T00:00:00Z", "--reason", "r"],
    ]

    @Test(arguments: asking)
    func withoutAServerTheEndIs69(_ words: [String]) throws {
        let ran = try BuiltBinary.run(words + ["--socket", "/tmp/daybook-no-server-there"])
        #expect(ran.status == 69, "\(ran.errors)")
        #expect(ran.output.isEmpty)
        #expect(ran.errors.contains("/tmp/daybook-no-server-there"))
        #expect(ran.errors.contains("daybook serve"))
        // The environment names it as well.
        let named = try BuiltBinary.run(
            words, environment: ["DAYBOOK_SOCKET": "/tmp/daybook-no-server-there"])
        #expect(named.status == 69)
    }

    @Test(arguments: asking)
    func withoutASocketTheEndIs64(_ words: [String]) throws {
        let ran = try BuiltBinary.run(words)
        #expect(ran.status == 64, "\(ran.errors)")
        #expect(ran.errors.contains("--socket") && ran.errors.contains("DAYBOOK_SOCKET"))
    }

    @Test(
        arguments: [
            (["usage"], 64), (["usage", "a", "--nonsense"], 64), (["nonsense"], 64),
            (["usage", "a", "--period", "2023-13"], 64),
            (["check", "a", "f", "--quantity", "x"], 64),
            (["status", "--socket", "/x", "--data", "/y"], 64), (["tail", "--kind", "x"], 64),
            (["tail", "--limit", "0", "--socket", "/x"], 64), (["grant", "a", "lots"], 64),
            (["consume", "a", "f", "--data", "[1]", "--socket", "/x"], 64),
            (["record", "/nonexistent", "--socket", "/x"], 66),
            (["catalog", "check", "/nonexistent.yaml"], 66),
            (["import", "--map", "/nonexistent", "/nonexistent"], 66),
            (["inspect", "/nonexistent"], 66), (["inspect", "README.md"], 65),
        ] as [([String], Int32)])
    func wrongInputHasItsCode(_ words: [String], _ status: Int32) throws {
        let ran = try BuiltBinary.run(words)
        #expect(ran.status == status, "\(words): \(ran.errors)")
        #expect(!ran.errors.isEmpty)
    }
}
