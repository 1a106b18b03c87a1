import Billing
import Bytes
import Codec
import Money
import Projections
import SegmentedLog

/// Books of a history that did not happen: each request is decided again, by the rules that are supposed,
/// and what was decided is applied. One worker has one, for the accounts that are its own.
///
/// What was decided differently is kept, so that the account's entries can be read again as they would
/// stand then.
struct SimulatedBooks: ~Copyable {
    var books: Books
    /// What entries would be, where that is not what they are.
    private(set) var changes = SimulatedChanges()
    /// What became of decisions, by account.
    private(set) var tallies: [UInt32: DecisionTally] = [:]
    /// Requests that the supposed catalog would refuse, by the reason's word.
    private(set) var refusals: [String: Int] = [:]
    /// Entries that were decided again.
    private(set) var decided: UInt64 = 0
    private let scenario: Scenario
    private let reader: LogReader
    private var added: ArraySlice<Scenario.AddedEvent>

    /// - Parameters:
    ///   - books: as they stood where the supposition begins, its catalog published.
    ///   - added: supposed events of this worker's accounts, in the order of their times.
    ///   - reader: the log, for what a refund names.
    init(
        _ books: consuming Books, _ scenario: Scenario, added: [Scenario.AddedEvent],
        _ reader: LogReader
    ) {
        self.books = books
        self.scenario = scenario
        self.reader = reader
        self.added = added[...]
    }

    /// Takes the next entry, of one of the worker's accounts or of none.
    /// - Returns: meters and accounts whose history must be metered again, mostly none.
    mutating func take(
        _ bytes: RawSpan, at position: Position, recordedAt: Int64
    ) throws -> Stale {
        let record = try RecordView(record: bytes)
        try addSupposed(before: recordedAt, at: position)
        switch record.kind {
        case .redact, .retire, .finalise, .creditNote, .reconcile: return Stale()
        case .publish:
            guard scenario.catalog == nil else { return Stale() }
            try books.skip(to: position)
            return try books.apply(record, outcome: .recorded, recordedAt: recordedAt)
        case .event, .consume, .hold, .settle:
            if try edit(record, bytes, at: position, recordedAt: recordedAt) { return Stale() }
        default: break
        }
        return try decide(record, try record.outcome(), at: position, recordedAt: recordedAt)
    }

    /// Ends the history: what is supposed behind the last entry happens.
    mutating func finish(at position: Position) throws {
        try addSupposed(before: .max, at: position)
        try books.skip(to: max(position, books.position))
    }

    // MARK: Edits

    /// Applies the first edit that names an entry.
    /// - Returns: whether that was all there is to do with it.
    private mutating func edit(
        _ record: borrowing RecordView, _ bytes: RawSpan, at position: Position, recordedAt: Int64
    ) throws -> Bool {
        for edit in scenario.edits where edit.match.fits(record, recordedAt: recordedAt) {
            switch edit.action {
            case .remove:
                changes.remove(position)
                return true
            case .move(let by):
                guard record.kind == .event else { continue }
                let moved = SimulatedChanges.moved(record, bytes, by: by)
                changes.move(position, by: by)
                let view = try RecordView(record: moved.raw)
                _ = try decide(
                    view, try view.outcome(), at: position,
                    recordedAt: record.time == nil ? recordedAt &+ by : recordedAt)
                return true
            }
        }
        return false
    }

    private mutating func addSupposed(before time: Int64, at position: Position) throws {
        while let next = added.first, next.time.nanoseconds < time {
            added.removeFirst()
            let record = try RecordView(content: next.content.raw)
            try books.skip(to: max(position, books.position))
            switch books.decide(record, recordedAt: next.time.nanoseconds) {
            case .refused(let refusal): refusals[refusal.code, default: 0] += 1
            case .entry(let outcome, _):
                _ = try books.apply(record, outcome: outcome, recordedAt: next.time.nanoseconds)
                books.giveWayToNext()
                changes.add(next.content, outcome, at: position, recordedAt: next.time.nanoseconds)
            }
        }
    }

