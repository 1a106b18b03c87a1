import Billing
import Bytes
import Engine
import Foundation
import Platform
import Testing

/// Producers: nothing is counted twice, nothing is left out, and no key is kept.
@Suite struct ProducerTests {
    private func line(
        _ epoch: UInt64, _ sequence: UInt64, n: UInt64? = nil, source: String = "meter"
    ) -> String {
        #"{"specversion":"1.0","source":"\#(source)","type":"beat","subject":"a","#
            + #""epoch":\#(epoch),"sequence":\#(sequence),"data":{"n":\#(n ?? sequence)}}"#
    }

    @Test func aRepeatIsADuplicateAndOtherContentAConflict() throws {
        let book = try Book()
        for number: UInt64 in 0..<20 {
            #expect(try book.record(line(0, number)).printed("position") == "\(number)")
        }
        let digest = book.digest
        for number: UInt64 in [0, 7, 19] {
            let same = try book.send(line(0, number))
            #expect(same.printed("outcome") == "duplicate")
            #expect(same.printed("position") == "\(number)")
            let other = try book.send(line(0, number, n: 99))
            #expect(other.printed("error") == "conflict")
            #expect(other.printed("position") == "\(number)")
        }
        #expect(book.digest == digest)
    }

    @Test func anIdOfTheSameFormIsTheSameEvent() throws {
        let book = try Book()
        try book.record(line(2, 5))
        let spelled =
            #"{"specversion":"1.0","id":"2:5","source":"meter","type":"beat","subject":"a","#
            + #""epoch":2,"sequence":5,"data":{"n":5}}"#
        #expect(try book.send(spelled).printed("outcome") == "duplicate")
    }

    @Test func aGapIsRefusedAndSaysWhatIsExpected() throws {
        let book = try Book()
        for number: UInt64 in 0..<3 { try book.record(line(0, number)) }
        let gap = try book.send(line(0, 5))
        #expect(gap.printed("error") == "out_of_order")
        #expect(gap.printed("message")?.contains("sequence 3 of epoch 0") == true)
        #expect(book.engine.durablePosition == 3)
        try book.record(line(0, 3))
    }

    @Test func aHigherEpochFencesTheOneBefore() throws {
        let book = try Book()
        for number: UInt64 in 0..<3 { try book.record(line(0, number)) }
        try book.record(line(1, 0))
        #expect(try book.send(line(0, 3)).printed("error") == "fenced")
        let old = try book.send(line(0, 2))
        #expect(old.printed("outcome") == "duplicate" && old.printed("position") == "2")
        #expect(try book.send(line(0, 2, n: 8)).printed("error") == "conflict")
        try book.record(line(1, 1))
        #expect(book.engine.durablePosition == 5)
    }

    @Test func aSourceDoesNotMix() throws {
        let book = try Book()
        try book.record(line(0, 0))
        try book.event("e", "t", "a")
        let keyed = #"{"specversion":"1.0","id":"x","source":"meter","type":"t"}"#
        #expect(try book.send(keyed).printed("error") == "mixed_source")
        #expect(try book.send(line(0, 0, source: "test")).printed("error") == "mixed_source")
        let command =
            #"{"request":"consume","id":"c","source":"meter","account":"a","feature":"f"}"#
        #expect(try book.send(command).printed("error") == "mixed_source")
        #expect(book.engine.durablePosition == 2)
    }

