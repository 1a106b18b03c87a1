import Billing
import Engine
import Foundation
import Platform
import SimulatedFileSystem
import Testing

/// A snapshot that cannot be written costs a longer start, and nothing else.
@Suite struct SnapshotFaultTests {
    private func event(_ number: Int) -> String {
        #"{"specversion":"1.0","id":"e\#(number)","source":"s","type":"t","subject":"a"}"#
    }

    private func reply(_ engine: Engine, _ line: String) -> Value {
        Promise.value(String(decoding: engine.reply(to: line), as: UTF8.self))
    }

    private func start(
        _ system: SimulatedFileSystem, every entries: UInt64 = 1_000_000
    ) throws -> Engine {
        var options = Life.options(system, SettableClock(), seed: 1)
        options.entriesPerSnapshot = entries
        return try Engine.open(options)
    }

    /// Four snapshots, so that the oldest is removed by the last: each call of it fails once.
    @Test(arguments: [SystemFailure.Code.inputOutput, SystemFailure.Code.noSpace])
    func aSnapshotThatFailsIsSaidAndStopsNothing(_ errno: Int32) throws {
        var nth = 0
        while nth < 1000 {
            let system = SimulatedFileSystem(SimulatedDisk(root: "/data"))
            let engine = try start(system)
            for number in 0..<3 {
                _ = reply(engine, event(number))
                #expect(reply(engine, #"{"request":"snapshot"}"#).printed("ok") == "true")
            }
            _ = reply(engine, event(3))
            system.plan([FaultRule(.failure(errno), pathPart: "/snapshots", nth: nth)])
            let answer = reply(engine, #"{"request":"snapshot"}"#)
            guard system.firedFaults > 0 else {
                engine.close()
                break
            }
            if answer.printed("ok") != "true" {
                #expect(answer.printed("error") == "storage_failed", "call \(nth)")
                #expect(answer.printed("message")?.contains("/snapshots") == true, "call \(nth)")
            }
            #expect(engine.failure == nil)
            #expect(reply(engine, event(4)).printed("outcome") == "recorded")
            #expect(!system.openFiles.contains { $0.contains("/snapshots") }, "call \(nth)")
            #expect(reply(engine, #"{"request":"snapshot"}"#).printed("position") == "5")
            engine.close()
            #expect(!system.disk.files.contains { $0.hasSuffix(".tmp") }, "call \(nth)")
            let again = try start(system)
            #expect(again.report.snapshot == 5, "call \(nth): \(again.report.notes)")
            #expect(try again.verify().isEqual)
            again.close()
            nth += 1
        }
        #expect(nth > 25)
    }

    /// With a full disk the engine tries again only when as many entries have come once more.
    @Test func aFullDiskIsNotTriedAtEveryCommit() throws {
        let system = SimulatedFileSystem(SimulatedDisk(root: "/data"))
        let engine = try start(system, every: 10)
        let tries = Monitor(0)
        system.beforeEachCall { call in
            if call.call == .create, call.path.contains("/snapshots") {
                tries.withLock { $0 += 1 }
            }
        }
        system.plan([
            FaultRule(
                .failure(SystemFailure.Code.noSpace), call: .create, pathPart: "/snapshots",
                isSticky: true)
        ])
        for number in 0..<95 {
            #expect(reply(engine, event(number)).printed("outcome") == "recorded")
        }
        #expect(engine.failure == nil)
        #expect((1...9).contains(tries.read { $0 }), "\(tries.read { $0 }) tries")
        let answer = reply(engine, #"{"request":"snapshot"}"#)
        #expect(answer.printed("ok") == "false")
        #expect(answer.printed("message")?.contains("No space left") == true)
        system.plan([])
        for number in 95..<110 { _ = reply(engine, event(number)) }
        engine.close()
        #expect(system.disk.files.contains { $0.hasSuffix("110") })
    }
}
