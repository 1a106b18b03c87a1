import Bytes
import Platform
import SegmentedLog
import SimulatedFileSystem
import Testing

/// Power cuts before every system call of a store's life, and before every call of the recovery after.
struct CrashTests {
    static let survivals: [Survival] = [
        .nothing, .everything, .namesOnly, .bytesOnly, .random(11), .random(12), .random(13),
    ]

    @Test(arguments: survivals) func nothingAcknowledgedIsLostAndNothingIsInvented(
        _ survival: Survival
    ) throws {
        let run = CrashRun()
        try run.script()
        #expect(run.moments.count > 200)
        for moment in run.moments {
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
        #expect(system.openFiles.filter { !$0.contains("/wal/") }.isEmpty)
        let again = try LogReader.openReadOnly(directory: CrashRun.directory, fileSystem: system)
        #expect(again.reader.durablePosition == before + 1, comment)
        #expect(try again.reader.chain(at: before + 1) == receipt.chain, comment)
        #expect(again.recovery.notes.isEmpty, comment)
        #expect(again.reader.durablePosition > 0 && found >= 0)
        _ = try again.reader.scrub { _, _ in }
    }
}
