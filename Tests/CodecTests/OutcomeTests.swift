import Billing
import Bytes
import Codec
import Money
import Seeds
import Testing

/// Outcomes: facts that must come back as they were written.
@Suite struct OutcomeTests {
    @Test(arguments: Seeds.all)
    func comesBack(seed: UInt64) throws {
        var generator = SeededGenerator(seed)
        for _ in 0..<500 {
            func number() -> Int128 {
                let word = UInt128.random(in: 0...UInt128.max, using: &generator)
                let bits = Int.random(in: 1...128, using: &generator)
                return Int128(truncatingIfNeeded: word) >> (128 - bits)
            }
            let draws = (0..<Int.random(in: 0...4, using: &generator)).map { _ in
                Draw(
                    grant: UInt32.random(in: 0...UInt32.max, using: &generator), units: number())
            }
            var decision: OutcomeDecision?
            if let reason = Reason.allCases.randomElement(using: &generator),
                Bool.random(using: &generator)
            {
                decision = OutcomeDecision(
                    allowed: Bool.random(using: &generator), reason: reason)
            }
            let outcome = Outcome(
                decision: decision, draws: draws,
                shortfallUnits: Bool.random(using: &generator) ? number() : 0)
            var buffer = ByteBuffer()
            outcome.append(to: &buffer)
            let bytes = buffer.copyBytes(in: 0..<buffer.count)
            #expect(try Outcome(decoding: bytes.raw) == outcome)
            for length in 0..<bytes.count {
                #expect(throws: DecodeFailure.self) {
                    try Outcome(decoding: Array(bytes.prefix(length)).raw)
                }
            }
        }
    }

    @Test(
        arguments: [
            [], [8], [255], [0, 0], [1, 2, 0], [1, 1, 16], [1, 1, 255], [2, 0], [2, 1, 0], [4, 0],
            [2, 200, 0, 0], [2, 1, 0x80, 0x80, 0x80, 0x80, 0x10, 0], [4, 0x80, 0],
        ] as [[UInt8]])
    func damageThrows(bytes: [UInt8]) {
        #expect(throws: DecodeFailure.self) { try Outcome(decoding: bytes.raw) }
    }

    /// Reasons stand in the log as numbers: these never change.
    @Test func reasonsKeepTheirNumbers() {
        let names = [
            "allowed", "allowed_overage", "allowed_override", "account_unknown", "feature_unknown",
            "no_active_subscription", "subscription_past_due", "not_in_plan", "limit_reached",
            "credit_insufficient", "spend_cap_reached", "override_denied", "value_mismatch",
            "subscription_paused", "subscription_incomplete", "account_archived",
        ]
        #expect(Reason.allCases.map(\.name) == names)
        #expect(Reason.allCases.map(\.rawValue) == Array(0..<UInt8(names.count)))
    }

    @Test func kindsKeepTheirNumbers() {
        let kinds = RecordKind.allCases.map { "\($0.rawValue) \($0.name)" }
        #expect(
            kinds == [
                "1 event", "2 consume", "3 subscribe", "4 grant", "5 publish", "6 redact",
                "7 cancel", "8 finalise", "9 credit_note", "10 retire",
                "11 void", "12 hold", "13 settle", "14 release", "15 extend", "16 refund",
                "17 reset", "18 subscription", "19 override", "20 pause", "21 resume",
                "22 reconcile", "23 account", "24 deposit", "26 correct", "27 backfill",
            ])
    }

    /// The bytes of the kinds that commands have, and that a reader of them reads the same.
    @Test(arguments: [RecordKind.cancel, .finalise, .creditNote, .retire])
    func theBytesOfCommands(kind: RecordKind) throws {
        var arena = ByteBuffer()
        _ = try CommandEncoder(key: Encoding.key).encode(
            kind, source: "s", id: "i", subject: "a", time: nil, timeText: "",
            data: .object(of: [("n", .number(DecimalNumber(mantissa: 1, scale: 0)))]), into: &arena
        ).get()
        let name: [UInt8]
        switch kind {
        case .cancel: name = Array("daybook.cancel".utf8)
        case .finalise: name = Array("daybook.finalise".utf8)
        case .retire: name = Array("daybook.retire".utf8)
        default: name = Array("daybook.credit_note".utf8)
        }
        let content = arena.copyBytes(in: 0..<arena.count)
        #expect(
            content == [1, kind.rawValue, 1, 0x73, 1, 0x69, UInt8(name.count)] + name
                + [17, 1, 0x61, 8, 1, 1, 0x6E, 3, 2])
        #expect(try RecordView(content: content.raw).kind == kind)
    }

    /// The bytes of one record, for ever: a change of them is a new version of the format.
    @Test func theBytesOfVersionOne() throws {
        let content = try Encoding.content(
            "{\"specversion\":\"1.0\",\"id\":\"i\",\"source\":\"s\",\"type\":\"t\",\"subject\":\"a\","
                + "\"time\":\"1970-01-01T00:00:01.5Z\",\"x\":true,\"data\":{\"n\":[1,0.5,null],\"m\":\"é\"}}"
        )
        let second = Int64(1_500_000_000)
        let time = (0..<8).map { UInt8(truncatingIfNeeded: second >> (8 * Int64($0))) }
        let expected: [UInt8] =
            [1, 1, 1, 0x73, 1, 0x69, 1, 0x74, 27, 1, 0x61] + time + [1]
            + [8, 1, 1, 0x78, 2] + [8, 2, 1, 0x6D, 6, 2, 0xC3, 0xA9]
            + [1, 0x6E, 7, 3, 3, 2, 4, 1, 10, 0]
        #expect(content == expected)
        let outcome = Outcome(
            decision: OutcomeDecision(allowed: false, reason: .creditInsufficient),
            draws: [Draw(grant: 200, units: -1)], shortfallUnits: 64)
        #expect(
            Encoding.record(content, outcome)
                == [UInt8(content.count)] + content + [7, 0, 9, 1, 0xC8, 1, 1, 0x80, 1])
    }
}
