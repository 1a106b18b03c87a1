import Foundation
import Testing

/// The benchmarks of the log run, and find what they look for. Their figures are nobody's business here.
@Suite struct BenchTests {
    private func log(_ words: [String]) throws -> Ran {
        let folder = try TemporaryFolder()
        let path = BuiltBinary.path.deletingLastPathComponent()
            .appendingPathComponent("daybook-bench")
        let ran = try BuiltBinary.run(
            ["log"] + words + ["--folder", folder.url.appendingPathComponent("run").path],
            of: path)
        let left = try FileManager.default.contentsOfDirectory(atPath: folder.url.path)
        #expect(left.isEmpty, "a run leaves nothing behind")
        return ran
    }

    @Test(arguments: [
        ["bytes", "--events", "2000"],
        ["bytes", "--events", "2000", "--sequences"],
        ["replay", "--events", "2000", "--passes", "1"],
        ["account", "--events", "2000", "--entries", "50", "--calls", "3"],
        ["sealing", "--events", "2000", "--seconds", "0"],
        ["dedupe", "--events", "2000", "--keys", "5000", "--questions", "100", "--repeats", "20"],
        ["start", "--events", "2000", "--traffic", "2000", "--starts", "1"],
    ])
    func aBenchmarkOfTheLogRuns(_ words: [String]) throws {
        let ran = try log(words)
        #expect(ran.status == 0, "\(ran.errors)")
        #expect(ran.outputLines.count > 1)
        #expect(ran.outputLines.first?.hasPrefix("\(words[0]): ") == true)
    }

    /// One line in a hundred was sent before, with ids and with sequences.
    @Test(arguments: [[], ["--sequences"]])
    func someEventsAreSentAgain(_ more: [String]) throws {
        let headline = try log(["bytes", "--events", "3000"] + more).outputLines.first ?? ""
        let numbers = headline.split { !$0.isNumber }.compactMap { Int($0) }
        #expect(numbers.first == 3000)
        let recorded = numbers.count > 1 ? numbers[1] : 0
        #expect((2940..<3000).contains(recorded), "\(headline)")
    }
}
