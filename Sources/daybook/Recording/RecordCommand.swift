import ArgumentParser
import Bytes
import Client
import Codec
import Platform

/// `daybook record [FILE]`.
struct RecordCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "record",
        abstract: "Stream events and commands, one JSON object a line, into the log.",
        discussion: """
            Reads CloudEvents (and requests such as consume) from a file or from standard input \
            and ends with what became of them. Lines that were rejected, and consumes that were \
            denied, are named on standard error, line number first. Sending a file again is \
            safe: what was recorded answers as duplicate.

            With --batch every event is of that batch (`daybook backfill create` opens it) and counts \
            once the batch is closed.

            Ends with 65 if a line was rejected, with 75 if the connection broke or the server \
            could not take every line.

            Example: daybook record events.ndjson
            Example: generate-events | daybook record --json
            """)

    @Argument(help: "A file with one JSON object a line; - or nothing: standard input.")
    var file: String?
    @Option(
        help: ArgumentHelp(
            "Put all events into this batch, which must be open.", valueName: "name"))
    var batch: String?
    @OptionGroup var server: SocketOptions
    @OptionGroup var format: JSONOption

    func run() throws {
        let path = try server.path()
        let source = try LineSource(file)
        let queue = try BlockQueue()
        let size = source.size
        let batch = batch
        let reader = Thread.spawn(name: "reader") {
            if let batch {
                source.pour(into: queue, batch: batch)
            } else {
                source.pour(into: queue)
            }
        }
        let report = UploadReport(name: source.name, size: size, json: format.json)
        try report.run(to: path, from: queue)
        reader.join()
    }
}

/// Where lines come from.
struct LineSource: Sendable {
    private static let blockBytes = 256 << 10

    /// For messages.
    let name: String
    /// Bytes, where that is known beforehand.
    let size: Int?
    private let file: File?

    /// A file, or standard input for nil and `-`.
    init(_ path: String?) throws {
        guard let path, path != "-" else {
            name = "standard input"
            size = nil
            file = nil
            return
        }
        name = path
        do {
            let file = try File.open(path, .reading, SystemFileSystem())
            self.file = file
            size = try file.size()
        } catch {
            throw CommandFailure(
                error.isMissing ? .notFound : .inputOutput,
                "\(error.message); a pipe can be read as standard input: … | daybook record")
        }
    }

    /// The next bytes, at most a block; empty at the end.
    func read(at offset: Int, into buffer: inout ByteBuffer) throws(SystemFailure) -> Int {
        var failure: SystemFailure?
        let count = buffer.appendFilled(Self.blockBytes) { room in
            do throws(SystemFailure) {
                if let file { return try file.read(into: &room, at: offset) }
                return try StandardStream.input.read(into: &room)
            } catch {
                failure = error
                return 0
            }
        }
        if let failure { throw failure }
        return count
    }

    /// Calls `body` with each line, without its end, as soon as it is there.
    func forEachLine(_ body: ([UInt8]) throws -> Void) throws {
        var buffer = ByteBuffer(capacity: Self.blockBytes)
        var line: [UInt8] = []
        var offset = 0
        while true {
            buffer.clear()
            let count = try read(at: offset, into: &buffer)
            if count == 0 { break }
            offset += count
            line += buffer.copyBytes(in: 0..<count)
            while let end = line.firstIndex(of: UInt8(ascii: "\n")) {
                try body(Array(line[..<end]))
                line.removeSubrange(...end)
            }
        }
        if !line.isEmpty { try body(line) }
    }

    /// Hands every line over as an event of a batch.
    func pour(into queue: BlockQueue, batch: String) {
        struct Abandoned: Error {}
        var block: [UInt8] = []
        let attribute = Self.attribute(of: batch)
        do {
            try forEachLine { line in
                block += Self.line(line, with: attribute)
                block.append(UInt8(ascii: "\n"))
                guard block.count >= Self.blockBytes else { return }
                guard queue.put(block) else { throw Abandoned() }
                block = []
            }
            if !block.isEmpty { _ = queue.put(block) }
            queue.finish()
        } catch let failure as SystemFailure {
            if !block.isEmpty { _ = queue.put(block) }
            queue.finish(failure: "\(name): \(failure.reason)")
        } catch {
            queue.finish()
        }
    }

    /// `,"daybookbatch":"name"`.
    static func attribute(of batch: String) -> [UInt8] {
        var json = JSONWriter()
        json.string(batch)
        return Array(",\"\(RecordView.batchAttribute)\":".utf8) + json.finish()
    }

    /// A line with one more member; the server says what is wrong with one that is no object.
    static func line(_ line: [UInt8], with attribute: [UInt8]) -> [UInt8] {
        guard let end = line.lastIndex(where: { !UInt8.isBlank($0) }),
            line[end] == UInt8(ascii: "}")
        else { return line }
        return Array(line[..<end]) + attribute + [UInt8(ascii: "}")]
    }

    /// Hands everything over, and gives the last line its end if it has none.
    func pour(into queue: BlockQueue) {
        var buffer = ByteBuffer(capacity: Self.blockBytes)
        var offset = 0
        var last = UInt8(ascii: "\n")
        do throws(SystemFailure) {
            while true {
                buffer.clear()
                let count = try read(at: offset, into: &buffer)
                if count == 0 { break }
                offset += count
                last = buffer.bytes.byte(at: count - 1)
                guard queue.put(buffer.copyBytes(in: 0..<count)) else { return }
            }
            if last != UInt8(ascii: "\n") { _ = queue.put([UInt8(ascii: "\n")]) }
            queue.finish()
        } catch {
            queue.finish(failure: "\(name): \(error.reason)")
        }
    }
}

extension UInt8 {
    fileprivate static func isBlank(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\r") || byte == UInt8(ascii: "\t")
    }
}
