import Billing
import Bytes
import Engine
import Foundation
import Platform
import Projections
import Testing

/// Snapshots are a cache: right, or passed over with a reason.
@Suite struct SnapshotTests {
    private func filled() throws -> Book {
        let book = try Book()
        try book.publish(testCatalog)
        try book.record(#"{"request":"grant","id":"g","account":"a","amount":"100"}"#)
        for number in 0..<40 {
            try book.event(
                "e\(number)", "llm.call", "account-\(number % 7)",
                #"{"tokens":\#(number),"model":"m\#(number % 3)"}"#)
            try book.event("l\(number)", "login", "a", #"{"person":\#(number % 5)}"#)
            try book.record(
                #"{"request":"consume","id":"c\#(number)","account":"a","feature":"images"}"#)
        }
        return book
    }

    private func files(_ book: Book) -> [String] {
        let all = FileManager.default.enumerator(atPath: book.folder + "/snapshots")
        return (all?.allObjects as? [String] ?? []).filter { $0.contains("/P-") }.sorted()
    }

    @Test func aStartFromASnapshotGivesTheSameBooks() throws {
        let book = try filled()
        let digest = book.digest
        try book.restart()
        #expect(book.engine.report.snapshot == 122)
        #expect(book.engine.report.replayed == 0)
        #expect(book.digest == digest)
        try book.event("more", "login", "a", #"{"person":99}"#)
        let later = book.digest
        #expect(later != digest)
        #expect(try book.verifies())
    }

    @Test func snapshotsMayBeDeleted() throws {
        let book = try filled()
        let digest = book.digest
        book.engine.close()
        try FileManager.default.removeItem(atPath: book.folder + "/snapshots")
        try book.restart()
        #expect(book.engine.report.snapshot == 0)
        #expect(book.engine.report.replayed == 122)
        #expect(book.digest == digest)
    }

    /// One changed byte anywhere in any file of the newest snapshot: it is passed over.
    @Test func aDamagedSnapshotIsNotBelieved() throws {
        let book = try filled()
        let digest = book.digest
        book.engine.close()
        let paths = files(book)
        #expect(paths.count == Books.Part.allCases.count)
        for (number, path) in paths.enumerated() {
            let url = URL(fileURLWithPath: book.folder + "/snapshots/" + path)
            let sound = try Data(contentsOf: url)
            for place in [0, 8, 12, 40, sound.count / 2, sound.count - 1] {
                var bad = sound
                bad[place] ^= UInt8(1 << (number % 8))
                try bad.write(to: url)
                let engine = try Engine.open(.init(directory: book.folder, readOnly: true))
                #expect(engine.report.snapshot == 0, "\(path) at \(place)")
                #expect(engine.report.notes.contains { $0.contains("passed over") })
                #expect(engine.durableState().digest.hex == digest)
                engine.close()
            }
            try sound.write(to: url)
        }
        try book.restart()
        #expect(book.engine.report.snapshot == 122)
    }

    @Test func aSnapshotOfAnotherHistoryIsNotBelieved() throws {
        let book = try filled()
        let other = try filled()
        let digest = book.digest
        book.engine.close()
        other.engine.close()
        try FileManager.default.removeItem(atPath: book.folder + "/snapshots")
        try FileManager.default.copyItem(
            atPath: other.folder + "/snapshots", toPath: book.folder + "/snapshots")
        try book.restart()
        #expect(book.engine.report.snapshot == 0)
        #expect(book.digest == digest)
    }

    @Test func theNewestThreeAndTheFirstOfTheDayAreKept() throws {
        let book = try filled()
        for number in 0..<6 {
            try book.event("x\(number)", "login", "a", #"{"person":1}"#)
            let reply = try book.send(#"{"request":"snapshot"}"#)
            #expect(reply.printed("position") == "\(123 + number)")
        }
        let kept = Set(files(book).map { String($0.suffix(3)) })
        #expect(kept == ["123", "126", "127", "128"])
        #expect(files(book).count == 4 * Books.Part.allCases.count)
    }

    /// A file of the first format, which named no time, is passed over with a note, and removed by
    /// the next snapshot.
    @Test func aSnapshotOfTheFirstFormatIsPassedOver() throws {
        let book = try filled()
        let digest = book.digest
        book.engine.close()
        for path in files(book) {
            let url = URL(fileURLWithPath: book.folder + "/snapshots/" + path)
            let new = [UInt8](try Data(contentsOf: url))
            var old = ByteBuffer()
            old.append(Array(new[0..<8]) + [1, 0] + Array(new[10..<38]) + Array(new[46..<150]))
            old.appendInteger(CRC32C.masked(of: old.bytes))
            old.append(Array(new[154...]))
            try Data(old.copyBytes(in: 0..<old.count)).write(to: url)
            let lines = try SnapshotInspection.describe(
                path: url.path, fileSystem: SystemFileSystem())
            #expect(lines?.contains { $0.contains("format 1") && $0.contains("right") } == true)
            #expect(lines?.contains { $0.contains("sound") } == true)
        }
        try book.restart()
        #expect(book.engine.report.snapshot == 0)
        #expect(book.engine.report.notes.contains { $0.contains("format 1, this is 2") })
        #expect(book.digest == digest)
        try book.event("more", "login", "a", #"{"person":1}"#)
        _ = try book.send(#"{"request":"snapshot"}"#)
        #expect(files(book).count == Books.Part.allCases.count)
        try book.restart()
        #expect(book.engine.report.snapshot == 123)
    }

    /// Snapshots, status and usage at once: whatever the threads do, the digests stay right.
    @Test func snapshotsAndDigestsWhileCommitsGoOn() throws {
        let book = try Book(entriesPerSnapshot: 20)
        try book.publish(testCatalog)
        let engine = book.engine
        let asking = Thread.spawn(name: "asking") {
            for _ in 0..<40 {
                _ = engine.durableState()
                _ = engine.reply(to: #"{"request":"snapshot"}"#)
            }
        }
        for number in 0..<300 {
            try book.event(
                "e\(number)", "llm.call", "account-\(number % 290)",
                #"{"tokens":\#(number),"model":"m\#(number % 3)"}"#)
        }
        asking.join()
        #expect(try book.verifies())
        let digest = book.digest
        try book.restart()
        #expect(book.engine.report.snapshot == 301)
        #expect(book.digest == digest)
    }

    @Test func readOnlyChangesNothingAndAnswersTheSame() throws {
        let book = try filled()
        let question = #"{"request":"usage","account":"a"}"#
        let before = try book.send(question)
        book.engine.close()
        let engine = try Engine.open(
            .init(directory: book.folder, clock: book.clock, readOnly: true))
        #expect(
            String(decoding: engine.reply(to: question), as: UTF8.self).contains("\"login\"")
                == false)
        #expect(engine.report.entries == 122)
        let refused = String(
            decoding: engine.reply(to: #"{"specversion":"1.0","id":"n","source":"s","type":"t"}"#),
            as: UTF8.self)
        #expect(refused.contains("draining"))
        engine.close()
        try book.restart()
        #expect(try book.send(question) == before)
    }

    @Test func aSecondOwnerIsRefused() throws {
        let book = try filled()
        let failure = #expect(throws: EngineFailure.self) {
            try Engine.open(.init(directory: book.folder))
        }
        #expect(failure?.isLocked == true)
    }
}
