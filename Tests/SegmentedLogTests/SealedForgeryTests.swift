import Bytes
import Platform
import Seeds
import SimulatedFileSystem
import Testing

@testable import SegmentedLog

/// Sealed files whose checksums hold over bytes that are wrong, and files that are cut and mixed: nothing
/// may trap, and what a segment says of its entries is proved, not believed.
struct SealedForgeryTests {
    private struct Target {
        let store: SealedStore
        let disk: SimulatedDisk
        let path: String
        let bytes: [UInt8]
        let segment: SealedSegment

        init() throws {
            store = try SealedStore()
            for count in [3, 4_000, 200, 30] { try store.commit(count) }
            try store.seal()
            disk = store.system.disk.afterPowerCut(.nothing)
            path = try #require(disk.files.first { $0.contains("/seg/") })
            bytes = try #require(disk.contents(of: path))
            segment = try #require(try store.reader.segments.segment(store.sealed[0]))
        }

        /// The segment as the file on a disk has it, whose trailer need not be the manifest's.
        func open(_ bytes: [UInt8]) throws -> SealedSegment {
            var disk = disk
            disk.remove(path)
            disk.put(path, bytes)
            let place = bytes.count - SealedTrailer.byteCount
            let trailer = try SealedTrailer.decode(
                bytes.raw.extracting(place...), of: path, at: place)
            return try SealedSegment.open(
                trailer.record, path, storeID: store.log.storeID, codec: PlainCodec(),
                SimulatedFileSystem(disk))
        }

        /// Reads all that a segment has, whatever comes of it. - Returns: whether all was read.
        func readAll(_ segment: SealedSegment) -> Bool {
            do {
                var cursor = SealedCursor()
                cursor.enter(segment, at: segment.record.firstPosition)
                var bytes = 0
                while try cursor.next() {
                    for index in 0..<cursor.run.count { bytes += cursor.record(index).byteCount }
                }
                for account: UInt8 in 0...9 {
                    _ = try segment.positions(of: [account].raw)
                    _ = try segment.chain(of: [account].raw)
                }
                for position in stride(from: 3, to: segment.record.nextPosition, by: 1400) {
                    _ = try segment.chain(at: position)
                }
                return true
            } catch { return false }
        }

        /// Whether the proof accepts a segment.
        func isProved(_ segment: SealedSegment) -> Bool {
            do {
                try SealedProof(segment, PlainCodec(), store.reader.previousChains(before: 0)).run {
                    true
                }
                return true
            } catch { return false }
        }
    }

    private static func put<Number: FixedWidthInteger & BitwiseCopyable>(
        _ number: Number, _ bytes: inout [UInt8], at offset: Int
    ) {
        for index in 0..<Number.bitWidth / 8 {
            bytes[offset + index] = UInt8(truncatingIfNeeded: number >> Number(index * 8))
        }
    }

