import Bytes
import Platform

/// One sending client: a thread that writes prepared bytes and one that reads what comes back,
/// acknowledgements in stream mode or a reply to each line.
///
/// `@unchecked Sendable`: filled before its threads start, read after they were joined; in between
/// only the reading thread changes its counters.
final class Sender: @unchecked Sendable {
    private let input: ByteBuffer
    let lines: Int
    let byteCount: Int
    private let socket: UnixSocket
    private let isStream: Bool
    private(set) var acked = 0
    private(set) var recorded = 0
    private(set) var duplicate = 0
    private(set) var rejected = 0
    private(set) var failure: String?

    /// Connects and prepares; sends nothing but the request for stream mode.
    /// - Parameter ackEvery: lines between two acknowledgements; nil: a reply to each line.
    init(path: String, input: consuming ByteBuffer, lines: Int, ackEvery: Int?) throws {
        byteCount = input.count
        self.input = input
        self.lines = lines
        socket = try UnixSocket.connect(to: path)
        isStream = ackEvery != nil
        guard let ackEvery else { return }
        let first = "{\"request\":\"stream\",\"id\":\"bench\",\"ack_every\":\(ackEvery)}\n"
        try socket.writeAll(first)
    }

    /// Sends everything and waits for the last acknowledgement.
    func run() {
        let writer = Thread.spawn(name: "bench-write") { [self] in write() }
        read()
        writer.join()
        socket.close()
    }

    private func write() {
        do {
            var start = 0
            while start < input.count {
                let end = min(input.count, start + 256 << 10)
                try input.withBytes(in: start..<end) { bytes throws(SystemFailure) in
                    try socket.writeAll(bytes)
                }
                start = end
            }
        } catch {
            failure = "sending failed: \(error)"
        }
        socket.shutdown(reading: false, writing: true)
    }

    private func read() {
        var chunk = ByteBuffer(capacity: 64 << 10)
        var rest: [UInt8] = []
        while true {
            chunk.clear()
            var transfer = Transfer.ended
            _ = chunk.appendFilled(64 << 10) { span in
                transfer = (try? socket.read(into: &span)) ?? .ended
                if case .bytes(let count) = transfer { return count }
                return 0
            }
            guard case .bytes = transfer else { return }
            guard isStream else {
                count(chunk.copyBytes(in: 0..<chunk.count))
                continue
            }
            rest += chunk.copyBytes(in: 0..<chunk.count)
            while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
                take(String(decoding: rest[..<end], as: UTF8.self))
                rest.removeSubrange(...end)
            }
        }
    }

    /// Counts replies by their line ends; a client that reads them all would need time of its own.
    private func count(_ bytes: [UInt8]) {
        for byte in bytes where byte == UInt8(ascii: "\n") { acked += 1 }
    }

    private func take(_ line: String) {
        guard let acked = Self.number("acked_lines", line) else {
            if line.contains("\"ok\":false") { failure = line }
            return
        }
        self.acked = acked
        recorded = Self.number("recorded", line) ?? recorded
        duplicate = Self.number("duplicate", line) ?? duplicate
        rejected = Self.number("rejected", line) ?? rejected
    }

    /// The integer behind `"name":` in a line of ours.
    static func number(_ name: String, _ line: String) -> Int? {
        guard let range = line.firstRange(of: "\"\(name)\":") else { return nil }
        return Int(line[range.upperBound...].prefix { $0.isNumber })
    }
}
