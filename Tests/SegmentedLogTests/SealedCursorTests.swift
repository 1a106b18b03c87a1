import Bytes
import Platform
import SimulatedFileSystem
import Testing

@testable import SegmentedLog

/// Readers that are at work while rows are sealed, segments merged, and files removed.
struct SealedCursorTests {
    /// A cursor that reads one run, waits until the disk looks quite different, and goes on.
    @Test(arguments: [0, 1, 4, 40]) func anOpenCursorGoesOnWithTheRightEntries(
        _ runsBefore: Int
    ) throws {
        let store = try SealedStore()
        for count in [2, 3, 4094, 6, 1] { try store.commit(count) }
        var cursor = try store.reader.cursor(from: 0)
        var next: Position = 0
        func step() throws -> Bool {
            guard try cursor.next() else { return false }
            let run = cursor.header
            #expect(run.firstPosition == next)
            for index in 0..<Int(run.count) {
                let isSame = cursor.isRecord(index, store.records[Int(next) + index])
                if !isSame { Issue.record("other bytes at \(next) + \(index)") }
            }
            next = run.nextPosition
            return true
        }
        for _ in 0..<runsBefore { _ = try step() }
        try store.seal()
        #expect(store.system.disk.files.filter { $0.contains("/wal/") }.count == 1)
        _ = try step()
        for count in [1, 2, 3] { try store.commit(count) }
        try store.seal()
        _ = try step()
        try store.merge()
        #expect(store.sealedFiles.count == 1)
        _ = try step()
        for count in [4, 5000] { try store.commit(count) }
        while try step() {}
        #expect(next == Position(store.records.count))
        try store.commit(1)
        let goesOn = try step()
        #expect(goesOn && next == Position(store.records.count))
        try store.seal()
        let isAtEnd = try !step()
        #expect(isAtEnd)
        try store.commit(2)
        let follows = try step()
        #expect(follows && next == Position(store.records.count))
    }

    /// What a cursor cannot decode it does not show, however often it is asked.
    @Test func aCursorThatFailedFailsAgain() throws {
        let faults = PlainCodec.Faults()
        let store = try SealedStore(codec: PlainCodec(faults: faults))
        for count in [3, 4090, 5, 4] { try store.commit(count) }
        try store.seal()
        var cursor = try store.reader.cursor(from: 4090)
        let hasRun = try cursor.next()
        #expect(hasRun)
        faults.set(.decoding)
        var failures = 0
        for _ in 0..<4 {
            do { if try !cursor.next() { break } } catch let failure {
                failures += 1
                #expect(failure.kind == .damaged && failure.file == store.sealedFiles[0])
            }
        }
        #expect(failures == 3)
        faults.set(nil)
        let goesOn = try cursor.next()
        #expect(goesOn)
        let isSame = cursor.isRecord(0, store.records[Int(cursor.header.firstPosition)])
        #expect(isSame)
    }

    /// Segments that a scrub has verified already are sealed or merged before it comes to the next.
    @Test(arguments: [LogReader.ScrubDepth.bytes, .entries]) func aScrubGoesOnBehindWhatWasReplaced(
        _ depth: LogReader.ScrubDepth
    ) throws {
        for work in ["seal", "merge", "both"] {
            for after in 1...4 {
                let store = try SealedStore()
                for _ in 0..<3 {
                    try store.commit(2)
                    if work != "seal" { try store.seal() }
                    try store.commit(3)
                }
                var calls = 0
                var progress: [Int] = []
                let commits = try store.reader.scrub(depth) { done, _ in
                    calls += 1
                    progress.append(done)
                    guard calls == after else { return }
                    do {
                        if work != "merge" { try store.seal() }
                        if work != "seal" { try store.merge() }
                    } catch { Issue.record("\(error)") }
                }
                #expect(commits == 6, "\(work) after \(after): \(progress)")
            }
        }
    }

