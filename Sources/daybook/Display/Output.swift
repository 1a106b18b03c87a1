import Bytes
import Platform

/// Standard output in blocks, and a reader that may go away.
///
/// `daybook tail | head` closes the pipe when it has seen enough. That is no error: what is written
/// after it is dropped, and long commands stop when they see `isReaderGone`.
struct Output: ~Copyable {
    private static let blockBytes = 64 << 10

    private var buffer = ByteBuffer(capacity: 2 * Output.blockBytes)
    private(set) var isReaderGone = false

    /// Adds a line.
    mutating func line(_ text: String) throws { try line(Array(text.utf8)) }

    /// Adds a line of bytes.
    mutating func line(_ bytes: [UInt8]) throws {
        buffer.append(bytes)
        buffer.append(UInt8(ascii: "\n"))
        if buffer.count >= Self.blockBytes { try flush() }
    }

    /// Adds text without a line's end.
    mutating func text(_ text: String) throws {
        buffer.append(utf8: text)
        if buffer.count >= Self.blockBytes { try flush() }
    }

    /// Writes what was added.
    mutating func flush() throws {
        defer { buffer.clear() }
        guard !isReaderGone, buffer.count > 0 else { return }
        do throws(SystemFailure) {
            try StandardStream.output.write(buffer.bytes)
        } catch {
            guard error.isBrokenPipe else { throw error }
            isReaderGone = true
        }
    }

    /// Prints lines at once.
    static func print(_ lines: [String]) throws {
        var output = Output()
        for line in lines { try output.line(line) }
        try output.flush()
    }
}

/// Standard error, a line at a time.
enum StandardError {
    /// Writes a line; where even that fails there is nobody to tell.
    static func line(_ text: String) { try? StandardStream.error.write(text + "\n") }

    /// Writes text as it is.
    static func text(_ text: String) { try? StandardStream.error.write(text) }
}
