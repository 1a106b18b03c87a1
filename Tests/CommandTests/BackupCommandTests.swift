import Foundation
import Testing

/// Backup, damage and repair, as an operator meets them.
@Suite(.serialized) struct BackupCommandTests {
    private static func events(_ range: Range<Int>) -> String {
        range.map {
            #"{"specversion":"1.0","id":"e\#($0)","source":"api","type":"llm.call","#
                + #""subject":"acme","time":"2023-11-03T10:00:00Z","data":{"input_tokens":\#($0)}}"#
        }.joined(separator: "\n") + "\n"
    }

    /// Flips a bit in a file.
    private static func damage(_ path: String, at offset: Int) throws {
        let handle = try FileHandle(forUpdating: URL(fileURLWithPath: path))
        try handle.seek(toOffset: UInt64(offset))
        let byte = try #require(try handle.read(upToCount: 1)?.first)
        try handle.seek(toOffset: UInt64(offset))
        try handle.write(contentsOf: Data([byte ^ 4]))
        try handle.close()
    }

    private static func files(_ folder: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder).sorted().map {
            folder + "/" + $0
        }
    }

    @Test func aDamagedStoreIsRepairedFromABackupOfTheRunningOne() throws {
        let server = try ServedTests.Server()
        let backup = server.folder.url.path + "/backup"
        #expect(try server.run(["record"], input: Self.events(0..<500)).status == 0)
        #expect(try server.run(["compact"]).status == 0)
        #expect(try server.run(["record"], input: Self.events(500..<600)).status == 0)
        let made = try server.json(["backup", backup])
        #expect(made["position"] as? Int == 600 && made["to"] as? String == backup)
        let status = try server.json(["status"])
        #expect(made["chain"] as? String == status["chain"] as? String)
        let again = try server.run(["backup", backup])
        #expect(again.status == 64 && again.errors.contains("not empty"))
        #expect(try server.run(["backup", server.data + "/inside"]).status == 64)
        #expect(try server.run(["record"], input: Self.events(600..<700)).status == 0)
        let before = try server.run(["tail", "--json"]).output
        #expect(server.stop() == 0)

        let copy = try BuiltBinary.run(["tail", "--json", "--data", backup])
        #expect(copy.outputLines.count == 600 && before.hasPrefix(copy.output))
        #expect(try BuiltBinary.run(["verify", "--deep", "--data", backup]).status == 0)

        // A block of the sealed segment, and the superblock.
        let sealed = try #require(try Self.files(server.data + "/seg").first)
        try Self.damage(sealed, at: 5000)
        for copy in 0..<3 { try Self.damage(server.data + "/SUPER", at: copy * 4096 + 70) }
        let refused = try BuiltBinary.run(
            ["serve", "--data", server.data, "--socket", server.socket])
        #expect(refused.status == 74)
        #expect(refused.errors.contains("daybook verify --data \(server.data)"))
        #expect(refused.errors.contains("daybook repair --data \(server.data) --from"))

        let found = try BuiltBinary.run(["verify", "--data", server.data])
        #expect(found.status == 74 && found.errors.contains("\(sealed) is damaged at offset"))
        #expect(found.errors.contains("position 0 is the first that cannot be read"))
        let json = try BuiltBinary.run(["verify", "--json", "--data", server.data])
        let members = try #require(
            try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any])
        #expect(members["first_unreadable"] as? Int == 0 && members["end"] as? Int == 700)
        #expect((members["damages"] as? [Any])?.count == 2 && json.status == 74)

        let words = ["repair", "--data", server.data, "--from", backup]
        let dry = try BuiltBinary.run(words + ["--dry-run"])
        #expect(dry.status == 0 && dry.output.contains("sealed segments of the backup"))
        #expect(try BuiltBinary.run(["verify", "--data", server.data]).status == 74)
        let done = try BuiltBinary.run(words)
        #expect(done.status == 0 && done.output.contains("repaired: 700 entries"), "\(done.errors)")
        #expect(try BuiltBinary.run(["verify", "--deep", "--data", server.data]).status == 0)
        #expect(try BuiltBinary.run(["tail", "--json", "--data", server.data]).output == before)
        let idle = try BuiltBinary.run(words)
        #expect(idle.status == 0 && idle.output.contains("nothing to repair"))
        #expect(try Self.files(server.data + "/quarantine").count >= 2)
    }

    /// What a backup does not have is not given up by accident.
    @Test func aBackupThatIsTooOldIsRefused() throws {
        let server = try ServedTests.Server()
        let backup = server.folder.url.path + "/backup"
        #expect(try server.run(["record"], input: Self.events(0..<50)).status == 0)
        #expect(try server.run(["backup", backup]).status == 0)
        #expect(try server.run(["record"], input: Self.events(50..<400)).status == 0)
        #expect(try server.run(["compact"]).status == 0)
        #expect(server.stop() == 0)
        try Self.damage(try #require(try Self.files(server.data + "/seg").first), at: 5000)
        let words = ["repair", "--data", server.data, "--from", backup]
        let refused = try BuiltBinary.run(words)
        #expect(refused.status == 65 && refused.errors.contains("--accept-loss"))
        #expect(refused.output.contains("LOST: positions 50..<400"))
        let other = try BuiltBinary.run(["repair", "--data", backup, "--from", backup])
        #expect(other.status == 65)
        let nothing = try BuiltBinary.run(["repair", "--data", server.data, "--from", "/nothing"])
        #expect(nothing.status == 66)
        let done = try BuiltBinary.run(words + ["--accept-loss"])
        #expect(done.status == 0 && done.output.contains("repaired: 50 entries"))
        #expect(try BuiltBinary.run(["verify", "--deep", "--data", server.data]).status == 0)
    }

    @Test func aStoppedStoreHasBackupsTooAndAnUnfinishedOneIsNone() throws {
        let server = try ServedTests.Server()
        let backup = server.folder.url.path + "/backup"
        #expect(try server.run(["record"], input: Self.events(0..<20)).status == 0)
        #expect(server.stop() == 0)
        let made = try BuiltBinary.run(["backup", backup, "--data", server.data])
        #expect(made.status == 0 && made.output.hasPrefix("backup of 20 entries"))
        try FileManager.default.removeItem(atPath: backup + "/SUPER")
        try Data().write(to: URL(fileURLWithPath: backup + "/UNFINISHED"))
        let query = try BuiltBinary.run(["status", "--data", backup])
        #expect(query.status == 74 && query.errors.contains("unfinished backup"))
        let serve = try BuiltBinary.run(
            ["serve", "--data", backup, "--socket", server.socket])
        #expect(serve.status == 74 && serve.errors.contains("unfinished backup"))
    }

    /// Entries and bytes of one file, without the others.
    @Test func oneFileCanBeLookedInto() throws {
        let server = try ServedTests.Server()
        #expect(try server.run(["record"], input: Self.events(0..<50)).status == 0)
        #expect(try server.run(["compact"]).status == 0)
        #expect(try server.run(["record"], input: Self.events(50..<60)).status == 0)
        let all = try server.run(["tail", "--json"]).output
        #expect(server.stop() == 0)
        let sealed = try #require(try Self.files(server.data + "/seg").first)
        let first = try BuiltBinary.run(["inspect", sealed, "--entries"])
        #expect(first.status == 0 && first.outputLines.count == 50)
        var rows: [String] = []
        for file in try Self.files(server.data + "/wal") {
            rows += try BuiltBinary.run(["inspect", file, "--entries"]).outputLines
        }
        #expect(first.outputLines + rows == all.split(separator: "\n").map(String.init))

        let near = try BuiltBinary.run(["inspect", sealed, "--around", "4100"])
        #expect(near.status == 0 && near.output.contains("block of 50 entries from position 0"))
        #expect(near.output.contains("DBB1") && near.outputLines.count >= 5)
        let copy = try BuiltBinary.run(["inspect", server.data + "/SUPER", "--around", "8200"])
        #expect(copy.output.contains("is in: copy 2:"))
        let beyond = try BuiltBinary.run(["inspect", sealed, "--around", "99999999"])
        #expect(beyond.status == 66)
        #expect(try BuiltBinary.run(["inspect", server.data + "/SUPER", "--entries"]).status == 65)
        #expect(try BuiltBinary.run(["inspect", "README.md", "--entries"]).status == 65)
        try Self.damage(sealed, at: 4200)
        let damaged = try BuiltBinary.run(["inspect", sealed, "--entries"])
        #expect(damaged.status == 74 && damaged.errors.contains("is damaged at offset"))
    }
}
