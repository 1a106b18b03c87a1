import ArgumentParser
import Bytes
import Engine
import Platform
import SegmentedLog

/// What the sealer does, and what it costs those who wait for their commits.
struct LogSealing: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sealing",
        abstract: "Speed of sealing, and commits with and without it.",
        discussion: """
            Records the same events twice, without sealing and with it. Seals and merges what the \
            first engine has, alone. Then one client commits single events at a fixed pace, first \
            alone and then while as many events are sealed and merged.
            """)

    @Option(help: "Lines of events.") var events = 1_000_000
    @OptionGroup var choice: EventChoice
    @Option(help: "Commits a second of the one client.") var pace = 2_000
    @Option(help: "Seconds that the client commits alone.") var seconds = 5
    @Option(help: "Folder for the stores; removed afterwards.")
    var folder = "/tmp/daybook-bench-\(Platform.Process.identifier)"

    func run() throws {
        let files = Scratch(folder: folder)
        try files.make()
        defer { files.remove() }
        print("sealing: \(events) lines, \(choice.text)")
        let sealing = try open(files.folder + "/sealing", sealBytes: nil)
        try ingest(sealing, "with sealing")
        sealing.close()
        let engine = try open(files.data, sealBytes: .max)
        defer { engine.close() }
        try ingest(engine, "without sealing")
        try seal(engine)
        try commits(engine)
    }

    private func open(_ directory: String, sealBytes: Int?) throws -> Engine {
        var options = Engine.Options(directory: directory)
        if let sealBytes { options.log.sealBytes = sealBytes }
        let engine = try Engine.open(options)
        try engine.publishUsageCatalog()
        return engine
    }

    private func ingest(_ engine: Engine, _ name: String) throws {
        let lines = try choice.lines(events)
        let effort = Effort()
        var counts = StoreFilling.Counts()
        let seconds = try Stopwatch.seconds { counts = try StoreFilling(engine).fill(lines) }
        let behind = engine.reader.durablePosition - engine.reader.sealedPosition
        let cpu = effort.cpuSeconds / Double(counts.lines) * 1e6
        print(
            "  \(name.padded(to: 20))\(Int(Double(counts.lines) / seconds)) events/s, "
                + "\(Stopwatch.two(cpu)) CPU s per million with generating, "
                + "\(behind) entries not sealed at the end")
    }

    private func seal(_ engine: Engine) throws {
        let entries = engine.durablePosition
        let effort = Effort()
        let seconds = try Stopwatch.seconds { _ = try engine.compact() }
        let cpu = effort.cpuSeconds / Double(entries) * 1e6
        print(
            "  sealing alone       \(Int(Double(entries) / seconds)) entries/s, "
                + "\(Stopwatch.two(cpu)) CPU s per million, merged as well")
    }

    private func commits(_ engine: Engine) throws {
        let client = PacedClient(engine, pace: pace)
        let end = MonotonicClock.nanoseconds() + Int64(seconds) * 1_000_000_000
        let alone = try client.commit { MonotonicClock.nanoseconds() < end }
        print("  commits alone       \(alone.text)")
        let generator = UsageGenerator(
            seed: choice.seed &+ 1, total: events, source: "more-usage")
        _ = try StoreFilling(engine).fill(EventLines(generator, events))
        let isDone = Monitor(false)
        let failure = Monitor<String?>(nil)
        let worker = Thread.spawn(name: "bench-compact") {
            do throws(EngineFailure) { _ = try engine.compact() } catch {
                failure.withLock { $0 = error.message }
            }
            isDone.withLock { $0 = true }
        }
        let beside = try client.commit { !isDone.read { $0 } }
        worker.join()
        if let failure = failure.read({ $0 }) { throw BenchFailure(failure) }
        print("  commits, sealing    \(beside.text)")
    }
}

/// One client that commits single events at a fixed pace.
private final class PacedClient {
    private let engine: Engine
    private let interval: Int64
    private let clock = Monitor(0)
    private var number = 0

    init(_ engine: Engine, pace: Int) {
        self.engine = engine
        interval = 1_000_000_000 / Int64(max(1, pace))
    }

    /// Commits for as long as `goesOn` says so, at least once.
    func commit(while goesOn: () -> Bool) throws -> Times {
        var times: [Int64] = []
        var due = MonotonicClock.nanoseconds()
        repeat {
            let rest = due - MonotonicClock.nanoseconds()
            if rest > 0 { let _: Bool? = clock.wait(timeout: rest) { _ in nil } }
            let line =
                #"{"specversion":"1.0","id":"\#(number)","source":"paced","type":"llm.tokens","#
                + #""subject":"acct_000001","data":{"input_tokens":1,"output_tokens":1}}"#
            let begun = MonotonicClock.nanoseconds()
            let reply = String(decoding: engine.reply(to: line), as: UTF8.self)
            times.append(MonotonicClock.nanoseconds() - begun)
            guard reply.contains(#""outcome":"recorded""#) else { throw BenchFailure(reply) }
            number += 1
            // A late commit does not make the next ones hurry.
            due = max(due + interval, begun)
        } while goesOn()
        return Times(times)
    }
}
