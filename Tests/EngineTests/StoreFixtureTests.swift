import Billing
import Engine
import Foundation
import Testing

/// A store that an earlier version wrote, with every kind of entry, redacted values and dropped bodies. It is
/// never written again.
@Suite struct StoreFixtureTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Fixtures/store/v1")

    /// The files are kept without the zeros at their ends.
    private func store() throws -> URL {
        let store = URL(filePath: NSTemporaryDirectory() + "daybook-fixture-" + UUID().uuidString)
        let list = try String(contentsOf: Self.folder.appending(path: "files.txt"), encoding: .utf8)
        for line in list.split(separator: "\n") {
            let words = line.split(separator: " ").map(String.init)
            let target = store.appending(path: words[1])
            try FileManager.default.createDirectory(
                at: target.deletingLastPathComponent(), withIntermediateDirectories: true)
            try FileManager.default.copyItem(at: Self.folder.appending(path: words[0]), to: target)
            let handle = try FileHandle(forWritingTo: target)
            try handle.truncate(atOffset: try #require(UInt64(words[2])))
            try handle.close()
        }
        return store
    }

    @Test func itSaysWhatItSaid() throws {
        let store = try store()
        defer { try? FileManager.default.removeItem(at: store) }
        let engine = try Engine.open(Engine.Options(directory: store.path))
        defer { engine.close() }
        let entries = try String(
            contentsOf: Self.folder.appending(path: "entries.ndjson"), encoding: .utf8)
        #expect(try Life.entries(of: engine) == entries.split(separator: "\n").map(String.init))
        #expect(try engine.verify(deep: true).isEqual)
        let again = String(
            decoding: engine.reply(
                to:
                    #"{"specversion":"1.0","id":"acme-3","source":"api","type":"call","subject":"acme","#
                    + #""time":"2026-01-13T00:00:00Z","trace":"t","data":{"tokens":3,"model":"b","#
                    + #""note":"note 3","user":{"email":"anything"}}}"#), as: UTF8.self)
        #expect(
            again.contains(#""outcome":"duplicate""#) && again.contains(#""position":7"#),
            "\(again)")
        let invoice = String(
            decoding: engine.reply(
                to: #"{"request":"invoice","account":"acme","period":"2026-01"}"#), as: UTF8.self)
        #expect(
            invoice.contains(#""status":"final""#) && invoice.contains(#""total":"27.75""#),
            "\(invoice)")
    }
}
