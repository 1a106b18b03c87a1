import Bytes
import Platform
import SegmentedLog
import SimulatedFileSystem
import Testing

/// Backups are whole stores at one position, or no stores at all.
struct BackupTests {
    static let target = "/data/backup"

    /// A log with sealed segments of several sizes, closed rows and an active segment.
    static func grown(_ run: CrashRun) throws {
        try run.open(seed: 1)
        for step in 0..<24 {
            try run.commit()
            if step % 9 == 8 { try run.seal() }
        }
    }

    /// Opens a backup and demands of it all commits up to its position.
    static func check(
        _ system: any FileSystem, _ run: CrashRun, _ report: BackupReport? = nil,
        at directory: String = target, _ comment: Comment
    ) throws {
        let opened = try LogReader.openReadOnly(
            directory: directory, fileSystem: system, codec: PlainCodec())
        let found = run.commits.prefix { $0.firstPosition < opened.reader.durablePosition }.count
        try run.check(opened.reader, submitted: found, acknowledged: found, comment)
        #expect(opened.recovery.notes.isEmpty, comment)
        if let report {
            #expect(report.position == opened.reader.durablePosition, comment)
            #expect(report.chain == opened.reader.head.chain, comment)
        }
        _ = try opened.reader.scrub(.entries) { _, _ in }
    }

    @Test func aBackupIsTheSameStore() throws {
        let run = CrashRun(records: false)
        try Self.grown(run)
        let log = try #require(run.log)
        let report = try LogBackup.write(log.reader, to: Self.target)
        #expect(report.position == run.nextPosition && report.chain == log.chain)
        #expect(report.files >= 4 && report.bytes > 10_000)
        try Self.check(run.system, run, report, "a backup")
        // It goes on as a store.
        let again = try SegmentedLog.open(
            directory: Self.target, fileSystem: run.system, options: CrashRun.options(seed: 5))
        #expect(again.storeID == log.storeID)
        var frame = FrameBuilder()
        frame.append { $0.append([7]) }
        _ = try again.append(&frame, commitTime: 9000)
        try again.close()
        // And so does the log.
        try run.commit()
        try log.close()
    }

    @Test func anEmptyLogHasABackup() throws {
        let run = CrashRun(records: false)
        try run.open(seed: 1)
        let log = try #require(run.log)
        let report = try LogBackup.write(log.reader, to: Self.target)
        #expect(report.position == 0)
        try Self.check(run.system, run, report, "empty")
    }

    @Test func aClosedStoreHasABackup() throws {
        let run = CrashRun(records: false)
        try run.script()
        let reader = try LogReader.openReadOnly(
            directory: CrashRun.directory, fileSystem: run.system, codec: PlainCodec())
        let report = try LogBackup.write(reader.reader, to: Self.target)
        #expect(report.position == run.nextPosition)
        try Self.check(run.system, run, report, "closed")
    }

