import Engine
import Foundation
import SocketServer
import Testing

/// Publications that are prepared beside the traffic: one connection waits, the others go on.
@Suite struct PublicationTests {
    private func publish(_ id: String, _ event: String, plan: String) -> String {
        """
        {"request":"publish","id":"\(id)","catalog":{"catalog":1,"currency":"USD","meters":{
        "m":{"event":"\(event)","aggregate":"count"}},"features":{"f":{"meter":"m"}},
        "plans":{"\(plan)":{"entitlements":{"f":{"limit":3,"reset":"day"}}}}}}
        """.replacing("\n", with: "")
    }

    /// What stands behind a publication in one write sees it, and replies keep their order.
    @Test func laterLinesOfItsConnectionSeeIt() throws {
        let house = try House(preparedEntriesMin: 0)
        let peer = try house.connect()
        let other = try house.connect()
        for number in 0..<50 { try peer.send(event("a-\(number)")) }
        for version in 0..<6 {
            let plan = "p\(version)"
            try peer.send(
                event("b-\(version)"),
                publish("v\(version)", version % 2 == 0 ? "api.call" : "other", plan: plan),
                #"{"request":"subscribe","id":"s\#(version)","account":"acme","plan":"\#(plan)"}"#,
                #"{"request":"ping","id":"p\#(version)"}"#, event("c-\(version)"))
            #expect(try other.ask(event("o-\(version)")).text("outcome") == "recorded")
        }
        for _ in 0..<50 { #expect(try peer.reply().text("outcome") == "recorded") }
        for version in 0..<6 {
            for id in ["b-\(version)", "v\(version)", "s\(version)"] {
                let reply = try peer.reply()
                #expect(reply.text("id") == id && reply.text("outcome") == "recorded")
            }
            #expect(try peer.reply().text("id") == "p\(version)")
            #expect(try peer.reply().text("id") == "c-\(version)")
        }
        let asked = try peer.ask(#"{"request":"rebuild","id":"r"}"#)
        #expect(asked.text("id") == "r" && asked.flag("equal") == true)
        #expect(try house.engine.verify().isEqual)
    }

    /// A stream takes them as it takes all lines.
    @Test func aStreamTakesThemInItsOrder() throws {
        let house = try House(preparedEntriesMin: 0)
        let peer = try house.connect()
        try peer.send(#"{"request":"stream","id":"s","ack_every":1000}"#)
        _ = try peer.reply()
        for number in 0..<20 { try peer.send(event("a-\(number)")) }
        try peer.send(publish("v", "api.call", plan: "p"), event("b"))
        try eventually("all entries are there") { house.position == 22 }
        #expect(try house.engine.verify().isEqual)
    }

    /// A server that stops refuses what it still prepares, and does not wait for a rebuild.
    @Test func stoppingEndsWhatTakesLong() throws {
        let house = try House(preparedEntriesMin: 0)
        let peer = try house.connect()
        for number in 0..<50 { _ = try peer.ask(event("a-\(number)")) }
        house.engine.stopLongWork()
        let refused = try peer.ask(publish("v", "api.call", plan: "p"))
        #expect(refused.text("error") == "draining")
        #expect(try peer.ask(#"{"request":"rebuild"}"#).text("error") == "draining")
        #expect(try peer.ask(event("z")).text("outcome") == "recorded")
        house.server.stop()
    }
}
