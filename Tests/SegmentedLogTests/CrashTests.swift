import Bytes
import Platform
import SegmentedLog
import SimulatedFileSystem
import Testing

/// Power cuts before every system call of a store's life, and before every call of the recovery after.
struct CrashTests {
    static let fixed: [Survival] = [.nothing, .namesOnly, .everything, .bytesOnly]
    static let random: [Survival] = [.random(11), .random(12), .random(13)]

    /// Each call is cut before with one of the fixed survivals and one that coins decide, in turns.
    @Test(arguments: [0, 1]) func nothingAcknowledgedIsLostAndNothingIsInvented(
        _ half: Int
    ) throws {
        let run = CrashRun()
        try run.script()
        #expect(run.moments.count > 200)
        #expect(run.moments.count { $0.call.path.contains("/seg/") } > 40)
        for (number, moment) in run.moments.enumerated() {
            let kinds = half == 0 ? Self.fixed : Self.random
            let survival = kinds[number % kinds.count]
            let comment: Comment =
                "\(survival) before call \(moment.call.index), \(moment.call.call) \(moment.call.path)"
            let system = SimulatedFileSystem(
                moment.call.disk.afterPowerCut(salted(survival, moment)))
            do {
                try recoverAndGoOn(run, moment, system, comment)
            } catch { Issue.record("\(error): \(comment)") }
        }
    }

    /// Each moment throws other coins.
    private func salted(_ survival: Survival, _ moment: CrashRun.Moment) -> Survival {
        if case .random(let seed) = survival {
            .random(seed &* 1_000_003 &+ UInt64(moment.call.index))
        } else {
            survival
        }
    }

    /// Starts, checks, commits once more, stops in order, starts again and checks again.
    private func recoverAndGoOn(
        _ run: CrashRun, _ moment: CrashRun.Moment, _ system: SimulatedFileSystem,
        _ comment: Comment
    ) throws {
        let log = try CrashRun.open(system, seed: 99)
        let found = try run.check(
            log.reader, submitted: moment.submitted, acknowledged: moment.acknowledged, comment)
        let before = log.nextPosition
        var frame = FrameBuilder()
        frame.append { $0.append([1, 2, 3]) }
        let receipt = try log.append(&frame, commitTime: 5000)
        #expect(receipt.firstPosition == before, comment)
        try log.close()
        #expect(system.openFiles.filter { !$0.contains("/wal/") && !$0.contains("/seg/") }.isEmpty)
        let again = try LogReader.openReadOnly(
            directory: CrashRun.directory, fileSystem: system, codec: PlainCodec())
        #expect(again.reader.durablePosition == before + 1, comment)
        #expect(try again.reader.chain(at: before + 1) == receipt.chain, comment)
        #expect(again.recovery.notes.isEmpty, comment)
        #expect(again.reader.durablePosition > 0 && found >= 0)
        _ = try again.reader.scrub { _, _ in }
    }

    /// What a start has shown is durable, even if the start before it was killed and left bytes that
    /// only memory had; and every call of that start may be the last as well.
    @Test(arguments: [Survival.nothing, .everything, .random(21)])
    func aStartMayBeInterruptedAnywhereAndWhatItShowedStays(_ survival: Survival) throws {
        let run = CrashRun()
        try run.script()
        var starts = 0
        for moment in run.moments where moment.call.index % 23 == 3 {
            for isPowerCut in [true, false] {
                var disk = moment.call.disk
                if isPowerCut { disk = disk.afterPowerCut(salted(survival, moment)) }
                starts += try interrupt(run, moment, disk, survival)
            }
        }
        #expect(starts > 400)
    }

    private func interrupt(
        _ run: CrashRun, _ moment: CrashRun.Moment, _ disk: SimulatedDisk, _ survival: Survival
    ) throws -> Int {
        let system = SimulatedFileSystem(disk)
        var disks: [(Int, SimulatedDisk)] = []
        system.beforeEachCall { if $0.isMutating { disks.append(($0.index, $0.disk)) } }
        let place = "call \(moment.call.index), \(moment.call.call) \(moment.call.path)"
        let log = try CrashRun.open(system, seed: 77)
        let shown = try run.check(
            log.reader, submitted: moment.submitted, acknowledged: moment.acknowledged,
            "first start after \(place)")
        let whole = SimulatedFileSystem(system.disk.afterPowerCut(.nothing))
        let second = try CrashRun.open(whole, seed: 78)
        try run.check(
            second.reader, submitted: shown, acknowledged: shown, "power cut after \(place)")
        for (index, disk) in disks {
            let comment: Comment = "\(survival) before call \(index) of the start after \(place)"
            let cut =
                index % 4 == 0
                ? disk : disk.afterPowerCut(index % 2 == 0 ? survival : .random(UInt64(index)))
            do {
                let log = try CrashRun.open(SimulatedFileSystem(cut), seed: 79)
                try run.check(
                    log.reader, submitted: moment.submitted, acknowledged: moment.acknowledged,
                    comment)
            } catch { Issue.record("\(error): \(comment)") }
        }
        return disks.count
    }
}
