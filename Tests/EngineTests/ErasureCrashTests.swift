import Billing
import Engine
import Platform
import Seeds
import SimulatedFileSystem
import Testing

/// Power cuts and kills between an order to redact and the erasure: whatever is left of the disk, the next
/// start shows no value, and its compaction leaves none.
@Suite struct ErasureCrashTests {
    private struct Moment: Sendable {
        var call: SimulatedFileSystem.Call
        var isOrdered: Bool
    }

    private static func send(_ engine: Engine, _ line: String) -> String {
        String(decoding: engine.reply(to: line), as: UTF8.self)
    }

    private static func open(_ system: SimulatedFileSystem, seed: UInt64) throws -> Engine {
        try Engine.open(Life.options(system, SettableClock(), seed: seed))
    }

    private static func holders(_ disk: SimulatedDisk) -> [String] {
        let secret = Array(RedactionTests.secret.utf8)
        return disk.files.filter { path in
            let bytes = disk.contents(of: path) ?? []
            return bytes.firstRange(of: secret) != nil
        }
    }

    /// A store with the value in a sealed segment and in rows.
    private static func prepare() throws -> SimulatedDisk {
        let system = SimulatedFileSystem(SimulatedDisk(root: "/data"))
        let engine = try open(system, seed: 1)
        let catalog = RedactionTests.catalog().replacing("\n", with: " ")
        #expect(
            send(engine, #"{"request":"publish","id":"p","catalog":\#(catalog)}"#)
                .contains("recorded"))
        for number in 0..<12 {
            let line =
                #"{"specversion":"1.0","id":"e\#(number)","source":"s","type":"llm.call","#
                + #""subject":"a","data":{"tokens":\#(number),"user":{"email":"\#(RedactionTests.secret)"}}}"#
            #expect(send(engine, line).contains("recorded"))
            if number == 7 {
                #expect(send(engine, #"{"request":"compact"}"#).contains(#""ok":true"#))
            }
        }
        engine.close()
        return system.disk
    }

    private static let order =
        #"{"request":"redact","id":"r","positions":[1,2,3,4,5,6,7,8,9,10,11,12],"#
        + #""properties":["user.email"],"reason":"r"}"#

    /// The disk before each call from the order on to the end of the erasure.
    private static func moments(of disk: SimulatedDisk) throws -> [Moment] {
        let system = SimulatedFileSystem(disk)
        let engine = try open(system, seed: 2)
        let shared = Monitor<(isOrdered: Bool, moments: [Moment])>((false, []))
        system.beforeEachCall { call in
            guard call.isMutating else { return }
            shared.withLock { $0.moments.append(Moment(call: call, isOrdered: $0.isOrdered)) }
        }
        #expect(send(engine, order).contains("recorded"))
        shared.withLock { $0.isOrdered = true }
        #expect(send(engine, #"{"request":"compact"}"#).contains(#""ok":true"#))
        let moments = shared.read { $0.moments }
        system.beforeEachCall { _ in }
        engine.close()
        #expect(holders(system.disk) == [])
        return moments
    }

    private static func demand(_ disk: SimulatedDisk, _ moment: Moment, _ comment: Comment) throws {
        let system = SimulatedFileSystem(disk)
        let engine = try open(system, seed: 3)
        defer { engine.close() }
        let lines = try Life.entries(of: engine)
        let isThere = lines.contains { $0.contains(#""kind":"redact""#) }
        #expect(isThere || !moment.isOrdered, "the order is lost: \(comment)")
        #expect(isThere != lines.joined().contains(RedactionTests.secret), "\(comment)")
        #expect(lines.count >= 13, "\(comment)")
        if !isThere { #expect(send(engine, order).contains("recorded"), "\(comment)") }
        #expect(send(engine, #"{"request":"compact"}"#).contains(#""ok":true"#), "\(comment)")
        #expect(holders(system.disk) == [], "\(comment)")
        #expect(send(engine, #"{"request":"status"}"#).contains(#""redactions_pending":0"#))
        #expect(try engine.verify(deep: true).isEqual, "\(comment)")
    }

    @Test(arguments: [.nothing, .everything, .random(1)] as [Survival])
    func afterAnyCutTheValueIsGone(_ survival: Survival) throws {
        let disk = try Self.prepare()
        #expect(Self.holders(disk).contains { $0.contains("/seg/") })
        #expect(Self.holders(disk).contains { $0.contains("/wal/") })
        let moments = try Self.moments(of: disk)
        var parts: Set<String> = []
        for (number, moment) in moments.enumerated() {
            for part in ["/wal/", "/seg/", "/manifest/", "/SUPER"]
            where moment.call.path.contains(part) { parts.insert(part) }
            // What a cut leaves of unflushed bytes is looked at everywhere, the rest here and there.
            guard survival == .nothing || number % 3 == 0 else { continue }
            let comment: Comment =
                "\(survival) before call \(moment.call.index), \(moment.call.call) \(moment.call.path)"
            try Self.demand(moment.call.disk.afterPowerCut(survival), moment, comment)
        }
        #expect(parts.count == 4 && moments.count > 20, "\(parts), \(moments.count) calls")
    }
}
