import Billing
import Foundation
import Platform
import Synchronization
import Testing

@testable import Engine
@testable import Projections

/// Views that are folded anew beside the traffic and put in the place of the live ones.
@Suite struct RebuildTests {
    private func filled(isPrepared: Bool = false) throws -> Book {
        let book = try Book(isPrepared: isPrepared)
        var life = MeteringHistory(seed: 9)
        for number in 0..<120 {
            book.clock.set(life.clock())
            _ = try book.send(number % 40 == 10 ? life.publish() : life.line())
        }
        return book
    }

    /// Adds to a live counter what no entry says.
    private func damage(_ book: Book, _ account: String = "a1") throws {
        let number = try #require(book.engine.durable.withLock { $0.books.account(account) })
        book.engine.durable.withLock { durable in
            _ = durable.books.counters.add(
                .init(aggregation: .sum, units: 7_000_000_000_000), account: number, meter: 0,
                month: Month(containing: 1_772_366_400_000_000_000), group: nil)
        }
    }

    @Test func entriesGoOnBesideARebuildAndNoneIsLost() throws {
        let book = try filled()
        var reports: [RebuildReport] = []
        let positions = try PublicationTests.traffic(book) {
            for _ in 0..<3 { reports.append(try book.engine.rebuild()) }
        }
        #expect(reports.allSatisfy { $0.isEqual && $0.isSwapped })
        #expect(reports.map(\.position) == reports.map(\.position).sorted())
        #expect(Set(positions).count == positions.count)
        #expect(positions.allSatisfy { $0 < book.engine.durablePosition })
        #expect(try book.verifies())
        let digest = book.digest
        try book.restart()
        #expect(book.digest == digest)
    }

    @Test func publicationsAndRebuildsMayMeet() throws {
        let book = try filled(isPrepared: true)
        let engine = book.engine
        let isOver = Monitor(false)
        let publisher = Thread.spawn(name: "publisher") {
            var life = MeteringHistory(seed: 31)
            var number = 0
            while !isOver.read({ $0 }) {
                number += 1
                _ = engine.reply(
                    to: life.publish().replacing(#""id":"v"#, with: #""id":"other\#(number)v"#))
            }
        }
        for _ in 0..<3 { #expect(try engine.rebuild().isEqual) }
        isOver.withLock { $0 = true }
        publisher.join()
        #expect(try book.verifies())
    }

    @Test func aDamagedViewIsNamedAndMended() throws {
        let book = try filled()
        let before = book.digest
        try damage(book)
        #expect(try !book.verifies())
        #expect(try book.send(#"{"request":"snapshot"}"#).printed("ok") == "true")
        let reply = try book.send(#"{"request":"rebuild"}"#)
        #expect(reply.printed("equal") == "false" && reply.printed("swapped") == "true")
        #expect(reply.printed("differences") == "1")
        let listed = try #require(reply.list("listed").first)
        #expect(listed.printed("view") == "counters" && listed.printed("account") == "a1")
        #expect(listed.printed("head") == "durable")
        #expect(listed.printed("what") == "calls 2026-03")
        #expect(listed.printed("before") != listed.printed("after"))
        let views = reply.list("views")
        #expect(views.count == Books.Part.allCases.count)
        for view in views {
            let isDamaged = view.printed("view") == "counters"
            #expect(view.printed("equal") == (isDamaged ? "false" : "true"))
            #expect((view.printed("before") == view.printed("after")) != isDamaged)
        }
        #expect(book.digest == before)
        #expect(try book.verifies())
        #expect(try book.engine.rebuild().isEqual)
        // The snapshot of the damaged books stood at this very position.
        try book.restart()
        #expect(book.engine.report.snapshot == book.engine.durablePosition)
        #expect(book.digest == before)
    }

    @Test func onlyWhatIsNamedIsReplaced() throws {
        let book = try filled()
        let before = book.digest
        try damage(book)
        let credits = try book.engine.rebuild([.credits])
        #expect(credits.isEqual)
        #expect(credits.views.map(\.part) == [.registry, .credits])
        #expect(try !book.verifies())
        #expect(try !book.engine.rebuild([.counters]).isEqual)
        #expect(book.digest == before)
        let wrong = try book.send(#"{"request":"rebuild","views":["counter"]}"#)
        #expect(wrong.printed("field") == "views")
    }

    @Test func thereIsOneAtATime() throws {
        let book = try filled()
        book.engine.rebuilding.withLock { $0 = RebuildProgress(position: 3, target: 9) }
        let status = try book.send(#"{"request":"status"}"#)
        #expect(status.printed("rebuild_position") == "3")
        #expect(status.printed("rebuild_target") == "9")
        #expect(try book.send(#"{"request":"rebuild"}"#).printed("error") == "busy")
        book.engine.rebuilding.withLock { $0 = nil }
        #expect(try book.send(#"{"request":"rebuild"}"#).printed("equal") == "true")
    }

    @Test func closingEndsItAndChangesNothing() throws {
        let book = try filled()
        try damage(book)
        let damaged = book.digest
        book.engine.stopLongWork()
        #expect(try book.send(#"{"request":"rebuild"}"#).printed("error") == "draining")
        #expect(book.digest == damaged)
        #expect(book.engine.rebuilding.read { $0 } == nil)
    }

    /// Many rebuilds are asked for while the engine closes: each is done, or it was refused.
    @Test func closingInTheMiddleIsSafe() throws {
        let book = try filled()
        let digest = book.digest
        let engine = book.engine
        let asking = Thread.spawn(name: "asking") {
            while (try? engine.rebuild())?.isEqual == true {}
        }
        engine.close()
        asking.join()
        try book.restart()
        #expect(book.digest == digest)
        #expect(try book.verifies())
    }

    @Test func aStoreThatIsOnlyReadIsCompared() throws {
        let book = try filled()
        book.engine.close()
        let engine = try Engine.open(.init(directory: book.folder, readOnly: true))
        let report = try engine.rebuild()
        #expect(report.isEqual && !report.isSwapped)
        #expect(report.position == engine.durablePosition)
        engine.close()
    }
}
