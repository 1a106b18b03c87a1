import ArgumentParser
import Bytes
import Platform
import SegmentedLog

/// From `exec` to the first answer, after a crash in the middle of traffic.
struct LogStart: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "start",
        abstract: "How long a killed server takes from its start to its first answer.",
        discussion: """
            A server of its own process runs on a store of --events lines and is killed with SIGKILL \
            while events stream in. Timed is from the start of the next one to its answer to a check, \
            asked as soon as its socket takes a connection. Each start is followed by more traffic and \
            another kill. A store given with --store keeps what was sent.
            """)

    @OptionGroup var place: StoreChoice
    @Option(help: "Starts that are timed.") var starts = 5
    @Option(help: "Events that are recorded between a start and the kill.") var traffic = 500_000
    @Option(help: "The server's program; else `daybook` beside this one.") var daybook: String?

    func run() throws {
        try place.run { data, files in
            let server = CrashingServer(program: try program(), data: data, files: files)
            print("start: \(place.events) lines, killed after \(traffic) more each time")
            try server.start()
            try server.crash(after: traffic)
            var times: [Int64] = []
            for run in 1...max(1, starts) {
                let time = try server.start()
                times.append(time)
                print("  start \(run)           \(Times.millis(time)) ms to the first answer")
                for line in try server.output() { print("    \(line)") }
                try server.crash(after: traffic)
            }
            let all = Times(times)
            print(
                "  all               median \(Times.millis(all.median)) ms, "
                    + "longest \(Times.millis(all.at(1_000))) ms")
        }
    }

    private func program() throws -> String {
        if let daybook { return daybook }
        let own = CommandLine.arguments[0]
        guard let slash = own.lastIndex(of: "/") else {
            throw BenchFailure("say with --daybook where the server's program is")
        }
        return own[...slash] + "daybook"
    }
}

/// A server that is started and killed again and again.
private final class CrashingServer {
    private let program: String
    private let data: String
    private let files: Scratch
    private var child: ChildProcess?
    private var log: String { files.folder + "/output" }

    init(program: String, data: String, files: Scratch) {
        self.program = program
        self.data = data
        self.files = files
    }

    deinit { try? child?.kill() }

    /// Starts it and waits for its first answer.
    /// - Returns: nanoseconds from before the start to behind the answer.
    @discardableResult
    func start() throws -> Int64 {
        let begun = MonotonicClock.nanoseconds()
        let words = ["serve", "--data", data, "--socket", files.socket]
        child = try ChildProcess.start(program, words, output: log)
        let exchange = try connect(until: begun + 120_000_000_000)
        let reply = try exchange.ask(
            #"{"request":"check","account":"acct_000001","feature":"tool-calls"}"#)
        let time = MonotonicClock.nanoseconds() - begun
        guard reply.contains("\"allowed\":") else { throw BenchFailure(reply) }
        return time
    }

    private func connect(until deadline: Int64) throws -> Exchange {
        let pause = Monitor(0)
        while true {
            do { return try Exchange(files.socket) } catch {
                guard MonotonicClock.nanoseconds() < deadline else {
                    let output = try output().joined(separator: "\n")
                    throw BenchFailure("the server does not listen: \(error)\n\(output)")
                }
            }
            let _: Bool? = pause.wait(timeout: 500_000) { _ in nil }
        }
    }

    /// What it printed since its start.
    func output() throws -> [String] {
        var bytes = ByteBuffer()
        _ = try File.readWhole(log, into: &bytes, SystemFileSystem())
        let text = String(decoding: bytes.copyBytes(in: 0..<bytes.count), as: UTF8.self)
        return text.split(separator: "\n").map(String.init)
    }

    /// Streams events to it and kills it as soon as so many are recorded, while more arrive.
    func crash(after events: Int) throws {
        // A name that the store has not seen: events that it has are not recorded again.
        let moment = MonotonicClock.nanoseconds()
        var generator = UsageGenerator(
            seed: UInt64(moment), total: events, source: "crash-\(moment)")
        var input = ByteBuffer(capacity: events * 600)
        for _ in 0..<(2 * events) { generator.append(to: &input) }
        let sender = try Sender(
            path: files.socket, input: input, lines: 2 * events, ackEvery: 1_000)
        let hasEnded = Monitor(false)
        let sending = Thread.spawn(name: "bench-client") {
            sender.run()
            hasEnded.withLock { $0 = true }
        }
        var tooLate = false
        while !tooLate, try Exchange.counts(files.socket).recorded < events {
            tooLate = hasEnded.wait(timeout: 2_000_000) { $0 ? true : nil } ?? false
        }
        try child?.kill()
        child = nil
        sending.join()
        guard !tooLate, sender.acked < 2 * events else {
            throw BenchFailure("all events were acknowledged before the kill")
        }
    }
}
