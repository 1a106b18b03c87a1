import ArgumentParser
import Engine
import Platform

/// What it takes to explain a line of an invoice event by event.
struct Explain: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "The events behind a line: its first page, and all of its pages.",
        discussion: """
            Fills a store with the events of one account and as many of others between them, and asks for \
            the line of the account page by page, as `daybook explain` does: first out of rows as they were \
            recorded, then out of sealed segments.
            """)

    @Option(help: "Events behind the line.") var events = 10_000
    @Option(help: "Events of other accounts between two of them.") var others = 1
    @Option(help: "Events on a page.") var page = 10_000
    @Option(help: "Folder for the store; removed afterwards.")
    var folder = "/tmp/daybook-bench-\(Platform.Process.identifier)"

    private static let catalog =
        #"{"catalog":1,"currency":"USD","default_plan":"p","#
        + #""meters":{"n":{"event":"use","aggregate":"sum","value":"n"}},"plans":{"p":{"prices":{"#
        + #""graduated":{"meter":"n","graduated":[{"up_to":1000,"amount":"0.01","flat":5},{"up_to":100000,"amount":"0.005"},{"amount":"0.0025"}]},"#
        + #""volume":{"meter":"n","volume":[{"up_to":1000,"amount":"0.01"},{"amount":"0.005"}]},"#
        + #""percent":{"meter":"n","percentage":{"rate":"1.7","fixed":"0.3"}}}}}}"#

    func run() throws {
        let files = Scratch(folder: folder)
        try files.make()
        defer { files.remove() }
        let engine = try Engine.open(.init(directory: files.data, entriesPerSnapshot: .max))
        defer { engine.close() }
        let publish = #"{"request":"publish","id":"c","catalog":\#(Self.catalog)}"#
        guard String(decoding: engine.reply(to: publish), as: UTF8.self).contains("recorded") else {
            throw BenchFailure("the catalog was refused")
        }
        let filling = Filling()
        let all = events * (others + 1)
        for first in stride(from: 0, to: all, by: 1_000) {
            filling.send((first..<min(all, first + 1_000)).map(event), to: engine)
        }
        print("explain: \(events) events of one account, \(others) of others between two of them")
        for line in ["graduated", "volume", "percent"] {
            print("  rows     \(line): \(try pages(line, engine))")
        }
        _ = engine.reply(to: #"{"request":"compact"}"#)
        for line in ["graduated", "volume", "percent"] {
            print("  sealed   \(line): \(try pages(line, engine))")
        }
    }

    private func event(_ number: Int) -> String {
        let isMine = number % (others + 1) == 0
        let second = number % 2_000_000
        let (minute, hour, day) = (second / 60 % 60, second / 3600 % 24, 1 + second / 86_400)
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return
            #"{"specversion":"1.0","id":"4c1ad5a0-7a0e-4c5e-9c0a-\#(number)","source":"bench","#
            + #""type":"use","subject":"account-\#(isMine ? 0 : 1 + number % 997)","#
            + #""time":"2026-01-\#(two(day))T\#(two(hour)):\#(two(minute)):\#(two(second % 60))Z","#
            + #""data":{"n":\#(number % 7).\#(number % 100)}}"#
    }

    /// Asks for page after page.
    private func pages(_ line: String, _ engine: Engine) throws -> String {
        var (pages, bytes) = (0, 0)
        var (first, longest): (Int64, Int64) = (0, 0)
        let begun = MonotonicClock.nanoseconds()
        var more = ""
        repeat {
            let started = MonotonicClock.nanoseconds()
            let line = engine.reply(
                to: #"{"request":"explain","account":"account-0","period":"2026-01","#
                    + #""line":"\#(line)","limit":\#(page)\#(more)}"#)
            let time = MonotonicClock.nanoseconds() - started
            if pages == 0 { first = time } else { longest = max(longest, time) }
            // The members behind the events.
            let end = String(decoding: line.suffix(600), as: UTF8.self)
            guard end.contains("\"event_count\":\(events),") else { throw BenchFailure(end) }
            pages += 1
            bytes += line.count
            more =
                try Self.number("next", in: end).map { next in
                    #","from":\#(next),"cursor":\#(try Self.number("cursor", in: end) ?? 0)"#
                } ?? ""
        } while !more.isEmpty
        let whole = MonotonicClock.nanoseconds() - begun
        return "first page \(first / 1_000_000) ms, each other at most \(longest / 1_000_000) ms; "
            + "\(pages) pages, \(bytes >> 20) MiB, in \(whole / 1_000_000) ms"
    }

    /// A member that is a number; nil: it is null.
    private static func number(_ name: String, in text: String) throws -> Int? {
        guard let start = text.firstRange(of: "\"\(name)\":") else { throw BenchFailure(text) }
        return Int(text[start.upperBound...].prefix { $0.isNumber })
    }
}
