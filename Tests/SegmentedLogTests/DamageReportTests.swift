import Bytes
import Platform
import SegmentedLog
import SimulatedFileSystem
import Testing

/// What a damaged store says of itself.
struct DamageReportTests {
    private func report(_ disk: SimulatedDisk) throws -> DamageReport {
        try DamageReport.read(
            directory: CrashRun.directory, fileSystem: SimulatedFileSystem(disk))
    }

    @Test func aSoundStoreIsReadableWhole() throws {
        let run = CrashRun(records: false)
        try run.script()
        let report = try report(run.system.disk)
        #expect(report.damages.isEmpty && report.firstUnreadable == nil)
        #expect(report.readable == [0..<run.nextPosition] && report.end == run.nextPosition)
        #expect(throws: LogFailure.self) {
            try DamageReport.read(directory: "/data", fileSystem: run.system)
        }
    }

    /// A bad commit hides itself and nothing else.
    @Test func behindABadCommitTheRowsAreReadable() throws {
        let run = CrashRun(records: false)
        try run.open(seed: 1)
        for _ in 0..<3 { try run.commit() }
        let log = try #require(run.log)
        // The third commit begins behind the header and two frames of one block each.
        var disk = run.system.disk
        let file = disk.files.first { $0.contains("/wal/") } ?? ""
        disk.flip(file, at: 2 * 4096 + 100, bit: 4)
        run.system.replaceDisk(disk)
        let failure = #expect(throws: LogFailure.self) { try log.reader.scrub { _, _ in } }
        let damage = log.reader.damage()
        #expect(failure?.file == file && failure?.offset == 2 * 4096)
        #expect(damage.damages.count == 1 && damage.damages[0].offset == 2 * 4096)
        #expect(damage.damages[0].position == 1 && damage.firstUnreadable == 1)
        #expect(damage.readable == [0..<1, 3..<6])
        #expect(damage.readableText.contains("0..<1, 3..<6"))
    }

    /// The blocks of a sealed segment fail one by one.
    @Test func theOtherBlocksOfASealedSegmentAreReadable() throws {
        let run = CrashRun(records: false)
        try run.open(seed: 1)
        let log = try #require(run.log)
        var frame = FrameBuilder()
        for number in 0..<3 {
            frame.reset()
            for index in 0..<4096 { frame.append { $0.append([UInt8(index & 31), 7]) } }
            _ = try log.append(&frame, commitTime: Int64(1000 + number))
        }
        // Another one closes the row segment before it.
        log.sealing.wantRoll()
        try log.maintain()
        #expect(try log.sealNow(now: 0, everything: true) != nil)
        var disk = run.system.disk
        let file = disk.files.first { $0.contains("/seg/") } ?? ""
        let lines = try #require(
            try LogInspection.describe(path: file, fileSystem: run.system))
        let second = lines.filter { $0.contains("block of 4096") }[1]
        let offset = try #require(Int(second.split(separator: ":")[0].filter(\.isNumber)))
        disk.flip(file, at: offset + 200, bit: 0)
        run.system.replaceDisk(disk)
        let damage = log.reader.damage()
        #expect(damage.damages.first?.position == 4096)
        #expect(damage.readable == [0..<4096, 8192..<12_288])
        try log.close()
        #expect(try report(run.system.disk).readable == [0..<4096, 8192..<12_288])
    }

    @Test func aMissingFileIsNamed() throws {
        let run = CrashRun(records: false)
        try run.script()
        for file in run.system.disk.files where file.contains("/seg/") || file.hasSuffix("SUPER") {
            var disk = run.system.disk
            disk.remove(file)
            #expect(try report(disk).damages.first?.file == file)
        }
    }
}
