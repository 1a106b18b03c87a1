import Engine
import SimulatedFileSystem
import SocketServer
import Testing

/// The disk fails: nobody is told that something is durable which may not be.
@Suite struct FailureTests {
    @Test func linesAreAnsweredAsUnknownAndTheConnectionEnds() throws {
        let disk = GatedFileSystem()
        let house = try House(fileSystem: disk)
        let peer = try house.connect()
        #expect(try peer.ask(event("before")).text("outcome") == "recorded")
        disk.close()
        try peer.send((0..<100).map { event("e-\($0)") } + [#"{"request":"ping"}"#])
        disk.failSyncs()
        disk.open()
        let replies = try peer.rest().filter { $0.text("outcome") != nil }
        #expect(replies.count == 100)
        #expect(replies.allSatisfy { $0.text("error") == "storage_failed" }, "\(replies)")
        #expect(replies.contains { $0.text("id") == "e-0" })
    }

    @Test func aStreamIsNotAcknowledged() throws {
        let disk = GatedFileSystem()
        let house = try House(fileSystem: disk)
        let peer = try house.connect()
        _ = try peer.ask(#"{"request":"stream"}"#)
        try peer.send((0..<10).map { event("a-\($0)") })
        var acked = 0
        while acked < 10 { acked = try #require(try peer.reply().int("acked_lines")) }
        disk.close()
        try peer.send((0..<1_000).map { event("b-\($0)") })
        disk.failSyncs()
        disk.open()
        peer.finish()
        for line in try peer.rest() {
            #expect(line.text("error") == "storage_failed", "\(line)")
            #expect(line.int("line") == 11)
            #expect(line.members["acked_lines"] == nil && line.members["final"] == nil)
        }
    }

    @Test func everyConnectionEnds() throws {
        let disk = GatedFileSystem()
        let house = try House(fileSystem: disk)
        let follower = try house.connect()
        let writers = try (0..<10).map { _ in try house.connect() }
        try follower.send(#"{"request":"follow","id":"f","follow":true}"#)
        try house.waitForConnections(11)
        disk.failSyncs()
        for (index, writer) in writers.enumerated() {
            // The first one's failure may have closed the others by now.
            _ = try writer.sendSome(Array((event("e-\(index)") + "\n").utf8))
        }
        for writer in writers {
            #expect(try writer.rest().allSatisfy { $0.text("error") == "storage_failed" })
        }
        #expect(try follower.rest().allSatisfy { $0.text("error") == "storage_failed" })
        try house.waitForConnections(0)
        // Who comes later is told so too.
        let late = try house.connect()
        _ = try late.sendSome(Array((event("late") + "\n").utf8))
        #expect(try late.rest().map { $0.text("error") } == ["storage_failed"])
        house.server.stop()
    }

    /// The engine was closed before its server: nothing is taken any more, and that is said.
    @Test func aClosedEngineDrains() throws {
        let house = try House()
        let peer = try house.connect()
        #expect(try peer.ask(event("before")).text("outcome") == "recorded")
        house.engine.close()
        try peer.send(event("after"))
        let replies = try peer.rest()
        #expect(replies.map { $0.text("error") } == ["draining"])
        #expect(replies.first?.text("id") == "after")
    }
}
