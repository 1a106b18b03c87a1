import Bytes
import Platform
import SegmentedLog
import SimulatedFileSystem
import Testing

/// A damaged store and a backup of it become one whole store; or nothing is touched.
struct RepairTests {
    static let directory = CrashRun.directory
    static let backup = BackupTests.target

    /// A stopped store with sealed segments, rows, and an older backup.
    struct Patient {
        let run = CrashRun(records: false)
        var disk: SimulatedDisk { run.system.disk }

        /// - Parameter sealsLater: seal after the backup, so that the backup has rows where the store
        ///   has sealed segments.
        init(sealsLater: Bool, backup target: String = RepairTests.backup) throws {
            try run.open(seed: 1)
            for step in 0..<24 {
                try run.commit()
                if step == 11, !sealsLater { try run.seal() }
            }
            let log = try #require(run.log)
            _ = try LogBackup.write(log.reader, to: target, random: SeededSource(4))
            for step in 0..<14 {
                if sealsLater, step == 0 || step == 7 {
                    _ = try log.sealNow(now: 0, everything: true)
                }
                try run.commit()
            }
            try log.close()
        }

        func files(_ folder: String) -> [String] {
            disk.files.filter { $0.hasPrefix(RepairTests.directory + "/" + folder) }
        }
    }

    static let survivals: [Survival] = [.nothing, .everything, .random(3)]

    static func plan(
        _ system: any FileSystem, from backup: String = RepairTests.backup
    ) throws -> StoreRepair {
        try StoreRepair.plan(directory: directory, from: backup, fileSystem: system)
    }

    /// Repairs a disk and demands of it the first `count` commits, and that it goes on.
    static func heal(
        _ run: CrashRun, _ system: SimulatedFileSystem, acceptLoss: Bool = false, commits: Int,
        _ comment: Comment
    ) throws {
        do {
            let repair = try plan(system)
            _ = try repair.carryOut(
                acceptLoss: acceptLoss, codec: PlainCodec(), random: SeededSource(8))
        }
        try check(run, system, commits: commits, comment)
    }