    @Test func onlyAnEmptyPlaceIsTaken() throws {
        let run = CrashRun(records: false)
        try Self.grown(run)
        let log = try #require(run.log)
        for target in [CrashRun.directory, CrashRun.directory + "/b", "/data"] {
            let refusal = #expect(throws: LogFailure.self) {
                try LogBackup.write(log.reader, to: target)
            }
            #expect(refusal?.kind == .refused)
        }
        _ = try LogBackup.write(log.reader, to: Self.target)
        #expect(throws: LogFailure.self) { try LogBackup.write(log.reader, to: Self.target) }
    }

    /// Commits, sealings and merges between any two files of the backup.
    @Test(arguments: [1, 2, 3, 4]) func trafficAndMergesGoOnMeanwhile(_ every: Int) throws {
        let run = CrashRun(records: false)
        let hooked = HookedFileSystem(run.system)
        let worker = Worker(run, hooked, every)
        try worker.begin()
        hooked.beforeEachCreation { if $0.hasPrefix(Self.target) { worker.work() } }
        let report = try LogBackup.write(worker.reader, to: Self.target)
        #expect(worker.steps > 0 && worker.failure == nil)
        #expect(report.position > worker.firstPosition)
        try Self.check(run.system, run, report, "every \(every)")
        let listed = run.system.disk.files.filter { $0.hasPrefix(Self.target) }
        #expect(!listed.contains { $0.hasSuffix("UNFINISHED") })
        #expect(listed.count == report.files + 1, "what was replaced is not left: \(listed)")
    }

    /// Scrubbing has the same to bear.
    @Test func aMergeDoesNotLookLikeDamageToAScrub() throws {
        let run = CrashRun(records: false)
        try Self.grown(run)
        let log = try #require(run.log)
        var calls = 0
        let commits = try log.reader.scrub { _, _ in
            calls += 1
            guard calls < 12 else { return }
            try? run.commit()
            try? run.seal()
        }
        #expect(commits > 24 && commits <= UInt64(run.commits.count))
    }

    /// Cut off before any call that changes the disk, it is a whole store or refused as none.
    @Test(arguments: [Survival.nothing, .everything, .namesOnly, .bytesOnly, .random(5)])
    func aBackupThatIsCutOffIsNoStore(_ survival: Survival) throws {
        let run = CrashRun(records: false)
        try Self.grown(run)
        let log = try #require(run.log)
        var disks: [(Int, SimulatedDisk)] = []
        run.system.beforeEachCall { if $0.isMutating { disks.append(($0.index, $0.disk)) } }
        _ = try LogBackup.write(log.reader, to: Self.target)
        #expect(disks.count > 40)
        var (whole, refused, absent) = (0, 0, 0)
        for (index, disk) in disks {
            let system = SimulatedFileSystem(disk.afterPowerCut(survival))
            let comment: Comment = "\(survival) before call \(index)"
            if system.disk.files.contains(Self.target + "/SUPER") {
                try Self.check(system, run, nil, comment)
                whole += 1
                continue
            }
            let failure = #expect(throws: LogFailure.self, comment) {
                try LogReader.openReadOnly(directory: Self.target, fileSystem: system)
            }
            #expect(failure?.kind == .missing, comment)
            guard system.disk.files.contains(where: { $0.hasPrefix(Self.target) }) else {
                absent += 1
                continue
            }
            refused += 1
            let start = #expect(throws: LogFailure.self, comment) {
                try SegmentedLog.open(
                    directory: Self.target, fileSystem: system, options: CrashRun.options())
            }
            #expect(start?.message.contains("unfinished backup") ?? false, comment)
        }
        #expect(refused > 20 && absent > 0)
        #expect(whole > 0)
    }

    /// Every call may fail, on a full disk for good: the log does not notice, and nothing passes for a store.
    @Test(arguments: [SystemFailure.Code.noSpace, SystemFailure.Code.inputOutput])
    func everyCallOfABackupMayFail(_ errno: Int32) throws {
        let whole = CrashRun(records: false)
        try Self.grown(whole)
        let before = whole.system.calls
        _ = try LogBackup.write(#require(whole.log).reader, to: Self.target)
        let calls = whole.system.calls - before
        #expect(calls > 60)
        for nth in stride(from: 0, to: calls, by: errno == SystemFailure.Code.noSpace ? 6 : 5) {
            let run = CrashRun(records: false)
            try Self.grown(run)
            let log = try #require(run.log)
            run.system.plan([
                FaultRule(
                    .failure(errno), pathPart: Self.target, nth: nth,
                    isSticky: errno == SystemFailure.Code.noSpace)
            ])
            let report = try? LogBackup.write(log.reader, to: Self.target)
            run.system.plan([])
            if report != nil { continue }
            try run.commit()
            let hasSuper = run.system.disk.files.contains(Self.target + "/SUPER")
            if hasSuper {
                try Self.check(run.system, run, nil, "call \(nth)")
            } else {
                #expect(throws: LogFailure.self) {
                    try LogReader.openReadOnly(
                        directory: Self.target, fileSystem: run.system, codec: PlainCodec())
                }
            }
        }
    }

    @Test func damageIsNotCopied() throws {
        let run = CrashRun(records: false)
        try Self.grown(run)
        let log = try #require(run.log)
        let files = run.system.disk.files.filter { $0.contains("/seg/") || $0.contains("/wal/") }
        #expect(files.count > 2)
        for (number, file) in files.enumerated() {
            let sound = run.system.disk
            var disk = sound
            disk.flip(file, at: 4096 + 40, bit: 3)
            run.system.replaceDisk(disk)
            let target = Self.target + "\(number)"
            let failure = #expect(throws: LogFailure.self) {
                try LogBackup.write(log.reader, to: target)
            }
            #expect(failure?.file == file && failure?.kind == .damaged)
            run.system.replaceDisk(sound)
        }
    }
}

/// Does what the log's other threads would do while a backup is made.
private final class Worker: @unchecked Sendable {
    private let run: CrashRun
    private let every: Int
    private let hooked: HookedFileSystem
    private var calls = 0
    private(set) var steps = 0
    private(set) var failure: (any Error)?
    private(set) var firstPosition: Position = 0

    init(_ run: CrashRun, _ hooked: HookedFileSystem, _ every: Int) {
        self.run = run
        self.hooked = hooked
        self.every = every
    }

    func begin() throws {
        try run.open(seed: 1, through: hooked)
        for step in 0..<40 {
            try run.commit()
            if step % 9 == 8 { _ = try run.log?.sealNow(now: 0, everything: false) }
        }
        firstPosition = run.nextPosition
    }

    var reader: LogReader {
        guard let log = run.log else { preconditionFailure("begin comes first") }
        return log.reader
    }

    func work() {
        calls += 1
        guard calls % every == 0, steps < 30 else { return }
        steps += 1
        do {
            for _ in 0..<3 { try run.commit() }
            _ = try run.log?.sealNow(now: 0, everything: true)
        } catch { failure = error }
    }
}
