import ArgumentParser
import Bytes
import Platform

/// Which events a store is made of.
struct EventChoice: ParsableArguments {
    @Option(help: "A file of NDJSON events instead of generated ones.")
    var eventsFile: String?
    @Option(help: "Seed of the generated events.")
    var seed: UInt64 = 1
    @Flag(help: "Generated events are named by epoch and sequence instead of UUIDs.")
    var sequences = false

    /// The events, at most `count` lines.
    func lines(_ count: Int) throws -> EventLines {
        if let eventsFile { return try EventLines(file: eventsFile, count: count) }
        let identity: UsageGenerator.Identity = sequences ? .sequence : .uuid
        return EventLines(UsageGenerator(seed: seed, total: count, identity: identity), count)
    }

    /// What the events are, for the headline.
    var text: String {
        eventsFile.map { "events of \($0)" }
            ?? (sequences ? "generated events with sequences" : "generated events with UUIDs")
    }
}

/// Lines of events, a chunk at a time, from the generator or from a file.
final class EventLines {
    /// Bytes of one chunk, about.
    static let chunkBytes = 256 << 10

    private var generator: UsageGenerator?
    private let file: File?
    private var offset = 0
    private var left: Int

    init(_ generator: UsageGenerator, _ count: Int) {
        self.generator = generator
        file = nil
        left = count
    }

    init(file path: String, count: Int) throws {
        file = try File.open(path, .reading, SystemFileSystem())
        left = count
    }

    deinit { try? file?.close() }

    /// Fills an empty chunk with whole lines.
    /// - Returns: how many; 0 at the end.
    func next(_ chunk: inout ByteBuffer) throws -> Int {
        chunk.clear()
        return try file.map { try read($0, &chunk) } ?? generate(&chunk)
    }

    private func generate(_ chunk: inout ByteBuffer) -> Int {
        var lines = 0
        while left > 0, chunk.count < Self.chunkBytes {
            generator?.append(to: &chunk)
            left -= 1
            lines += 1
        }
        return lines
    }

    private func read(_ file: File, _ chunk: inout ByteBuffer) throws -> Int {
        var failure: SystemFailure?
        _ = chunk.appendFilled(Self.chunkBytes) { span in
            do throws(SystemFailure) { return try file.read(into: &span, at: offset) } catch {
                failure = error
                return 0
            }
        }
        if let failure { throw failure }
        var lines = 0
        var end = 0
        while left > 0, let next = chunk.bytes.firstIndex(of: UInt8(ascii: "\n"), from: end) {
            end = next + 1
            lines += 1
            left -= 1
        }
        guard lines > 0 || chunk.count == 0 || left == 0 else {
            throw BenchFailure("a line at byte \(offset) is too long or has no end")
        }
        chunk.truncate(to: end)
        offset += end
        return lines
    }
}
