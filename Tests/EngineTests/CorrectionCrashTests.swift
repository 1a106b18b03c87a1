import Billing
import Engine
import Platform
import SimulatedFileSystem
import Testing

/// Power cuts and kills in the middle of corrections and batches: all of an order holds or nothing of it, and sending it
/// again completes it.
@Suite struct CorrectionCrashTests {
    private struct Moment: Sendable {
        var call: SimulatedFileSystem.Call
        var answered: Int
    }

    private static let orders = [
        #"{"request":"correct","id":"k","account":"a","reason":"r","entries":[{"entry":3,"action":"retract"},{"entry":4,"action":"amend","data":{"n":90}}]}"#,
        #"{"request":"backfill","id":"c","action":"close","batch":"b"}"#,
        #"{"request":"backfill","id":"v","action":"revert","batch":"b"}"#,
    ]

    private static func send(_ engine: Engine, _ line: String) -> String {
        String(decoding: engine.reply(to: line), as: UTF8.self)
    }

    private static func open(_ system: SimulatedFileSystem, seed: UInt64) throws -> Engine {
        let clock = SettableClock()
        clock.set("2026-03-20T00:00:00Z")
        return try Engine.open(Life.options(system, clock, seed: seed))
    }

    private static func state(_ engine: Engine) -> String {
        let bill = send(engine, #"{"request":"invoice","account":"a","period":"2026-03"}"#)
        let credits = send(engine, #"{"request":"credits","account":"a"}"#)
        let total = bill.firstMatch(of: #/"total":"([^"]*)"/#)?.1 ?? "?"
        let balance = credits.firstMatch(of: #/"balance":"([^"]*)"/#)?.1 ?? "?"
        return "\(total) \(balance)"
    }

    private static func prepare() throws -> SimulatedDisk {
        let system = SimulatedFileSystem(SimulatedDisk(root: "/data"))
        let engine = try open(system, seed: 1)
        let catalog =
            #"{"catalog":1,"currency":"USD","default_plan":"p","meters":{"m":{"event":"e","aggregate":"sum","value":"n"}},"#
            + #""features":{"m":{"meter":"m"}},"credit":{"unit":"cr","burn":{"m":"1"}},"#
            + #""plans":{"p":{"entitlements":{"m":true},"prices":{"m":{"meter":"m","amount":1}}}}}"#
        #expect(
            send(engine, #"{"request":"publish","id":"p","catalog":\#(catalog)}"#)
                .contains("recorded"))
        #expect(
            send(engine, #"{"request":"grant","id":"g","account":"a","amount":1000}"#)
                .contains("recorded"))
        #expect(
            send(engine, #"{"request":"backfill","id":"o","action":"create","batch":"b"}"#)
                .contains("recorded"))
        for number in 0..<8 {
            let batch = number > 5 ? #","daybookbatch":"b""# : ""
            let line =
                #"{"specversion":"1.0","id":"e\#(number)","source":"s","type":"e","subject":"a"\#(batch),"data":{"n":\#(number + 1)}}"#
            #expect(send(engine, line).contains("recorded"))
        }
        engine.close()
        return system.disk
    }

    @Test(arguments: [.nothing, .everything, .random(1)] as [Survival])
    func allOrNothing(_ survival: Survival) throws {
        let disk = try Self.prepare()
        let system = SimulatedFileSystem(disk)
        let engine = try Self.open(system, seed: 2)
        // What is shown after each order; what they bring to the disk, call by call.
        var states = [Self.state(engine)]
        let shared = Monitor<(answered: Int, moments: [Moment])>((0, []))
        system.beforeEachCall { call in
            guard call.isMutating else { return }
            shared.withLock { $0.moments.append(Moment(call: call, answered: $0.answered)) }
        }
        for order in Self.orders {
            #expect(Self.send(engine, order).contains("recorded"))
            shared.withLock { $0.answered += 1 }
            states.append(Self.state(engine))
        }
        system.beforeEachCall { _ in }
        engine.close()
        // 1 + … + 6; without the 1, and 90 for the 2; with 7 and 8.
        #expect(states == ["21.00 979", "108.00 892", "123.00 877", "108.00 892"])
        let moments = shared.read { $0.moments }
        #expect(moments.count > 6)
        for moment in moments {
            let comment: Comment =
                "\(survival) before call \(moment.call.index), \(moment.call.call)"
            let system = SimulatedFileSystem(moment.call.disk.afterPowerCut(survival))
            let engine = try Self.open(system, seed: 3)
            defer { engine.close() }
            let entries = try Life.entries(of: engine).filter {
                $0.contains(#""kind":"correct""#) || $0.contains(#"ype":"daybook.backfill""#)
            }
            // The one that opened the batch is there already.
            let done = entries.count - 1
            #expect(done == moment.answered || done == moment.answered + 1, comment)
            let shown = Self.state(engine).split(separator: " ")[0]
            #expect(shown == states[done].split(separator: " ")[0], comment)
            #expect(try engine.verify().isEqual, comment)
            for (number, order) in Self.orders.enumerated() {
                let reply = Self.send(engine, order)
                #expect(reply.contains(number < done ? "duplicate" : "recorded"), comment)
            }
            #expect(Self.state(engine) == states[3], comment)
            #expect(try engine.verify().isEqual, comment)
        }
    }
}
