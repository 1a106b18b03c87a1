import Bytes
import Codec
import Identities
import Projections
import SegmentedLog

/// What the log has of a request already, this frame and the one in sync included.
extension Committer {
    /// Answers a request that is an entry, or that may not become one for the entries of its source.
    /// - Returns: whether it is answered.
    func answerFromHistory(
        _ place: Producers.Place, _ fingerprint: UInt64, _ content: RawSpan,
        _ batch: PreparedBatch, _ index: Int
    ) -> Bool {
        do {
            var found: Found?
            var refusal: Refusal?
            switch place {
            case .next: return false
            case .keyed: found = try find(fingerprint, content)
            case .keyedOrRefused(let reason):
                found = try find(fingerprint, content)
                refusal = reason
            case .refused(let reason): refusal = reason
            case .earlier(let sequence, let start):
                found = try find(sequence, from: start, content)
                if found == nil {
                    refusal = books.producers.refusal(
                        sequence, source: try RecordView(content: content).source)
                }
            }
            if let found {
                reply(to: batch, index, found.entry.status, found.position, found.entry.detail)
                return true
            }
            guard let refusal else { return false }
            refuse(refusal, batch, index)
        } catch {
            // A history that cannot be read must not let an event be counted twice.
            if !hasFailed {
                fail(
                    (error as? IdentityFailure)?.message
                        ?? "an earlier entry cannot be read: \(error)")
            }
            reply(to: batch, index, .unknown, 0, nil)
        }
        return true
    }

    /// An entry with the identity of a request.
    private struct Found {
        var position: Position
        var entry: KnownEntry
    }

    /// Finds an entry by its key.
    private func find(_ fingerprint: UInt64, _ content: RawSpan) throws -> Found? {
        var found: Found?
        _ = try identities.first(fingerprint) { position in
            let erased = books.redactions.paths(at: position)
            let known = try withEntry(at: position) {
                try KnownEntry($0, erasing: erased, comparedTo: content)
            }
            found = known.map { Found(position: position, entry: $0) }
            return found != nil
        }
        return found
    }

    /// Finds a producer's entry by reading the log from a mark on, or from where the one before it
    /// was found: who sends again sends one after the other.
    private func find(
        _ sequence: EventSequence, from mark: Position, _ content: RawSpan
    ) throws -> Found? {
        var position = mark
        if let last = lastFound, last.sequence <= sequence, last.position >= mark,
            try withEntry(at: last.position, { try Self.isOfOneSource($0, content) })
        {
            position = last.position
        }
        while position < books.position {
            let step = try withEntry(at: position) { bytes -> Step in
                guard try Self.isOfOneSource(bytes, content),
                    let here = try RecordView(record: bytes).sequence
                else { return .other }
                let erased = books.redactions.paths(at: position)
                if here == sequence,
                    let known = try KnownEntry(bytes, erasing: erased, comparedTo: content)
                {
                    return .found(known)
                }
                return here > sequence ? .beyond : .other
            }
            switch step {
            case .found(let entry):
                lastFound = (sequence, position)
                return Found(position: position, entry: entry)
            case .beyond: return nil
            case .other: position += 1
            }
        }
        return nil
    }

    private enum Step {
        case found(KnownEntry)
        case beyond
        case other
    }

    private static func isOfOneSource(
        _ record: RawSpan, _ content: RawSpan
    ) throws(DecodeFailure) -> Bool {
        let (entry, request) = (
            try RecordView.source(ofRecord: record), try RecordView.source(ofContent: content)
        )
        return entry.isEqual(to: request)
    }

    /// Calls `body` with a record of the log or of the open frame; waits for one that is in sync.
    func withEntry<R>(at position: Position, _ body: (RawSpan) throws -> R) throws -> R {
        if position >= frameFirst {
            return try job.frame.withRecord(Int(position - frameFirst)) { try body($0) }
        }
        waitUntilDurable(position + 1)
        return try engine.reader.withRecord(at: position) { bytes, _ in try body(bytes) }
    }
}
