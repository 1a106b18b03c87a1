import ArgumentParser
import Bytes
import Engine
import Platform
import SocketServer

/// Durable ingest through the socket, with all views, beside the raw speed of the disk.
struct Ingest: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Events per second through the socket, durable, with all views.",
        discussion: """
            Sends generated events in stream mode from several connections to an engine on a fresh \
            directory, and waits for the last acknowledgement. Then it writes as many bytes as were \
            sent with one pwrite and one fdatasync for each piece, into a file of real zeros: what \
            this disk can do at all. Generating the events is not timed; sending them is.

            Without --socket the engine runs inside this process.
            """)

    @Option(help: "Events to send.") var events = 1_000_000
    @Option(help: "Different accounts, drawn by a Zipf-like law.") var accounts = 10_000
    @Option(help: "Connections that send at once.") var clients = 2
    @Option(help: "Lines between two acknowledgements.") var ackEvery = 1_000
    @Flag(help: "A reply to each line instead of stream mode.") var lines = false
    @Option(help: "Seed of the events; a store takes each event only once.") var seed: UInt64 = 1
    @Option(help: "Bytes of one piece of the raw run.") var piece = 256 << 10
    @OptionGroup var place: Place

    func run() throws {
        try place.run { path, files, stop in
            let senders = try prepare(path)
            let total = senders.reduce(0) { $0 + $1.lines }
            let bytes = senders.reduce(0) { $0 + $1.byteCount }
            let before = Platform.Process.usage()
            let seconds = Stopwatch.seconds {
                let threads = senders.map { sender in
                    Thread.spawn(name: "bench-client") { sender.run() }
                }
                for thread in threads { thread.join() }
            }
            let after = Platform.Process.usage()
            let counts = try Exchange.counts(path)
            try check(senders, total, counts)
            stop()
            let raw = try RawDisk.seconds(files.rawFile, bytes: bytes, piece: piece)
            report(total, bytes, seconds, raw, counts, before, after)
        }
    }

    private func prepare(_ path: String) throws -> [Sender] {
        try (0..<clients).map { number in
            var generator = EventGenerator(seed: seed, accounts: accounts, sender: number)
            var bytes = ByteBuffer(capacity: events / clients * 300)
            var count = 0
            while count < events / clients { count += generator.append(to: &bytes) }
            return try Sender(
                path: path, input: bytes, lines: count, ackEvery: lines ? nil : ackEvery)
        }
    }

    private func check(
        _ senders: [Sender], _ total: Int, _ counts: (recorded: Int, duplicate: Int)
    ) throws {
        for sender in senders {
            if let failure = sender.failure { throw BenchFailure(failure) }
        }
        let acked = senders.reduce(0) { $0 + $1.acked }
        guard acked == total else { throw BenchFailure("sent \(total) lines, \(acked) answered") }
        // The catalog is an entry too.
        guard place.socket != nil || counts.recorded + counts.duplicate == total + 1 else {
            throw BenchFailure("sent \(total) lines, the engine counts \(counts)")
        }
    }

    private func report(
        _ total: Int, _ bytes: Int, _ seconds: Double, _ raw: Double,
        _ counts: (recorded: Int, duplicate: Int), _ before: Platform.Process.Usage,
        _ after: Platform.Process.Usage
    ) {
        let cpu =
            Double(
                after.userNanoseconds + after.systemNanoseconds - before.userNanoseconds
                    - before.systemNanoseconds) / 1e9
        let mode = lines ? "a reply to each line" : "stream mode"
        let measured = place.socket == nil ? "engine and clients" : "clients alone"
        print("ingest: \(total) lines of \(bytes / total) bytes, \(clients) connections, \(mode)")
        print("  recorded, duplicate   \(counts.recorded), \(counts.duplicate)")
        print("  events/s, durable     \(Int(Double(total) / seconds))")
        print("  CPU s per million     \(Stopwatch.two(cpu / Double(total) * 1e6)) (\(measured))")
        print("  resident at most      \(after.residentBytesMax >> 20) MiB")
        print(
            "  raw disk, same bytes  \(Int(Double(total) / raw)) events/s "
                + "(\(piece >> 10) KiB + fdatasync, \(Int(Double(bytes) / raw / 1e6)) MB/s)")
        print("  ingest / raw          \(Stopwatch.two(raw / seconds))")
    }
}
