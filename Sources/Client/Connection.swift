package import Billing
import Bytes
import Codec
import Platform

/// # One connection to a server
///
/// Sends requests and reads replies, one JSON object a line, as `docs/PROTOCOL.md` says. It waits
/// on the socket and belongs to one thread. Many events go through `Upload`, which reads while it
/// writes.
///
/// Recipe:
///
///     let connection = try Connection.open("/run/daybook.sock")
///     let reply = try connection.ask(Request("usage", ["account": .string("acme")]))
///     connection.close()
package final class Connection {
    /// The socket file.
    package let path: String
    let socket: UnixSocket
    private var lines = LineBuffer()
    private let reader = ReplyReader()

    /// Connects to the server that listens at `path`.
    /// - Throws: `ClientFailure.noServer` or `.notPermitted`.
    package static func open(_ path: String) throws(ClientFailure) -> Connection {
        do {
            return Connection(path: path, socket: try UnixSocket.connect(to: path))
        } catch {
            if error.errno == SystemFailure.Code.denied { throw .notPermitted(path) }
            throw .noServer(path, reason: error.reason)
        }
    }

    private init(path: String, socket: UnixSocket) {
        self.path = path
        self.socket = socket
    }

    /// Sends one request and waits for its reply.
    /// - Throws: `ClientFailure.broken` if the connection ended first: the outcome is unknown then.
    package func ask(_ request: Request) throws(ClientFailure) -> Reply {
        try send(request)
        guard let line = try nextLine() else {
            throw .broken("the connection ended before the reply came")
        }
        return try reader.read(line)
    }

    /// Sends one request and does not wait.
    package func send(_ request: Request) throws(ClientFailure) {
        do {
            try socket.writeAll(request.line.raw)
        } catch {
            // The server may have said why before it closed; the next read shows that.
            if error.isBrokenPipe { return }
            throw .system(error.message)
        }
    }

    /// The next line without its end, waiting for it; nil when the server closed the connection.
    package func nextLine() throws(ClientFailure) -> [UInt8]? {
        while true {
            if let line = lines.next() { return line }
            do {
                switch try lines.fill(from: socket) {
                case .bytes: continue
                case .ended, .wouldBlock: return nil
                }
            } catch {
                throw .system(error.message)
            }
        }
    }

    /// Reads a line as a reply.
    package func reply(_ line: [UInt8]) throws(ClientFailure) -> Reply { try reader.read(line) }

    /// Ends the connection.
    package func close() { socket.close() }
}

/// A request: its word and its members.
package struct Request: Sendable {
    /// The request's word, such as `usage`.
    package let name: String
    /// Its members, without `request`.
    package private(set) var members: [(name: String, value: Value)]

    /// A request; members that are nil are left out.
    package init(_ name: String, _ members: KeyValuePairs<String, Value?> = [:]) {
        self.name = name
        self.members = members.compactMap { name, value in value.map { (name, $0) } }
    }

    /// The request with one member replaced, or added at the end.
    package func setting(_ name: String, _ value: Value) -> Request {
        var copy = self
        copy.members.removeAll { $0.name == name }
        copy.members.append((name, value))
        return copy
    }

    /// The members as one tree.
    package var arguments: Value { .object(of: members.map { ($0.name, $0.value) }) }

    /// The line that is sent, with its end.
    package var line: [UInt8] {
        var json = JSONWriter()
        json.beginObject()
        json.member("request", name)
        for (name, value) in members {
            json.key(name)
            json.value(value)
        }
        json.endObject()
        return json.finish() + [UInt8(ascii: "\n")]
    }
}

/// Why a conversation with a server failed.
package enum ClientFailure: Error, Hashable, Sendable {
    /// Nobody listens at this path.
    case noServer(String, reason: String)
    /// This user may not connect to this path.
    case notPermitted(String)
    /// The connection ended early; the outcome of what was sent last is unknown.
    case broken(String)
    /// The server sent something that is no reply; the text shows it.
    case notUnderstood(String)
    /// A system call failed.
    case system(String)
}
