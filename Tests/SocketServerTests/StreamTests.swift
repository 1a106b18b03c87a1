import Foundation
import Platform
import SimulatedFileSystem
import Testing

/// Stream mode: cumulative acknowledgements, exceptions, resuming.
@Suite struct StreamTests {
    private func open(_ house: House, ackEvery: Int = 1) throws -> Peer {
        let peer = try house.connect()
        let reply = try peer.ask(#"{"request":"stream","id":"s","ack_every":\#(ackEvery)}"#)
        #expect(reply.line == #"{"id":"s","ok":true,"ack_every":\#(ackEvery)}"#)
        return peer
    }

    @Test func everythingIsAcknowledgedCumulatively() throws {
        let house = try House()
        let peer = try open(house)
        try peer.send((0..<3_000).map { event("e-\($0)") })
        peer.finish()
        let lines = try peer.rest()
        var before = -1
        for line in lines {
            let acked = try #require(line.int("acked_lines"))
            #expect(acked > before || line.flag("final") == true)
            before = acked
            #expect(line.int("recorded") == acked)
            #expect(line.int("position") == (acked == 0 ? nil : acked - 1))
            #expect(line.text("chain")?.count == 64)
        }
        let last = try #require(lines.last)
        #expect(last.flag("final") == true)
        #expect(last.int("acked_lines") == 3_000 && last.int("duplicate") == 0)
        #expect(last.int("first_position") == 0 && last.int("position") == 2_999)
        #expect(last.text("chain") == house.chain)
        #expect(lines.dropLast().allSatisfy { $0.members["final"] == nil })
    }

    @Test func exceptionsComeBeforeTheAcknowledgementThatCountsThem() throws {
        let house = try House()
        try house.publish()
        let other = try house.connect()
        _ = try other.ask(event("taken", type: "y"))
        let peer = try open(house)
        var lines = (1...5).map { consume("c-\($0)") }
        lines += [
            consume("c-6"), event("a"), "", "garbage", event("a"), event("taken", type: "x"),
            #"{"request":"ping","id":"p"}"#, #"{"specversion":"1.0","id":"b"}"#,
            #"{"request":"stream","id":"again"}"#, #"{"request":"follow"}"#, event("z"),
        ]
        try peer.send(lines)
        peer.finish()
        let replies = try peer.rest()
        var exceptions: [Int: Object] = [:]
        var acked = 0
        for reply in replies {
            if let line = reply.int("line") {
                #expect(line > acked, "an exception before its acknowledgement")
                exceptions[line] = reply
            } else {
                acked = try #require(reply.int("acked_lines"))
            }
        }
        #expect(exceptions.keys.sorted() == [6, 9, 11, 12, 13, 14, 15])
        #expect(exceptions[6]?.text("reason") == "limit_reached")
        #expect(exceptions[6]?.flag("allowed") == false)
        #expect(exceptions[6]?.text("outcome") == "recorded")
        #expect(exceptions[6]?.text("id") == "c-6")
        #expect(exceptions[9]?.text("error") == "bad_json")
        #expect(exceptions[11]?.text("error") == "conflict")
        #expect(exceptions[11]?.int("position") == 1)
        #expect(exceptions[12]?.text("error") == "bad_request")
        #expect(exceptions[12]?.text("id") == "p")
        #expect(exceptions[12]?.text("outcome") == "rejected")
        #expect(exceptions[13]?.text("error") == "bad_event")
        #expect(exceptions[13]?.text("field") == "source")
        #expect(exceptions[14]?.text("error") == "bad_request")
        #expect(exceptions[15]?.text("error") == "bad_request")
        let last = try #require(replies.last)
        #expect(last.int("acked_lines") == 16)
        #expect(last.int("recorded") == 8)
        #expect(last.int("duplicate") == 1)
        #expect(last.int("rejected") == 6)
        #expect(last.int("blank") == 1)
        #expect(last.flag("final") == true)
        #expect(house.position == 10)
    }

    /// Some lines are durable and others are on their way: who asked for few acknowledgements gets
    /// none yet, who asked for all of them gets one. When nothing is on its way both get theirs.
    @Test(arguments: [1, 1_000])
    func acknowledgementsAreAsRareAsAsked(_ ackEvery: Int) throws {
        let gate = GatedFileSystem()
        let house = try House(fileSystem: gate)
        let peer = try open(house, ackEvery: ackEvery)
        gate.close()
        try peer.send((0..<300).map { event("a-\($0)") })
        usleep(100_000)
        try peer.send((0..<300).map { event("b-\($0)") })
        usleep(100_000)
        gate.letOnePass()
        try eventually("some are durable") { house.position > 0 }
        let durable = house.position
        #expect(durable < 600, "the others wait for the next sync")
        if ackEvery == 1 {
            #expect(try peer.reply().int("acked_lines") == durable)
        }
        #expect(try peer.isSilent())
        gate.open()
        var acked = 0
        while acked < 600 { acked = try #require(try peer.reply().int("acked_lines")) }
        #expect(try peer.isSilent(for: 50_000_000))
    }

    @Test func nothingIsNull() throws {
        let house = try House()
        let peer = try open(house)
        peer.finish()
        let replies = try peer.rest()
        let last = try #require(replies.first)
        #expect(replies.count == 1)
        #expect(last.int("acked_lines") == 0 && last.flag("final") == true)
        #expect(last.isNull("position") && last.isNull("first_position"))
        #expect(last.isNull("chain"))
    }

    @Test func blankLinesCount() throws {
        let house = try House()
        let peer = try open(house)
        try peer.sendBytes(Array("\n\r\n\(event("a"))\r\n\n".utf8))
        peer.finish()
        let last = try #require(try peer.rest().last)
        #expect(last.int("acked_lines") == 4 && last.int("blank") == 3)
        #expect(last.int("recorded") == 1)
    }

    @Test func aHalfLineAtTheEndIsNamed() throws {
        let house = try House()
        let peer = try open(house)
        try peer.sendBytes(Array((event("a") + "\n" + event("b")).utf8))
        peer.finish()
        let replies = try peer.rest()
        let exception = try #require(replies.first { $0.int("line") != nil })
        #expect(exception.int("line") == 2 && exception.text("error") == "incomplete_line")
        let last = try #require(replies.last)
        #expect(last.int("recorded") == 1 && last.int("rejected") == 1)
        #expect(last.flag("final") == true)
    }

    /// The client is cut off in the middle, sends everything again from the last acknowledgement,
    /// and every event is counted once.
    @Test func aCutStreamIsResumed() throws {
        let house = try House()
        let lines = (0..<4_000).map { event("e-\($0)") }
        var acked = 0
        for cut in [700, 1_900, 4_000] {
            let peer = try open(house)
            try peer.send(Array(lines[acked..<cut]))
            let start = acked
            while acked < cut {
                acked = start + (try #require(try peer.reply().int("acked_lines")))
                if cut < 4_000, acked > start + (cut - start) / 2 { break }
            }
            if cut == 4_000 {
                peer.finish()
                #expect(try peer.rest().last?.flag("final") == true)
            }
            peer.close()
        }
        try house.waitForConnections(0)
        let status = try house.connect().ask(#"{"request":"status"}"#)
        #expect(status.int("recorded") == 4_000 && status.int("rejected") == 0)
        #expect(status.int("position") == 4_000)
    }

    @Test func aFileThatIsSentAgainIsAllDuplicates() throws {
        let house = try House()
        let lines = (0..<1_000).map { event("e-\($0)") }
        for round in 0..<2 {
            let peer = try open(house)
            try peer.send(lines)
            peer.finish()
            let last = try #require(try peer.rest().last)
            #expect(last.int(round == 0 ? "recorded" : "duplicate") == 1_000)
            #expect(last.int("position") == 999)
            #expect(round == 0 ? last.int("first_position") == 0 : last.isNull("first_position"))
            #expect(last.text("chain") == house.chain)
        }
    }

    /// Both ends write more than the sockets hold: who reads while it writes gets through.
    @Test func aStreamOfExceptionsFlows() throws {
        let house = try House()
        let peer = try open(house)
        let count = 30_000
        let text = Array(
            String(
                repeating: #"{"specversion":"1.0","id":"no type","source":"s"}"# + "\n",
                count: count
            )
            .utf8)
        let writer = Platform.Thread.spawn(name: "writer") { [peer = Unchecked(peer)] in
            var done = 0
            while done < text.count {
                let rest = Array(text[done..<min(done + 65_536, text.count)])
                guard let sent = try? peer.value.sendSome(rest, patience: 10_000_000) else {
                    return
                }
                done += sent
            }
            peer.value.finish()
        }
        var exceptions = 0
        var last: Object?
        while let line = try peer.line() {
            let reply = try Object(line)
            if let number = reply.int("line") {
                exceptions += 1
                #expect(number == exceptions)
            } else {
                last = reply
            }
        }
        writer.join()
        #expect(exceptions == count)
        #expect(last?.int("rejected") == count && last?.flag("final") == true)
    }
}

/// Lets a test use one client on two threads: one only writes, the other only reads.
struct Unchecked<Value>: @unchecked Sendable {
    let value: Value
    init(_ value: Value) { self.value = value }
}