    static func check(
        _ run: CrashRun, _ system: SimulatedFileSystem, commits: Int, _ comment: Comment
    ) throws {
        do {
            let log = try CrashRun.open(system, seed: 31)
            let found = try run.check(
                log.reader, submitted: commits, acknowledged: commits, comment)
            #expect(found == commits, comment)
            _ = try log.reader.scrub(.entries) { _, _ in }
            var frame = FrameBuilder()
            frame.append { $0.append([1]) }
            _ = try log.append(&frame, commitTime: 9000)
            try log.close()
        }
        #expect(
            try DamageReport.read(directory: directory, fileSystem: system).damages.isEmpty,
            comment)
    }

    @Test func aSoundStoreIsLeftAlone() throws {
        let patient = try Patient(sealsLater: false)
        let calls = patient.disk
        let repair = try Self.plan(patient.run.system)
        #expect(repair.isSound && repair.lost == nil)
        #expect(try repair.carryOut(acceptLoss: true, codec: nil).isEmpty)
        for file in calls.files {
            #expect(patient.disk.contents(of: file) == calls.contents(of: file))
        }
    }

    /// Damage of one kind in one file.
    private static func damages(
        _ patient: Patient, _ file: String
    ) -> [(String, SimulatedDisk)] {
        let disk = patient.disk
        let size = disk.size(of: file) ?? 0
        var all: [(String, SimulatedDisk)] = []
        for offset in [17, 4096 + 30, 4096 + 400, size / 2, size - 3] where offset < size {
            var flipped = disk
            flipped.flip(file, at: offset, bit: 2)
            all.append(("bit in byte \(offset) of \(file)", flipped))
        }
        var block = disk
        block.damage(file, at: 4096, [UInt8](repeating: 0x55, count: min(4096, size - 4096)))
        all.append(("block 1 of \(file)", block))
        var cut = disk
        cut.resize(file, to: size / 2)
        all.append(("half of \(file)", cut))
        var gone = disk
        gone.remove(file)
        all.append(("no \(file)", gone))
        // Each file takes some of them: together they take all.
        let turn = (patient.files("").firstIndex(of: file) ?? 0) % 2
        return all.enumerated().filter { $0.offset % 2 == turn }.map(\.element)
    }

    @Test(arguments: [false, true]) func everyDamageIsRepairedOrRefused(
        _ sealsLater: Bool
    ) throws {
        let patient = try Patient(sealsLater: sealsLater)
        let all = patient.run.commits.count
        var (repaired, refused, sound) = (0, 0, 0)
        let files = ["SUPER", "manifest/", "seg/", "wal/"].flatMap { patient.files($0) }
        #expect(files.count >= 5)
        for file in files {
            for (what, disk) in Self.damages(patient, file) {
                let system = SimulatedFileSystem(disk)
                let comment: Comment = "\(what), sealed later: \(sealsLater)"
                let report = try DamageReport.read(
                    directory: Self.directory, fileSystem: system)
                let lost: Range<Position>?
                let isSound: Bool
                do {
                    let repair = try Self.plan(system)
                    (lost, isSound) = (repair.lost, repair.isSound)
                    #expect(isSound == report.damages.isEmpty, comment)
                    if lost != nil {
                        let refusal = #expect(throws: LogFailure.self, comment) {
                            try repair.carryOut(acceptLoss: false, codec: PlainCodec())
                        }
                        #expect(refusal?.kind == .refused, comment)
                    }
                }
                if isSound {
                    // One copy of the superblock, or zeros behind all frames of a file.
                    sound += 1
                    continue
                }
                #expect(report.damages[0].file == file, comment)
                if let lost {
                    refused += 1
                    let kept = patient.run.commits.prefix { $0.firstPosition < lost.lowerBound }
                    #expect(kept.count >= 24, comment)
                    try Self.heal(
                        patient.run, system, acceptLoss: true, commits: kept.count, comment)
                } else {
                    repaired += 1
                    try Self.heal(patient.run, system, commits: all, comment)
                    if disk.files.contains(file), !file.hasSuffix("SUPER") {
                        let name = file.split(separator: "/").last ?? ""
                        let moved = Self.directory + "/quarantine/\(name)"
                        #expect(
                            system.disk.contents(of: moved) == disk.contents(of: file), comment)
                    }
                }
            }
        }
        #expect(repaired > 6 && refused > 2 && sound > 0)
    }

    @Test(arguments: [[0, 1], [2, 3], [0, 1, 2], [0, 1, 2, 3]])
    func aSuperblockOfWhichTooLittleIsLeft(_ copies: [Int]) throws {
        let patient = try Patient(sealsLater: false)
        var disk = patient.disk
        for copy in copies { disk.flip(Self.directory + "/SUPER", at: copy * 4096 + 33, bit: 1) }
        let system = SimulatedFileSystem(disk)
        if copies.count == 2 {
            #expect(try Self.plan(system).isSound)
            return
        }
        try Self.heal(
            patient.run, system, commits: patient.run.commits.count, "copies \(copies)")
        let old = Self.directory + "/quarantine/SUPER"
        #expect(system.disk.contents(of: old) == disk.contents(of: Self.directory + "/SUPER"))
    }

    /// Superblock, manifest and a row segment at once.
    @Test func muchAtOnceIsRepairedToo() throws {
        let patient = try Patient(sealsLater: false)
        var disk = patient.disk
        for copy in 0..<4 { disk.flip(Self.directory + "/SUPER", at: copy * 4096 + 60, bit: 0) }
        for file in patient.files("manifest/") { disk.flip(file, at: 5000, bit: 0) }
        disk.remove(patient.files("seg/")[0])
        disk.flip(patient.files("wal/")[0], at: 4096 + 99, bit: 7)
        let system = SimulatedFileSystem(disk)
        try Self.heal(patient.run, system, commits: patient.run.commits.count, "much at once")
    }

    /// Device errors are damage like any other.
    @Test func aBlockThatCannotBeReadIsRepaired() throws {
        let patient = try Patient(sealsLater: false)
        let file = patient.files("wal/")[0]
        let system = SimulatedFileSystem(patient.disk)
        system.plan([
            FaultRule(
                .failure(SystemFailure.Code.inputOutput), call: .read, pathPart: file, nth: 1,
                isSticky: true)
        ])
        let repair = try Self.plan(system)
        #expect(repair.damage.damages.first?.file == file && repair.lost == nil)
        _ = try repair.carryOut(acceptLoss: false, codec: PlainCodec())
        system.plan([])
    }

    @Test func anotherStoreIsRefused() throws {
        let patient = try Patient(sealsLater: false)
        var disk = patient.disk
        disk.remove(patient.files("seg/")[0])
        let system = SimulatedFileSystem(disk)
        let other = try SegmentedLog.open(
            directory: "/data/other", fileSystem: system, options: CrashRun.options(seed: 77))
        try other.close()
        let refusal = #expect(throws: LogFailure.self) {
            try Self.plan(system, from: "/data/other")
        }
        #expect(refusal?.kind == .refused && refusal?.message.contains("is store") ?? false)
        #expect(throws: LogFailure.self) { try Self.plan(system, from: "/data/nothing") }
        #expect(throws: LogFailure.self) { try Self.plan(system, from: Self.directory) }
    }

    /// A backup that went on as a store of its own has another history.
    @Test func aBackupThatWentAnotherWayIsRefused() throws {
        let patient = try Patient(sealsLater: false)
        let system = SimulatedFileSystem(patient.disk)
        let fork = try SegmentedLog.open(
            directory: Self.backup, fileSystem: system, options: CrashRun.options(seed: 78))
        var frame = FrameBuilder()
        frame.append { $0.append([9, 9]) }
        _ = try fork.append(&frame, commitTime: 9000)
        try fork.close()
        var disk = system.disk
        disk.remove(patient.files("seg/")[0])
        let refusal = #expect(throws: LogFailure.self) {
            try Self.plan(SimulatedFileSystem(disk))
        }
        #expect(refusal?.kind == .refused)
        #expect(refusal?.message.contains("different histories") ?? false)
    }

    /// Positions that fit are not enough: a commit of the other history whose own beginning is lost must not
    /// follow ours.
    @Test func aCommitThatFollowsAnotherHistoryIsRefused() throws {
        let patient = try Patient(sealsLater: false)
        let system = SimulatedFileSystem(patient.disk)
        let fork = try SegmentedLog.open(
            directory: Self.backup, fileSystem: system, options: CrashRun.options(seed: 78))
        var frame = FrameBuilder()
        for byte in [UInt8(9), 8] {
            frame.reset()
            frame.append { $0.append([byte]) }
            _ = try fork.append(&frame, commitTime: 9000)
        }
        try fork.close()
        var disk = system.disk
        let last = disk.files.last { $0.hasPrefix(Self.backup + "/wal/") } ?? ""
        disk.flip(last, at: 4096 + 100, bit: 5)
        disk.remove(patient.files("seg/")[0])
        let refusal = #expect(throws: LogFailure.self) {
            try Self.plan(SimulatedFileSystem(disk))
        }
        #expect(refusal?.message.contains("different histories") ?? false)
    }

    @Test func aRunningStoreIsNotRepaired() throws {
        let patient = try Patient(sealsLater: false)
        let log = try CrashRun.open(patient.run.system, seed: 5)
        let refusal = #expect(throws: LogFailure.self) { try Self.plan(patient.run.system) }
        #expect(refusal?.isLocked ?? false)
        try log.close()
    }

    /// Killed before any call that changes the disk: whole, or repaired by another try.
    @Test(arguments: survivals, [false, true])
    func aRepairMayBeCutOffAnywhere(_ survival: Survival, _ sealsLater: Bool) throws {
        let patient = try Patient(sealsLater: sealsLater)
        let all = patient.run.commits.count
        var disk = patient.disk
        disk.flip(patient.files("seg/")[0], at: 4096 + 50, bit: 1)
        for copy in 0..<3 { disk.flip(Self.directory + "/SUPER", at: copy * 4096 + 60, bit: 0) }
        let system = SimulatedFileSystem(disk)
        var disks: [(Int, SimulatedDisk)] = []
        system.beforeEachCall { if $0.isMutating { disks.append(($0.index, $0.disk)) } }
        do {
            let repair = try Self.plan(system)
            _ = try repair.carryOut(
                acceptLoss: false, codec: PlainCodec(), random: SeededSource(8))
        }
        #expect(disks.count > 25)
        var (whole, again) = (0, 0)
        // Another third of the calls for each survival.
        let turn = Self.survivals.firstIndex(of: survival) ?? 0
        for (index, disk) in disks where index % 3 == turn {
            let cut = SimulatedFileSystem(disk.afterPowerCut(survival))
            let comment: Comment = "\(survival) before call \(index), \(sealsLater)"
            if try Self.plan(cut).isSound { whole += 1 } else { again += 1 }
            try Self.heal(patient.run, cut, commits: all, comment)
        }
        #expect(again > 5 && (whole > 0 || survival != .everything))
    }
}
