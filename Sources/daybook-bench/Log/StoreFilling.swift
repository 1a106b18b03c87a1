import Bytes
import Engine
import Platform

/// Records events through an engine in this process, as one edge of the socket would.
///
/// `@unchecked Sendable`: confined to the thread that fills, but for what is behind the monitor.
final class StoreFilling: ReplySink, @unchecked Sendable {
    /// What became of the lines.
    struct Counts: Sendable {
        var recorded = 0
        var duplicate = 0
        var others = 0
        /// Bytes of all lines with their ends.
        var bytes = 0
        /// All lines.
        var lines: Int { recorded + duplicate + others }
    }

    private let engine: Engine
    private let answered = Monitor(Counts())

    init(_ engine: Engine) { self.engine = engine }

    func deliver(_ replies: borrowing ReplyBatch) {
        var counts = Counts()
        for reply in replies.replies {
            switch reply.status {
            case .recorded: counts.recorded += 1
            case .duplicate: counts.duplicate += 1
            default: counts.others += 1
            }
        }
        answered.withLock { all in
            all.recorded += counts.recorded
            all.duplicate += counts.duplicate
            all.others += counts.others
        }
    }

    /// Records all lines and waits until the last is durable.
    /// - Throws: `BenchFailure` if one was neither recorded nor known.
    func fill(_ lines: EventLines) throws -> Counts {
        let decoder = RequestDecoder(for: engine)
        var chunk = ByteBuffer(capacity: EventLines.chunkBytes + (64 << 10))
        var sent = 0
        var bytes = 0
        while try lines.next(&chunk) > 0 {
            bytes += chunk.count
            sent += submit(&chunk, decoder)
        }
        let counts: Counts? = answered.wait { $0.lines >= sent ? $0 : nil }
        guard var counts, counts.others == 0 else {
            throw BenchFailure("of \(sent) lines some were not taken")
        }
        counts.bytes = bytes
        return counts
    }

    private func submit(_ chunk: inout ByteBuffer, _ decoder: RequestDecoder) -> Int {
        let batch = PreparedBatch(replyTo: self, arenaBytes: chunk.count)
        let end = chunk.count
        chunk.appendZeros(JSONTokenizer.paddingBytes)
        chunk.withBytes(in: 0..<end) { bytes in
            var start = 0
            while start < end,
                let next = bytes.firstIndex(of: UInt8(ascii: "\n"), from: start)
            {
                let request = decoder.decode(
                    bytes.extracting(start..<next), paddingAvailable: JSONTokenizer.paddingBytes,
                    into: &batch.arena)
                if case .record(let record) = request {
                    batch.records.append(record)
                    batch.tokens.append(0)
                }
                start = next + 1
            }
        }
        while !engine.submit(batch) {
            // The queue is full: wait a moment, as a socket's backpressure would.
            let _: Bool? = answered.wait(timeout: 1_000_000) { _ in nil }
        }
        return batch.records.count
    }
}

extension Engine {
    /// Publishes the catalog of the generated usage.
    func publishUsageCatalog() throws {
        let line = #"{"request":"publish","id":"usage","catalog":\#(UsageGenerator.catalog)}"#
        let reply = String(decoding: reply(to: line), as: UTF8.self)
        guard reply.contains("\"ok\":true") || reply.contains("recorded") else {
            throw BenchFailure("the catalog was not taken: \(reply)")
        }
    }
}

extension StoreFilling {
    /// Makes a store of some events, everything sealed and merged, and closes it.
    @discardableResult
    static func makeStore(
        _ directory: String, _ choice: EventChoice, _ events: Int
    ) throws -> Counts {
        let engine = try Engine.open(.init(directory: directory))
        defer { engine.close() }
        try engine.publishUsageCatalog()
        let counts = try StoreFilling(engine).fill(try choice.lines(events))
        _ = try engine.compact()
        return counts
    }
}
