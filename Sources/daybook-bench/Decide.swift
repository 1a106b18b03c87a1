import ArgumentParser
import Bytes
import Platform

/// Round trips: checks, which only ask, and consumes, which are durable when they are answered.
struct Decide: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Checks and durable consumes per second, and their latency.",
        discussion: """
            Each client sends one line and waits for its reply before it sends the next. Beside them \
            the same number of plain write + fdatasync calls on this disk, one at a time.
            """)

    @Option(help: "Clients at once.") var clients = 1
    @Option(help: "Requests of each client and kind.") var requests = 2_000
    @OptionGroup var place: Place

    func run() throws {
        try place.run { path, files, stop in
            let run = Int64(MonotonicClock.nanoseconds())
            let checks = try measure(path) { _, _ in
                #"{"request":"check","account":"account-1","feature":"searches"}"#
            }
            let consumes = try measure(path) { client, number in
                #"{"request":"consume","id":"\#(run)-\#(client)-\#(number)","account":"account-\#(client)","#
                    + #""feature":"searches"}"#
            }
            stop()
            let raw = try RawDisk.seconds(files.rawFile, bytes: requests * 4096, piece: 4096)
            print("decide: \(clients) clients, \(requests) requests each")
            print("  check     \(checks)")
            print("  consume   \(consumes)")
            print("  raw       \(Int(Double(requests) / raw))/s (4 KiB + fdatasync, one at a time)")
        }
    }

    private func measure(
        _ path: String, _ line: @escaping @Sendable (_ client: Int, _ number: Int) -> String
    ) throws -> String {
        let results = Monitor<[[Int64]]>([])
        let failures = Monitor<[String]>([])
        let count = requests
        let seconds = Stopwatch.seconds {
            let threads = (0..<clients).map { client in
                Thread.spawn(name: "bench-client") {
                    do {
                        let exchange = try Exchange(path)
                        var times: [Int64] = []
                        for number in 0..<count {
                            let start = MonotonicClock.nanoseconds()
                            let reply = try exchange.ask(line(client, number))
                            times.append(MonotonicClock.nanoseconds() - start)
                            guard reply.contains("\"allowed\":") else { throw BenchFailure(reply) }
                        }
                        results.withLock { $0.append(times) }
                    } catch {
                        failures.withLock { $0.append("\(error)") }
                    }
                }
            }
            for thread in threads { thread.join() }
        }
        if let failure = failures.read({ $0.first }) { throw BenchFailure(failure) }
        let times = results.read { $0.flatMap { $0 } }.sorted()
        func quantile(_ share: Double) -> Int64 {
            times[min(times.count - 1, Int(Double(times.count) * share))] / 1000
        }
        return "\(Int(Double(times.count) / seconds))/s, p50 \(quantile(0.5)) µs, "
            + "p99 \(quantile(0.99)) µs"
    }
}
