import Foundation
import Platform
import Projections
import Synchronization
import Testing

@testable import Engine

/// Catalogs and overrides that have history metered again, while entries come from everywhere.
@Suite struct PublicationTests {
    /// Sends lines on some threads until `body` is done.
    /// - Returns: positions that were acknowledged.
    static func traffic(
        _ book: Book, threads: Int = 3, while body: () throws -> Void
    ) throws -> [UInt64] {
        let engine = book.engine
        let isOver = Monitor(false)
        let acknowledged = Monitor<[UInt64]>([])
        let running = (0..<threads).map { thread in
            Thread.spawn(name: "traffic") {
                var life = MeteringHistory(seed: UInt64(thread + 77))
                var number = 0
                while !isOver.read({ $0 }) {
                    number += 1
                    let line = life.line().replacing(
                        #""id":"x"#, with: #""id":"\#(thread)-\#(number)x"#)
                    let reply = Promise.value(
                        String(decoding: engine.reply(to: line), as: UTF8.self))
                    guard reply.printed("outcome") == "recorded",
                        let position = reply.printed("position").flatMap({ UInt64($0) })
                    else { continue }
                    acknowledged.withLock { $0.append(position) }
                }
            }
        }
        defer {
            isOver.withLock { $0 = true }
            for thread in running { thread.join() }
        }
        try body()
        isOver.withLock { $0 = true }
        return acknowledged.read { $0 }
    }

    @Test(arguments: [1, 2] as [UInt64])
    func publicationsAmongTrafficLeaveTheBooksOfAReplay(_ seed: UInt64) throws {
        let book = try Book(entriesPerSnapshot: 200, isPrepared: true)
        var life = MeteringHistory(seed: seed)
        try book.record(life.publish())
        for _ in 0..<40 { _ = try book.send(life.line()) }
        let positions = try Self.traffic(book) {
            for _ in 0..<3 { try book.record(life.publish()) }
        }
        #expect(Set(positions).count == positions.count)
        #expect(book.engine.metered.load(ordering: .relaxed) > 0)
        let digest = book.digest
        #expect(try book.verifies())
        // The books of the committer, too.
        let report = try book.engine.rebuild()
        #expect(report.isEqual && report.isSwapped)
        #expect(book.digest == digest)
        try book.restart()
        #expect(book.digest == digest)
        for position in positions { #expect(position < book.engine.durablePosition) }
    }

    /// The reply to a publication says the same as ever; what it would be refused for too.
    @Test func aPublicationIsAnsweredAsEver() throws {
        let book = try Book(isPrepared: true)
        try book.publish(testCatalog, id: "one")
        try book.event("e", "llm.call", "a", #"{"tokens":5}"#)
        let changed = testCatalog.replacing(#""value":"tokens","#, with: #""value":"words","#)
        let line = #"{"request":"publish","id":"two","catalog":\#(changed)}"#
            .replacing("\n", with: "")
        let first = try book.record(line)
        #expect(first.printed("position") == "2")
        let again = try book.send(line)
        #expect(again.printed("outcome") == "duplicate")
        #expect(again.printed("position") == "2")
        let other = try book.send(
            line.replacing(#""value":"words","#, with: #""value":"cards","#))
        #expect(other.printed("error") == "conflict" || other.printed("outcome") == "conflict")
        let bad = try book.send(#"{"request":"publish","id":"three","catalog":{"catalog":1}}"#)
        #expect(bad.printed("error") != nil)
        #expect(try book.verifies())
    }

    /// Closing refuses what is not recorded yet, and tells nobody otherwise.
    @Test func closingEndsAPreparation() throws {
        let book = try Book(isPrepared: true)
        var life = MeteringHistory(seed: 5)
        try book.record(life.publish())
        for _ in 0..<40 { _ = try book.send(life.line()) }
        book.engine.stopLongWork()
        let reply = try book.send(life.publish())
        #expect(reply.printed("error") == "draining")
        let end = book.engine.durablePosition
        try book.restart()
        #expect(book.engine.durablePosition == end)
        #expect(try book.verifies())
        try book.record(life.publish())
    }
}