    @Test(arguments: [
        #""epoch":1"#, #""sequence":1"#, #""epoch":-1,"sequence":0"#, #""epoch":1.5,"sequence":0"#,
        #""epoch":"1","sequence":0"#, #""epoch":1,"sequence":9223372036854775808"#,
        #""epoch":1.0,"sequence":2"#, #""epoch":null,"sequence":2"#,
    ])
    func whatIsNoSequenceNeedsAnId(_ attributes: String) throws {
        let book = try Book()
        let reply = try book.send(
            #"{"specversion":"1.0","source":"s","type":"t",\#(attributes)}"#)
        #expect(reply.printed("error") == "bad_event", "\(reply)")
    }

    /// Far back, between events of others, over restarts from a snapshot and by replay, in any order.
    @Test func oldOnesAreFoundAfterThousandsAndRestarts() throws {
        let book = try Book(entriesPerRun: 500)
        let sink = Lines(book.engine)
        var sent: [(UInt64, UInt64, position: UInt64)] = []
        var position: UInt64 = 0
        for number: UInt64 in 0..<10_500 {
            let (epoch, sequence) = (number / 4000, number % 4000)
            sink.add(line(epoch, sequence))
            sent.append((epoch, sequence, position))
            position += 1
            if number % 10 == 0 {
                sink.add(line(0, number / 10, source: "other"))
                position += 1
            }
        }
        #expect(try sink.finish() == Int(position))
        let digest = book.digest
        func check() throws {
            for index in [0, 1, 2, 3999, 4000, 8001, 10_499, 5, 7000, 7001, 7002] {
                let (epoch, sequence, position) = sent[index]
                let reply = try book.send(line(epoch, sequence))
                #expect(reply.printed("outcome") == "duplicate", "\(index): \(reply)")
                #expect(reply.printed("position") == "\(position)")
                let other = try book.send(line(epoch, sequence, n: 1 << 40))
                #expect(other.printed("error") == "conflict")
            }
            #expect(try book.send(line(1, 4000)).printed("error") == "fenced")
            #expect(book.digest == digest)
        }
        try check()
        try book.restart()
        #expect(book.engine.report.replayed == 0)
        try check()
        book.engine.close()
        try FileManager.default.removeItem(atPath: book.folder + "/snapshots")
        try FileManager.default.removeItem(atPath: book.folder + "/dedupe")
        try book.restart()
        #expect(book.engine.report.replayed > 11_000)
        try check()
        #expect(try book.verifies())
        try book.record(line(2, 2500))
    }

    /// The original and its repeat in one batch, and gaps between frames that are not durable yet.
    @Test func framesInFlightCount() throws {
        let book = try Book()
        let sink = Lines(book.engine)
        for number: UInt64 in 0..<500 {
            sink.add(line(0, number))
            sink.add(line(0, number / 2))
            sink.add(line(0, number + 2))
        }
        #expect(try sink.finish() == 1500)
        #expect(book.engine.durablePosition == 500)
        #expect(sink.count("duplicate") == 500)
        #expect(sink.count("refused") == 500)
    }
}

/// Counts replies by their status.
private final class Counts: ReplySink {
    let byStatus = Monitor<[String: Int]>([:])

    func deliver(_ replies: borrowing ReplyBatch) {
        for reply in replies.replies {
            byStatus.withLock { $0["\(reply.status)", default: 0] += 1 }
        }
    }
}

/// Sends many lines without waiting for each.
private final class Lines {
    private let engine: Engine
    private let decoder: RequestDecoder
    private let counts = Counts()
    private var batch: PreparedBatch?
    private var submitted = 0

    init(_ engine: Engine) {
        self.engine = engine
        decoder = RequestDecoder(for: engine)
    }

    /// Adds a line, and submits some together now and then.
    func add(_ line: String) {
        let batch = self.batch ?? PreparedBatch(replyTo: counts)
        self.batch = batch
        let request = line.withBytes {
            decoder.decode($0, paddingAvailable: 0, into: &batch.arena)
        }
        guard case .record(let record) = request else {
            Issue.record("\(line) is no record")
            return
        }
        batch.records.append(record)
        batch.tokens.append(0)
        if batch.records.count == 150 { submit() }
    }

    private func submit() {
        guard let batch else { return }
        submitted += batch.records.count
        self.batch = nil
        #expect(engine.submit(batch))
    }

    /// Submits the rest and waits. - Returns: how many were answered.
    func finish() throws -> Int {
        submit()
        let wanted = submitted
        let done: Int? = counts.byStatus.wait { counts in
            let sum = counts.values.reduce(0, +)
            return sum >= wanted ? sum : nil
        }
        return try #require(done)
    }

    /// Answers with a status.
    func count(_ status: String) -> Int { counts.byStatus.read { $0[status] ?? 0 } }
}
