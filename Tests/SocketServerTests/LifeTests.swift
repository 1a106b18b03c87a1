import Engine
import Foundation
import Platform
import SocketServer
import Testing

/// Starting, stopping, and the socket file.
@Suite struct LifeTests {
    private func attributes(_ path: String) throws -> [FileAttributeKey: Any] {
        try FileManager.default.attributesOfItem(atPath: path)
    }

    @Test func theSocketFileIsForItsOwnerAlone() throws {
        let house = try House()
        let mode = try #require(
            try attributes(house.path)[.posixPermissions] as? NSNumber)
        #expect(mode.intValue & 0o777 == 0o600)
    }

    @Test func aLiveSocketIsLeftAlone() throws {
        let house = try House()
        do {
            let second = try SocketServer.start(engine: house.engine, path: house.path)
            second.stop()
            Issue.record("two servers on one socket")
        } catch {
            #expect(error.call == .listen)
        }
        #expect(try house.connect().ask(event("e")).text("outcome") == "recorded")
    }

    @Test func aLeftOverSocketIsReplaced() throws {
        let house = try House()
        let path = house.path + "2"
        let listener = try UnixListener.listen(at: path)
        // What a killed process leaves: the file, and nobody who listens.
        #expect(Foundation.close(listener.descriptor) == 0)
        #expect(FileManager.default.fileExists(atPath: path))
        let server = try SocketServer.start(engine: house.engine, path: path)
        #expect(try Peer(path).ask(event("e")).text("outcome") == "recorded")
        server.stop()
        #expect(!FileManager.default.fileExists(atPath: path))
    }

    @Test func anotherFileIsNotReplaced() throws {
        let house = try House()
        let path = house.path + "3"
        try Data("precious".utf8).write(to: URL(fileURLWithPath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        #expect(throws: SystemFailure.self) {
            try SocketServer.start(engine: house.engine, path: path)
        }
        #expect(FileManager.default.contents(atPath: path) == Data("precious".utf8))
    }

    /// Every line that was received in full is answered; then the connections end, the file goes.
    @Test func aStopAnswersWhatWasReceived() throws {
        let house = try House()
        let liner = try house.connect()
        let streamer = try house.connect()
        let idle = try house.connect()
        let follower = try house.connect()
        _ = try streamer.ask(#"{"request":"stream"}"#)
        try follower.send(#"{"request":"follow","id":"f","from":-1,"follow":true}"#)
        try house.waitForConnections(4)
        #expect(try follower.isSilent(for: 50_000_000))
        try liner.send((0..<200).map { event("l-\($0)") })
        try streamer.send((0..<200).map { event("s-\($0)") })
        try streamer.sendBytes(Array("{\"half".utf8))
        house.server.stop()
        #expect(!FileManager.default.fileExists(atPath: house.path))
        #expect(house.server.connectionCount == 0)
        let lines = try liner.rest()
        #expect(lines.count == 200)
        #expect(lines.allSatisfy { $0.text("outcome") == "recorded" })
        let acks = try streamer.rest()
        let last = try #require(acks.last)
        #expect(last.int("recorded") == 200)
        #expect(last.int("acked_lines") == 201, "the half line was named: \(acks)")
        #expect(acks.contains { $0.text("error") == "draining" && $0.int("line") == 201 })
        #expect(last.members["final"] == nil, "the client did not end it")
        #expect(try idle.rest().isEmpty)
        let end = try #require(try follower.rest().last)
        #expect(end.text("id") == "f" && end.flag("ok") == true)
        #expect(house.position == 400)
        #expect(throws: (any Error).self) { try house.connect() }
        house.server.stop()
    }

    /// A stop does not wait for ever for a client that does not read.
    @Test func aStopDoesNotWaitForTheDeaf() throws {
        var limits = House.limits
        limits.drainNanoseconds = 300_000_000
        let house = try House(limits)
        try house.publish()
        let deaf = try house.connect()
        let block = Array(String(repeating: #"{"request":"catalog"}"# + "\n", count: 5_000).utf8)
        _ = try deaf.sendSome(block, patience: 100_000_000)
        let start = MonotonicClock.nanoseconds()
        house.server.stop()
        #expect(MonotonicClock.nanoseconds() - start < 5_000_000_000)
    }

    @Test func onlyTheOwnUserAndRootAreServed() {
        #expect(SocketServer.serves(1_000, owner: 1_000))
        #expect(SocketServer.serves(0, owner: 1_000))
        #expect(!SocketServer.serves(1_001, owner: 1_000))
        #expect(!SocketServer.serves(1_000, owner: 0))
    }
}
