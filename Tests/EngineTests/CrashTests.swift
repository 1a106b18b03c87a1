import Engine
import Platform
import SimulatedFileSystem
import Testing

/// Power cuts before every system call that can change the disk, in the engine's own work and in the
/// recovery after.
@Suite struct CrashTests {
    private let promise: Promise

    init() throws { promise = try Promise.kept.get() }

    /// Each moment throws other coins.
    private func salted(_ survival: Survival, _ moment: Life.Moment) -> Survival {
        if case .random(let seed) = survival {
            .random(seed &* 1_000_003 &+ UInt64(moment.call.index))
        } else {
            survival
        }
    }

    /// The script reaches every kind of file and every kind of answer.
    @Test func theScriptSaysEnough() {
        #expect(Script.lines.count >= 40)
        let all = promise.replies.joined()
        for word in [
            #""outcome":"recorded""#, #""outcome":"duplicate""#, "conflict", "bad_event",
            "limit_reached", "credit_insufficient", "not_in_plan", "feature_unknown",
            "bad_request", "shortfall", "credits",
        ] { #expect(all.contains(word), "\(word)") }
        #expect(promise.entries.count > 30)
        for part in ["/wal/W-", "/manifest/", "/SUPER", "/snapshots/counters/P-", "/dedupe/R-"] {
            #expect(promise.moments.contains { $0.call.path.contains(part) }, "\(part)")
        }
    }

    @Test(arguments: [.nothing, .everything, .random(1), .random(2)] as [Survival])
    func nothingAcknowledgedIsLostDoubledOrInvented(_ survival: Survival) throws {
        var hits: [String: Int] = [:]
        for moment in promise.moments {
            let comment: Comment =
                "\(survival) before call \(moment.call.index), \(moment.call.call) \(moment.call.path)"
            let path = moment.call.path
            if path.contains("/wal/W-"), [.write, .fdatasync].contains(moment.call.call) {
                hits["append", default: 0] += 1
            }
            if path.contains("/manifest") { hits["manifest", default: 0] += 1 }
            if path.contains("/snapshots") { hits["snapshot", default: 0] += 1 }
            if path.contains("/dedupe") { hits["dedupe", default: 0] += 1 }
            if moment.isOpening, moment.sent > 0 { hits["recovery", default: 0] += 1 }
            do {
                try promise.demand(
                    of: moment.call.disk.afterPowerCut(salted(survival, moment)),
                    answered: moment.answered, sent: moment.sent,
                    resends: survival != .everything && survival != .random(2), seed: 1000, comment)
            } catch { Issue.record("\(error): \(comment)") }
        }
        for part in ["append", "manifest", "snapshot", "dedupe", "recovery"] {
            #expect(hits[part, default: 0] > 5, "\(part): \(hits)")
        }
    }

    /// The power fails again while the store is being opened, and the start after that is clean.
    @Test func aSecondCutDuringRecoveryIsAsGoodAsOne() throws {
        var cuts = 0
        for (number, moment) in promise.moments.enumerated() where number % 9 == 4 {
            let seed = UInt64(number)
            let first = Life(moment.call.disk.afterPowerCut(.random(seed)))
            first.watch()
            let engine = try first.reopen(seed: 2000)
            let opening = first.moments
            first.system.beforeEachCall { _ in }
            engine.close()
            for (second, again) in opening.enumerated() where second % 4 == number % 4 {
                cuts += 1
                let comment: Comment =
                    "cut \(number), then before \(again.call.call) \(again.call.path)"
                try promise.demand(
                    of: again.call.disk.afterPowerCut(.random(seed &* 31 &+ UInt64(second))),
                    answered: moment.answered, sent: moment.sent, resends: false, seed: 3000,
                    comment)
            }
        }
        #expect(cuts > 50)
    }
}
