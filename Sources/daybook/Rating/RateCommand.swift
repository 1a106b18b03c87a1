import ArgumentParser
import Billing
import Codec
import Engine

/// `daybook rate FILE`.
struct RateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rate",
        abstract: "Work out what a catalog charges for a short history; no log, no server.",
        discussion: """
            FILE has cases: a catalog, what an account did, and the invoices that are asked for. \
            YAML: a list of cases, each with `expect` if it is to be checked. Any other name than \
            *.yaml: one JSON object a line, and one line with the result for each. See \
            docs/CATALOG.md, "Cases".

            Ends with 65 if a case does not give what it expects.

            Example: daybook rate Fixtures/billing/pricing.yaml
            """)

    @Argument(help: "A YAML file of cases, or lines of JSON; - reads lines from stdin.")
    var file: String

    func run() throws {
        if file.hasSuffix(".yaml") || file.hasSuffix(".yml") {
            try check(try RateCases(file: file))
        } else {
            try answerLines()
        }
    }

    private func check(_ cases: RateCases) throws {
        var output = Output()
        var failed = 0
        for one in cases.list {
            let differences = one.differences()
            guard !differences.isEmpty else { continue }
            failed += 1
            for difference in differences { try output.line("\(one.name): \(difference)") }
        }
        try output.line("\(cases.list.count) cases, \(failed) do not give what they expect")
        try output.flush()
        if failed > 0 { throw CommandFailure(.rejected, "") }
    }

    private func answerLines() throws {
        var output = Output()
        let source = try LineSource(file)
        try source.forEachLine { line in
            try output.line(Self.answer(line))
            try output.flush()
        }
        try output.flush()
    }

    private static func answer(_ line: [UInt8]) -> [UInt8] {
        var members: [(String, Value)] = []
        do {
            let value = try ValueCoder.value(json: line)
            members.append(("case", value["case"] ?? .null))
            let answers = try RatedCase.answers(of: value)
            members.append(("invoices", .array(answers.invoices)))
            if let decisions = answers.decisions {
                members += [
                    ("decisions", .array(decisions)), ("credits", answers.credits ?? .null),
                ]
            }
        } catch let fault as RatedCase.Fault {
            members.append(("error", .string(fault.message)))
        } catch let rejection as Rejection {
            members.append(("error", .string(rejection.message)))
        } catch {
            members.append(("error", .string("\(error)")))
        }
        var json = JSONWriter()
        json.value(.object(of: members))
        return json.finish()
    }
}
