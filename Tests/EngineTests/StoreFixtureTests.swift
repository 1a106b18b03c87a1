import Billing
import Codec
import Engine
import Foundation
import Testing

/// Stores that earlier versions wrote, never written again. `v1` has the kinds of entries to 10, redacted values
/// and dropped bodies; `v2` those of credits, subscriptions and accounts.
@Suite struct StoreFixtureTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Fixtures/store")

    /// The files are kept without the zeros at their ends.
    private func store(_ version: String) throws -> URL {
        let folder = Self.folder.appending(path: version)
        let store = URL(filePath: NSTemporaryDirectory() + "daybook-fixture-" + UUID().uuidString)
        let list = try String(contentsOf: folder.appending(path: "files.txt"), encoding: .utf8)
        for line in list.split(separator: "\n") {
            let words = line.split(separator: " ").map(String.init)
            let target = store.appending(path: words[1])
            try FileManager.default.createDirectory(
                at: target.deletingLastPathComponent(), withIntermediateDirectories: true)
            try FileManager.default.copyItem(at: folder.appending(path: words[0]), to: target)
            let handle = try FileHandle(forWritingTo: target)
            try handle.truncate(atOffset: try #require(UInt64(words[2])))
            try handle.close()
        }
        return store
    }

    @Test func itSaysWhatItSaid() throws {
        let store = try store("v1")
        defer { try? FileManager.default.removeItem(at: store) }
        let engine = try Engine.open(Engine.Options(directory: store.path))
        defer { engine.close() }
        let entries = try String(
            contentsOf: Self.folder.appending(path: "v1/entries.ndjson"), encoding: .utf8)
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

    @Test func whatWasBoughtIsWhatItWas() throws {
        let store = try store("v2")
        defer { try? FileManager.default.removeItem(at: store) }
        let engine = try Engine.open(Engine.Options(directory: store.path))
        defer { engine.close() }
        let entries = try String(
            contentsOf: Self.folder.appending(path: "v2/entries.ndjson"), encoding: .utf8)
        #expect(try Life.entries(of: engine) == entries.split(separator: "\n").map(String.init))
        #expect(try engine.verify(deep: true).isEqual)
        for kind in RecordKind.allCases.map(\.name)
        where ![
            "redact", "retire", "credit_note", "deposit", "correct", "backfill",
        ].contains(kind) {
            #expect(entries.contains(#""kind":"\#(kind)""#), "\(kind)")
        }
        let drawn = String(
            decoding: engine.reply(to: #"{"request":"credits","account":"a"}"#), as: UTF8.self)
        // What the reconciliation left of each grant, whenever this is read.
        #expect(drawn.contains(#""kind":"promotional","amount":"10","remaining":"0""#), "\(drawn)")
        let bought = String(
            decoding: engine.reply(to: #"{"request":"entitlements","account":"b"}"#), as: UTF8.self)
        #expect(bought.contains(#""subscription":"sub_1","quantity":2"#), "\(bought)")
    }
}
