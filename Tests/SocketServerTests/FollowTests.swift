import Bytes
import Engine
import SegmentedLog
import SocketServer
import Testing

/// Entries as they are recorded.
@Suite struct FollowTests {
    @Test func historyIsReadInOrder() throws {
        let house = try House()
        let peer = try house.connect()
        try peer.send((0..<300).map { event("e-\($0)") })
        _ = try peer.replies(300)
        try peer.send(#"{"request":"follow","id":"f"}"#, event("after"))
        for number in 0..<300 {
            let entry = try peer.reply()
            #expect(entry.int("position") == number)
            #expect(entry.text("kind") == "event")
            #expect(entry.object("event")?.text("id") == "e-\(number)")
            #expect(entry.object("outcome") != nil)
            #expect(entry.text("recorded_at")?.hasSuffix("Z") == true)
        }
        let end = try peer.reply()
        #expect(end.line == #"{"id":"f","ok":true,"entries":300,"next":300}"#)
        #expect(try peer.reply().text("id") == "after")
    }

    @Test func filtersAllHold() throws {
        let house = try House()
        try house.publish()
        let peer = try house.connect()
        try peer.send(
            event("1"), event("2", type: "other"), event("3", account: "zeta"), consume("4"),
            event("5"))
        _ = try peer.replies(5)
        func ids(_ filter: String) throws -> [String?] {
            try peer.send(#"{"request":"follow",\#(filter)}"#)
            var ids: [String?] = []
            while true {
                let line = try peer.reply()
                if line.flag("ok") == true { return ids }
                ids.append(line.object("event")?.text("id"))
            }
        }
        #expect(try ids(#""account":"acme""#) == ["1", "2", "4", "5"])
        #expect(try ids(#""account":"acme","type":"api.call""#) == ["1", "5"])
        #expect(try ids(#""kinds":["consume","publish"]"#) == ["catalog", "4"])
        #expect(try ids(#""kinds":["event"],"limit":2"#) == ["1", "2"])
        #expect(try ids(#""from":4"#) == ["4", "5"])
        #expect(try ids(#""account":"nobody""#) == [])
    }

    @Test func liveEntriesArriveAndALimitEndsIt() throws {
        let house = try House()
        let follower = try house.connect()
        let writer = try house.connect()
        _ = try writer.ask(event("before"))
        try follower.send(
            #"{"request":"follow","id":"f","from":-1,"follow":true,"limit":3}"#,
            #"{"request":"ping","id":"later"}"#)
        #expect(try follower.isSilent())
        for number in 1...5 {
            _ = try writer.ask(event("live-\(number)"))
            if number <= 3 {
                let entry = try follower.reply()
                #expect(entry.int("position") == number)
                #expect(entry.object("event")?.text("id") == "live-\(number)")
            }
        }
        let end = try follower.reply()
        #expect(end.int("entries") == 3 && end.int("next") == 4)
        #expect(try follower.reply().text("id") == "later")
    }

    /// The follower reads nothing while far more than its buffers hold is recorded, and then gets
    /// every entry.
    @Test func aSlowReaderIsNeverSkipped() throws {
        var limits = House.limits
        limits.followBytes = 16 << 10
        let house = try House(limits)
        let follower = try house.connect()
        let writer = try house.connect()
        try follower.send(#"{"request":"follow","follow":true}"#)
        let filler = #"{"filler":"\#(String(repeating: "x", count: 900))"}"#
        for round in 0..<10 {
            try writer.send((0..<200).map { event("\(round)-\($0)", data: filler) })
            _ = try writer.replies(200)
        }
        for position in 0..<2_000 { #expect(try follower.reply().int("position") == position) }
        #expect(try follower.isSilent())
    }

    @Test func manyFollowersGetTheSame() throws {
        let house = try House()
        let writer = try house.connect()
        let followers = try (0..<20).map { _ in try house.connect() }
        for follower in followers { try follower.send(#"{"request":"follow","follow":true}"#) }
        try writer.send((0..<100).map { event("e-\($0)") })
        _ = try writer.replies(100)
        for follower in followers {
            for position in 0..<100 { #expect(try follower.reply().int("position") == position) }
        }
    }

    @Test func aPositionBeyondTheLogIsRefused() throws {
        let house = try House()
        let peer = try house.connect()
        let reply = try peer.ask(#"{"request":"follow","id":"f","from":7}"#)
        #expect(reply.flag("ok") == false)
        #expect(reply.text("error") == "unknown_position")
        #expect(reply.text("id") == "f")
        #expect(try peer.ask(#"{"request":"ping"}"#).flag("ok") == true)
    }

    @Test func aFollowerThatLeavesIsForgotten() throws {
        let house = try House()
        let writer = try house.connect()
        for _ in 0..<10 {
            let follower = try house.connect()
            try follower.send(#"{"request":"follow","follow":true}"#)
            _ = try writer.ask(event("e"))
            _ = try follower.reply()
            follower.close()
        }
        try house.waitForConnections(1)
        #expect(try writer.ask(event("last")).int("position") == 1)
    }

    /// A filter that nothing passes is a long search; it is done in steps of so many entries.
    @Test func aFeedLooksAtSoManyEntriesACall() throws {
        let house = try House()
        let writer = try house.connect()
        for number in 0..<20 { _ = try writer.ask(event("e-\(number)")) }
        var request = FollowRequest()
        request.account = "nobody"
        var feed = try EntryFeed(house.engine, request)
        var out = ByteBuffer()
        var calls = 0
        steps: while true {
            switch try feed.fill(&out, byteLimit: 1_000, entriesMax: 5) {
            case .full: calls += 1
            case .atHead, .done: break steps
            }
        }
        #expect(calls == 4 && feed.next == 20 && out.count == 0)
    }

    /// The server serves others while it searches.
    @Test func aSearchDoesNotHoldUpOthers() throws {
        var limits = House.limits
        limits.edges = 1
        limits.followEntries = 10
        let house = try House(limits)
        let writer = try house.connect()
        try writer.send((0..<5_000).map { event("e-\($0)") })
        _ = try writer.replies(5_000)
        let follower = try house.connect()
        try follower.send(#"{"request":"follow","id":"f","account":"nobody"}"#)
        #expect(try writer.ask(event("meanwhile")).text("outcome") == "recorded")
        let end = try follower.reply()
        #expect(end.int("entries") == 0)
        #expect(try #require(end.int("next")) >= 5_000)
    }
}
