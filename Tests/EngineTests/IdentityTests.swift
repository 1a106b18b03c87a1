import Billing
import Engine
import Foundation
import Platform
import SimulatedFileSystem
import Testing

/// Nothing is counted twice, for ever: wherever the original's identity stands by then.
@Suite struct IdentityTests {
    /// Entries that are cut into runs of ten and merged.
    private func filled(_ count: Int = 300) throws -> Book {
        let book = try Book(entriesPerRun: 10)
        for number in 0..<count {
            try book.event("e\(number)", "t", "a", #"{"n":\#(number)}"#)
        }
        return book
    }

    private func runs(_ book: Book) -> [String] {
        let names = try? FileManager.default.contentsOfDirectory(atPath: book.folder + "/dedupe")
        return (names ?? []).sorted()
    }

    private func again(_ book: Book, _ number: Int, content: Int? = nil) throws -> Value {
        try book.send(
            #"{"specversion":"1.0","id":"e\#(number)","source":"test","type":"t","subject":"a","#
                + #""data":{"n":\#(content ?? number)}}"#)
    }

    /// Everything sent again is what it was; with other content it is a conflict; nothing is written.
    private func expectAllKnown(
        _ book: Book, _ count: Int = 300, _ sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let state = book.engine.durableState()
        for number in 0..<count {
            let same = try again(book, number)
            #expect(
                same.printed("outcome") == "duplicate" && same.printed("position") == "\(number)",
                "\(same)", sourceLocation: sourceLocation)
            let other = try again(book, number, content: -1)
            #expect(
                other.printed("error") == "conflict" && other.printed("position") == "\(number)",
                "\(other)", sourceLocation: sourceLocation)
        }
        #expect(book.engine.durableState().digest == state.digest, sourceLocation: sourceLocation)
        #expect(
            book.engine.durableState().position == state.position, sourceLocation: sourceLocation)
    }

    @Test func anOldDuplicateIsFoundInTheRuns() throws {
        let book = try filled()
        #expect(!runs(book).isEmpty)
        try expectAllKnown(book)
        try book.restart()
        #expect(book.engine.report.identitiesFed < 100)
        try expectAllKnown(book)
        #expect(try book.verifies())
    }

    @Test func runsMayBeDeleted() throws {
        let book = try filled()
        book.engine.close()
        try FileManager.default.removeItem(atPath: book.folder + "/dedupe")
        try book.restart()
        #expect(book.engine.report.identitiesFed == 300)
        #expect(runs(book).count >= 1, "made again while the log is read")
        try expectAllKnown(book)
    }

    @Test func snapshotsMayBeDeleted() throws {
        let book = try filled()
        book.engine.close()
        try FileManager.default.removeItem(atPath: book.folder + "/snapshots")
        try book.restart()
        #expect(book.engine.report.replayed == 300)
        #expect(book.engine.report.identitiesFed < 100)
        try expectAllKnown(book)
    }

    @Test func runsOfAnotherHistoryAreNotBelieved() throws {
        let (book, other) = (try filled(), try filled(250))
        book.engine.close()
        other.engine.close()
        try FileManager.default.removeItem(atPath: book.folder + "/dedupe")
        try FileManager.default.copyItem(
            atPath: other.folder + "/dedupe", toPath: book.folder + "/dedupe")
        try book.restart()
        #expect(book.engine.report.identitiesFed == 300)
        #expect(book.engine.report.notes.contains { $0.contains("identity run") })
        try expectAllKnown(book)
    }

    /// The snapshot does not grow with the number of identities.
    @Test func snapshotsHoldNoIdentities() throws {
        let book = try Book(entriesPerRun: 500)
        for number in 0..<2000 { try book.event("e\(number)", "t", "a") }
        book.engine.close()
        let folder = book.folder + "/snapshots/deduplication"
        for name in try FileManager.default.contentsOfDirectory(atPath: folder) {
            let size = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(name)")).count
            #expect(size < 33 << 10)
        }
        try book.restart()
        #expect(try book.verifies())
    }

    /// A page is checked when it is read: an engine that cannot know whether an event is new stops,
    /// and the next start makes the run from the log.
    @Test func aDamagedPageStopsTheEngineAndTheNextStartHealsIt() throws {
        let book = try filled()
        book.engine.close()
        let path = try #require(runs(book).first.map { book.folder + "/dedupe/" + $0 })
        var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        bytes[4096 + 20] ^= 4
        try bytes.write(to: URL(fileURLWithPath: path))
        try book.restart()
        let reply = try again(book, 3)
        #expect(reply.printed("error") == "storage_failed", "\(reply)")
        #expect(book.engine.failure?.contains("start again") == true)
        try book.restart()
        #expect(book.engine.report.identitiesFed > 0)
        try expectAllKnown(book)
    }

    /// A disk with no room for runs costs memory, not answers; and it is said.
    @Test func aCutThatFailsIsSaidAndCostsNothing() throws {
        let life = Life()
        life.system.plan([
            FaultRule(
                .failure(SystemFailure.Code.noSpace), call: .create, pathPart: "dedupe",
                isSticky: true)
        ])
        let engine = try life.reopen(seed: 5)
        defer { engine.close() }
        func send(_ number: Int) -> String {
            let line =
                #"{"specversion":"1.0","id":"e\#(number)","source":"s","type":"t","data":{}}"#
            return String(decoding: engine.reply(to: line), as: UTF8.self)
        }
        for number in 0..<40 { #expect(send(number).contains("recorded")) }
        for number in 0..<40 { #expect(send(number).contains("duplicate")) }
        // A thread of its own cuts; it will have tried before long.
        var status = ""
        for _ in 0..<10_000 where !status.contains("identity_failure") {
            status = String(
                decoding: engine.reply(to: #"{"request":"status"}"#), as: UTF8.self)
        }
        #expect(status.contains("identity_failure") && status.contains("No space"))
        #expect(engine.failure == nil)
    }
}