    /// A listed file that is gone is named; nobody waits for it for ever.
    @Test func aLostFileIsNamed() throws {
        let store = try SealedStore()
        for _ in 0..<3 {
            try store.commit(2)
            try store.seal()
        }
        for path in store.sealedFiles {
            let view = store.reader.view.read { $0 }
            let reader = LogReader(
                view, storeID: store.log.storeID, store.log.paths, codec: PlainCodec(),
                store.system)
            let whole = store.system.disk
            var disk = whole
            disk.remove(path)
            store.system.replaceDisk(disk)
            defer { store.system.replaceDisk(whole) }
            for depth in [LogReader.ScrubDepth.bytes, .entries] {
                let failure = #expect(throws: LogFailure.self) {
                    try reader.scrub(depth) { _, _ in }
                }
                #expect(failure?.kind == .damaged && failure?.file == path)
            }
            let failure = #expect(throws: LogFailure.self) {
                try store.demandEntries(reader, "\(path)")
            }
            #expect(failure?.kind == .damaged && failure?.file == path)
            let open = try SealedStore.open(SimulatedFileSystem(whole), seed: 8)
            try open.close()
            let refused = #expect(throws: LogFailure.self) {
                _ = try SealedStore.open(SimulatedFileSystem(disk), seed: 9)
            }
            #expect(refused?.kind == .damaged && refused?.file == path)
        }
    }

    /// One thread appends and rolls, one seals and merges, two read everything and one scrubs, on the
    /// real file system.
    @Test func nobodySeesAnythingWrongWhileAllWorkAtOnce() throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        var options = LogOptions()
        options.segmentBytesFirst = 64 << 10
        options.segmentBytesMax = 128 << 10
        options.codec = PlainCodec()
        options.sealBytes = 1
        let log = try SegmentedLog.open(
            directory: folder.path, fileSystem: SystemFileSystem(), options: options)
        let crowd = Crowd(log)
        let threads = [
            crowd.start("sealer") { try $0.sealAndMerge() },
            crowd.start("reader") { try $0.readAll() },
            crowd.start("finder") { try $0.find() },
            crowd.start("scrubber") { try $0.scrub() },
        ]
        var frame = FrameBuilder()
        for number in 0..<240 {
            frame.reset()
            for _ in 0..<(number % 9 + 1) {
                let position = log.nextPosition + Position(frame.count)
                frame.append { $0.append(SealedStore.record(at: position)) }
            }
            let receipt = try log.append(&frame, commitTime: Int64(number))
            crowd.note(log.nextPosition, receipt.chain)
            guard number % 24 == 23 else { continue }
            let seals = crowd.seals
            log.sealing.wantRoll()
            while crowd.seals == seals, crowd.isSealing { try log.maintain() }
        }
        crowd.end()
        // Whoever waits for an adoption still gets it.
        while crowd.isSealing { try log.maintain() }
        for thread in threads { thread.join() }
        #expect(crowd.failures == [])
        #expect(crowd.seals >= 10 && crowd.merges >= 1)
        #expect(try log.reader.scrub(.entries) { _, _ in } == 240)
        try log.close()
    }
}

/// Threads around one log, and what they found.
private final class Crowd: Sendable {
    private struct State {
        var isDone = false
        var isSealing = true
        var chains: [(Position, Digest)] = [(0, .zero)]
        var failures: [String] = []
        var seals = 0
        var merges = 0
    }

    private let state = Monitor(State())
    private let log: SegmentedLog

    init(_ log: SegmentedLog) { self.log = log }

    var isDone: Bool { state.read { $0.isDone } }
    var isSealing: Bool { state.read { $0.isSealing } }
    var failures: [String] { state.read { $0.failures } }
    var seals: Int { state.read { $0.seals } }
    var merges: Int { state.read { $0.merges } }

    func note(_ position: Position, _ chain: Digest) {
        state.withLock { $0.chains.append((position, chain)) }
    }
    func end() { state.withLock { $0.isDone = true } }

    func start(
        _ name: String, _ body: @escaping @Sendable (Crowd) throws -> Void
    ) -> Platform.Thread {
        Thread.spawn(name: name) {
            do { try body(self) } catch {
                self.state.withLock { $0.failures.append("\(name): \(error)") }
            }
            if name == "sealer" { self.state.withLock { $0.isSealing = false } }
        }
    }

    func sealAndMerge() throws {
        while true {
            let isLast = isDone
            var report: SealReport?
            repeat {
                report = try log.sealing.work(now: 0, everything: true, offer: {})
                guard let report else { break }
                state.withLock {
                    if report.work == .compaction { $0.merges += 1 } else { $0.seals += 1 }
                }
            } while report != nil
            if isLast { return }
        }
    }

    private func demand(_ condition: Bool, _ what: String) throws {
        if !condition { throw LogFailure(.damaged, what) }
    }

    func readAll() throws {
        while true {
            let isLast = isDone
            var cursor = try log.reader.cursor(from: 0)
            var next: Position = 0
            while try cursor.next() {
                let run = cursor.header
                try demand(run.firstPosition == next, "a run from \(run.firstPosition)")
                for index in 0..<Int(run.count) {
                    let isSame = cursor.isRecord(index, SealedStore.record(at: next))
                    try demand(isSame, "other bytes at \(next)")
                    next += 1
                }
            }
            if isLast { return }
        }
    }

    func find() throws {
        let random = SeededSource(5)
        while true {
            let isLast = isDone
            for _ in 0..<20 {
                let known = state.read { $0.chains }
                let (end, chain) = known[Int(try random.integer() % UInt64(known.count))]
                try demand(try log.reader.chain(at: end) == chain, "another chain at \(end)")
                if end == 0 { continue }
                let position = try random.integer() % end
                let isSame = try log.reader.withRecord(at: position) { record, info in
                    record.has(SealedStore.record(at: position))
                        && (info.firstPosition..<info.nextPosition).contains(position)
                }
                try demand(isSame, "other bytes at \(position)")
            }
            if isLast { return }
        }
    }

    func scrub() throws {
        while true {
            let isLast = isDone
            _ = try log.reader.scrub(.entries) { _, _ in }
            if isLast { return }
        }
    }
}
