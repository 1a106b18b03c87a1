import ArgumentParser
import Bytes
import Engine
import Platform

/// What it takes to make all bills again, and to suppose other prices and limits.
struct Report: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "All bills again from entries, and simulations.",
        discussion: """
            Fills a store with events of five types, seals it, and asks in this process: all bills of the month \
            again from entries, the same under other prices (no entry is read), the same with every entry decided \
            again, and the books of an earlier position. Medians of several rounds, alternating.
            """)

    @Option(help: "Events.") var events = 1_000_000
    @Option(help: "Accounts.") var accounts = 10_000
    @Option(help: "Rounds.") var rounds = 5
    @Option(help: "Folder for the store; removed afterwards.")
    var folder = "/tmp/daybook-bench-\(Platform.Process.identifier)"

    /// The generator's meters with prices for all of them.
    private static func catalog(_ price: String) -> String {
        let tiers = [
            #"{"up_to":1000000,"amount":"\#(price)"}"#,
            #"{"up_to":10000000,"amount":"0.000002"}"#, #"{"amount":"0.000001"}"#,
        ].joined(separator: ",")
        let prices = [
            #""in":{"meter":"tokens-in","graduated":[\#(tiers)]}"#,
            #""out":{"meter":"tokens-out","amount":"0.00001"}"#,
            #""embed":{"meter":"embeddings","amount":"0.0000001"}"#,
            #""search":{"meter":"searches","package":{"size":1000,"amount":"4"}}"#,
            #""disk":{"meter":"gigabytes","amount":"0.02"}"#,
            #""minutes":{"meter":"minutes","amount":"0.003"}"#,
        ].joined(separator: ",")
        return EventGenerator.catalog.replacing(
            #""in":{"meter":"tokens-in","amount":"0.0000025"}"#, with: prices)
    }

    func run() throws {
        let files = Scratch(folder: folder)
        try files.make()
        defer { files.remove() }
        let engine = try Engine.open(.init(directory: files.data))
        defer { engine.close() }
        let publish =
            #"{"request":"publish","id":"c","catalog":\#(Self.catalog("0.0000025"))}"#
        guard String(decoding: engine.reply(to: publish), as: UTF8.self).contains("recorded") else {
            throw BenchFailure("the catalog was refused")
        }
        let filling = Filling()
        var generator = EventGenerator(seed: 1, accounts: accounts, sender: 0)
        var sent = 0
        while sent < events {
            var lines = ByteBuffer(capacity: 1 << 19)
            for _ in 0..<1_000 { sent += generator.append(to: &lines) }
            filling.send(
                String(decoding: lines.copyBytes(in: 0..<lines.count), as: UTF8.self)
                    .split(separator: "\n").map(String.init), to: engine)
        }
        _ = try ask(engine, #"{"request":"compact"}"#)
        let period = "2026-03"
        let other = Self.catalog("0.000003")
        let questions = [
            ("bills again", #"{"request":"replay","period":"\#(period)","limit":0}"#),
            ("other prices", #"{"request":"simulate","limit":0,"catalog":\#(other)}"#),
            (
                "decided again",
                #"{"request":"simulate","limit":0,"catalog":\#(other),"remove":[{"account":"-"}]}"#
            ),
        ]
        var times: [String: [Int64]] = [:]
        for _ in 0..<rounds {
            for (name, question) in questions {
                let begun = MonotonicClock.nanoseconds()
                _ = try ask(engine, question)
                times[name, default: []].append(MonotonicClock.nanoseconds() - begun)
            }
        }
        print("report: \(events) events, \(accounts) accounts, sealed; medians of \(rounds) rounds")
        for (name, _) in questions {
            let sorted = (times[name] ?? []).sorted()
            let median = sorted[sorted.count / 2]
            let rate = Int64(events) * 1_000_000_000 / max(1, median)
            print(
                "  \(name): \(median / 1_000_000) ms (\(sorted[0] / 1_000_000) to "
                    + "\(sorted[sorted.count - 1] / 1_000_000)), \(rate) events/s")
        }
        for part in [4, 2] {
            let position = events / part
            let begun = MonotonicClock.nanoseconds()
            _ = try ask(engine, #"{"request":"credits","account":"a","as_of":\#(position)}"#)
            let first = MonotonicClock.nanoseconds() - begun
            _ = try ask(engine, #"{"request":"credits","account":"a","as_of":\#(position)}"#)
            let again = MonotonicClock.nanoseconds() - begun - first
            print(
                "  as of \(position): \(first / 1_000_000) ms, again \(again / 1_000) µs")
        }
    }

    private func ask(_ engine: Engine, _ line: String) throws -> String {
        let reply = String(decoding: engine.reply(to: line), as: UTF8.self)
        guard reply.hasPrefix(#"{"ok":true"#) else { throw BenchFailure(String(reply.prefix(400))) }
        return reply
    }
}
