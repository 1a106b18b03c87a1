import Billing
import Bytes
import Codec
import Engine
import Foundation
import Money
import Platform
import Projections
import SimulatedFileSystem
import Testing

/// A full queue says so, and loses nothing of what it took.
@Suite struct OverloadTests {
    /// Counts replies and keeps their positions.
    private final class Sink: ReplySink {
        let positions = Monitor<[UInt64]>([])
        let others = Monitor(0)

        func deliver(_ replies: borrowing ReplyBatch) {
            for reply in replies.replies {
                if reply.status == .recorded {
                    positions.withLock { $0.append(reply.position) }
                } else {
                    others.withLock { $0 += 1 }
                }
            }
        }
    }

    private static let filler = String(repeating: "x", count: 250_000)

    private func event(_ id: String) -> String {
        #"{"specversion":"1.0","id":"\#(id)","source":"s","type":"t","data":"\#(Self.filler)"}"#
    }

    private func batch(_ number: Int, of count: Int = 16, _ engine: Engine, _ sink: Sink) throws
        -> PreparedBatch
    {
        let batch = PreparedBatch(replyTo: sink, arenaBytes: 5 << 20)
        let decoder = RequestDecoder(for: engine)
        for index in 0..<count {
            let line = Array(event("\(number)-\(index)").utf8)
            guard
                case .record(let record) = decoder.decode(
                    line.raw, paddingAvailable: 0, into: &batch.arena)
            else { continue }
            batch.records.append(record)
            batch.tokens.append(UInt64(number * 16 + index))
        }
        try #require(batch.records.count == count)
        return batch
    }

    @Test func aFullQueueRefusesAndLosesNothing() throws {
        let folder = NSTemporaryDirectory() + "daybook-overload-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let fileSystem = GatedFileSystem()
        let engine = try Engine.open(.init(directory: folder, fileSystem: fileSystem))
        defer { engine.close() }
        fileSystem.close()
        defer { fileSystem.open() }
        let sink = Sink()
        var (batches, taken, bytes) = (0, 0, 0)
        for count in [16, 1] {
            while batches < 200 {
                let next = try batch(batches, of: count, engine, sink)
                let size = next.arena.count
                guard engine.submit(next) else { break }
                batches += 1
                taken += count
                bytes += size
                // The first must be on its way to the disk, or the committer may take all at once.
                if batches == 1 { usleep(200_000) }
            }
        }
        #expect(bytes > EngineLimits.queuedBytesMax)
        #expect(bytes < EngineLimits.queuedBytesMax + (16 << 20))
        let late = event("late")
        let refused = String(decoding: engine.reply(to: late), as: UTF8.self)
        #expect(refused.contains(#""error":"overloaded""#))
        #expect(engine.refusalNow.code == "overloaded")
        #expect(engine.durablePosition == 0)
        #expect(sink.positions.read { $0.isEmpty })
        // Questions are answered all the same.
        let check = engine.answer(
            .check(AccessQuestion(account: "a", feature: "f", quantity: .one)), id: nil)
        #expect(String(decoding: check, as: UTF8.self).contains("feature_unknown"))
        fileSystem.open()
        // The answer comes when everything before it is durable; while the queue is full, it is asked
        // for again.
        var again = Value.null
        for _ in 0..<2000 {
            again = Promise.value(String(decoding: engine.reply(to: late), as: UTF8.self))
            guard again.printed("error") == "overloaded" else { break }
            usleep(10_000)
        }
        #expect(again.printed("outcome") == "recorded")
        #expect(again.printed("position") == "\(taken)")
        #expect(sink.positions.read { $0 } == (0..<UInt64(taken)).map { $0 })
        #expect(sink.others.read { $0 } == 0)
    }
}
