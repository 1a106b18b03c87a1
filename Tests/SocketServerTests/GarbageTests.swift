import Foundation
import Platform
import SimulatedFileSystem
import SocketServer
import Testing

/// Clients that send nonsense or vanish disturb nobody.
@Suite struct GarbageTests {
    /// Random bytes with line ends in them: each line is answered, the connection goes on, and the
    /// server serves others all the time.
    @Test(arguments: [1, 2, 3, 4])
    func randomBytesAreAnswered(_ seed: UInt64) throws {
        let house = try House()
        let other = try house.connect()
        let peer = try house.connect()
        var random = SplitMix(seed)
        var lines = 0
        for round in 0..<50 {
            var bytes: [UInt8] = []
            for _ in 0..<20 {
                let count = Int(random.next() % 200)
                var line = (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) }
                line.removeAll { $0 == 10 }
                let blanks: Set<UInt8> = [9, 13, 32]
                if !line.allSatisfy({ blanks.contains($0) }) { lines += 1 }
                bytes += line + [10]
            }
            try peer.sendBytes(bytes)
            #expect(try other.ask(event("e-\(round)")).text("outcome") == "recorded")
        }
        for _ in 0..<lines {
            #expect(try peer.reply().text("error") == "bad_json", "seed \(seed)")
        }
        #expect(try peer.ask(event("after")).text("outcome") == "recorded")
    }

    /// Pieces of good lines, cut and glued: whatever comes, there is one answer a line.
    @Test(arguments: [11, 12, 13])
    func mutatedLinesAreAnswered(_ seed: UInt64) throws {
        let house = try House()
        let peer = try house.connect()
        var random = SplitMix(seed)
        let good = [
            event("x"), consume("y"), check(), #"{"request":"usage","account":"acme"}"#,
            #"{"request":"grant","id":"g","account":"a","amount":"5"}"#,
        ]
        for _ in 0..<2_000 {
            var line = Array(good[Int(random.next() % UInt64(good.count))].utf8)
            for _ in 0..<(1 + random.next() % 3) {
                let place = Int(random.next() % UInt64(line.count))
                switch random.next() % 3 {
                case 0: line[place] = UInt8(truncatingIfNeeded: random.next())
                case 1: line.remove(at: place)
                default: line.insert(UInt8(truncatingIfNeeded: random.next()), at: place)
                }
            }
            line.removeAll { $0 == 10 }
            try peer.sendBytes(line + [10])
            _ = try peer.reply()
        }
        #expect(try peer.ask(#"{"request":"verify"}"#).flag("matches") == true)
    }

    @Test func oneAnswerForInvalidUTF8() throws {
        let house = try House()
        let peer = try house.connect()
        let bad: [[UInt8]] = [
            [0xFF], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF5, 0x80, 0x80, 0x80], [0],
        ]
        for bytes in bad {
            try peer.sendBytes(
                Array(#"{"specversion":"1.0","id":""#.utf8) + bytes
                    + Array("\",\"source\":\"s\",\"type\":\"t\"}\n".utf8))
            #expect(try peer.reply().text("error") == "bad_json")
        }
        #expect(house.position == 0)
    }

    /// The client leaves after each byte of a message in turn; a whole message is recorded, half a
    /// one is not, and the next client finds everything in order.
    @Test func leavingAfterEachByte() throws {
        let house = try House()
        let message = Array((event("m") + "\n").utf8)
        for count in 0...message.count {
            let peer = try house.connect()
            try peer.sendBytes(Array(message[..<count]))
            peer.close()
        }
        try house.waitForConnections(0)
        try eventually("the whole one is recorded") { house.position == 1 }
        let reply = try house.connect().ask(event("m"))
        #expect(reply.text("outcome") == "duplicate" && reply.int("position") == 0)
    }

    @Test func vanishingWhileRepliesAreOnTheirWay() throws {
        let gate = GatedFileSystem()
        let house = try House(fileSystem: gate)
        for round in 0..<20 {
            let peer = try house.connect()
            gate.close()
            try peer.send((0..<50).map { event("\(round)-\($0)") })
            peer.close()
            gate.open()
        }
        try house.waitForConnections(0)
        try eventually("all are recorded") { house.position == 1_000 }
        // The places are used again: late replies to those before are not theirs.
        let peer = try house.connect()
        #expect(try peer.ask(event("mine")).text("id") == "mine")
        #expect(try peer.isSilent())
    }

    /// A client is cut off while its events are on their way, another one takes its place on the
    /// edge, and then the replies come.
    @Test func aPlaceThatIsTakenAgainGetsNoReplyOfItsFirstOwner() throws {
        var limits = House.limits
        limits.edges = 1
        limits.stalledNanoseconds = 200_000_000
        let gate = GatedFileSystem()
        let house = try House(limits, fileSystem: gate)
        try house.publish()
        let first = try house.connect()
        gate.close()
        // More than the socket holds and less than what stops the reading.
        try first.send([String](repeating: #"{"request":"catalog"}"#, count: 1_500))
        try first.send((0..<50).map { event("first-\($0)") })
        try house.waitForConnections(1)
        try house.waitForConnections(0)
        let second = try house.connect()
        try house.waitForConnections(1)
        gate.open()
        try eventually("all are recorded") { house.position == 51 }
        #expect(try second.isSilent())
        #expect(try second.ask(event("second")).text("id") == "second")
    }

    /// Sends a little, leaves at once: what was sent in full is recorded.
    @Test func fireAndForget() throws {
        let house = try House()
        for number in 0..<50 {
            let peer = try house.connect()
            try peer.send(event("e-\(number)"), #"{"request":"verify"}"#, event("f-\(number)"))
            peer.close()
        }
        try eventually("all are recorded") { house.position == 100 }
    }

    @Test func aDeafClientDisturbsNobody() throws {
        let house = try House()
        try house.publish()
        let deaf = try house.connect()
        let block = Array(String(repeating: #"{"request":"catalog"}"# + "\n", count: 20_000).utf8)
        _ = try deaf.sendSome(block, patience: 300_000_000)
        let peers = try (0..<4).map { _ in try house.connect() }
        for round in 0..<25 {
            for (index, peer) in peers.enumerated() {
                #expect(try peer.ask(event("\(round)-\(index)")).text("outcome") == "recorded")
            }
        }
    }
}

/// Random numbers that a seed repeats.
struct SplitMix {
    private var state: UInt64
    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
