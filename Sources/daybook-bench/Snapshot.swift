import ArgumentParser
import Bytes
import Engine
import Platform

/// What snapshots cost those who wait for their commits.
struct Snapshot: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "The longest a commit takes, with and without snapshots.",
        discussion: """
            Fills counters, ten meters for each account, then sends one event after the other, each \
            durable before the next, first alone and then while one snapshot is taken after the other.
            """)

    @Option(help: "Accounts; each has ten counters.") var accounts = 100_000
    @Option(help: "Seconds of each half.") var seconds = 5
    @Option(help: "Folder for the store; removed afterwards.")
    var folder = "/tmp/daybook-bench-\(Platform.Process.identifier)"

    private static let catalog: String = {
        let meters = (0..<10).map { #""m\#($0)":{"event":"use","aggregate":"sum","value":"n"}"# }
        return #"{"catalog":1,"currency":"USD","meters":{"# + meters.joined(separator: ",")
            + #"},"plans":{}}"#
    }()

    func run() throws {
        let files = Scratch(folder: folder)
        try files.make()
        defer { files.remove() }
        let engine = try Engine.open(.init(directory: files.data, entriesPerSnapshot: .max))
        defer { engine.close() }
        try expect(
            "recorded", engine, #"{"request":"publish","id":"c","catalog":\#(Self.catalog)}"#)
        let filling = Filling()
        for first in stride(from: 0, to: accounts, by: 1_000) {
            let all = first..<min(accounts, first + 1_000)
            filling.send(all.map { event($0, $0) }, to: engine)
        }

        print("snapshot: \(accounts * 10) counters, commits one at a time")
        let alone = try commits(engine, from: accounts + 1)
        print("  alone            \(alone.text)")
        let isDone = Monitor(false)
        let taken = Monitor<[Int64]>([])
        let snapshots = Thread.spawn(name: "bench-snapshots") {
            while !isDone.read({ $0 }) {
                let begun = MonotonicClock.nanoseconds()
                guard (try? engine.snapshot()) != nil else { return }
                let time = MonotonicClock.nanoseconds() - begun
                taken.withLock { $0.append(time) }
            }
        }
        let beside = try commits(engine, from: alone.next)
        isDone.withLock { $0 = true }
        snapshots.join()
        print("  with snapshots   \(beside.text)")
        let times = taken.read { $0.sorted() }
        guard !times.isEmpty else { throw BenchFailure("no snapshot was taken") }
        print("  snapshots        \(times.count), median \(times[times.count / 2] / 1_000_000) ms")
    }

    private func event(_ id: Int, _ account: Int) -> String {
        #"{"specversion":"1.0","id":"\#(id)","source":"bench","type":"use","#
            + #""subject":"account-\#(account)","data":{"n":1}}"#
    }

    private func expect(_ word: String, _ engine: Engine, _ line: String) throws {
        let reply = String(decoding: engine.reply(to: line), as: UTF8.self)
        guard reply.contains(word) else { throw BenchFailure(reply) }
    }

    /// Sends events for some seconds, each to the next account; says how long they took.
    private func commits(_ engine: Engine, from first: Int) throws -> (next: Int, text: String) {
        var number = first
        var times: [Int64] = []
        let end = MonotonicClock.nanoseconds() + Int64(seconds) * 1_000_000_000
        while MonotonicClock.nanoseconds() < end {
            let begun = MonotonicClock.nanoseconds()
            // A stride through all accounts: each commit writes where no one has written lately.
            try expect("recorded", engine, event(number, number * 7919 % accounts))
            times.append(MonotonicClock.nanoseconds() - begun)
            number += 1
        }
        times.sort()
        let (p50, p999) = (times[times.count / 2], times[times.count * 999 / 1000])
        return (
            number,
            "\(times.count / seconds)/s, p50 \(p50 / 1000) µs, p99.9 \(p999 / 1000) µs, "
                + "longest \((times.last ?? 0) / 1000) µs"
        )
    }
}

/// Sends events in batches and waits for each.
///
/// `@unchecked Sendable`: the counter is behind a monitor.
final class Filling: ReplySink, @unchecked Sendable {
    private let answered = Monitor(0)

    func deliver(_ replies: borrowing ReplyBatch) {
        let count = replies.replies.count
        answered.withLock { $0 += count }
    }

    func send(_ lines: [String], to engine: Engine) {
        let decoder = RequestDecoder(for: engine)
        let batch = PreparedBatch(replyTo: self, arenaBytes: lines.count * 256)
        for line in lines {
            let request = line.withBytes {
                decoder.decode($0, paddingAvailable: 0, into: &batch.arena)
            }
            guard case .record(let record) = request else { continue }
            batch.records.append(record)
            batch.tokens.append(0)
        }
        let count = batch.records.count
        precondition(engine.submit(batch), "one batch at a time fits")
        let _: Bool? = answered.wait { answered in
            guard answered == count else { return nil }
            answered = 0
            return true
        }
    }
}
