import Billing
import Bytes
import Codec
import Engine
import Foundation
import Platform
import Projections
import SegmentedLog
import SimulatedFileSystem
import Testing

/// Laws that hold whatever clock, clients and catalogs do.
@Suite struct LawTests {
    private func times(_ book: Book) throws -> [Timestamp] {
        try Life.entries(of: book.engine).map { line in
            let text = try #require(Promise.value(line).printed("recorded_at"))
            return try #require(Timestamp(rfc3339: text))
        }
    }

    /// The clock jumps by years; commit times only go forward, and bills stay what they are.
    @Test func aClockThatJumpsMovesNoBill() throws {
        let book = try Book()
        book.clock.set("2026-03-01T00:00:00Z")
        try book.publish(testCatalog)
        let jumps = [
            "2026-03-02T00:00:00Z", "2031-03-01T00:00:00Z", "1999-12-31T23:59:59Z",
            "2026-03-05T00:00:00Z", "2031-03-01T00:00:00.000000001Z", "1970-01-01T00:00:00Z",
            "2040-06-01T00:00:00Z", "2026-03-09T00:00:00Z",
        ]
        func bills() throws -> [Value] {
            try ["2026-03", "2031-03", "1999-12", "2040-06"].map {
                try book.send(#"{"request":"invoice","account":"acme","period":"\#($0)"}"#)
            }
        }
        for (number, jump) in jumps.enumerated() {
            book.clock.set(jump)
            let call = #"{"tokens":1\#(number)00000}"#
            try book.event("e\(number)", "llm.call", "acme", call, time: "2026-03-10T00:00:00Z")
            try book.event("f\(number)", "llm.call", "acme", call)
            try book.record(
                #"{"request":"consume","id":"c\#(number)","account":"acme","feature":"api"}"#)
            if number % 3 == 2 { try book.restart() }
        }
        let before = try bills()
        #expect(before[0].printed("total") != "0.00")
        #expect(before[1].printed("total") != before[3].printed("total"))
        let recorded = try times(book)
        #expect(zip(recorded, recorded.dropFirst()).allSatisfy { $0 <= $1 })
        #expect(recorded.last == Timestamp(rfc3339: "2040-06-01T00:00:00Z"))
        #expect(try book.verifies())
        book.engine.close()
        try FileManager.default.removeItem(atPath: book.folder + "/snapshots")
        for clock in ["2026-03-09T00:00:00Z", "2090-01-01T00:00:00Z", "1980-01-01T00:00:00Z"] {
            book.clock.set(clock)
            try book.restart()
            #expect(try bills() == before)
            #expect(try times(book) == recorded)
        }
    }

    /// Eight connections send the same thing at once: one of them records it.
    @Test func oneIdFromManyThreadsIsRecordedOnce() throws {
        let book = try Book()
        let engine = book.engine
        let outcomes = Tally()
        let positions = Monitor<Set<String>>([])
        DispatchQueue.concurrentPerform(iterations: 8) { _ in
            for number in 0..<60 {
                let line =
                    #"{"specversion":"1.0","id":"e\#(number)","source":"s","type":"t","subject":"a"}"#
                let reply = Promise.value(String(decoding: engine.reply(to: line), as: UTF8.self))
                outcomes.add(reply.printed("outcome") ?? "none")
                positions.withLock {
                    _ = $0.insert("\(number) at \(reply.printed("position") ?? "?")")
                }
            }
        }
        #expect(outcomes.count("recorded") == 60)
        #expect(outcomes.count("duplicate") == 7 * 60)
        #expect(positions.read { $0.count } == 60)
        #expect(engine.durablePosition == 60)
        #expect(try book.verifies())
    }

    /// The same id with other content from each thread: the first one has it, the rest are told.
    @Test func oneIdWithManyContentsIsAConflict() throws {
        let book = try Book()
        let engine = book.engine
        let outcomes = Tally()
        DispatchQueue.concurrentPerform(iterations: 8) { thread in
            for number in 0..<40 {
                let line =
                    #"{"specversion":"1.0","id":"e\#(number)","source":"s","type":"t\#(thread)"}"#
                let reply = Promise.value(String(decoding: engine.reply(to: line), as: UTF8.self))
                outcomes.add(reply.printed("error") ?? reply.printed("outcome") ?? "none")
            }
        }
        #expect(outcomes.count("recorded") == 40)
        #expect(outcomes.count("conflict") == 7 * 40)
        let status = try book.send(#"{"request":"status"}"#)
        #expect(status.printed("received") == "320")
        #expect(status.printed("rejected") == "280")
        #expect(engine.durablePosition == 40)
    }

    /// Later rules decide later requests; what was decided stays, in replies, entries and books.
    @Test func laterRulesChangeNoDecision() throws {
        let book = try Book()
        try book.publish(testCatalog)
        try book.record(#"{"request":"grant","id":"g","account":"a","amount":"10"}"#)
        let lines =
            (0..<7).map {
                #"{"request":"consume","id":"api\#($0)","account":"a","feature":"api"}"#
            }
            + ["images", "telepathy", "sso"].map {
                #"{"request":"consume","id":"\#($0)","account":"a","feature":"\#($0)"}"#
            }
        let first = try lines.map { try book.record($0) }
        let entries = try Life.entries(of: book.engine)
        let rules = [
            testCatalog.replacingOccurrences(of: #"{"limit":5}"#, with: #"{"limit":0}"#),
            testCatalog.replacingOccurrences(of: #"{"limit":5}"#, with: #"{"unlimited":true}"#)
                .replacingOccurrences(of: #""sso":false"#, with: #""sso":true"#),
            testCatalog.replacingOccurrences(of: #""images":"2.5""#, with: #""images":"100""#),
        ]
        for (number, rule) in rules.enumerated() {
            try book.publish(rule)
            for (line, reply) in zip(lines, first) {
                let again = try book.send(line)
                #expect(again.printed("outcome") == "duplicate")
                for member in ["position", "allowed", "reason", "credits"] {
                    #expect(again.printed(member) == reply.printed(member), "\(line)")
                }
            }
            let credits = try book.send(#"{"request":"credits","account":"a"}"#)
            #expect(credits.printed("balance") == "7.5")
            if number == 1 { try book.restart() }
        }
        #expect(try Life.entries(of: book.engine).prefix(entries.count) == entries[...])
        #expect(try book.verifies())
        let now = try book.send(
            #"{"request":"consume","id":"new","account":"a","feature":"images"}"#)
        #expect(now.printed("reason") == "credit_insufficient")
    }

    /// A snapshot at any position and the tail after it give the books that the whole log gives.
    @Test func everySnapshotAndItsTailGiveTheSameBooks() throws {
        let system = SimulatedFileSystem(SimulatedDisk(root: "/data"))
        let clock = SettableClock()
        let engine = try Engine.open(Life.options(system, clock, seed: 1))
        var snapshots: [[(String, [UInt8])]] = []
        var lines = Script.lines
        var number = 0
        while engine.durablePosition < 60 {
            number += 1
            let line =
                lines.isEmpty
                ? #"{"specversion":"1.0","id":"z\#(number)","source":"s","type":"login","#
                    + #""subject":"b\#(number % 3)","data":{"person":\#(number % 7)}}"#
                : lines.removeFirst()
            let before = engine.durablePosition
            _ = engine.reply(to: line)
            guard engine.durablePosition > before else { continue }
            let position = String(engine.durablePosition)
            let reply = Promise.value(
                String(decoding: engine.reply(to: #"{"request":"snapshot"}"#), as: UTF8.self))
            #expect(reply.printed("position") == position)
            let disk = system.disk
            let files = disk.files.filter {
                $0.contains("/snapshots/")
                    && $0.hasSuffix(String(repeating: "0", count: 20 - position.count) + position)
            }
            #expect(files.count == Books.Part.allCases.count)
            snapshots.append(files.map { ($0, disk.contents(of: $0) ?? []) })
        }
        let state = engine.durableState()
        var bare = system.disk.afterPowerCut(.nothing)
        for file in bare.files where file.contains("/snapshots/") { bare.remove(file) }
        engine.close()
        #expect(snapshots.count == 60)
        for position in 0...60 {
            var disk = bare
            for (path, bytes) in position > 0 ? snapshots[position - 1] : [] {
                disk.put(path, bytes)
            }
            let again = try Engine.open(
                Life.options(SimulatedFileSystem(disk), clock, seed: 2))
            #expect(again.report.snapshot == Position(position), "\(again.report.notes)")
            #expect(again.report.replayed == Position(60 - position))
            let found = again.durableState()
            #expect(found.digest == state.digest, "snapshot at \(position)")
            #expect(found.chain == state.chain)
            again.close()
        }
    }
}
