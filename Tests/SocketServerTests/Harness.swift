import Bytes
import Engine
import Foundation
import Platform
import SegmentedLog
import SimulatedFileSystem
import SocketServer
import Testing

/// An engine on a folder of its own and a server on it.
final class House {
    let folder: String
    let path: String
    let engine: Engine
    let server: SocketServer
    private let fileSystem: any FileSystem

    /// Limits under which a test need not wait long.
    static var limits: ServerLimits {
        var limits = ServerLimits()
        limits.edges = 2
        limits.drainNanoseconds = 2_000_000_000
        return limits
    }

    init(
        _ limits: ServerLimits = House.limits, fileSystem: any FileSystem = SystemFileSystem(),
        segmentBytes: Int = 256 << 10, preparedEntriesMin: UInt64? = nil
    ) throws {
        self.fileSystem = fileSystem
        folder = NSTemporaryDirectory() + "daybook-" + UUID().uuidString.prefix(8)
        path = folder + ".sock"
        var options = Engine.Options(directory: folder, fileSystem: fileSystem)
        options.log.segmentBytesFirst = segmentBytes
        if let preparedEntriesMin { options.preparedEntriesMin = preparedEntriesMin }
        engine = try Engine.open(options)
        server = try SocketServer.start(engine: engine, path: path, limits: limits)
    }

    deinit {
        // A test that failed may have left it closed, and nothing would come to its end.
        (fileSystem as? GatedFileSystem)?.open()
        server.stop()
        engine.close()
        try? FileManager.default.removeItem(atPath: folder)
        try? FileManager.default.removeItem(atPath: path)
    }

    /// Entries that are durable.
    var position: Int { Int(engine.durablePosition) }

    /// The log's chain head.
    var chain: String { engine.durableState().chain.hex }

    func connect() throws -> Peer { try Peer(path, of: self) }

    /// Publishes the test catalog.
    func publish() throws {
        let peer = try connect()
        defer { peer.close() }
        let reply = try peer.ask(
            #"{"request":"publish","id":"catalog","catalog":\#(testCatalog)}"#)
        #expect(reply.text("outcome") == "recorded")
    }

    /// Waits until the server has as many connections.
    func waitForConnections(_ count: Int) throws {
        try eventually("\(count) connections") { server.connectionCount == count }
    }
}

/// A plain client: bytes in, lines out. Nothing in it waits longer than `patience`.
final class Peer {
    static let patience: Int64 = 20_000_000_000

    let socket: UnixSocket
    private var received: [UInt8] = []
    private var isOpen = true
    /// The server lives as long as its last client.
    private let house: House?

    init(_ path: String, of house: House? = nil) throws {
        self.house = house
        socket = try UnixSocket.connect(to: path)
        try socket.setBlocking(false)
    }

    deinit { close() }

    func close() {
        guard isOpen else { return }
        isOpen = false
        socket.close()
    }

    /// Sends lines, each with its end.
    func send(_ lines: String...) throws { try send(lines) }

    func send(_ lines: [String]) throws {
        try sendBytes(Array(lines.map { $0 + "\n" }.joined().utf8))
    }

    /// Sends bytes as they are.
    func sendBytes(_ bytes: [UInt8]) throws {
        let sent = try sendSome(bytes)
        if sent < bytes.count { throw TestFailure("the server took \(sent) of \(bytes.count)") }
    }

    /// Sends as much as is taken. - Returns: bytes taken before nothing was for `patience`.
    func sendSome(_ bytes: [UInt8], patience: Int64 = Peer.patience) throws -> Int {
        var done = 0
        while done < bytes.count {
            switch try socket.write(bytes.raw.extracting(droppingFirst: done)) {
            case .bytes(let count): done += count
            case .ended: return done
            case .wouldBlock:
                guard try wait(for: .writing, patience) else { return done }
            }
        }
        return done
    }

    /// The next line without its end; nil at the end of the connection.
    func line(patience: Int64 = Peer.patience) throws -> String? {
        while true {
            if let end = received.firstIndex(of: 10) {
                let line = String(decoding: received[..<end], as: UTF8.self)
                received.removeSubrange(...end)
                return line
            }
            guard try readMore(patience) else {
                if !received.isEmpty {
                    throw TestFailure(
                        "half a line at the end: \(String(decoding: received, as: UTF8.self))")
                }
                return nil
            }
        }
    }

    /// The next line as an object.
    func reply() throws -> Object {
        guard let line = try line() else { throw TestFailure("the connection ended") }
        return try Object(line)
    }

