import Bytes
import Platform
import SimulatedFileSystem
import Testing

@testable import SegmentedLog

/// A store on a simulated disk whose every commit and entry a test knows, and what must follow from them.
final class SealedStore {
    /// One commit as it went in.
    struct Commit {
        var firstPosition: Position
        var records: [[UInt8]]
        var receipt: CommitReceipt

        var nextPosition: Position { firstPosition + Position(records.count) }
    }

    let system: SimulatedFileSystem
    private(set) var log: SegmentedLog
    private(set) var commits: [Commit] = []
    /// All entries by position.
    private(set) var records: [[UInt8]] = []
    private var builder = FrameBuilder()

    init(seed: UInt64 = 1, codec: PlainCodec = PlainCodec()) throws {
        system = SimulatedFileSystem(SimulatedDisk(root: "/data"))
        log = try Self.open(system, seed: seed, codec: codec)
    }

    static func open(
        _ system: SimulatedFileSystem, seed: UInt64, codec: PlainCodec = PlainCodec()
    ) throws -> SegmentedLog {
        var options = CrashRun.options(seed: seed)
        options.segmentBytesMax = 256 << 10
        options.codec = codec
        return try SegmentedLog.open(
            directory: CrashRun.directory, fileSystem: system, options: options)
    }

    var reader: LogReader { log.reader }

    /// Sealed segments as the log lists them.
    var sealed: [SealedRecord] { reader.view.read { $0.sealed } }

    /// Files of sealed segments on the disk.
    var sealedFiles: [String] { system.disk.files.filter { $0.contains("/seg/") } }

    /// A tiny record that no neighbour has: its account and its position. Every 13th is empty.
    static func record(at position: Position) -> [UInt8] {
        if position % 13 == 12 { return [] }
        let account = UInt8(truncatingIfNeeded: position * position % 7 + position / 500 % 3) + 1
        return [account, UInt8(position & 255), UInt8(position >> 8 & 255)]
    }

    /// A record of one byte, the same for 64 positions: blocks of these are small.
    static func tinyRecord(at position: Position) -> [UInt8] {
        [UInt8(truncatingIfNeeded: position / 64 % 3) + 1]
    }

    /// Commits `count` entries.
    func commit(_ count: Int, of record: (Position) -> [UInt8] = SealedStore.record) throws {
        let first = log.nextPosition
        try append((0..<count).map { record(first + Position($0)) })
    }

    func append(_ records: [[UInt8]]) throws {
        builder.reset()
        for record in records { builder.append { $0.append(record) } }
        let receipt = try log.append(&builder, commitTime: Int64(1000 + commits.count * 3))
        commits.append(
            Commit(firstPosition: receipt.firstPosition, records: records, receipt: receipt))
        self.records += records
    }

    /// Closes the active row segment and seals all rows.
    @discardableResult
    func seal(redaction: Sealer.Redaction? = nil) throws -> SealReport {
        log.sealing.wantRoll()
        try log.maintain()
        let report = try #require(try log.sealNow(now: 0, everything: true, redaction: redaction))
        #expect(report.work == .sealing)
        return report
    }

    /// Merges all sealed segments into one.
    @discardableResult
    func merge(redaction: Sealer.Redaction? = nil) throws -> SealReport {
        let report = try #require(try log.sealNow(now: 0, everything: true, redaction: redaction))
        #expect(report.work == .compaction)
        return report
    }

    /// Stops in order and starts again.
    func reopen(seed: UInt64) throws {
        try log.close()
        log = try Self.open(system, seed: seed)
    }

    /// Replaces an entry in the model, as redaction does in the log.
    func setRecord(_ bytes: [UInt8], at position: Position) {
        records[Int(position)] = bytes
        for index in commits.indices
        where (commits[index].firstPosition..<commits[index].nextPosition).contains(position) {
            commits[index].records[Int(position - commits[index].firstPosition)] = bytes
        }
    }

    // MARK: What must follow

    /// The commit that holds a position.
    func commit(of position: Position) throws -> Commit {
        try #require(commits.first { $0.nextPosition > position })
    }

    /// The chain before each commit and at the end, by position.
    var chains: [Position: Digest] {
        var chains: [Position: Digest] = [0: .zero]
        for commit in commits { chains[commit.nextPosition] = commit.receipt.chain }
        return chains
    }

    /// The leaves of all entries.
    func leaves() throws -> [Digest] {
        var hasher = MerkleHasher()
        var leaves: [Digest] = []
        for commit in commits {
            for (index, record) in commit.records.enumerated() {
                var form = ByteBuffer()
                let commitment = try PlainCodec().commitment(of: record.raw, &form)
                let position = commit.firstPosition + Position(index)
                let time = commit.receipt.commitTime
                leaves.append(
                    hasher.leaf(position: position, recordedAt: time, commitment: commitment))
            }
        }
        return leaves
    }

    /// Demands that a cursor shows every entry from `position` on, in order.
    func demandEntries(
        _ reader: LogReader, from position: Position = 0, _ comment: Comment
    ) throws {
        var cursor = try reader.cursor(from: position)
        var next: Position?
        while try cursor.next() {
            let header = cursor.header
            // In rows, a cursor starts at the commit that holds its position.
            let commit = try commit(of: next ?? position)
            let expected =
                next ?? (header.firstPosition == position ? position : commit.firstPosition)
            guard header.firstPosition == expected else {
                Issue.record("a run from \(header.firstPosition): \(comment)")
                return
            }
            #expect(header.commitTime == commit.receipt.commitTime, comment)
            #expect(header.nextPosition <= commit.nextPosition, comment)
            for index in 0..<Int(header.count) {
                let isSame = cursor.isRecord(index, records[Int(expected) + index])
                if !isSame { Issue.record("other bytes at \(expected) + \(index): \(comment)") }
            }
            next = header.nextPosition
        }
        if position < records.count { #expect(next == Position(records.count), comment) }
    }
}

extension LogCursor {
    /// Whether an entry of the run has these bytes.
    func isRecord(_ index: Int, _ bytes: [UInt8]) -> Bool { record(index).has(bytes) }
}

extension RawSpan {
    /// Whether it has these bytes and no others.
    func has(_ bytes: [UInt8]) -> Bool { isEqual(to: bytes.raw) }
}
