import Billing
import Bytes
import Engine
import Foundation
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

    @Test func threeAreKept() throws {
        let book = try filled()
        for number in 0..<6 {
            try book.event("x\(number)", "login", "a", #"{"person":1}"#)
            let reply = try book.send(#"{"request":"snapshot"}"#)
            #expect(reply.printed("position") == "\(123 + number)")
        }
        #expect(files(book).count == 3 * Books.Part.allCases.count)
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
