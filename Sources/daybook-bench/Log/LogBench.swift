import ArgumentParser
import Platform

/// What the log does and takes: sizes, reading, starting, sealing, known identities.
struct LogBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "log",
        abstract: "Bytes of an event, replay, one account, start, sealing, known identities.",
        subcommands: [
            LogBytes.self, LogReplay.self, LogAccount.self, LogStart.self, LogSealing.self,
            LogDedupe.self,
        ])
}

/// The store that a benchmark of the log reads.
struct StoreChoice: ParsableArguments {
    @Option(help: "Lines of events of which the store is made.")
    var events = 1_000_000
    @OptionGroup var choice: EventChoice
    @Option(
        help: "A data directory to read; it is made first if it is not there, and stays.")
    var store: String?
    @Option(help: "Folder for everything else; removed afterwards.")
    var folder = "/tmp/daybook-bench-\(Platform.Process.identifier)"

    /// Runs `body` with a store that has the events, all of them sealed and merged, and is closed.
    func run(_ body: (_ data: String, _ files: Scratch) throws -> Void) throws {
        let files = Scratch(folder: folder)
        try files.make()
        defer { files.remove() }
        let data = store ?? files.data
        let names = try SystemFileSystem().listIfPresent(data)
        if names.isEmpty { try StoreFilling.makeStore(data, choice, events) }
        try body(data, files)
    }
}