    func replies(_ count: Int) throws -> [Object] { try (0..<count).map { _ in try reply() } }

    /// All lines up to the end of the connection.
    func rest() throws -> [Object] {
        var all: [Object] = []
        while let line = try line() { all.append(try Object(line)) }
        return all
    }

    /// Sends a line and takes the next reply.
    func ask(_ line: String) throws -> Object {
        try send(line)
        return try reply()
    }

    /// Says that nothing more comes.
    func finish() { socket.shutdown(reading: false, writing: true) }

    /// Whether the server says nothing for a while.
    func isSilent(for nanoseconds: Int64 = 200_000_000) throws -> Bool {
        guard received.isEmpty else { return false }
        return try !wait(for: .reading, nanoseconds)
    }

    /// - Returns: false at the end of the connection.
    private func readMore(_ patience: Int64) throws -> Bool {
        while true {
            var buffer = ByteBuffer(capacity: 64 << 10)
            var transfer = Transfer.wouldBlock
            _ = buffer.appendFilled(64 << 10) { room in
                transfer = (try? socket.read(into: &room)) ?? .ended
                if case .bytes(let count) = transfer { return count }
                return 0
            }
            switch transfer {
            case .bytes:
                received += buffer.copyBytes(in: 0..<buffer.count)
                return true
            case .ended: return false
            case .wouldBlock:
                guard try wait(for: .reading, patience) else {
                    throw TestFailure("no answer in \(patience / 1_000_000) ms")
                }
            }
        }
    }

    private func wait(for readiness: Readiness, _ patience: Int64) throws -> Bool {
        // One of its own: a test may write on one thread and read on another.
        let poller = try Poller()
        defer { poller.close() }
        try poller.add(socket.descriptor, token: 0, readiness)
        var events: [Poller.Event] = []
        return try poller.wait(into: &events, timeout: Int32(patience / 1_000_000)) > 0
    }
}

/// A line of the server.
struct Object: CustomStringConvertible {
    let line: String
    let members: [String: Any]

    init(_ line: String) throws {
        self.line = line
        guard
            let members = try JSONSerialization.jsonObject(with: Data(line.utf8))
                as? [String: Any]
        else { throw TestFailure("not an object: \(line)") }
        self.members = members
    }

    init(_ members: [String: Any]) {
        line = "\(members)"
        self.members = members
    }

    var description: String { line }

    func text(_ name: String) -> String? { members[name] as? String }
    func int(_ name: String) -> Int? { (members[name] as? NSNumber)?.intValue }
    func flag(_ name: String) -> Bool? { members[name] as? Bool }
    func isNull(_ name: String) -> Bool { members[name] is NSNull }
    func object(_ name: String) -> Object? {
        (members[name] as? [String: Any]).map { Object($0) }
    }
    func list(_ name: String) -> [Object] {
        (members[name] as? [[String: Any]] ?? []).map { Object($0) }
    }
}

struct TestFailure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// Waits until something is so.
func eventually(_ what: String, _ isSo: () throws -> Bool) throws {
    let end = MonotonicClock.nanoseconds() + Peer.patience
    while MonotonicClock.nanoseconds() < end {
        if try isSo() { return }
        usleep(2_000)
    }
    throw TestFailure("never: \(what)")
}

/// An event as a line.
func event(
    _ id: String, type: String = "api.call", account: String = "acme", data: String = "{}"
) -> String {
    #"{"specversion":"1.0","id":"\#(id)","source":"test","type":"\#(type)","#
        + #""subject":"\#(account)","data":\#(data)}"#
}

func consume(_ id: String, _ quantity: Int = 1, account: String = "acme") -> String {
    #"{"request":"consume","id":"\#(id)","account":"\#(account)","feature":"api","#
        + #""quantity":\#(quantity)}"#
}

func check(_ quantity: Int = 1) -> String {
    #"{"request":"check","id":"check","account":"acme","feature":"api","quantity":\#(quantity)}"#
}

/// Five API calls a month, hard; a price for each.
let testCatalog = """
    {"catalog":1,"currency":"USD","default_plan":"free",
     "meters":{"api":{"event":"api.call","aggregate":"count"}},
     "features":{"api":{"meter":"api"}},
     "plans":{"free":{"entitlements":{"api":{"limit":5}},
       "prices":{"api":{"meter":"api","amount":"0.5"}}}}}
    """.split(separator: "\n").joined()
