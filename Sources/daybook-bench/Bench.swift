import ArgumentParser

/// Measures the engine as its users meet it. What it prints is for people; nothing here judges.
@main
struct Bench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "daybook-bench",
        abstract: "Measures Daybook on this machine.",
        discussion: """
            Figures of one run compare with each other; the same figure of two runs may differ by a \
            third on a busy machine. Take the median of several runs (tools/bench does).
            """,
        subcommands: [
            Ingest.self, InProcess.self, Decide.self, Snapshot.self, Explain.self, Report.self,
            LogBench.self,
        ])
}
