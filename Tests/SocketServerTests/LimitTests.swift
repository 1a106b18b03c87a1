import Foundation
import Platform
import SimulatedFileSystem
import SocketServer
import Testing

/// Every bound: what is answered when it is reached, and that others do not notice.
@Suite struct LimitTests {
    private func limits(_ change: (inout ServerLimits) -> Void) -> ServerLimits {
        var limits = House.limits
        change(&limits)
        return limits
    }

    @Test func theLongestLineIsTaken() throws {
        let house = try House()
        let peer = try house.connect()
        let empty = event("long", data: #"{"a":""}"#).utf8.count
        for (id, length) in [("long", 262_144), ("lone", 262_143)] {
            let text = String(repeating: "x", count: length - empty)
            let line = event(id, data: #"{"a":"\#(text)"}"#)
            #expect(line.utf8.count == length)
            #expect(try peer.ask(line).text("outcome") == "recorded")
        }
    }

    /// With and without its end: the answer is the same, earlier lines are recorded, later ones not.
    @Test(arguments: [true, false])
    func aLongerLineEndsTheConnection(_ hasEnd: Bool) throws {
        let house = try House()
        let peer = try house.connect()
        let long = event("long", data: #"{"a":"\#(String(repeating: "x", count: 262_144))"}"#)
        let tail = hasEnd ? "\n" + event("after") + "\n" : ""
        _ = try peer.sendSome(Array((event("before") + "\n" + long + tail).utf8))
        let replies = try peer.rest()
        #expect(replies.map { $0.text("outcome") } == ["recorded", "rejected"])
        #expect(replies.last?.text("error") == "line_too_long")
        #expect(house.position == 1)
        try house.waitForConnections(0)
    }

    @Test func aLongLineEndsAStream() throws {
        let house = try House()
        let peer = try house.connect()
        _ = try peer.ask(#"{"request":"stream"}"#)
        _ = try peer.sendSome(
            Array((event("a") + "\n" + String(repeating: "x", count: 300_000)).utf8))
        let replies = try peer.rest()
        let exception = try #require(replies.first { $0.int("line") != nil })
        #expect(exception.int("line") == 2 && exception.text("error") == "line_too_long")
        let last = try #require(replies.last)
        #expect(last.int("acked_lines") == 2 && last.int("rejected") == 1)
        #expect(last.members["final"] == nil, "the stream did not come to its end")
    }

    /// Two gigabytes without a line end: the server stops reading after the limit, so the sender
    /// is stopped by its socket, and nothing piles up.
    @Test func anEndlessLineTakesNoMemory() throws {
        let house = try House()
        let peer = try house.connect()
        let before = Process.usage().residentBytes
        let chunk = [UInt8](repeating: UInt8(ascii: "x"), count: 1 << 20)
        var sent = 0
        while sent < 2 << 30 {
            let count = try peer.sendSome(chunk, patience: 2_000_000_000)
            sent += count
            if count < chunk.count { break }
        }
        #expect(sent < 4 << 20, "the server takes on reading")
        #expect(try peer.rest().last?.text("error") == "line_too_long")
        #expect(Process.usage().residentBytes - before < 64 << 20)
    }

    @Test func oneConnectionTooManyIsTurnedAway() throws {
        let house = try House(limits { $0.connections = 3 })
        let peers = try (0..<3).map { _ in try house.connect() }
        try house.waitForConnections(3)
        let extra = try house.connect()
        let replies = try extra.rest()
        #expect(replies.count == 1)
        #expect(replies.first?.flag("ok") == false)
        #expect(replies.first?.text("error") == "too_many_connections")
        for (index, peer) in peers.enumerated() {
            #expect(try peer.ask(event("e-\(index)")).text("outcome") == "recorded")
        }
        peers[0].close()
        try house.waitForConnections(2)
        #expect(try house.connect().ask(event("next")).text("outcome") == "recorded")
    }

    @Test func twoHundredConnectionsAtOnce() throws {
        let house = try House()
        let peers = try (0..<200).map { _ in try house.connect() }
        for round in 0..<3 {
            for (index, peer) in peers.enumerated() { try peer.send(event("\(round)-\(index)")) }
            for (index, peer) in peers.enumerated() {
                let reply = try peer.reply()
                #expect(reply.text("id") == "\(round)-\(index)")
                #expect(reply.text("outcome") == "recorded")
            }
        }
        #expect(house.server.connectionCount == 200)
        #expect(house.position == 600)
        for peer in peers { peer.close() }
        try house.waitForConnections(0)
    }

    /// A client asks and never reads: the server stops reading from it, and goes on when it does.
    @Test(arguments: [
        (#"{"request":"catalog"}"#, 1 << 20),
        (String(repeating: "garbage", count: 150), 6 << 20),
    ])
    func repliesThatAreNotReadStopTheReading(_ line: String, _ bytesMax: Int) throws {
        let house = try House(limits { $0.unreadReplyBytes = 64 << 10 })
        try house.publish()
        let deaf = try house.connect()
        let block = Array(String(repeating: line + "\n", count: 100).utf8)
        var sent = 0
        while sent < 2 * bytesMax {
            let count = try deaf.sendSome(block, patience: 1_000_000_000)
            sent += count
            if count < block.count { break }
        }
        #expect(sent < bytesMax, "the server reads on from a client that does not")
        let other = try house.connect()
        #expect(try other.ask(event("meanwhile")).text("outcome") == "recorded")
        for _ in 0..<(sent / (line.utf8.count + 1)) { _ = try deaf.reply() }
        #expect(house.server.connectionCount == 2)
    }

    @Test func aClientThatReadsNothingIsCutOff() throws {
        let house = try House(
            limits {
                $0.unreadReplyBytes = 16 << 10
                $0.stalledNanoseconds = 300_000_000
            })
        try house.publish()
        let deaf = try house.connect()
        let idle = try house.connect()
        let block = Array(String(repeating: #"{"request":"catalog"}"# + "\n", count: 1_000).utf8)
        for _ in 0..<20 where try deaf.sendSome(block, patience: 50_000_000) < block.count { break }
        try house.waitForConnections(1)
        #expect(try idle.ask(event("idle is fine")).text("outcome") == "recorded")
    }

    /// A reader that is slow but does read is not cut off, though the server never gets rid of all
    /// that it has for it in the time in which nothing at all would be too long.
    @Test func aSlowReaderIsNotCutOff() throws {
        let house = try House(limits { $0.stalledNanoseconds = 500_000_000 })
        try house.publish()
        let slow = try house.connect()
        try slow.send([String](repeating: #"{"request":"catalog"}"#, count: 3_000))
        for number in 0..<3_000 {
            if number % 200 == 0 { usleep(70_000) }
            #expect(try slow.reply().flag("ok") == true)
        }
    }

    @Test(arguments: ["lines", "bytes"])
    func unansweredLinesStopTheReading(_ what: String) throws {
        let gate = GatedFileSystem()
        let house = try House(
            limits {
                if what == "lines" { $0.unansweredLines = 100 } else { $0.unansweredBytes = 9_000 }
            }, fileSystem: gate)
        let peer = try house.connect()
        gate.close()
        let line = event("e-0000")
        let lines = (0..<60_000).map { line.replacing("0000", with: String(10_000 + $0)) }
        let bytes = Array(lines.map { $0 + "\n" }.joined().utf8)
        let sent = try peer.sendSome(bytes, patience: 500_000_000)
        #expect(sent < bytes.count / 2, "the server reads on though nothing is answered")
        gate.open()
        let rest = try peer.sendSome(Array(bytes[sent...]), patience: 1_000_000)
        let whole = (sent + rest) / (line.utf8.count + 2)
        for number in 0..<min(whole, 2_000) {
            #expect(try peer.reply().text("id") == "e-\(10_000 + number)")
        }
    }

    /// The queue to the log is bounded over all connections; what is not taken is said so.
    @Test func aFullQueueIsAnsweredAsOverloaded() throws {
        let gate = GatedFileSystem()
        let house = try House(
            limits {
                $0.unansweredBytes = 1 << 30
                $0.unansweredLines = 1 << 30
            }, fileSystem: gate)
        let peer = try house.connect()
        _ = try peer.ask(#"{"request":"stream","ack_every":1000000}"#)
        gate.close()
        let filler = String(repeating: "x", count: 200_000)
        var count = 0
        let writer = Platform.Thread.spawn(name: "writer") { [peer = Unchecked(peer)] in
            for number in 0..<600 {
                let line = event("e-\(number)", data: #"{"a":"\#(filler)"}"#) + "\n"
                guard (try? peer.value.sendBytes(Array(line.utf8))) != nil else { return }
            }
            peer.value.finish()
        }
        writer.join()
        let other = try house.connect()
        let refused = try other.ask(event("small", data: #"{"a":"\#(filler)"}"#))
        #expect(refused.text("outcome") == "rejected")
        #expect(refused.text("error") == "overloaded")
        #expect(refused.text("id") == "small")
        gate.open()
        var last: Object?
        for reply in try peer.rest() {
            if reply.text("error") == "overloaded" { count += 1 }
            last = reply
        }
        #expect(count > 50, "64 MiB fit, 115 MiB were sent")
        #expect(last?.int("recorded") == 600 - count && last?.int("rejected") == count)
        #expect(last?.flag("final") == true)
        let status = try other.ask(#"{"request":"status"}"#)
        #expect(status.int("recorded") == 600 - count)
        #expect(status.int("rejected") == count + 1)
        #expect(try other.ask(event("small")).text("outcome") == "recorded")
    }
}
