import ArgumentParser
import Billing
import Bytes
import Client
import Codec
import Platform

/// `daybook sync`.
struct SyncCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sync",
        abstract: "Take over what an outside billing system says of subscriptions.",
        discussion: "Example: daybook sync stripe --map stripe.yaml events.ndjson",
        subcommands: [SyncStripeCommand.self])
}

/// `daybook sync stripe --map MAP [FILE]`.
struct SyncStripeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stripe",
        abstract:
            "Read Stripe's events about subscriptions, as webhooks or `stripe events list` give them.",
        discussion: """
            Each event carries the whole subscription and becomes one entry, known by Stripe's own \
            id: a feed may come twice and in any order, and ends in the same state. The map says \
            which prices are which plans and add-ons; docs/CATALOG.md describes it. Events about \
            other things are counted and passed over.

            Events that cannot be read are named on standard error, and all others are recorded. \
            Ends with 65 if there was one.

            Example: daybook sync stripe --map stripe.yaml events.ndjson
            Example: stripe events list --limit 100 | daybook sync stripe --map stripe.yaml
            """)

    @Argument(help: "A file of events; - or nothing: standard input.") var file: String?
    @Option(help: ArgumentHelp("What Stripe's prices are here, a YAML file.", valueName: "file"))
    var map: String
    @Flag(help: "Print the requests on standard output instead of recording them. Needs no server.")
    var dryRun = false
    @OptionGroup var server: SocketOptions
    @OptionGroup var format: JSONOption

    func run() throws {
        let source = try LineSource(file)
        let feed = FeedStream(
            source: source, feed: StripeFeed(mapping: try StripeMapping(file: map)))
        if dryRun {
            var output = Output()
            try feed.run { line in
                if !line.isEmpty { try output.line(line) }
                return !output.isReaderGone
            }
            try output.flush()
            try judge(feed)
            return
        }
        let path = try server.path()
        let queue = try BlockQueue()
        let reader = Thread.spawn(name: "feed") { feed.pour(into: queue) }
        let report = UploadReport(
            name: source.name, size: nil, json: format.json, badRows: feed.badEvents)
        defer { feed.sayWhatWasPassedOver() }
        try report.run(to: path, from: queue)
        reader.join()
    }

    private func judge(_ feed: FeedStream) throws {
        feed.sayWhatWasPassedOver()
        let bad = feed.badEvents.read { $0 }
        guard bad == 0 else {
            throw CommandFailure(
                .rejected, "\(bad) events of \(feed.source.name) cannot be read, see above")
        }
    }
}

/// A feed's events as request lines.
///
/// What becomes no request is an empty line, which the server counts and passes over: so the line numbers in its
/// answers are those of a feed with one event a line. In other feeds the server's answers name the event.
struct FeedStream: Sendable {
    let source: LineSource
    let feed: StripeFeed
    /// Events so far of which nothing could be made.
    let badEvents = Monitor(0)
    /// How many events were about something else, and whether there is more than was given.
    private let passed = Monitor((events: 0, hasMore: false))

    /// Hands all requests over.
    func pour(into queue: BlockQueue) {
        do {
            try run { line in
                var line = line
                line.append(UInt8(ascii: "\n"))
                return queue.put(line)
            }
            queue.finish()
        } catch let failure as SystemFailure {
            queue.finish(failure: "\(source.name): \(failure.reason)")
        } catch {
            queue.finish(failure: "\(source.name): \(error)")
        }
    }

    private struct NobodyTakes: Error {}

    /// Reads all events. - Parameter take: gets each line and says whether to go on.
    func run(_ take: ([UInt8]) throws -> Bool) throws {
        var lines = StripeLines()
        func send(_ pieces: [StripeLines.Piece]) throws {
            for piece in pieces where try !take(line(piece)) { throw NobodyTakes() }
        }
        do {
            try source.forEachLine { line in
                let pieces = lines.take(line)
                if pieces.isEmpty, try !take([]) { throw NobodyTakes() }
                try send(pieces)
            }
            try send(lines.finish())
        } catch is NobodyTakes {
            return
        }
        let hasMore = lines.hasMore
        passed.withLock { $0.hasMore = hasMore }
    }

    /// The request of an event; empty if there is none.
    private func line(_ piece: StripeLines.Piece) -> [UInt8] {
        do throws(SyncFault) {
            switch try feed.step(piece.event.get()) {
            case .skipped:
                passed.withLock { $0.events += 1 }
                return []
            case .request(let word, let members):
                var json = JSONWriter()
                json.beginObject()
                json.member("request", word)
                if case .object(let list) = members {
                    for member in list {
                        json.key(member.name)
                        json.value(member.value)
                    }
                }
                json.endObject()
                return json.finish()
            }
        } catch {
            badEvents.withLock { $0 += 1 }
            let number = piece.number.map { ", event \($0)" } ?? ""
            StandardError.line("\(piece.line)\(number): \(error)")
            return []
        }
    }

    /// Tells the operator what became no entry.
    func sayWhatWasPassedOver() {
        let (events, hasMore) = passed.read { $0 }
        if events > 0 {
            StandardError.line(
                "\(events) events do not change a subscription, or are of Stripe's test mode")
        }
        if hasMore {
            StandardError.line(
                "Stripe has more events than this list (has_more): read the next page too")
        }
    }
}
