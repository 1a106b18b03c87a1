import Billing
import Bytes
import Engine
import Foundation
import Platform
import SimulatedFileSystem
import Testing

/// System calls that fail: at each call of the script, and what a failed flush must not lead to.
@Suite struct FaultTests {
    private let promise: Promise

    init() throws { promise = try Promise.kept.get() }

    /// What became of a life under one fault.
    private struct Verdict {
        var stopped = false
        var didNotOpen = false
        var snapshotFailed = false
    }

    /// Plays the script with one failing call, then demands the promise of what is left.
    private func suffer(
        _ rule: FaultRule, _ failedFlush: FailedFlush, _ comment: Comment
    ) throws -> Verdict? {
        let life = Life()
        life.system.plan([rule], failedFlush: failedFlush)
        try life.play(seed: 1)
        guard life.system.firedFaults > 0 else { return nil }
        var verdict = Verdict()
        // The lines before the failure are answered as ever, those after it are not taken.
        let answered = life.replies.firstIndex { $0.contains("storage_failed") }
        verdict.stopped = answered != nil
        verdict.didNotOpen = answered == nil && life.replies.count < promise.replies.count
        verdict.snapshotFailed = life.snapshotReplies.contains { $0.contains(#""ok":false"#) }
        for (reply, first) in zip(life.replies, promise.replies).prefix(answered ?? .max)
        where reply != first { Issue.record("\(reply), not \(first): \(comment)") }
        for (reply, first) in zip(life.replies, promise.replies).dropFirst(answered ?? .max) {
            // A line that is none is told so whatever the disk does.
            let isRefusal = reply == first && reply.contains(#""error":"bad_event""#)
            #expect(
                reply.contains("storage_failed") || isRefusal,
                "acknowledged after a failure: \(comment)")
        }
        if verdict.stopped || verdict.didNotOpen {
            #expect(life.failure?.isEmpty == false, "a failure without a word: \(comment)")
        }
        life.system.kill()
        life.system.plan([])
        let disk =
            rule.nth % 2 == 0
            ? life.system.disk : life.system.disk.afterPowerCut(.random(UInt64(rule.nth)))
        try promise.demand(
            of: disk, answered: answered ?? life.sent, sent: life.sent,
            resends: rule.nth % 8 == 0, seed: 5000, comment)
        return verdict
    }

    @Test(arguments: [SystemFailure.Code.inputOutput, SystemFailure.Code.noSpace])
    func aFailingCallIsSaidAndNothingIsAcknowledgedAfterIt(_ errno: Int32) throws {
        var counts: [String: Int] = [:]
        var nth = 0
        while nth < 10_000 {
            let comment: Comment = "errno \(errno) at call \(nth)"
            let personality = FailedFlush.allCases[nth % FailedFlush.allCases.count]
            let rule = FaultRule(.failure(errno), nth: nth)
            guard let verdict = try suffer(rule, personality, comment) else { break }
            if verdict.stopped { counts["stopped", default: 0] += 1 }
            if verdict.didNotOpen { counts["did not open", default: 0] += 1 }
            if verdict.snapshotFailed { counts["no snapshot", default: 0] += 1 }
            nth += 1
        }
        #expect(nth > 300, "calls tried")
        for word in ["stopped", "did not open", "no snapshot"] {
            #expect(counts[word, default: 0] > 20, "\(word): \(counts)")
        }
    }

    /// Transfers that stop after a few bytes, and interrupted ones, are gone on with.
    @Test(arguments: [Fault.short(700), .allBut(1)]) func shortTransfersChangeNothing(
        _ fault: Fault
    ) throws {
        let life = Life()
        life.system.plan([
            FaultRule(fault, call: .write, isSticky: true),
            FaultRule(fault, call: .read, isSticky: true),
        ])
        try life.play(seed: 1)
        #expect(life.failure == nil)
        #expect(life.replies == promise.replies)
        #expect(life.system.firedFaults > 100)
        try promise.demand(
            of: life.system.disk, answered: life.sent, sent: life.sent, seed: 2, "\(fault)")
    }

    private func start(_ system: SimulatedFileSystem) throws -> Engine {
        try Engine.open(Life.options(system, SettableClock(), seed: 1))
    }

    private func event(_ number: Int) -> String {
        #"{"specversion":"1.0","id":"e\#(number)","source":"s","type":"t","subject":"a"}"#
    }

    private func reply(_ engine: Engine, _ line: String) -> Value {
        Promise.value(String(decoding: engine.reply(to: line), as: UTF8.self))
    }

    /// After one failed flush that file is never flushed again: the kernel might call the second one
    /// good without having written anything.
    @Test(arguments: FailedFlush.allCases) func aFailedFlushIsFinal(
        _ personality: FailedFlush
    ) throws {
        let system = SimulatedFileSystem(SimulatedDisk(root: "/data"))
        let engine = try start(system)
        #expect(reply(engine, event(0)).printed("outcome") == "recorded")
        let flushes = Monitor<[String]>([])
        system.beforeEachCall { call in
            if [.fdatasync, .fsync].contains(call.call) {
                flushes.withLock { $0.append(call.path) }
            }
        }
        system.plan(
            [
                FaultRule(
                    .failure(SystemFailure.Code.inputOutput), call: .fdatasync, pathPart: "/wal/")
            ],
            failedFlush: personality)
        let failed = reply(engine, event(1))
        #expect(failed.printed("error") == "storage_failed")
        #expect(engine.failure?.contains("/wal/") == true)
        #expect(engine.waitForEnd() != nil)
        for number in 1..<4 {
            #expect(reply(engine, event(number)).printed("error") == "storage_failed")
        }
        #expect(reply(engine, event(0)).printed("error") == "storage_failed")
        let snapshot = reply(engine, #"{"request":"snapshot"}"#)
        #expect(snapshot.printed("error") == "storage_failed")
        #expect(snapshot.printed("message")?.contains("/wal/") == true)
        // What was durable can still be asked.
        #expect(reply(engine, #"{"request":"status"}"#).printed("position") == "1")
        usleep(40_000)
        engine.close()
        #expect(flushes.read { $0.filter { $0.contains("/wal/") }.count } == 1)
        system.kill()
        let again = try start(system)
        #expect(again.report.entries >= 1)
        #expect(reply(again, event(0)).printed("outcome") == "duplicate")
        #expect(try again.verify().isEqual)
        again.close()
    }

    /// A disk that fails everywhere from some moment on, while many clients write.
    @Test func clientsInFlightAreToldThatTheOutcomeIsUnknown() throws {
        let system = SimulatedFileSystem(SimulatedDisk(root: "/data"))
        let engine = try start(system)
        system.plan([
            FaultRule(
                .failure(SystemFailure.Code.inputOutput), call: .fdatasync, nth: 20, isSticky: true)
        ])
        let outcomes = Tally()
        let recorded = Monitor<[Int]>([])
        DispatchQueue.concurrentPerform(iterations: 8) { thread in
            for number in 0..<40 {
                let answer = reply(engine, event(thread * 1000 + number))
                let word = answer.printed("error") ?? answer.printed("outcome") ?? "none"
                outcomes.add(word)
                if word == "recorded" { recorded.withLock { $0.append(thread * 1000 + number) } }
            }
        }
        engine.close()
        #expect(outcomes.count("storage_failed") > 0)
        #expect(outcomes.count("recorded") > 0)
        #expect(outcomes.count("recorded") + outcomes.count("storage_failed") == 320)
        system.plan([])
        system.kill()
        let again = try Engine.open(
            Life.options(
                SimulatedFileSystem(system.disk.afterPowerCut(.nothing)), SettableClock(), seed: 2))
        for number in recorded.read({ $0 }) {
            #expect(reply(again, event(number)).printed("outcome") == "duplicate")
        }
        again.close()
    }
}
