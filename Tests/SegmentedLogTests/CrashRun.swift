import Bytes
import Platform
import SegmentedLog
import SimulatedFileSystem
import Testing

/// A scripted life of a store on a simulated disk, and what was promised at each moment of it.
final class CrashRun {
    /// One commit as a client sees it.
    struct Commit {
        var firstPosition: Position
        var records: [[UInt8]]
        var receipt: CommitReceipt?
    }

    /// The disk right before a system call.
    struct Moment {
        var call: SimulatedFileSystem.Call
        /// Commits that were given to the log by then, and of those the acknowledged ones.
        var submitted: Int
        var acknowledged: Int
    }

    static let directory = "/data/store"
    let system: SimulatedFileSystem
    private(set) var commits: [Commit] = []
    private(set) var acknowledged = 0
    private(set) var moments: [Moment] = []
    private(set) var log: SegmentedLog?
    /// How often sealing failed and the log went on.
    private(set) var failedSeals = 0
    private var builder = FrameBuilder()

    init(_ disk: SimulatedDisk = SimulatedDisk(root: "/data"), records: Bool = true) {
        system = SimulatedFileSystem(disk)
        guard records else { return }
        system.beforeEachCall { [unowned self] call in
            if call.isMutating {
                moments.append(
                    Moment(call: call, submitted: commits.count, acknowledged: acknowledged))
            }
        }
    }

    static func options(seed: UInt64 = 1) -> LogOptions {
        var options = LogOptions()
        options.segmentBytesFirst = 16 << 10
        options.segmentBytesMax = 32 << 10
        options.preparesInBackground = false
        options.random = SeededSource(seed)
        options.codec = PlainCodec()
        return options
    }

    static func open(_ system: SimulatedFileSystem, seed: UInt64 = 1) throws -> SegmentedLog {
        try SegmentedLog.open(
            directory: directory, fileSystem: system, options: options(seed: seed))
    }

    var nextPosition: Position {
        commits.last.map { $0.firstPosition + Position($0.records.count) } ?? 0
    }

    /// Records of many sizes: none, one byte, several blocks.
    static func records(ofCommit number: Int) -> [[UInt8]] { samples[number % samples.count] }

    /// Made once: thousands of runs send the same ones.
    private static let samples: [[[UInt8]]] = (0..<70).map { number in
        let sizes = [
            [1], [0, 40], [700, 10, 900], [3996], [9000], [100, 200, 300], [4000, 4000],
        ]
        return sizes[number % sizes.count].enumerated().map { index, size in
            (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ number &* 7 &+ index) | 1 }
        }
    }

    /// - Parameter wrapper: the file system as the log is to see it.
    func open(seed: UInt64, through wrapper: (any FileSystem)? = nil) throws {
        log = nil
        log = try SegmentedLog.open(
            directory: Self.directory, fileSystem: wrapper ?? system,
            options: Self.options(seed: seed))
    }

    func commit() throws {
        guard let log else { return }
        let number = commits.count
        let records = Self.records(ofCommit: number)
        builder.reset()
        for record in records { builder.append { $0.append(record) } }
        commits.append(Commit(firstPosition: nextPosition, records: records))
        let receipt = try log.append(&builder, commitTime: Int64(1000 + number % 5))
        commits[number].receipt = receipt
        acknowledged = commits.count
    }

    /// Seals what can be sealed, and merges what can be merged.
    func seal() throws {
        do {
            while try log?.sealNow(now: 0, everything: true) != nil {}
        } catch {
            // What fails beside the log, on a full disk say, leaves the log as it was.
            if log?.hasFailed ?? true { throw error }
            failedSeals += 1
        }
    }

    /// Create, commits with rolls and idle moments, seal, close, start, seal and merge, kill, start, seal
    /// while the log goes on, close.
    func script() throws {
        try open(seed: 1)
        for step in 0..<12 {
            try commit()
            if step % 4 == 3 { try log?.maintain() }
            if step == 9 { try seal() }
        }
        try log?.close()
        try open(seed: 2)
        for step in 0..<10 {
            try commit()
            if step == 5 { try log?.maintain() }
            if step == 7 { try seal() }
        }
        system.kill()
        try open(seed: 3)
        for step in 0..<8 {
            try commit()
            if step == 2 { try seal() }
        }
        try log?.maintain()
        try log?.close()
    }

    /// Demands of a started log: the acknowledged commits, perhaps the one in flight, nothing else.
    /// - Returns: commits found.
    @discardableResult
    func check(
        _ reader: LogReader, submitted: Int, acknowledged: Int, _ comment: Comment
    ) throws -> Int {
        var cursor = try reader.cursor(from: 0)
        var found = 0
        while try cursor.next() {
            guard found < submitted else {
                Issue.record("a commit that nobody sent: \(comment)")
                return found
            }
            let commit = commits[found]
            let header = cursor.header
            #expect(header.firstPosition == commit.firstPosition, comment)
            #expect(Int(header.count) == commit.records.count, comment)
            for index in 0..<min(Int(header.count), commit.records.count) {
                let sent = commit.records[index]
                let isSame = cursor.record(index).isEqual(to: sent.raw)
                if !isSame { Issue.record("other bytes: \(comment)") }
            }
            if found < acknowledged, let receipt = commit.receipt {
                #expect(receipt.commitTime == header.commitTime, comment)
            }
            found += 1
        }
        // A receipt's chain binds all commits before it: the last of them is enough.
        if let last = commits.prefix(min(found, acknowledged)).last, let receipt = last.receipt {
            let end = last.firstPosition + Position(last.records.count)
            #expect(try receipt.chain == reader.chain(at: end), comment)
        }
        #expect(found >= acknowledged, "acknowledged commits are lost: \(comment)")
        let next =
            found == 0
            ? 0 : commits[found - 1].firstPosition + Position(commits[found - 1].records.count)
        #expect(reader.durablePosition == next, comment)
        return found
    }
}
