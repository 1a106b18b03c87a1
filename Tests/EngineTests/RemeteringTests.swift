import Billing
import Bytes
import Codec
import Foundation
import Platform
import Projections
import SegmentedLog
import Testing

@testable import Engine

/// Law 4: history that was metered beside the books and taken over is, to the byte, what metering all of it at
/// that position makes.
@Suite struct RemeteringTests {
    /// A copy of books that has taken an entry.
    private struct Taken: ~Copyable {
        var books: Books
        let meters: Set<UInt32>
    }

    /// Has a copy of `live` take the entry at a position, as if it were recorded at that time.
    /// - Returns: nil if the copy cannot.
    private func take(
        _ live: inout Books, _ position: Position, _ engine: Engine, at time: Int64
    ) throws -> Taken? {
        var copy = live.copy()
        var meters: Set<UInt32>?
        try engine.reader.withRecord(at: position) { bytes, _ in
            let record = try RecordView(record: bytes)
            let stale = try? copy.apply(record, outcome: try record.outcome(), recordedAt: time)
            meters = stale?.meters
        }
        guard let meters else { return nil }
        return Taken(books: copy, meters: meters)
    }

    /// Books, in a list.
    private final class Box {
        var books: Books
        init(_ books: consuming Books) { self.books = books }
    }

    /// The plain books at each position, and where an entry has history metered again.
    private func walk(_ engine: Engine) throws -> (all: [Box], stale: [Position]) {
        var books = Books(key: engine.key)
        var all = [Box(books.copy())]
        var stale: [Position] = []
        while books.position < engine.durablePosition {
            let position = books.position
            let taken = try take(&books, position, engine, at: time(engine, of: position))
            if let taken, !taken.meters.isEmpty { stale.append(position) }
            try Replay.advance(&books, to: position + 1, engine.reader)
            all.append(Box(books.copy()))
        }
        return (all, stale)
    }

    private func time(_ engine: Engine, of position: Position) throws -> Int64 {
        try engine.reader.withRecord(at: position) { $1.commitTime }
    }

    /// Meters beside the books at each of `steps`, and has those at `position` take it over.
    /// - Returns: whether it was of use, in which case it is as it must be.
    private func beside(
        _ engine: Engine, _ all: [Box], _ position: Position, _ steps: [Position], _ label: String
    ) throws -> Bool {
        var remetering: Remetering?
        for step in steps {
            let now = step == 0 ? .min : try time(engine, of: step - 1)
            guard let taken = try take(&all[Int(step)].books, position, engine, at: now),
                !taken.meters.isEmpty
            else { return false }
            let before = Timestamp(nanoseconds: now)
            if var begun = remetering.take() {
                guard begun.meters == taken.meters, begun.move(to: taken.books, before: before)
                else { return false }
                try Replay.meter(&begun, engine.reader, recountsMax: .max)
                remetering = consume begun
            } else {
                var begun = Remetering(taken.books, meters: taken.meters, before: before)
                try Replay.meter(&begun, engine.reader, recountsMax: .max)
                remetering = consume begun
            }
        }
        guard
            var at = try take(
                &all[Int(position)].books, position, engine, at: time(engine, of: position)),
            var begun = remetering.take()
        else { return false }
        guard begun.meters == at.meters, begun.move(to: at.books.copy(), before: .max) else {
            return false
        }
        try Replay.meter(&begun, engine.reader, recountsMax: .max)
        guard at.books.takeOver(&begun) else { return false }
        let plain = all[Int(position) + 1]
        let isEqual = at.books.digest() == plain.books.digest()
        #expect(isEqual, "\(label), position \(position) from \(steps)")
        for part in Books.Part.allCases {
            let (left, right) = (at.books.digest(of: part), plain.books.digest(of: part))
            #expect(left == right, "\(label), position \(position) from \(steps): \(part)")
        }
        // What is no part of the state must be right as well: later entries go by it.
        let later = min(position + 9, engine.durablePosition)
        try Replay.advance(&at.books, to: later, engine.reader)
        let isEqualLater = at.books.digest() == all[Int(later)].books.digest()
        #expect(isEqualLater, "\(label), position \(later), taken over at \(position)")
        return true
    }

    @Test(arguments: 1...4 as ClosedRange<UInt64>)
    func whatIsTakenOverIsTheSameToTheByte(_ seed: UInt64) throws {
        try check(seed, MeteringHistory(seed: seed))
    }

    /// The same where entries were corrected, and events are of batches that are open, closed or reverted.
    @Test(arguments: 2...3 as ClosedRange<UInt64>)
    func whatIsTakenOverIsCorrected(_ seed: UInt64) throws {
        try check(seed, MeteringHistory(seed: seed, corrects: true))
    }

    private func check(_ seed: UInt64, _ life: MeteringHistory) throws {
        let book = try Book()
        var life = life
        for number in 0..<130 {
            book.clock.set(life.clock())
            _ = try book.send(
                number > 20 && life.dice.roll(18) == 0 || number == 20
                    ? life.publish() : life.line())
        }
        let (all, stale) = try walk(book.engine)
        var taken = 0
        for position in stale {
            for _ in 0..<2 {
                let reach = life.dice.roll(3) == 0 ? Int(position) + 1 : min(Int(position) + 1, 12)
                let steps = (0..<(1 + life.dice.roll(3))).map { _ in
                    position - Position(life.dice.roll(reach))
                }
                if try beside(book.engine, all, position, steps.sorted(), "seed \(seed)") {
                    taken += 1
                }
            }
        }
        #expect(3 * taken >= stale.count, "seed \(seed): \(taken) of \(2 * stale.count)")
        #expect(stale.count > 4)
    }
}
