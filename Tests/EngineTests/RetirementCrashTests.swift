import Billing
import Engine
import Platform
import SimulatedFileSystem
import Testing

/// Power cuts and kills between an order to drop bodies and their end: whatever is left of the disk, the books
/// are the same, and the next compaction leaves none.
@Suite struct RetirementCrashTests {
    private struct Moment: Sendable {
        var call: SimulatedFileSystem.Call
        var isOrdered: Bool
    }

    private static let order =
        #"{"request":"retire","id":"r","before":"2025-02-01T00:00:00Z","reason":"r"}"#

    private static func send(_ engine: Engine, _ line: String) -> String {
        String(decoding: engine.reply(to: line), as: UTF8.self)
    }

    private static func open(
        _ system: SimulatedFileSystem, at time: String = "2026-03-01T00:00:00Z", seed: UInt64
    ) throws -> (Engine, SettableClock) {
        let clock = SettableClock()
        clock.set(time)
        return (try Engine.open(Life.options(system, clock, seed: seed)), clock)
    }

    private static func holders(_ disk: SimulatedDisk) -> [String] {
        let secret = Array(RetirementTests.note.utf8)
        return disk.files.filter { (disk.contents(of: $0) ?? []).firstRange(of: secret) != nil }
    }

    private static func bill(_ engine: Engine) -> [String] {
        ["2025-01", "2026-03"].map {
            let text = send(engine, #"{"request":"invoice","account":"a","period":"\#($0)"}"#)
            return text.replacing(#/"position":\d+/#, with: "")
        }
    }

    /// A store with bodies in a sealed segment and in rows, all of a finalised period.
    private static func prepare() throws -> SimulatedDisk {
        let system = SimulatedFileSystem(SimulatedDisk(root: "/data"))
        let (engine, clock) = try open(system, at: "2025-01-01T00:00:00Z", seed: 1)
        #expect(
            send(
                engine,
                #"{"request":"publish","id":"p","catalog":\#(RetirementTests.catalog())}"#
            ).contains("recorded"))
        for number in 0..<12 {
            let line =
                #"{"specversion":"1.0","id":"e\#(number)","source":"s","type":"call","subject":"a","#
                + #""data":{"use":{"tokens":\#(number)},"note":"\#(RetirementTests.note)"}}"#
            #expect(send(engine, line).contains("recorded"))
            if number == 7 {
                #expect(send(engine, #"{"request":"compact"}"#).contains(#""ok":true"#))
            }
        }
        clock.set("2025-02-01T00:00:00Z")
        #expect(
            send(engine, #"{"request":"finalise","account":"a","period":"2025-01"}"#)
                .contains("recorded"))
        engine.close()
        return system.disk
    }

    /// The disk before each call from the order on until no body is left.
    private static func moments(of disk: SimulatedDisk) throws -> [Moment] {
        let system = SimulatedFileSystem(disk)
        let (engine, _) = try open(system, seed: 2)
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

    @Test(arguments: [.nothing, .everything, .random(1)] as [Survival])
    func afterAnyCutNothingIsLostAndTheBodiesGo(_ survival: Survival) throws {
        let disk = try Self.prepare()
        #expect(Self.holders(disk).contains { $0.contains("/seg/") })
        #expect(Self.holders(disk).contains { $0.contains("/wal/") })
        let (whole, _) = try Self.open(SimulatedFileSystem(disk), seed: 4)
        let bill = Self.bill(whole)
        whole.close()
        let moments = try Self.moments(of: disk)
        for (number, moment) in moments.enumerated() {
            guard survival == .nothing || number % 3 == 0 else { continue }
            let comment: Comment =
                "\(survival) before call \(moment.call.index), \(moment.call.call) \(moment.call.path)"
            let system = SimulatedFileSystem(moment.call.disk.afterPowerCut(survival))
            let (engine, _) = try Self.open(system, seed: 3)
            defer { engine.close() }
            let isThere = try Life.entries(of: engine).contains { $0.contains(#""kind":"retire""#) }
            #expect(isThere || !moment.isOrdered, "the order is lost: \(comment)")
            if !isThere { #expect(Self.send(engine, Self.order).contains("recorded"), comment) }
            let digest = engine.durableState().digest
            #expect(Self.send(engine, #"{"request":"compact"}"#).contains(#""ok":true"#), comment)
            #expect(Self.holders(system.disk) == [], comment)
            #expect(engine.durableState().digest == digest, comment)
            #expect(Self.bill(engine) == bill, comment)
            #expect(try engine.verify(deep: true).isEqual, comment)
        }
        #expect(moments.count > 20, "\(moments.count) calls")
    }
}
