import ArgumentParser
import Bytes
import Client
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

            Ends with 65 if a line was rejected, with 75 if the connection broke or the server \
            could not take every line.

            Example: daybook record events.ndjson
            Example: generate-events | daybook record --json
            """)

    @Argument(help: "A file with one JSON object a line; - or nothing: standard input.")
    var file: String?
    @OptionGroup var server: SocketOptions
    @OptionGroup var format: JSONOption

    func run() throws {
        let path = try server.path()
        let source = try LineSource(file)
        let queue = try BlockQueue()
        let size = source.size
        let reader = Thread.spawn(name: "reader") { source.pour(into: queue) }
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
