import Bytes
import Platform
import SimulatedFileSystem
import Testing

@testable import SegmentedLog

/// Bytes of sealed segments that change by themselves: found and named, and never taken for entries.
struct SealedDamageTests {
    /// One sealed segment of three blocks, small enough to try each of its bytes.
    private struct Target {
        let store: SealedStore
        let disk: SimulatedDisk
        let path: String
        let bytes: [UInt8]
        let record: SealedRecord
        /// Where header, blocks, sections and trailer begin, and the end.
        let borders: [Int]

        init() throws {
            store = try SealedStore()
            for count in [3, 4_000, 200, 4_090] {
                try store.commit(count, of: SealedStore.tinyRecord)
            }
            try store.seal()
            disk = store.system.disk.afterPowerCut(.nothing)
            path = try #require(disk.files.first { $0.contains("/seg/") })
            bytes = try #require(disk.contents(of: path))
            record = store.sealed[0]
            let segment = try #require(try store.reader.segments.segment(record))
            #expect(segment.index.count == 3)
            borders =
                [0] + segment.index.map(\.offset) + segment.trailer.sections.map(\.offset)
                + [bytes.count - SealedTrailer.byteCount, bytes.count]
        }

        /// A reader that has nothing in memory, on a disk.
        func reader(_ disk: SimulatedDisk) -> LogReader {
            LogReader(
                store.reader.view.read { $0 }, storeID: store.log.storeID, store.log.paths,
                codec: PlainCodec(), SimulatedFileSystem(disk))
        }

        /// The part of the file that has a byte.
        func part(of offset: Int) -> Range<Int> {
            let index = borders.firstIndex { $0 > offset } ?? borders.count - 1
            return borders[index - 1]..<borders[index]
        }

        /// Demands that a failure names the file, and a place in the part of it that was changed.
        func demandName(_ failure: LogFailure?, _ offset: Int) {
            let place: Comment = "\(path) at \(offset): \(String(describing: failure))"
            #expect(failure?.kind == .damaged || failure?.kind == .unsupported, place)
            #expect(failure?.file == path, place)
            #expect(failure?.offset.map { part(of: offset).contains($0) } == true, place)
        }

        /// Demands that each of some entries is what it was, or an error that names the file.
        func demandEntriesOrFailures(_ reader: LogReader, _ offset: Int) {
            for position: Position in [0, 4095, 4096, 8191, 8292] {
                do {
                    let isSame = try reader.withRecord(at: position) { record, info in
                        record.has(store.records[Int(position)])
                            && (info.firstPosition..<info.nextPosition).contains(position)
                    }
                    if !isSame { Issue.record("byte \(offset): another entry at \(position)") }
                } catch {
                    let failure = error as? LogFailure
                    #expect(failure?.kind == .damaged && failure?.file == path, "byte \(offset)")
                }
            }
        }
    }

