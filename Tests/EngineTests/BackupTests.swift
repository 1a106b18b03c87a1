import Billing
import Bytes
import Engine
import Foundation
import Platform
import SegmentedLog
import Testing

/// Backups of an engine that is at work.
struct BackupTests {
    /// Writers, sealing and merging go on; the backup's books are those of its position, and every receipt that
    /// was given before it began is in it.
    @Test func theBooksOfABackupAreThoseOfItsPosition() throws {
        let book = try Book()
        try book.publish(testCatalog)
        let target = book.folder + "-backup"
        defer { try? FileManager.default.removeItem(atPath: target) }
        let ended = Monitor(false)
        let engine = book.engine
        let writer = Thread.spawn(name: "writer") {
            var number = 0
            while !ended.read({ $0 }), number < 3000 {
                _ = engine.reply(
                    to: #"{"specversion":"1.0","id":"w\#(number)","source":"test","#
                        + #""type":"api.call","subject":"a\#(number % 7)","data":{}}"#)
                number += 1
            }
        }
        for number in 0..<40 { try book.event("e\(number)", "api.call", "acme") }
        _ = try engine.compact()
        let receipt = engine.durableState()
        let reply = try book.send(#"{"request":"backup","id":"b","to":"\#(target)"}"#)
        _ = try engine.compact()
        ended.withLock { $0 = true }
        writer.join()
        let position = try #require(reply.printed("position").flatMap { UInt64($0) })
        #expect(position >= receipt.position)

        let copy = try Engine.open(.init(directory: target, readOnly: true))
        defer { copy.close() }
        #expect(copy.durablePosition == position)
        #expect(try copy.reader.chain(at: receipt.position) == receipt.chain)
        #expect(try engine.reader.chain(at: position) == copy.reader.head.chain)
        #expect(reply.printed("chain") == copy.reader.head.chain.hex)
        #expect(try copy.verify(deep: true).isEqual)
        #expect(try book.verifies())
    }

    @Test func badPlacesAreRefused() throws {
        let book = try Book()
        for to in ["relative", book.folder, book.folder + "/inside", ""] {
            let reply = try book.send(#"{"request":"backup","to":"\#(to)"}"#)
            #expect(reply.printed("error") == "bad_request" && reply.printed("field") == "to")
        }
        try book.event("e", "api.call", "acme")
    }

    /// A damaged log says where, and what is left.
    @Test func verifyNamesDamageAndWhatCanStillBeRead() throws {
        let book = try Book()
        for number in 0..<5 { try book.event("e\(number)", "api.call", "acme") }
        let folder = book.folder + "/wal/"
        let name = try #require(
            try FileManager.default.contentsOfDirectory(atPath: folder).sorted().first)
        let file = try FileHandle(forUpdating: URL(fileURLWithPath: folder + name))
        // Header, then a block for each commit: the third.
        try file.seek(toOffset: 3 * 4096 + 100)
        try file.write(contentsOf: Data([0xFF, 0xFE]))
        try file.close()
        let reply = try book.send(#"{"request":"verify"}"#)
        #expect(reply.printed("error") == "storage_failed")
        #expect(reply.printed("file") == folder + name && reply.printed("offset") == "12288")
        #expect(reply.printed("first_unreadable") == "2" && reply.printed("end") == "5")
        #expect(reply.list("readable").count == 2)
        let message = reply.printed("message") ?? ""
        #expect(message.contains("0..<2, 3..<5") && message.contains("daybook repair --data"))
    }
}
