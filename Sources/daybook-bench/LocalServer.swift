import Bytes
import Engine
import Platform
import SocketServer

/// An engine and its server inside this process.
final class LocalServer {
    private let engine: Engine
    private let server: SocketServer

    init(_ files: Scratch) throws {
        engine = try Engine.open(.init(directory: files.data))
        server = try SocketServer.start(engine: engine, path: files.socket)
    }

    func stop() {
        server.stop()
        engine.close()
    }
}

/// One connection in line mode.
final class Exchange {
    private let socket: UnixSocket
    private var received = ByteBuffer(capacity: 4096)

    init(_ path: String) throws { socket = try UnixSocket.connect(to: path) }

    deinit { socket.close() }

    /// Sends a line and waits for its reply.
    func ask(_ line: String) throws -> String {
        // The last use of `self` must not close the socket that is being read.
        try withExtendedLifetime(self) { try exchange(line) }
    }

    private func exchange(_ line: String) throws -> String {
        try socket.writeAll(line + "\n")
        received.clear()
        while true {
            var transfer = Transfer.ended
            var failure: SystemFailure?
            _ = received.appendFilled(4096) { span in
                do throws(SystemFailure) { transfer = try socket.read(into: &span) } catch {
                    failure = error
                }
                if case .bytes(let count) = transfer { return count }
                return 0
            }
            if let failure { throw failure }
            guard case .bytes = transfer else { throw BenchFailure("the server hung up") }
            let bytes = received.copyBytes(in: 0..<received.count)
            if bytes.last == UInt8(ascii: "\n") {
                return String(decoding: bytes.dropLast(), as: UTF8.self)
            }
        }
    }

    /// What the server counts as recorded and as duplicate since its start.
    static func counts(_ path: String) throws -> (recorded: Int, duplicate: Int) {
        let status = try Exchange(path).ask(#"{"request":"status"}"#)
        guard let recorded = Sender.number("recorded", status),
            let duplicate = Sender.number("duplicate", status)
        else { throw BenchFailure("status was answered \(status)") }
        return (recorded, duplicate)
    }

    /// Publishes the bench's catalog, which a store takes once.
    static func publishCatalog(_ path: String) throws {
        let reply = try Exchange(path).ask(
            #"{"request":"publish","id":"bench-catalog","catalog":\#(EventGenerator.catalog)}"#)
        guard reply.contains(#""outcome":"recorded""#) || reply.contains(#""outcome":"duplicate""#)
        else { throw BenchFailure("the catalog was not taken: \(reply)") }
    }
}
