import Bytes
import Platform
import SimulatedFileSystem
import Testing

@testable import SegmentedLog

/// Bytes that change by themselves: found and named, or proved to have been promised to nobody.
struct DamageTests {
    /// A small store, killed right after its last commit, and where that commit's frames are.
    struct Store {
        var run: CrashRun
        var disk: SimulatedDisk
        var segment: String
        /// Starts of the last frames of the segment.
        var frames: [Int]

        init(commits: Int, closes: Bool = false, promises: Bool = false) throws {
            run = CrashRun(records: false)
            try run.open(seed: 1)
            for _ in 0..<commits { try run.commit() }
            if promises { try run.log?.maintain() }
            if closes { try run.log?.close() }
            disk = run.system.disk.afterPowerCut(.nothing)
            segment = try #require(disk.files.last { $0.contains("/wal/") })
            let bytes = try #require(disk.contents(of: segment))
            frames = stride(from: 4096, to: bytes.count, by: 4096).filter {
                Array(bytes[$0..<($0 + 4)]) == Array("DBK1".utf8)
            }
        }

        /// Opens a changed disk without changing it. - Returns: commits found, or the failure.
        func read(_ disk: SimulatedDisk, _ comment: Comment) throws -> Outcome {
            let system = SimulatedFileSystem(disk)
            do {
                let opened = try LogReader.openReadOnly(
                    directory: CrashRun.directory, fileSystem: system, codec: PlainCodec())
                let found = try run.check(
                    opened.reader, submitted: run.commits.count, acknowledged: 0, comment)
                return .opened(found, opened.recovery)
            } catch let failure as LogFailure { return .refused(failure) }
        }
    }

    enum Outcome {
        case opened(Int, RecoveryReport)
        case refused(LogFailure)
    }

    enum Tail: CaseIterable, Sendable { case zeros, ones, oldBytes }

    private static func number(of tail: Tail) -> Int { Tail.allCases.firstIndex(of: tail) ?? 0 }

    /// Cuts the last write anywhere, with what different devices leave behind the cut.
    @Test(arguments: Tail.allCases) func aCutWithinTheLastTwoFramesLosesOnlyThose(
        _ tail: Tail
    ) throws {
        let store = try Store(commits: 2)
        let whole = try #require(store.disk.contents(of: store.segment))
        let ends = [4096, store.frames[1], store.frames[1] + 4096]
        #expect(store.frames.count == 2 && ends[1] == 8192)
        var refused = 0
        let filler = (0..<ends[2]).map { offset -> UInt8 in
            switch tail {
            case .zeros: 0
            case .ones: 0xFF
            case .oldBytes: UInt8(truncatingIfNeeded: (offset &* 40_503) >> 7)
            }
        }
        for cut in ends[0]..<ends[2] {
            let changed = Array(filler[cut..<ends[2]])
            // Where bytes mean something, each tail; in bodies and padding one of them in turn.
            if cut % 4096 >= 128, cut % Tail.allCases.count != Self.number(of: tail) { continue }
            // Zeros behind a cut in the padding change nothing.
            if changed.raw.isEqual(to: whole.raw.extracting(cut..<ends[2])) { continue }
            var disk = store.disk
            disk.damage(store.segment, at: cut, changed)
            switch try store.read(disk, "\(tail) from \(cut)") {
            case .opened(let found, let report):
                // Exactly the frames that are whole are there; the rest is gone if it was zeroed.
                let now = try #require(disk.contents(of: store.segment))
                let first = ends[0]..<ends[1]
                let isWhole = now.raw.extracting(first).isEqual(to: whole.raw.extracting(first))
                let expected = isWhole ? 1 : 0
                #expect(found == expected, "\(tail) from \(cut)")
                #expect(report.foundTornTail == !isZero(now, from: ends[expected]))
            case .refused(let failure):
                // The padding was damaged under a sound payload, or the cut took one bit only, which
                // looks like a bit that rotted: then refusing is the safe side.
                refused += 1
                let end = cut < ends[1] ? ends[1] : ends[2]
                let bits = whole[cut..<end].reduce(0) { $0 + $1.nonzeroBitCount }
                #expect(tail != .zeros || bits == 1)
                #expect(failure.kind == .damaged)
                #expect(failure.file == store.segment)
                let offset = try #require(failure.offset)
                #expect(offset == ends[0] || offset == ends[1], "\(tail) from \(cut)")
            }
        }
        #expect(refused > 0 || tail == .zeros)
    }

