import Bytes
import Platform
import SimulatedFileSystem
import Testing

@testable import SegmentedLog

/// What a start makes of a directory.
struct OpeningTests {
    private func closedStore(commits: Int = 6) throws -> CrashRun {
        let run = CrashRun(records: false)
        try run.open(seed: 1)
        for _ in 0..<commits { try run.commit() }
        try run.log?.close()
        return run
    }

    private func failure(_ disk: SimulatedDisk) throws -> LogFailure {
        let system = SimulatedFileSystem(disk)
        return try #require(
            #expect(throws: LogFailure.self) { _ = try CrashRun.open(system, seed: 9) })
    }

    @Test func aSecondOpenerIsRefused() throws {
        let run = CrashRun(records: false)
        try run.open(seed: 1)
        let second = #expect(throws: LogFailure.self) {
            _ = try CrashRun.open(run.system, seed: 2)
        }
        #expect(second?.isLocked == true)
        let reading = #expect(throws: LogFailure.self) {
            _ = try LogReader.openReadOnly(
                directory: CrashRun.directory, fileSystem: run.system, codec: PlainCodec())
        }
        #expect(reading?.isLocked == true)
        try run.commit()
        try run.log?.close()
        let reader = try LogReader.openReadOnly(
            directory: CrashRun.directory, fileSystem: run.system, codec: PlainCodec())
        let third = #expect(throws: LogFailure.self) {
            _ = try CrashRun.open(run.system, seed: 3)
        }
        #expect(third?.isLocked == true)
        #expect(reader.reader.durablePosition == 1)
    }

    @Test func readingOnlyChangesNothing() throws {
        let run = try closedStore()
        run.system.beforeEachCall { call in
            let isFlush = call.call == .fdatasync
            #expect(!call.isMutating || isFlush, "\(call.call) \(call.path)")
        }
        let opened = try LogReader.openReadOnly(
            directory: CrashRun.directory, fileSystem: run.system, codec: PlainCodec())
        try run.check(opened.reader, submitted: 6, acknowledged: 6, "read only")
        #expect(opened.storeID == run.log?.storeID)
        let missing = #expect(throws: LogFailure.self) {
            _ = try LogReader.openReadOnly(
                directory: "/data/nothing", fileSystem: run.system, codec: PlainCodec())
        }
        #expect(missing?.kind == .missing)
    }

    @Test func anOrderlyStopLeavesNothingToReport() throws {
        let run = try closedStore()
        for round in 0..<5 {
            try run.open(seed: UInt64(10 + round))
            #expect(run.log?.recovery.notes == [])
            #expect(run.log?.recovery.isNew == false)
            try run.log?.close()
        }
        // Starts without entries leave nothing behind.
        let segments = run.system.disk.files.filter { $0.contains("/wal/") }
        #expect(segments.count <= 5)
        #expect(run.system.disk.files.filter { $0.contains("/manifest/") }.count == 1)
    }

    @Test func aMissingFileIsNamed() throws {
        let run = try closedStore()
        for path in run.system.disk.files where !path.hasSuffix("/LOCK") {
            var disk = run.system.disk
            disk.remove(path)
            let failure = try failure(disk)
            #expect(failure.file == path, "\(failure)")
            #expect(failure.kind == .damaged)
        }
    }

    @Test func aFileThatIsTooShortOrTooLongIsNamed() throws {
        let run = try closedStore()
        for path in run.system.disk.files where !path.hasSuffix("/LOCK") {
            let size = try #require(run.system.disk.size(of: path))
            for changed in [0, 100, 4096, size - 4096, size - 1, size + 1, size + 4096] {
                var disk = run.system.disk
                disk.resize(path, to: changed)
                let failure = try failure(disk)
                #expect(failure.file == path, "\(path) with \(changed) bytes: \(failure)")
            }
        }
    }

    @Test func filesOfAnotherStoreAreRefused() throws {
        let run = try closedStore()
        let other = CrashRun(records: false)
        try other.open(seed: 4711)
        for _ in 0..<6 { try other.commit() }
        try other.log?.close()
        for path in run.system.disk.files where !path.hasSuffix("/LOCK") {
            guard let foreign = other.system.disk.contents(of: path) else { continue }
            var disk = run.system.disk
            disk.remove(path)
            disk.put(path, foreign)
            let failure = try failure(disk)
            #expect(failure.kind == .damaged, "\(path)")
        }
    }

    @Test func oldVersionsAndSwappedFilesAreRefused() throws {
        let run = CrashRun(records: false)
        try run.open(seed: 1)
        for _ in 0..<4 { try run.commit() }
        try run.log?.maintain()
        let early = run.system.disk
        for _ in 0..<8 { try run.commit() }
        try run.log?.close()
        let late = run.system.disk
        for path in early.files where !path.hasSuffix("/LOCK") {
            let old = try #require(early.contents(of: path))
            guard old != late.contents(of: path) else { continue }
            var disk = late
            disk.remove(path)
            disk.put(path, old)
            // An old superblock is a floor that is too low, and its manifest is the same.
            if path.hasSuffix("/SUPER") {
                let log = try CrashRun.open(SimulatedFileSystem(disk), seed: 3)
                try run.check(log.reader, submitted: 12, acknowledged: 12, "old superblock")
                continue
            }
            #expect(try failure(disk).kind == .damaged, "\(path)")
        }
        let segments = late.files.filter { $0.contains("/wal/") }
        var disk = late
        let bytes = segments.prefix(2).compactMap { late.contents(of: $0) }
        for (path, other) in zip(segments.prefix(2), bytes.reversed()) {
            disk.remove(path)
            disk.put(path, other)
        }
        #expect(try failure(disk).kind == .damaged)
    }

    @Test func strangersAreMovedAway() throws {
        let run = try closedStore()
        var disk = run.system.disk
        disk.put(CrashRun.directory + "/wal/notes.txt", [1, 2, 3])
        disk.put(CrashRun.directory + "/wal/W-00000000000000ff", Array("what is this?".utf8))
        disk.put(CrashRun.directory + "/manifest/M-1", [4])
        disk.put(CrashRun.directory + "/quarantine/notes.txt", [9])
        disk.put(CrashRun.directory + "/mine.txt", [7])
        let system = SimulatedFileSystem(disk)
        let log = try CrashRun.open(system, seed: 9)
        try run.check(log.reader, submitted: 6, acknowledged: 6, "strangers")
        #expect(log.recovery.quarantined.count == 3)
        #expect(log.recovery.notes.count == 3)
        let quarantine = CrashRun.directory + "/quarantine/"
        #expect(system.disk.contents(of: quarantine + "notes.txt") == [9])
        #expect(system.disk.contents(of: quarantine + "notes.txt-2") == [1, 2, 3])
        #expect(system.disk.contents(of: quarantine + "M-1") == [4])
        #expect(system.disk.contents(of: CrashRun.directory + "/mine.txt") == [7])
        #expect(log.active.header.id > 0xFF)
        try log.close()
    }

    @Test func aLostSuperblockIsNotANewStore() throws {
        let run = try closedStore()
        var disk = run.system.disk
        disk.remove(CrashRun.directory + "/SUPER")
        #expect(try failure(disk).message.contains("SUPER is missing"))
        // Before the first commit there is nothing to lose.
        let fresh = CrashRun(records: false)
        try fresh.open(seed: 1)
        disk = fresh.system.disk
        disk.remove(CrashRun.directory + "/SUPER")
        #expect(try CrashRun.open(SimulatedFileSystem(disk), seed: 2).recovery.isNew)
    }

    @Test func aLaterVersionIsRefusedAsSuch() throws {
        let run = try closedStore()
        for path in run.system.disk.files where !path.hasSuffix("/LOCK") {
            var bytes = try #require(run.system.disk.contents(of: path))
            let copies = path.hasSuffix("/SUPER") ? 4 : 1
            for copy in 0..<copies {
                let start = copy * 4096
                bytes[start + 8] = 3
                bytes[start + 10] = 3
                let checksum = CRC32C.masked(of: bytes.raw.extracting(start..<(start + 4092)))
                for byte in 0..<4 {
                    bytes[start + 4092 + byte] = UInt8(truncatingIfNeeded: checksum >> (8 * byte))
                }
            }
            var disk = run.system.disk
            disk.damage(path, at: 0, bytes)
            let failure = try failure(disk)
            #expect(failure.kind == .unsupported && failure.file == path, "\(failure)")
        }
    }

    /// Two copies of the superblock may be gone; three are too many.
    @Test func twoCopiesOfTheSuperblockAreEnough() throws {
        let run = try closedStore()
        let path = CrashRun.directory + "/SUPER"
        for mask in 0..<16 {
            var disk = run.system.disk
            for copy in 0..<4 where mask >> copy & 1 == 1 {
                disk.flip(path, at: copy * 4096 + 40, bit: 3)
            }
            if mask.nonzeroBitCount > 2 {
                #expect(try failure(disk).file == path)
                continue
            }
            let system = SimulatedFileSystem(disk)
            let log = try CrashRun.open(system, seed: 9)
            #expect(log.recovery.repairedCopies == mask.nonzeroBitCount)
            try run.check(log.reader, submitted: 6, acknowledged: 6, "copies \(mask)")
            try log.close()
            let again = try CrashRun.open(system, seed: 10)
            #expect(again.recovery.repairedCopies == 0)
        }
    }

    @Test func theClockMayGoBack() throws {
        let system = SimulatedFileSystem(SimulatedDisk(root: "/data"))
        var log = try CrashRun.open(system)
        var frame = FrameBuilder()
        frame.append { $0.append(1) }
        for (given, expected) in [(100, 100), (50, 100), (-5, 100), (101, 101)] as [(Int64, Int64)]
        {
            #expect(try log.append(&frame, commitTime: given).commitTime == expected)
        }
        try log.close()
        log = try CrashRun.open(system, seed: 2)
        #expect(log.lastCommitTime == 101)
        #expect(try log.append(&frame, commitTime: 3).commitTime == 101)
    }

    /// A log that rolls more often than one manifest file has room for.
    @Test func theManifestIsWrittenAnewWhenItIsFull() throws {
        let run = CrashRun(records: false)
        try run.open(seed: 1)
        var names: Set<String> = []
        for _ in 0..<120 {
            try run.commit()
            names.formUnion(run.system.disk.files.filter { $0.contains("/manifest/") })
        }
        #expect(names.count > 1)
        let cut = SimulatedFileSystem(run.system.disk.afterPowerCut(.nothing))
        let log = try CrashRun.open(cut, seed: 2)
        try run.check(log.reader, submitted: 120, acknowledged: 120, "after many rolls")
        try run.log?.close()
        try run.open(seed: 3)
        let reader = try #require(run.log?.reader)
        try run.check(reader, submitted: 120, acknowledged: 120, "after close")
    }

    /// The manifest's last edit and the superblock's newest floor are gone together: the seal before
    /// tells that there was more.
    @Test func aSegmentThatAnEditListedIsNotTakenForALeftover() throws {
        let run = CrashRun(records: false)
        try run.open(seed: 1)
        let early = run.system.disk
        for _ in 0..<6 { try run.commit() }
        var disk = run.system.disk
        let superblock = try #require(early.contents(of: CrashRun.directory + "/SUPER"))
        disk.damage(CrashRun.directory + "/SUPER", at: 0, superblock)
        let manifest = try #require(disk.files.first { $0.contains("/manifest/") })
        disk.damage(manifest, at: 8192, [UInt8](repeating: 0, count: 4096 * 4))
        let failure = try failure(disk)
        #expect(failure.kind == .damaged && failure.file == manifest, "\(failure)")
        #expect(failure.message.contains("does not list"))
    }

    /// The thread that prepares the next segment, on the real file system, and what it left.
    @Test func aThreadPreparesTheNextSegment() throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        var options = LogOptions()
        options.segmentBytesFirst = 32 << 10
        options.segmentBytesMax = 64 << 10
        let system = SystemFileSystem()
        for round in 0..<2 {
            let log = try SegmentedLog.open(
                directory: folder.path, fileSystem: system, options: options)
            #expect(log.nextPosition == Position(round * 60))
            var frame = FrameBuilder()
            frame.append { $0.append([1, 2, 3]) }
            for _ in 0..<60 { _ = try log.append(&frame, commitTime: 1) }
            try log.close()
            // A segment that was prepared in vain is gone; all others are listed.
            let names = try system.list(folder.path + "/wal")
            let views = log.reader.view.read { $0.segments.map(\.id) }
            #expect(names.count == views.count)
        }
    }

    /// A disk that is full when the next segment is needed stops the log before a commit is lost.
    @Test func aFullDiskStopsTheLogInOrder() throws {
        let run = CrashRun(records: false)
        try run.open(seed: 1)
        run.system.plan([
            FaultRule(
                .failure(SystemFailure.Code.noSpace), call: .create, pathPart: "/wal/",
                isSticky: true)
        ])
        let failure = #expect(throws: LogFailure.self) {
            for _ in 0..<100 { try run.commit() }
        }
        #expect(failure?.message.contains("free space") == true)
        run.system.kill()
        run.system.plan([])
        let acknowledged = run.acknowledged
        #expect(acknowledged > 0 && acknowledged == run.commits.count - 1)
        try run.open(seed: 2)
        let reader = try #require(run.log?.reader)
        try run.check(
            reader, submitted: run.commits.count, acknowledged: acknowledged, "full disk")
    }
}