    /// Header and trailer: a start compares them with the manifest.
    @Test func aFlippedBitInHeaderOrTrailerIsRefused() throws {
        let target = try Target()
        let file = try File.open(target.path, .reading, target.store.system)
        let end = target.bytes.count
        for offset in Array(0..<4096) + Array(end - 4096..<end) {
            var disk = target.disk
            disk.flip(target.path, at: offset, bit: offset % 8)
            target.store.system.replaceDisk(disk)
            let failure = #expect(throws: LogFailure.self) {
                _ = try SealedSegment.check(
                    file, target.record, storeID: target.store.log.storeID)
            }
            target.demandName(failure, offset)
            guard offset % 97 == 0 else { continue }
            let refused = #expect(throws: LogFailure.self) {
                _ = try LogReader.openReadOnly(
                    directory: CrashRun.directory, fileSystem: SimulatedFileSystem(disk),
                    codec: PlainCodec())
            }
            target.demandName(refused, offset)
            // Who had it open already learns it from a scrub.
            let late = #expect(throws: LogFailure.self) {
                try target.store.reader.scrub { _, _ in }
            }
            target.demandName(late, offset)
        }
    }

    /// Blocks and sections: a scrub finds the byte, and readers see what was written or an error.
    @Test(arguments: [0, 1]) func aFlippedBitInBlocksOrSectionsIsNoticed(_ half: Int) throws {
        let target = try Target()
        #expect(target.borders[1] == 4096 && target.bytes.count < 12_000)
        for offset in 4096..<target.bytes.count - 4096 where offset % 2 == half {
            var disk = target.disk
            disk.flip(target.path, at: offset, bit: offset / 2 % 8)
            let reader = target.reader(disk)
            let failure = #expect(throws: LogFailure.self) { try reader.scrub { _, _ in } }
            target.demandName(failure, offset)
            target.demandEntriesOrFailures(reader, offset)
        }
    }

    /// Postings and chains of accounts are read without the rest of the file.
    @Test func aFlippedBitInAccountsIsNoticedByWhoReadsThem() throws {
        let target = try Target()
        let segment = try #require(try target.store.reader.segments.segment(target.record))
        let accounts: [UInt8] = [1, 2, 3, 4]
        let positions = try accounts.map { try segment.positions(of: [$0].raw) }
        let chains = try accounts.map { try segment.chain(of: [$0].raw) }
        #expect(positions[0].count > 2000 && positions[3].isEmpty)
        var noticed = 0
        for part in [SealedTrailer.Part.postings, .accounts] {
            let section = segment.trailer.sections[part.rawValue]
            for offset in section.offset..<(section.offset + section.storedBytes) {
                var disk = target.disk
                disk.flip(target.path, at: offset, bit: offset % 8)
                target.store.system.replaceDisk(disk)
                for (index, account) in accounts.enumerated() {
                    do {
                        if part == .postings {
                            #expect(try segment.positions(of: [account].raw) == positions[index])
                        } else {
                            #expect(try segment.chain(of: [account].raw) == chains[index])
                        }
                    } catch {
                        noticed += 1
                        target.demandName(error, offset)
                    }
                }
            }
        }
        #expect(noticed >= 3 * 44)
    }

    /// Whole sectors and pages that a device lost.
    @Test(arguments: [512, 4096]) func zeroedPiecesAreNoticed(_ bytes: Int) throws {
        let target = try Target()
        for start in stride(from: 0, to: target.bytes.count, by: bytes) {
            let piece = start..<min(target.bytes.count, start + bytes)
            // Header and trailer are mostly zeros.
            if target.bytes.raw.extracting(piece).isZero { continue }
            var disk = target.disk
            disk.damage(target.path, at: start, [UInt8](repeating: 0, count: piece.count))
            let reader = target.reader(disk)
            let failure = #expect(throws: LogFailure.self) { try reader.scrub { _, _ in } }
            #expect(failure?.kind == .damaged && failure?.file == target.path)
            target.demandEntriesOrFailures(reader, start)
        }
    }

    private func refusal(_ disk: SimulatedDisk) throws -> LogFailure {
        try #require(
            #expect(throws: LogFailure.self) {
                _ = try SealedStore.open(SimulatedFileSystem(disk), seed: 9)
            })
    }

    @Test func aFileThatIsTooShortOrTooLongIsRefused() throws {
        let target = try Target()
        let size = target.bytes.count
        for changed in [
            0, 1, 39, 4095, 4096, 8191, 8192, size - 4096, size - 1, size + 1, 2 * size,
        ] {
            var disk = target.disk
            disk.resize(target.path, to: changed)
            let failure = try refusal(disk)
            #expect(failure.kind == .damaged && failure.file == target.path, "\(changed) bytes")
        }
    }

    /// Sound files that are not the ones that the manifest lists.
    @Test func anotherFileUnderTheNameIsRefused() throws {
        func store(_ seed: UInt64, redacts: Bool = false) throws -> SealedStore {
            let store = try SealedStore(seed: seed)
            for _ in 0..<2 {
                try store.append([[0xEE, 0xEE, 5, 6], [1, 2]])
                try store.commit(9)
                try store.seal()
            }
            return store
        }
        let (one, other) = (try store(1), try store(2))
        let disk = one.system.disk.afterPowerCut(.nothing)
        let paths = one.sealedFiles
        #expect(paths == other.sealedFiles && paths.count == 2)
        let first = try #require(disk.contents(of: paths[0]))
        let second = try #require(disk.contents(of: paths[1]))
        let foreign = try #require(other.system.disk.contents(of: paths[0]))
        try one.merge { _, _, record, buffer throws(DecodeFailure) in
            try PlainCodec.redact(record, &buffer)
        }
        let merged = one.system.disk.afterPowerCut(.nothing)
        let newPath = one.sealedFiles[0]
        let redacted = try #require(merged.contents(of: newPath))
        let cases: [(SimulatedDisk, String, [UInt8])] = [
            (disk, paths[0], second), (disk, paths[1], first), (disk, paths[0], foreign),
            (disk, paths[0], redacted), (merged, newPath, first), (merged, newPath, second),
        ]
        for (number, (disk, path, bytes)) in cases.enumerated() {
            var changed = disk
            changed.remove(path)
            changed.put(path, bytes)
            let failure = try refusal(changed)
            #expect(failure.kind == .damaged && failure.file == path, "case \(number): \(failure)")
        }
        // With the size it should have, it is the record that tells them apart.
        var padded = disk
        padded.remove(paths[0])
        padded.put(paths[0], first)
        _ = try SealedStore.open(SimulatedFileSystem(padded), seed: 9)
    }

    /// Without a superblock, no new store is made over sealed entries, even if no row has any.
    @Test func aLostSuperblockDoesNotHideSealedEntries() throws {
        let store = try SealedStore()
        try store.commit(5)
        try store.seal()
        var disk = store.system.disk.afterPowerCut(.nothing)
        disk.remove(CrashRun.directory + "/SUPER")
        let files = disk.files
        let system = SimulatedFileSystem(disk)
        let failure = #expect(throws: LogFailure.self) {
            _ = try SealedStore.open(system, seed: 9)
        }
        #expect(failure?.kind == .damaged && failure?.file == CrashRun.directory + "/SUPER")
        #expect(system.disk.files == files)
    }
}
