import Bytes
import Platform
import SimulatedFileSystem
import Testing

@testable import SegmentedLog

/// A disk without room for another row segment: only who needs one is stopped by it.
struct RoomTests {
    /// A new row segment is written and then does not become durable: only these are flushed with their size.
    private static func full(_ code: Int32) -> [FaultRule] {
        [FaultRule(.failure(code), call: .fsync, pathPart: "/wal/", isSticky: true)]
    }

    /// A wish to go on in a new segment is no need.
    @Test func aWishThatThereIsNoRoomForCostsNothing() throws {
        let system = SimulatedFileSystem(SimulatedDisk(root: "/data"))
        var options = CrashRun.options()
        options.segmentBytesFirst = 64 << 10
        options.segmentBytesMax = 64 << 10
        let log = try SegmentedLog.open(
            directory: CrashRun.directory, fileSystem: system, options: options)
        var frame = FrameBuilder()
        frame.append { $0.append([1, 2, 3]) }
        _ = try log.append(&frame, commitTime: 1)
        system.plan(Self.full(SystemFailure.Code.noSpace))
        let failure = #expect(throws: LogFailure.self) {
            try log.sealing.roll { try? log.maintain() }
        }
        #expect(failure?.message.contains("the disk is full") == true)
        #expect(!log.hasFailed)
        // Nothing of the file that did not fit takes room, and entries go on where they went before.
        #expect(try system.list(CrashRun.directory + "/wal").count == 1)
        _ = try log.append(&frame, commitTime: 2)
        system.plan([])
        try log.sealing.roll { try? log.maintain() }
        #expect(try log.sealNow(now: 0, everything: true)?.positions == 0..<2)
        #expect(try log.reader.scrub(.entries) { _, _ in } == 2)
        try log.close()
    }

    /// A segment that was to be made ahead and did not fit is made when it is needed, if it fits then.
    @Test func aSpareThatDidNotFitIsMadeWhenItIsNeeded() throws {
        let run = CrashRun(records: false)
        try run.open(seed: 1)
        run.system.plan(Self.full(SystemFailure.Code.noSpace))
        let log = try #require(run.log)
        while !log.wantsSpare { try run.commit() }
        try log.maintain()
        #expect(!log.hasFailed && !log.wantsSpare)
        run.system.plan([])
        while log.reader.view.read({ $0.segments.count }) == 1 { try run.commit() }
        try run.check(
            log.reader, submitted: run.commits.count, acknowledged: run.commits.count, "rolled")
        try log.close()
    }

    /// What is not for want of room is as final as ever: the device may be failing.
    @Test func aDeviceErrorOfASpareIsFinal() throws {
        let run = CrashRun(records: false)
        try run.open(seed: 1)
        try run.commit()
        let log = try #require(run.log)
        run.system.plan(Self.full(SystemFailure.Code.inputOutput))
        #expect(throws: LogFailure.self) { try log.sealing.roll { try? log.maintain() } }
        #expect(log.hasFailed)
    }
}
