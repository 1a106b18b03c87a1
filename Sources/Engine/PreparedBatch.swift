package import Billing
package import Bytes
package import Codec
package import Projections
package import SegmentedLog

/// Requests that an edge has parsed, on their way to the committer.
///
/// The edge fills it, submits it and never touches it again; from then on only the committer does.
/// That hand-over, through the engine's monitor, is what makes `@unchecked Sendable` true.
package final class PreparedBatch: @unchecked Sendable {
    /// Canonical contents, one after the other.
    package var arena: ByteBuffer
    /// Where each request lies in the arena.
    package var records: [PreparedRecord] = []
    /// What the edge needs to find the asker again; opaque to the engine.
    package var tokens: [UInt64] = []
    /// Who gets the replies.
    package let replyTo: any ReplySink

    /// History metered for its one record; nil: none.
    var preparation: Preparation?

    /// An empty batch.
    package init(replyTo: any ReplySink, arenaBytes: Int = 64 << 10) {
        self.replyTo = replyTo
        arena = ByteBuffer(capacity: arenaBytes)
    }
}

/// Gets the replies to batches, on the sync thread, after their entries are durable.
package protocol ReplySink: AnyObject, Sendable {
    /// Replies in the order in which their requests were submitted. Must return quickly.
    func deliver(_ replies: borrowing ReplyBatch)
}

/// What became of one request.
package struct Reply: Sendable {
    /// See `Reply.status`.
    package enum Status: UInt8, Sendable {
        /// It is an entry, durable.
        case recorded
        /// It was an entry already; the position is the original's.
        case duplicate
        /// Its (source, id) is another content's; the position is that entry's.
        case conflict
        /// It was not taken; the detail says why.
        case refused
        /// The disk failed: whether it is an entry is decided at the next start.
        case unknown
    }

    /// The request's token.
    package let token: UInt64
    /// The entry's position; 0 where there is none.
    package let position: Position
    /// What became of it.
    package let status: Status
    /// Index + 1 into the batch's details; 0: none.
    package let detail: UInt32
}

/// What only some replies have.
package struct ReplyDetail: Sendable {
    /// The decision, for a consume.
    package var decision: OutcomeDecision?
    /// Credits drawn by grant.
    package var draws: [Draw] = []
    /// Credits used beyond all grants, in 10⁻¹².
    package var shortfallUnits: Int128 = 0
    /// Grants that the entry made beside what it asked for.
    package var grants: [Outcome.MadeGrant] = []
    /// Thresholds of limits that it crossed.
    package var warnings: [Outcome.Warning] = []
    /// The numbers of the decision; absent for a duplicate, whose evidence is history.
    package var evidence: Evidence?
    /// The feature of a hold that was placed: its name is that and the position.
    package var heldFeature: String?
    /// Why it was not taken.
    package var refusal: Refusal?

    init() {}

    /// What an entry's outcome says.
    init(_ outcome: Outcome) {
        decision = outcome.decision
        draws = outcome.draws
        shortfallUnits = outcome.shortfallUnits
        grants = outcome.grants
        warnings = outcome.warnings
    }

    /// Names the hold that an entry placed.
    mutating func nameHold(of record: borrowing RecordView) {
        guard record.kind == .hold, decision?.allowed == true else { return }
        heldFeature = record.string(["feature"])
    }
}

/// Replies to requests of one sink.
package struct ReplyBatch: ~Copyable {
    /// One for each request.
    package var replies: [Reply] = []
    /// Details by `Reply.detail − 1`.
    package var details: [ReplyDetail] = []
    /// Chain head and time of the frame; what a client keeps as its receipt.
    package var receipt: CommitReceipt?

    init() {}
}