    /// A commit that a fence, a later commit, the floor or an orderly end promises is never cut off.
    @Test(arguments: [true, false]) func aPromisedCommitIsNeverCutOff(_ closes: Bool) throws {
        let store = try Store(commits: 4, closes: closes, promises: true)
        let whole = try #require(store.disk.contents(of: store.segment))
        let last = try #require(store.frames.last)
        // The last frame is a fence or a seal: it holds no entry, and is promised all the same.
        for cut in stride(from: store.frames[0], to: last + FrameHeader.byteCount, by: 97) {
            let zeros = [UInt8](repeating: 0, count: whole.count - cut)
            if isZero(whole, from: cut) { continue }
            var disk = store.disk
            disk.damage(store.segment, at: cut, zeros)
            guard case .refused(let failure) = try store.read(disk, "cut at \(cut)") else {
                Issue.record("a cut at \(cut) went unnoticed")
                continue
            }
            #expect(failure.kind == .damaged && failure.file == store.segment)
        }
    }

    /// Only the manifest knows that an earlier segment had a seal.
    @Test func aLostSealOfAnEarlierSegmentIsDamage() throws {
        let store = try Store(commits: 8, closes: true)
        let first = try #require(store.disk.files.first { $0.contains("/wal/") })
        #expect(first != store.segment)
        let bytes = try #require(store.disk.contents(of: first))
        let blocks = Array(stride(from: 4096, to: bytes.count, by: 4096))
        let seal = try #require(blocks.last { bytes[$0 + 4] == 3 })
        var disk = store.disk
        disk.damage(first, at: seal, [UInt8](repeating: 0, count: 4096))
        guard case .refused(let failure) = try store.read(disk, "no seal") else {
            Issue.record("a lost seal went unnoticed")
            return
        }
        #expect(failure.file == first && failure.offset == seal)
    }

    struct Flip: Sendable, CustomTestStringConvertible {
        var closes: Bool
        var part: Int
        var testDescription: String { "\(closes ? "closed" : "killed") store, part \(part)" }
    }

    static let parts = 4
    static let flips = (0..<parts).flatMap { part in
        [true, false].map { Flip(closes: $0, part: part) }
    }

    /// One bit of a byte, over all files of a small store: dense where bytes mean something, thin
    /// where there are only zeros.
    @Test(arguments: flips) func aFlippedBitIsNoticedAndNamed(_ flip: Flip) throws {
        let store = try Store(commits: 5, closes: flip.closes)
        var tried = 0
        for path in store.disk.files where !path.hasSuffix("/LOCK") {
            let bytes = try #require(store.disk.contents(of: path))
            for offset in offsets(bytes) where (offset / 3) % Self.parts == flip.part {
                tried += 1
                var disk = store.disk
                disk.flip(path, at: offset, bit: offset % 8)
                let place: Comment = "\(path) at \(offset)"
                switch try store.read(disk, place) {
                case .refused(let failure):
                    #expect(failure.kind == .damaged || failure.kind == .unsupported, place)
                    #expect(failure.file == path && failure.offset != nil, place)
                    let reported = try #require(failure.offset)
                    #expect(reported <= offset && offset < reported + 3 * 4096, place)
                case .opened(let found, let report):
                    // Nothing is lost, and what was found is said or lies behind the last frame.
                    #expect(found == store.run.commits.count, place)
                    if path.hasSuffix("SUPER") {
                        #expect(report.repairedCopies == 1, place)
                    } else {
                        #expect(!flip.closes || path.contains("/manifest/"), place)
                        #expect(isZero(bytes, from: offset / 4096 * 4096), place)
                    }
                }
            }
        }
        #expect(tried > 400)
    }

    private func offsets(_ bytes: [UInt8]) -> [Int] {
        let isFull = stride(from: 0, to: bytes.count, by: 4096).map { block in
            !bytes.raw.extracting(block..<min(bytes.count, block + 4096)).isZero
        }
        return stride(from: 0, to: bytes.count, by: 3).filter { offset in
            isFull[offset / 4096]
                ? offset % 4096 < 200 || offset % 29 == 0 : offset % 2039 == 0
        }
    }

    private func isZero(_ bytes: [UInt8], from start: Int) -> Bool {
        bytes.raw.extracting(start..<bytes.count).isZero
    }
}