    // MARK: Decisions

    private mutating func decide(
        _ record: borrowing RecordView, _ recorded: Outcome, at position: Position,
        recordedAt: Int64
    ) throws -> Stale {
        try books.skip(to: position)
        decided += 1
        let verdict =
            record.kind == .refund
            ? try decideRefund(record, recordedAt)
            : books.decide(record, recordedAt: recordedAt)
        switch verdict {
        case .refused(let refusal):
            refusals[refusal.code, default: 0] += 1
            changes.remove(position)
            return Stale()
        case .entry(let outcome, _):
            note(record, recorded, outcome, at: position, recordedAt: recordedAt)
            if outcome != recorded { changes.set(outcome, at: position) }
            return try books.apply(record, outcome: outcome, recordedAt: recordedAt)
        }
    }

    /// A refund gives back of what the entry that it names would have drawn.
    private func decideRefund(
        _ record: borrowing RecordView, _ recordedAt: Int64
    ) throws -> Verdict {
        let order = try RefundOrder.read(record)
        guard order.position < books.position, !changes.isRemoved(order.position) else {
            return .refused(.bad("entry", "would not be there"))
        }
        let (drawn, kind, account) = try reader.withRecord(at: order.position) { bytes, _ in
            let named = try RecordView(record: bytes)
            return (try named.outcome(), named.kind, named.subject?.makeString())
        }
        return books.decideRefund(
            record, of: changes.outcome(at: order.position) ?? drawn, kind, account: account,
            recordedAt)
    }

    private mutating func note(
        _ record: borrowing RecordView, _ before: Outcome, _ after: Outcome, at position: Position,
        recordedAt: Int64
    ) {
        guard let subject = record.subject else { return }
        let owes = { (outcome: Outcome) in
            outcome.shortfallUnits > 0 || outcome.shortfalls.contains { $0.units > 0 }
                || outcome.decision?.reason == .creditInsufficient
        }
        let (owed, owing) = (owes(before), owes(after))
        let decides = record.kind == .consume || record.kind == .hold
        guard decides || owed || owing else { return }
        let account = books.know(subject)
        var tally = tallies[account] ?? DecisionTally()
        if owed { tally.ranOutBefore = tally.ranOutBefore ?? recordedAt }
        if owing { tally.ranOutAfter = tally.ranOutAfter ?? recordedAt }
        if decides, let was = before.decision, let is_ = after.decision {
            tally.note(was, is_, record, at: position, recordedAt: recordedAt)
        }
        tallies[account] = tally
    }
}

/// What became of an account's decisions.
struct DecisionTally: Sendable {
    /// Decisions that were made.
    var made = 0
    var deniedBefore = 0
    var deniedAfter = 0
    var newlyDenied = 0
    var newlyAllowed = 0
    /// When credits first did not cover what was used, nanoseconds UTC; nil: never.
    var ranOutBefore: Int64?
    /// The same, supposed.
    var ranOutAfter: Int64?
    /// The first decisions that are others.
    var changes: [Change] = []

    /// A decision that is another one.
    struct Change: Sendable {
        let position: Position
        let recordedAt: Int64
        let feature: String
        let quantity: Quantity
        let before: OutcomeDecision
        let after: OutcomeDecision
    }

    /// How many changed decisions are listed of an account.
    static let changesMax = 20

    mutating func note(
        _ before: OutcomeDecision, _ after: OutcomeDecision, _ record: borrowing RecordView,
        at position: Position, recordedAt: Int64
    ) {
        made += 1
        if !before.allowed { deniedBefore += 1 }
        if !after.allowed { deniedAfter += 1 }
        guard before.allowed != after.allowed else { return }
        if after.allowed { newlyAllowed += 1 } else { newlyDenied += 1 }
        guard changes.count < Self.changesMax, case .success(let order) = ConsumeOrder.read(record)
        else { return }
        changes.append(
            Change(
                position: position, recordedAt: recordedAt, feature: order.feature,
                quantity: order.quantity, before: before, after: after))
    }
}
