import ArgumentParser
import Bytes
import Codec
import Engine
import Platform

/// Durable ingest without the socket: what the engine alone can do.
struct InProcess: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "engine",
        abstract: "Events per second into the engine in this process, durable, with all views.",
        discussion: """
            Decodes generated lines in as many threads as asked for and hands them over in batches, as \
            the socket's edges do, and waits until the last is durable.
            """)

    @Option(help: "Events.") var events = 1_000_000
    @Option(help: "Different accounts, drawn by a Zipf-like law.") var accounts = 10_000
    @Option(help: "Threads that decode.") var edges = 1
    @Option(help: "Bytes of lines in one batch.") var batch = 256 << 10
    @Option(help: "Seed of the events.") var seed: UInt64 = 1
    @Option(help: "Folder for the store; removed afterwards.")
    var folder = "/tmp/daybook-bench-\(Platform.Process.identifier)"

    func run() throws {
        let files = Scratch(folder: folder)
        try files.make()
        defer { files.remove() }
        let engine = try Engine.open(.init(directory: files.data))
        let publish = #"{"request":"publish","id":"c","catalog":\#(EventGenerator.catalog)}"#
        let reply = String(decoding: engine.reply(to: publish), as: UTF8.self)
        guard reply.contains("recorded") else { throw BenchFailure(reply) }
        let feeds = (0..<edges).map { edge in
            Feed(engine, seed: seed, accounts: accounts, sender: edge, events: events / edges)
        }
        let total = feeds.reduce(0) { $0 + $1.lines }
        let before = Platform.Process.usage()
        let seconds = Stopwatch.seconds {
            let threads = feeds.map { feed in
                Thread.spawn(name: "bench-edge") { feed.run(batchBytes: batch) }
            }
            for thread in threads { thread.join() }
        }
        let after = Platform.Process.usage()
        engine.close()
        let cpu =
            Double(
                after.userNanoseconds + after.systemNanoseconds - before.userNanoseconds
                    - before.systemNanoseconds) / 1e9
        print("engine: \(total) lines, \(edges) decoding threads")
        print("  events/s, durable   \(Int(Double(total) / seconds))")
        print("  CPU s per million   \(Stopwatch.two(cpu / Double(total) * 1e6))")
    }
}

/// One decoding thread and the sink of its replies.
///
/// `@unchecked Sendable`: filled before its thread starts; the counter is behind a monitor.
private final class Feed: ReplySink, @unchecked Sendable {
    private let engine: Engine
    private var input = ByteBuffer(capacity: 1 << 20)
    private(set) var lines = 0
    private let answered = Monitor(0)

    init(_ engine: Engine, seed: UInt64, accounts: Int, sender: Int, events: Int) {
        self.engine = engine
        var generator = EventGenerator(seed: seed, accounts: accounts, sender: sender)
        while lines < events { lines += generator.append(to: &input) }
        input.appendZeros(JSONTokenizer.paddingBytes)
        input.truncate(to: input.count - JSONTokenizer.paddingBytes)
    }

    func deliver(_ replies: borrowing ReplyBatch) {
        let count = replies.replies.count
        answered.withLock { $0 += count }
    }

    func run(batchBytes: Int) {
        let decoder = RequestDecoder(for: engine)
        input.withBytes(in: 0..<input.count) { bytes in
            var start = 0
            var sent = 0
            while start < bytes.byteCount {
                let batch = PreparedBatch(replyTo: self, arenaBytes: batchBytes)
                let limit = start + batchBytes
                while start < bytes.byteCount, start < limit {
                    var end = start
                    while bytes.byte(at: end) != UInt8(ascii: "\n") { end += 1 }
                    let line = bytes.extracting(start..<end)
                    if case .record(let record) = decoder.decode(
                        line, paddingAvailable: JSONTokenizer.paddingBytes, into: &batch.arena)
                    {
                        batch.records.append(record)
                        batch.tokens.append(0)
                    }
                    start = end + 1
                }
                sent += batch.records.count
                while !engine.submit(batch) {
                    // The queue is full: wait a moment, as a socket's backpressure would.
                    let _: Bool? = answered.wait(timeout: 1_000_000) { _ in nil }
                }
            }
            let _: Bool? = answered.wait { $0 == sent ? true : nil }
        }
    }
}
