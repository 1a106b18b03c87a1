import Bytes
import Foundation
import Platform
import SimulatedFileSystem
import Testing

@testable import SegmentedLog

/// A store that an earlier version wrote, in a folder of `Fixtures/log`.
struct LogFixture {
    let folder: URL
    let directories: [String]

    static let one = LogFixture("v1", ["wal", "manifest", "quarantine"])
    /// With sealed segments.
    static let two = LogFixture("v2", ["wal", "seg", "manifest", "quarantine"])

    private init(_ name: String, _ directories: [String]) {
        folder = URL(filePath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Fixtures/log/" + name)
        self.directories = directories
    }

    func text(_ name: String) throws -> String {
        try String(contentsOf: folder.appending(path: name), encoding: .utf8)
    }

    func lines(_ name: String) throws -> [[String]] {
        try text(name).split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
    }

    /// The files are kept without the zeros at their ends.
    func disk() throws -> SimulatedDisk {
        let system = SimulatedFileSystem(SimulatedDisk(root: "/data"))
        for path in ["/data/store"] + directories.map({ "/data/store/" + $0 }) {
            try system.makeDirectory(path)
            try system.syncDirectory(SimulatedDisk.parent(of: path))
        }
        var disk = system.disk
        for line in try lines("files.txt") {
            let stored = try Data(contentsOf: folder.appending(path: line[0]))
            let path = "/data/store/" + line[1]
            disk.put(path, [UInt8](stored))
            disk.resize(path, to: try #require(Int(line[2])))
        }
        return disk
    }
}

/// Files that earlier versions wrote must open for ever. A fixture is never written again; a new version
/// gets a folder of its own beside it.
struct FixtureTests {
    @Test func versionOneStillOpens() throws {
        let fixture = LogFixture.one
        let system = SimulatedFileSystem(try fixture.disk())
        let log = try SegmentedLog.open(
            directory: "/data/store", fileSystem: system, options: CrashRun.options())
        var cursor = try log.reader.cursor(from: 0)
        var found = 0
        for line in try fixture.lines("entries.txt") {
            let hasCommit = try cursor.next()
            #expect(hasCommit)
            #expect(String(cursor.header.firstPosition) == line[0])
            #expect(String(cursor.header.commitTime) == line[1])
            #expect(cursor.chainAfter?.hex == line[2])
            let records = line.dropFirst(3)
            #expect(Int(cursor.header.count) == records.count)
            for (index, text) in records.enumerated() {
                let bytes = cursor.record(index).makeArray()
                #expect(Self.hex(bytes) == text)
                found += 1
            }
        }
        let hasMore = try cursor.next()
        #expect(!hasMore && found > 10)
        #expect(log.recovery.isNew == false)
        #expect(log.recovery.copiedEntries == 2)
        try log.close()
    }

    /// Sealed and merged segments with redacted entries, a commit over a block's border, rows behind
    /// them, and a process that was killed.
    @Test func versionTwoStillOpens() throws {
        let fixture = LogFixture.two
        let system = SimulatedFileSystem(try fixture.disk())
        let log = try SegmentedLog.open(
            directory: "/data/store", fileSystem: system, options: CrashRun.options())
        let reader = log.reader
        #expect(log.recovery.isNew == false && log.recovery.copiedEntries == 2)
        #expect(reader.view.read { $0.sealed.map(\.id) } == [3, 4])
        for state in ["as it was", "sealed", "merged"] {
            var position: Position = 0
            for line in try fixture.lines("commits.txt") {
                var records = ByteBuffer()
                let count = try #require(Position(line[1]))
                #expect(String(position) == line[0])
                #expect(try reader.chain(at: position)?.hex == line[3], "\(state)")
                for place in position..<(position + count) {
                    try reader.withRecord(at: place) { record, info in
                        records.appendPrefixed(record)
                        #expect(info.firstPosition == position)
                        #expect(String(info.commitTime) == line[2])
                    }
                }
                #expect(SHA256.hash(records.bytes).hex == line[4], "\(state)")
                position += count
            }
            #expect(position == reader.durablePosition && position > 4096)
            #expect(try reader.scrub(.entries) { _, _ in } == 8)
            if state == "as it was" {
                let chains = reader.previousChains(before: reader.sealedPosition)
                for line in try fixture.lines("accounts.txt") {
                    let chain = try chains([try #require(UInt8(line[0]))].raw)
                    #expect(String(chain.count) == line[1] && chain.head.hex == line[2])
                }
                log.sealing.wantRoll()
                try log.maintain()
            }
            let report = try log.sealNow(now: 0, everything: true)
            #expect((report != nil) == (state != "merged"))
        }
        try log.close()
    }

    /// What a person is shown of each file is part of the format's documentation.
    @Test(arguments: [1, 2]) func inspectionShowsWhatIsThere(_ version: Int) throws {
        let fixture = version == 1 ? LogFixture.one : .two
        let disk = try fixture.disk()
        var shown: [String] = []
        for line in try fixture.lines("files.txt") where line[1] != "LOCK" {
            let system = SimulatedFileSystem(disk)
            let text = try LogInspection.describe(
                path: "/data/store/" + line[1], fileSystem: system)
            shown += try #require(text)
        }
        #expect(try shown.joined(separator: "\n") + "\n" == fixture.text("inspect.txt"))
    }

    static func hex(_ bytes: [UInt8]) -> String {
        bytes.isEmpty ? "-" : bytes.map { String(format: "%02x", $0) }.joined()
    }
}
