import Bytes
import Platform
import SimulatedFileSystem
import Testing

@testable import SegmentedLog

/// Reading: from anywhere, while the log grows, and never beyond what is durable.
struct ReaderTests {
    private func log(commits: Int) throws -> CrashRun {
        let run = CrashRun(records: false)
        try run.open(seed: 1)
        for _ in 0..<commits { try run.commit() }
        return run
    }

    @Test func everyPositionIsFoundAndNoOther() throws {
        let run = try log(commits: 40)
        let reader = try #require(run.log?.reader)
        var before: Digest? = .zero
        for commit in run.commits {
            defer { before = commit.receipt?.chain }
            for (index, record) in commit.records.enumerated() {
                let position = commit.firstPosition + Position(index)
                let (found, info) = try reader.withRecord(at: position) { ($0.makeArray(), $1) }
                #expect(found == record)
                #expect(info.firstPosition == commit.firstPosition)
                #expect(info.commitTime == commit.receipt?.commitTime)
                let chain = try reader.chain(at: position)
                #expect((chain != nil) == (index == 0))
                if index == 0 { #expect(chain == before) }
            }
        }
        let end = run.nextPosition
        #expect(reader.durablePosition == end)
        #expect(try reader.chain(at: end) == run.log?.chain)
        #expect(try reader.chain(at: end + 1) == nil)
        #expect(try reader.chain(at: 0) == .zero)
        for position in [end, end + 1, .max] {
            let failure = #expect(throws: LogFailure.self) {
                try reader.withRecord(at: position) { _, _ in }
            }
            #expect(failure?.kind == .outOfRange && failure?.position == position)
        }
        #expect(throws: LogFailure.self) { _ = try reader.cursor(from: end + 1).chainAfter }
    }