    private static func change(
        _ bytes: inout [UInt8], _ range: Range<Int>, _ random: inout SeededGenerator
    ) {
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            let offset = Int.random(in: range, using: &random)
            switch Int.random(in: 0..<4, using: &random) {
            case 0: bytes[offset] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            case 1: bytes[offset] = 0xFF
            case 2: bytes[offset] &+= 1
            default: bytes[offset] = UInt8.random(in: 0...255, using: &random)
            }
        }
    }

    /// Makes the checksums of a block hold again.
    private static func mend(_ bytes: inout [UInt8], _ block: Range<Int>) {
        let body = (block.lowerBound + BlockHeader.byteCount)..<block.upperBound
        put(CRC32C.masked(of: bytes.raw.extracting(body)), &bytes, at: block.lowerBound + 56)
        let head = block.lowerBound..<(block.lowerBound + 60)
        put(CRC32C.masked(of: bytes.raw.extracting(head)), &bytes, at: block.lowerBound + 60)
    }

    @Test(arguments: Seeds.all) func aForgedBlockNeverTrapsAndIsNeverProved(_ seed: UInt64) throws {
        let target = try Target()
        var random = SeededGenerator(seed)
        var read = 0
        for _ in 0..<40 {
            var bytes = target.bytes
            let entry = try #require(target.segment.index.randomElement(using: &random))
            let block = entry.offset..<(entry.offset + entry.bytes)
            let isHead = Bool.random(using: &random)
            Self.change(
                &bytes, isHead ? block.lowerBound..<(block.lowerBound + 150) : block, &random)
            Self.mend(&bytes, block)
            if bytes == target.bytes { continue }
            let segment = try target.open(bytes)
            if target.readAll(segment) { read += 1 }
            let isProved = target.isProved(segment)
            #expect(!isProved)
        }
        #expect(read > 0)
    }

    @Test(arguments: Seeds.all) func forgedSectionsAndTrailersNeverTrapAndAreNeverProved(
        _ seed: UInt64
    ) throws {
        let target = try Target()
        var random = SeededGenerator(seed)
        let trailer = target.bytes.count - SealedTrailer.byteCount
        var opened = 0
        for _ in 0..<80 {
            var bytes = target.bytes
            let part = try #require(SealedTrailer.Part.allCases.randomElement(using: &random))
            let section = target.segment.trailer.sections[part.rawValue]
            if Bool.random(using: &random) {
                let range = section.offset..<(section.offset + section.storedBytes)
                Self.change(&bytes, range, &random)
                let place = trailer + 176 + part.rawValue * 28 + 24
                Self.put(CRC32C.masked(of: bytes.raw.extracting(range)), &bytes, at: place)
            } else {
                Self.change(&bytes, trailer..<(trailer + 288), &random)
            }
            let checked = trailer..<(trailer + 4092)
            Self.put(CRC32C.masked(of: bytes.raw.extracting(checked)), &bytes, at: trailer + 4092)
            if bytes == target.bytes { continue }
            _ = LogInspection.describe(bytes.raw, path: target.path)
            guard let segment = try? target.open(bytes) else { continue }
            opened += 1
            _ = target.readAll(segment)
            let isSame = segment.record == target.segment.record
            let isProved = isSame && target.isProved(segment)
            #expect(!isProved)
        }
        #expect(opened > 0)
    }

    /// Files of the right size whose checksums hold, and which are not the store's, or not the ones that
    /// the manifest lists.
    @Test func aFileThatSaysSomethingElseOfItselfIsRefused() throws {
        let target = try Target()
        let trailer = target.bytes.count - SealedTrailer.byteCount
        // The store's identity, the first position; then id, chains, times and digest of the record.
        let places = [16, 31, 32] + [24, 48, 80, 112, 120, 144, 175].map { trailer + $0 }
        for place in places {
            var bytes = target.bytes
            bytes[place] ^= 1
            let block = place < trailer ? 0 : trailer
            let sum = CRC32C.masked(of: bytes.raw.extracting(block..<(block + 4092)))
            Self.put(sum, &bytes, at: block + 4092)
            var disk = target.disk
            disk.remove(target.path)
            disk.put(target.path, bytes)
            let failure = #expect(throws: LogFailure.self, "byte \(place)") {
                _ = try SealedStore.open(SimulatedFileSystem(disk), seed: 9)
            }
            #expect(failure?.kind == .damaged && failure?.file == target.path, "byte \(place)")
        }
    }

    /// What the proof must find although every checksum and the digest hold.
    @Test func theProofComparesEachStatementWithTheEntries() throws {
        let target = try Target()
        let isSound = target.isProved(try target.open(try rebuilt(target, nil) { _ in }))
        #expect(isSound)
        // Chain and root of the second block, which begins inside a commit, and of the first.
        for place in [48, 79, 80, 111, 112 + 48, 112 + 79, 112 + 80, 112 + 111] {
            let bytes = try rebuilt(target, .index) { $0[place] ^= 1 }
            let isProved = target.isProved(try target.open(bytes))
            #expect(!isProved, "byte \(place) of the index")
        }
        let states = try target.segment.section(.accounts) { $0.makeArray() }
        for account in 0..<(states.count / AccountStates.byteCount) {
            let start = account * AccountStates.byteCount
            for place in [0, 8, 39] {
                let bytes = try rebuilt(target, .accounts) { bytes in
                    bytes[start + place] ^= 1
                    var checked = ByteBuffer()
                    checked.appendInteger(UInt32(account))
                    checked.append(bytes.raw.extracting(start..<(start + 40)))
                    let sum = CRC32C.masked(of: checked.bytes)
                    Self.put(sum, &bytes, at: start + 40)
                }
                let segment = try target.open(bytes)
                let (isRead, isProved) = (target.readAll(segment), target.isProved(segment))
                #expect(isRead)
                #expect(!isProved, "byte \(place) of account \(account)")
            }
        }
        let positions = try (1...7).map { (account: UInt8) in
            try target.segment.positions(of: [account].raw).map { UInt32($0) }
        }
        for account in 0..<7 {
            var moved = positions
            let (third, fourth) = (moved[account][3], moved[account][4])
            moved[account][3] = third + 1 < fourth ? third + 1 : third - 1
            let bytes = try rebuilt(target, .postings) { bytes in
                var buffer = ByteBuffer()
                Postings.append(moved, to: &buffer)
                bytes = buffer.copyBytes(in: 0..<buffer.count)
            }
            let segment = try target.open(bytes)
            let (isRead, isProved) = (target.readAll(segment), target.isProved(segment))
            #expect(isRead)
            #expect(!isProved, "postings of account \(account)")
        }
    }

    @Test func theProofComparesTheTrailerWithTheEntries() throws {
        let target = try Target()
        let changes: [(inout SealedRecord) -> Void] = [
            { $0.commits -= 1 }, { $0.commits += 1 }, { $0.commitTime += 1 },
            { $0.chain = .zero }, { $0.chainBefore = $0.chain }, { $0.digest = .zero },
        ]
        for (number, change) in changes.enumerated() {
            let bytes = try rebuilt(target, nil, record: change) { _ in }
            let isProved = target.isProved(try target.open(bytes))
            #expect(!isProved, "change \(number)")
        }
    }

    /// The file with another section in it, and everything that is computed over its bytes made anew.
    private func rebuilt(
        _ target: Target, _ changed: SealedTrailer.Part?,
        record changeRecord: (inout SealedRecord) -> Void = { _ in },
        _ change: (inout [UInt8]) -> Void
    ) throws -> [UInt8] {
        var trailer = target.segment.trailer
        var bytes = Array(target.bytes[..<trailer.sections[0].offset])
        for part in SealedTrailer.Part.allCases {
            var section = try target.segment.section(part) { $0.makeArray() }
            if part == changed { change(&section) }
            trailer.sections[part.rawValue] = SealedTrailer.Section(
                offset: bytes.count, storedBytes: section.count, bytes: section.count,
                checksum: CRC32C.masked(of: section.raw))
            bytes += section
        }
        trailer.record.digest = SHA256.hash(bytes.raw)
        trailer.record.fileBytes = bytes.count + SealedTrailer.byteCount
        changeRecord(&trailer.record)
        var buffer = ByteBuffer()
        trailer.append(to: &buffer)
        return bytes + buffer.copyBytes(in: 0..<buffer.count)
    }
}
