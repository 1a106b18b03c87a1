import Foundation
import Testing

/// `record` against servers that behave as a test says.
@Suite struct RecordTests {
    static let started = #"{"id":"stream","ok":true,"ack_every":1000}"#

    static func ack(_ lines: Int, _ counts: String, final: Bool = false) -> String {
        #"{"acked_lines":\#(lines),\#(counts),"chain":"ab"\#(final ? #","final":true"# : "")}"#
    }

    static let events = (1...6).map { #"{"specversion":"1.0","id":"e\#($0)"}"# + "\n" }.joined()

    static func record(
        _ input: String, _ steps: [ScriptedServer.Step]
    ) throws -> (ran: Ran, lines: [String]) {
        let server = try ScriptedServer(steps)
        let ran = try BuiltBinary.run(["record", "--json", "--socket", server.path], input: input)
        return (ran, server.finish())
    }

    static func result(_ ran: Ran) throws -> [String: Any] {
        try #require(
            try JSONSerialization.jsonObject(with: Data(ran.output.utf8)) as? [String: Any])
    }

    @Test func theResultIsTheServersLastWord() throws {
        let (ran, lines) = try Self.record(
            "\n" + Self.events.dropLast(),
            [
                .send(Self.started), .awaitLines(3),
                .send(
                    Self.ack(
                        2, #""recorded":1,"duplicate":0,"rejected":0,"blank":1,"position":40"#)),
                .awaitEnd,
                .send(
                    Self.ack(
                        7,
                        #""recorded":4,"duplicate":2,"rejected":0,"blank":1,"position":44,"#
                            + #""first_position":40"#, final: true)), .close,
            ])
        #expect(ran.status == 0, "\(ran.errors)")
        // The last line had no end and got one.
        #expect(lines.count == 8 && lines.last == #"{"specversion":"1.0","id":"e6"}"#)
        let result = try Self.result(ran)
        #expect(result["first_position"] as? Int == 40 && result["last_position"] as? Int == 44)
        #expect(result["received"] as? Int == 6 && result["recorded"] as? Int == 4)
        #expect(result["duplicate"] as? Int == 2 && result["rejected"] as? Int == 0)
        #expect(result["chain"] as? String == "ab")
    }

    /// A server that answers a lot while it is written to must not lock up with its client.
    @Test func itReadsWhileItWrites() throws {
        let many = 40_000
        let input = (1...many).map { #"{"specversion":"1.0","id":"e\#($0)"}"# + "\n" }.joined()
        let complaint =
            #"{"line":1,"outcome":"rejected","error":"bad_event","message":""#
            + String(repeating: "x", count: 1_000) + #""}"#
        let flood = ScriptedServer.Step.send(
            Array(repeating: complaint, count: 2_000).joined(separator: "\n"))
        let (ran, lines) = try Self.record(
            input,
            [
                .send(Self.started), flood, .awaitEnd,
                .send(
                    Self.ack(
                        many,
                        #""recorded":\#(many - 2_000),"duplicate":0,"rejected":2000,"#
                            + #""position":9"#, final: true)), .close,
            ])
        #expect(ran.status == 65)
        #expect(lines.count == many + 1)
        #expect(ran.errorLines.count == 2_001)
    }

    @Test func refusedLinesComeWithTheirNumber() throws {
        let (ran, _) = try Self.record(
            Self.events,
            [
                .send(Self.started), .awaitLines(2),
                .send(
                    #"{"line":1,"id":"e1","outcome":"rejected","error":"bad_event","#
                        + #""field":"type","message":"is missing"}"#),
                .send(
                    #"{"line":2,"id":"e2","outcome":"rejected","error":"conflict","#
                        + #""position":4,"message":"taken"}"#),
                .awaitEnd,
                .send(
                    Self.ack(
                        6, #""recorded":4,"duplicate":0,"rejected":2,"position":11"#, final: true)),
                .close,
            ])
        #expect(ran.status == 65)
        #expect(
            ran.errorLines.prefix(2) == [
                "1: rejected e1: type: is missing (bad_event)",
                "2: rejected e2: taken (conflict), see position 4",
            ])
    }

    @Test func denialsAreNamedAndAreNoFailure() throws {
        let (ran, _) = try Self.record(
            Self.events,
            [
                .send(Self.started), .awaitLines(2),
                .send(
                    #"{"line":1,"id":"e1","outcome":"recorded","position":3,"allowed":false,"reason":"limit_reached"}"#
                ),
                .send(Self.ack(1, #""recorded":1,"duplicate":0,"rejected":0,"position":3"#)),
                .awaitEnd,
                .send(
                    Self.ack(
                        6, #""recorded":6,"duplicate":0,"rejected":0,"position":8"#, final: true)),
                .close,
            ])
        #expect(ran.status == 0)
        #expect(ran.errorLines == ["1: denied e1: limit_reached, position 3"])
        #expect(try Self.result(ran)["denied"] as? Int == 1)
    }

    @Test(
        arguments: [
            (nil, 75), (#"{"ok":false,"error":"draining","message":"stopping"}"#, 75),
            (#"{"ok":false,"error":"storage_failed","message":"the disk"}"#, 74),
            (#"{"line":4,"outcome":"rejected","error":"line_too_long","message":"4"}"#, 65),
        ] as [(String?, Int32)])
    func aBrokenConnectionSaysHowFarItCame(_ word: String?, _ status: Int32) throws {
        var steps: [ScriptedServer.Step] = [
            .send(Self.started), .awaitLines(2),
            .send(Self.ack(1, #""recorded":1,"duplicate":0,"rejected":0,"position":3"#)),
            .awaitLines(7),
            .send(Self.ack(3, #""recorded":3,"duplicate":0,"rejected":0,"position":5"#)),
        ]
        if let word { steps.append(.send(word)) }
        let (ran, _) = try Self.record(Self.events, steps + [.close])
        #expect(ran.status == status, "\(ran.errors)")
        #expect(ran.output.isEmpty)
        #expect(ran.errors.contains("the first 3 lines"))
        #expect(ran.errors.contains("receipt ab"))
        #expect(ran.errors.contains("run the same command again"))
    }

    @Test func linesThatTheServerCouldNotTakeAreForLater() throws {
        let (ran, _) = try Self.record(
            Self.events,
            [
                .send(Self.started), .awaitLines(2),
                .send(Self.ack(1, #""recorded":1,"duplicate":0,"rejected":0,"position":3"#)),
                .awaitEnd,
                .send(
                    #"{"line":5,"id":"e5","outcome":"rejected","error":"overloaded","message":"full"}"#
                ),
                .send(
                    Self.ack(
                        6, #""recorded":5,"duplicate":0,"rejected":1,"position":7"#, final: true)),
                .close,
            ])
        #expect(ran.status == 75)
        #expect(ran.errors.contains("again later"))
    }

    @Test func whatIsNoReplyIsNotUnderstood() throws {
        let (ran, _) = try Self.record(
            Self.events, [.awaitLines(1), .send("HTTP/1.1 400"), .close])
        #expect(ran.status == 76)
        #expect(ran.errors.contains("HTTP/1.1 400"))
    }
}