    /// Whoever sends again what was recorded asks for one entry of a commit after the other.
    @Test func entriesOfOneCommitCostOneReading() throws {
        let run = try log(commits: 12)
        let reader = try #require(run.log?.reader)
        let commit = try #require(run.commits.max { $0.records.count < $1.records.count })
        try #require(commit.records.count > 1)
        _ = try reader.withRecord(at: commit.firstPosition) { _, _ in }
        let before = run.system.count(of: .read)
        for (index, record) in commit.records.enumerated() {
            let position = commit.firstPosition + Position(index)
            #expect(
                try reader.withRecord(at: position) { $0.makeArray() == record && $1.count > 1 })
        }
        #expect(run.system.count(of: .read) == before)
    }

    @Test func aCursorStartsAtTheCommitThatHoldsItsPosition() throws {
        let run = try log(commits: 30)
        let reader = try #require(run.log?.reader)
        for (number, commit) in run.commits.enumerated() {
            for index in commit.records.indices {
                var cursor = try reader.cursor(from: commit.firstPosition + Position(index))
                let found = try cursor.next()
                #expect(found)
                #expect(cursor.header.firstPosition == commit.firstPosition)
                #expect(cursor.chainAfter == commit.receipt?.chain)
                var rest = 1
                while try cursor.next() { rest += 1 }
                #expect(rest == run.commits.count - number)
            }
        }
    }

    @Test func aCursorFollowsTheLogThroughItsSegments() throws {
        let run = try log(commits: 0)
        let reader = try #require(run.log?.reader)
        var cursor = try reader.cursor(from: 0)
        for number in 0..<40 {
            let early = try cursor.next()
            #expect(!early)
            try run.commit()
            if number % 3 == 0 { try run.log?.maintain() }
            let late = try cursor.next()
            #expect(late)
            #expect(cursor.header.firstPosition == run.commits[number].firstPosition)
            #expect(cursor.chainAfter == run.commits[number].receipt?.chain)
        }
        try run.log?.close()
        let afterClose = try cursor.next()
        #expect(!afterClose)
        #expect(try reader.withRecord(at: 0) { record, _ in record.byteCount } == 1)
    }

    /// What was written but not flushed is not there for anybody.
    @Test func nothingIsVisibleBeforeItIsDurable() throws {
        let run = try log(commits: 3)
        let reader = try #require(run.log?.reader)
        let before = reader.head
        run.system.plan([
            FaultRule(.failure(SystemFailure.Code.inputOutput), call: .fdatasync)
        ])
        #expect(throws: LogFailure.self) { try run.commit() }
        #expect(reader.head == before)
        try run.check(reader, submitted: 3, acknowledged: 3, "after a failed flush")
        #expect(try reader.scrub { _, _ in } >= 3)
    }

    @Test func randomAccessCostsFewReads() throws {
        let system = SimulatedFileSystem(SimulatedDisk(root: "/data"))
        var options = CrashRun.options()
        options.segmentBytesFirst = 4 << 20
        options.segmentBytesMax = 4 << 20
        let log = try SegmentedLog.open(
            directory: CrashRun.directory, fileSystem: system, options: options)
        var frame = FrameBuilder()
        for size in [100, 200_000, 3_000, 600_000, 5_000, 900_000]
            + [Int](repeating: 50, count: 200)
        {
            frame.reset()
            frame.append { $0.append([UInt8](repeating: 7, count: size)) }
            _ = try log.append(&frame, commitTime: 1)
        }
        _ = try log.reader.withRecord(at: 0) { _, _ in }
        for position in 0..<log.nextPosition {
            let before = system.count(of: .read)
            _ = try log.reader.withRecord(at: position) { _, _ in }
            #expect(system.count(of: .read) - before <= 2, "position \(position)")
        }
        let index = log.reader.view.read { $0.segments[0].index.entries }
        #expect(index.count >= 4 && index.count < 12)
        try log.close()
    }

    @Test func damageUnderAnOpenReaderIsNoticed() throws {
        let run = try log(commits: 12)
        try run.log?.close()
        let opened = try LogReader.openReadOnly(
            directory: CrashRun.directory, fileSystem: run.system, codec: PlainCodec())
        var progress: [(Int, Int)] = []
        #expect(try opened.reader.scrub { progress.append(($0, $1)) } >= 12)
        #expect(progress.first?.0 == 0)
        #expect(progress.last.map { $0.0 == $0.1 } == true)
        let segments = run.system.disk.files.filter { $0.contains("/wal/") }
        for path in segments {
            for offset in [100, 4096 + 20, 4096 + 97] {
                var disk = run.system.disk
                let whole = SimulatedFileSystem(disk)
                let reader = try LogReader.openReadOnly(
                    directory: CrashRun.directory, fileSystem: whole, codec: PlainCodec())
                disk.flip(path, at: offset, bit: 1)
                whole.replaceDisk(disk)
                let failure = #expect(throws: LogFailure.self) {
                    try reader.reader.scrub { _, _ in }
                }
                #expect(failure?.file == path && failure?.kind == .damaged)
            }
        }
    }

    /// The writer and readers on threads of their own, on the real file system.
    @Test func readersNeverSeeHalfACommit() throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        var options = LogOptions()
        options.segmentBytesFirst = 64 << 10
        options.segmentBytesMax = 128 << 10
        let log = try SegmentedLog.open(
            directory: folder.path, fileSystem: SystemFileSystem(), options: options)
        let reader = log.reader
        let outcome = Monitor<(isDone: Bool, seen: [Position], failures: [String])>((false, [], []))
        let threads = (0..<2).map { _ in
            Thread.spawn(name: "reader") {
                do {
                    var cursor = try reader.cursor(from: 0)
                    var expected: Position = 0
                    while true {
                        let isDone = outcome.read { $0.isDone }
                        while try cursor.next() {
                            for index in 0..<Int(cursor.header.count) {
                                let record = cursor.record(index).makeArray()
                                if record != Sample.bytes(of: expected) {
                                    throw LogFailure(.damaged, "other bytes at \(expected)")
                                }
                                expected += 1
                            }
                            let last = expected - 1
                            let again = try reader.withRecord(at: last) { record, _ in
                                record.makeArray()
                            }
                            if again != Sample.bytes(of: last) {
                                throw LogFailure(.damaged, "other bytes again at \(last)")
                            }
                        }
                        if isDone { break }
                    }
                    outcome.withLock { $0.seen.append(expected) }
                } catch { outcome.withLock { $0.failures.append("\(error)") } }
            }
        }
        var frame = FrameBuilder()
        for _ in 0..<300 {
            frame.reset()
            for index in 0..<5 {
                let position = log.nextPosition + Position(index)
                frame.append { $0.append(Sample.bytes(of: position)) }
            }
            _ = try log.append(&frame, commitTime: 1)
        }
        outcome.withLock { $0.isDone = true }
        for thread in threads { thread.join() }
        #expect(outcome.read { $0.failures } == [])
        #expect(outcome.read { $0.seen } == [1500, 1500])
        try log.close()
    }
}
