import Bytes
import Codec
import Engine

/// Neighbouring requests of one connection in one batch, whose replies are awaited.
struct Run {
    let connection: ConnectionToken
    let batch: PreparedBatch
    /// The request that is answered next.
    var next: Int
    let end: Int
    /// Set when the engine did not take the batch.
    var refusal: EdgeReply.Refusal?

    var count: Int { end - next }
}

extension PreparedBatch {
    /// Reads the id of a request, UTF-8. Also after the batch was handed over: it is not changed.
    func withID(of index: Int, _ body: (RawSpan) -> Void) {
        let record = records[index]
        arena.withBytes(in: record.idStart..<(record.idStart + record.idLength), body)
    }
}

/// Batches that are filled again once their last reply was delivered.
struct BatchPool {
    private var batches: [PreparedBatch] = []

    private static let batchesMax = 8
    private static let arenaBytesMax = 2 << 20

    /// An empty batch.
    mutating func take(for mailbox: EdgeMailbox) -> PreparedBatch {
        for index in batches.indices where isKnownUniquelyReferenced(&batches[index]) {
            let batch = batches.remove(at: index)
            batch.arena.clear()
            batch.records.removeAll(keepingCapacity: true)
            batch.tokens.removeAll(keepingCapacity: true)
            return batch
        }
        return PreparedBatch(replyTo: mailbox)
    }

    /// Takes a batch back. The committer may still hold it for a moment; `take` leaves it alone
    /// until it does not.
    mutating func put(_ batch: PreparedBatch) {
        guard batches.count < Self.batchesMax, batch.arena.capacity <= Self.arenaBytesMax else {
            return
        }
        batches.append(batch)
    }
}
