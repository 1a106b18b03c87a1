import Bytes
import Foundation
import Platform

/// A server of one connection whose behaviour a test writes down: it reads lines and answers as told.
final class ScriptedServer: Sendable {
    /// What happens on the connection, in order.
    enum Step: Sendable {
        /// Waits until so many lines have come in all, the stream request included.
        case awaitLines(Int)
        /// Waits until the client half-closes.
        case awaitEnd
        case send(String)
        case close
    }

    let path: String
    private let folder: TemporaryFolder
    private let received = Monitor<[String]>([])
    private let thread: Platform.Thread

    init(_ steps: [Step]) throws {
        folder = try TemporaryFolder()
        path = folder.url.path + "/s"
        let listener = try UnixListener.listen(at: path)
        let received = received
        thread = Platform.Thread.spawn(name: "scripted") {
            var connection: UnixSocket?
            let end = MonotonicClock.nanoseconds() + 10_000_000_000
            while connection == nil, MonotonicClock.nanoseconds() < end {
                connection = try? listener.accept()
                if connection == nil { usleep(1_000) }
            }
            guard let connection else { return }
            Self.play(steps, connection, received)
            connection.close()
            listener.close()
        }
    }

    /// All lines that had come at the end.
    func finish() -> [String] {
        thread.join()
        return received.read { $0 }
    }

    private static func play(
        _ steps: [Step], _ connection: UnixSocket, _ received: Monitor<[String]>
    ) {
        var text = ByteBuffer(capacity: 4096)
        var ended = false
        func lines() -> [String] {
            String(decoding: text.copyBytes(in: 0..<text.count), as: UTF8.self)
                .split(separator: "\n", omittingEmptySubsequences: false).dropLast()
                .map(String.init)
        }
        func read() {
            _ = text.appendFilled(4096) { room in
                guard case .bytes(let count)? = try? connection.read(into: &room) else { return 0 }
                return count
            }
        }
        for step in steps {
            switch step {
            case .awaitLines(let count):
                let end = MonotonicClock.nanoseconds() + 10_000_000_000
                while lines().count < count, MonotonicClock.nanoseconds() < end {
                    read()
                    usleep(1_000)
                }
            case .awaitEnd:
                try? connection.setBlocking(true)
                while !ended {
                    let before = text.count
                    read()
                    ended = text.count == before
                }
            case .send(let line):
                // It reads nothing meanwhile: a client that did not either would hang with it.
                try? connection.setBlocking(true)
                try? connection.writeAll(line + "\n")
                try? connection.setBlocking(false)
            case .close: break
            }
        }
        received.withLock { $0 = lines() }
    }
}
