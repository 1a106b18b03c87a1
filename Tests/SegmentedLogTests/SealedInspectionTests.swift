import Bytes
import Platform
import Seeds
import SimulatedFileSystem
import Testing

@testable import SegmentedLog

/// What a person is shown of damaged files: each kind of damage has a line, and no bytes trap.
struct SealedInspectionTests {
    /// The files of a store that has some of every kind.
    private static func files() throws -> (paths: [String], contents: [String: [UInt8]]) {
        let store = try SealedStore()
        for count in [3, 4_200] { try store.commit(count, of: SealedStore.tinyRecord) }
        try store.seal()
        try store.commit(9)
        try store.seal()
        for count in [1, 2] { try store.commit(count) }
        var contents: [String: [UInt8]] = [:]
        for path in store.system.disk.files where !path.hasSuffix("LOCK") {
            // Row segments are mostly zeros; the beginning is enough.
            let bytes = try #require(store.system.disk.contents(of: path))
            contents[path] = path.contains("/seg/") ? bytes : Array(bytes.prefix(24 << 10))
        }
        return (contents.keys.sorted(), contents)
    }

    private func lines(_ bytes: [UInt8]) throws -> [String] {
        let lines = LogInspection.describe(bytes.raw, path: "S")
        return try #require(lines)
    }

    @Test func everyKindOfDamageHasALine() throws {
        let store = try SealedStore()
        for count in [3, 4_200] { try store.commit(count, of: SealedStore.tinyRecord) }
        try store.seal()
        let bytes = try #require(store.system.disk.contents(of: store.sealedFiles[0]))
        let segment = try #require(try store.reader.segments.segment(store.sealed[0]))
        let sound = try lines(bytes)
        #expect(!sound.joined().contains("DAMAGED"))
        #expect(sound[0] == "S: sealed segment, \(bytes.count) bytes")
        #expect(sound[1].hasPrefix("header: store ") && sound[1].hasSuffix("first position 0"))
        #expect(sound[2].hasPrefix("trailer: segment 1: positions 0..<4203 in 2 commits"))
        #expect(sound[3] == "digest: sound")
        #expect(sound.count == 4 + 4 + 2)
        func flipped(_ offset: Int) throws -> [String] {
            var changed = bytes
            changed[offset] ^= 8
            let found = try lines(changed)
            let different = zip(sound, found).filter { $0 != $1 }.map(\.1)
            return found.count == sound.count ? different : found
        }
        #expect(try flipped(20)[0].contains("checksum"))
        for entry in segment.index {
            for place in [0, 70, entry.bytes - 1] {
                let found = try flipped(entry.offset + place)
                #expect(found.count == 2 && found[0].hasPrefix("digest: DAMAGED"))
                #expect(found[1].hasPrefix("    \(entry.offset): block of \(entry.count) entries"))
                #expect(found[1].contains("DAMAGED: "))
            }
        }
        for part in SealedTrailer.Part.allCases {
            let section = segment.trailer.sections[part.rawValue]
            let found = try flipped(section.offset)
            #expect(found.contains { $0.hasPrefix("digest: DAMAGED") })
            let line = "\(section.offset): \(part.name), "
            #expect(found.contains { $0.hasPrefix(line) && $0.hasSuffix("DAMAGED: its checksum") })
        }
        // Without a trailer, the blocks are found one after the other.
        let found = try flipped(bytes.count - 100)
        #expect(found[2].hasPrefix("trailer: S is damaged"))
        #expect(found.filter { $0.contains("block of ") && $0.hasSuffix("; sound") }.count == 2)
        for count in [8, 100, 4096, 4200, bytes.count / 2, bytes.count - 1] {
            let cut = try lines(Array(bytes.prefix(count)))
            #expect(cut.contains { $0.hasPrefix("trailer: S is damaged") }, "\(count) bytes")
        }
        // A piece is missing, and the trailer is sound.
        for range in [4096..<4200, 4096..<bytes.count - 4096, 4200..<4201] {
            var shorter = bytes
            shorter.removeSubrange(range)
            let found = try lines(shorter)
            #expect(found.contains { $0.hasPrefix("digest: DAMAGED") }, "without \(range)")
            #expect(found.contains { $0.hasSuffix("DAMAGED: its checksum") }, "without \(range)")
        }
    }

    @Test(arguments: 0..<4) func noBytesTrapAnInspection(_ part: Int) throws {
        let (paths, contents) = try Self.files()
        let sealed = paths.filter { $0.contains("/seg/") }
        for seed in stride(from: part, to: 2000, by: 4) {
            var random = SeededGenerator(UInt64(seed))
            let path = seed % 8 < 6 ? sealed[seed / 4 % 2] : paths[seed / 8 % paths.count]
            var bytes = try #require(contents[path])
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                damage(&bytes, contents[sealed[0]] ?? [], &random)
            }
            // The first bytes say what kind of file it is.
            if bytes.count >= 8, let whole = contents[path], Bool.random(using: &random) {
                bytes.replaceSubrange(0..<8, with: whole[..<8])
            }
            _ = LogInspection.describe(bytes.raw, path: "file")
        }
    }

    private func damage(
        _ bytes: inout [UInt8], _ other: [UInt8], _ random: inout SeededGenerator
    ) {
        guard !bytes.isEmpty else { return }
        let first = Int.random(in: 0..<bytes.count, using: &random)
        let second = Int.random(in: 0..<bytes.count, using: &random)
        let range = min(first, second)..<max(first, second)
        switch Int.random(in: 0..<8, using: &random) {
        case 0...3: bytes[first] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case 4: bytes.removeLast(bytes.count - first)
        case 5: bytes.removeSubrange(range)
        case 6:
            let zeros = [UInt8](repeating: 0, count: min(range.count, 600))
            bytes.replaceSubrange(range.prefix(600), with: zeros)
        default: bytes.insert(contentsOf: other[min(first, other.count)...], at: first)
        }
    }
}
