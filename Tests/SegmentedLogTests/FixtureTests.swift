import Bytes
import Foundation
import Platform
import SegmentedLog
import SimulatedFileSystem
import Testing

/// Files that version 1 wrote must open for ever. The fixture is never written again; a new version
/// gets a folder of its own beside it.
struct FixtureTests {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Fixtures/log/v1")

    private func lines(_ name: String) throws -> [[String]] {
        try String(contentsOf: Self.folder.appending(path: name), encoding: .utf8)
            .split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
    }

    /// The files are kept without the zeros at their ends.
    private func disk() throws -> SimulatedDisk {
        let system = SimulatedFileSystem(SimulatedDisk(root: "/data"))
        for path in [
            "/data/store", "/data/store/wal", "/data/store/manifest", "/data/store/quarantine",
        ] {
            try system.makeDirectory(path)
            try system.syncDirectory(SimulatedDisk.parent(of: path))
        }
        var disk = system.disk
        for line in try lines("files.txt") {
            let stored = try Data(contentsOf: Self.folder.appending(path: line[0]))
            let path = "/data/store/" + line[1]
            disk.put(path, [UInt8](stored))
            disk.resize(path, to: try #require(Int(line[2])))
        }
        return disk
    }

    @Test func versionOneStillOpens() throws {
        let system = SimulatedFileSystem(try disk())
        let log = try SegmentedLog.open(
            directory: "/data/store", fileSystem: system, options: CrashRun.options())
        var cursor = try log.reader.cursor(from: 0)
        var found = 0
        for line in try lines("entries.txt") {
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

    /// What a person is shown of each file is part of the format's documentation.
    @Test func inspectionShowsWhatIsThere() throws {
        let disk = try disk()
        var shown: [String] = []
        for line in try lines("files.txt") where line[1] != "LOCK" {
            let system = SimulatedFileSystem(disk)
            let text = try LogInspection.describe(
                path: "/data/store/" + line[1], fileSystem: system)
            shown += try #require(text)
        }
        let expected = try String(
            contentsOf: Self.folder.appending(path: "inspect.txt"), encoding: .utf8)
        #expect(shown.joined(separator: "\n") + "\n" == expected)
    }

    static func hex(_ bytes: [UInt8]) -> String {
        bytes.isEmpty ? "-" : bytes.map { String(format: "%02x", $0) }.joined()
    }
}
