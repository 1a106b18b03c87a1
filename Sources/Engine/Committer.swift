import Billing
import Bytes
import Codec
import Identities
import Platform
import Projections
import SegmentedLog
import Synchronization

/// Decides requests in the order in which they arrive and builds frames. Confined to its thread.
///
///     wait for requests ─► for each: known? ─► decide ─► append to frame ─► apply to decided books
///                              │                                  full, or sync idle ─► hand over
///                              └─► answered with the original
///
/// A frame grows while its predecessor is in sync, so batches are as large as the load makes them,
/// without a timer.
///
/// `@unchecked Sendable`: one thread runs it from `run()` on; nobody else touches it.
final class Committer: @unchecked Sendable {
    unowned let engine: Engine
    var books: Books
    /// Where entries with a fingerprint stand; at the books' position.
    let identities: IdentityIndex
    /// What was last said of their way to the disk.
    private var identityFailure: String?
    private(set) var job = FrameJob()
    private var spare: FrameJob? = FrameJob()
    /// Position of the first entry in the open frame.
    private(set) var frameFirst: Position
    private var lastCommitTime: Int64
    /// The log failed: nothing more is decided.
    private(set) var hasFailed = false
    /// The producer's entry that was last asked for again.
    var lastFound: (sequence: EventSequence, position: Position)?
    /// Replies of the open frame to the batch at hand; nil until there is one.
    private var replies: ReplyBatchBox?
    /// One record, encoded to see whether it fits.
    private var record = ByteBuffer(capacity: 4096)

    init(engine: Engine, books: consuming Books, identities: IdentityIndex) {
        precondition(identities.next == books.position, "both know the same entries")
        self.engine = engine
        self.identities = identities
        frameFirst = books.position
        lastCommitTime = engine.report.lastCommitTime
        self.books = books
    }

    private enum Step {
        case look([IdentityQuestion])
        case work([PreparedBatch])
        case handOver
        case swap(RebuildSwap)
        case stop
    }

    func run() {
        while true {
            switch nextStep() {
            case .look(let questions):
                for question in questions { answer(question) }
            case .work(let batches):
                for batch in batches { process(batch) }
            case .handOver: handOver()
            case .swap(let swap): take(swap)
            case .stop:
                // Not empty only after a failure: what became of these is not known.
                for (sink, box) in job.replies { box.deliverUnknown(to: sink) }
                job.reset()
                identities.close()
                let unanswered = engine.exchange.withLock(waking: .sync) { exchange in
                    exchange.committerDone = true
                    return exchange.questions
                }
                for question in unanswered { question.give(nil) }
                return
            }
        }
    }

    private func nextStep() -> Step {
        let hasFrame = !job.isEmpty
        let step: Step? = engine.exchange.wait(on: .committer, waking: []) { exchange in
            if exchange.failure != nil { return .stop }
            if !exchange.questions.isEmpty {
                let questions = exchange.questions
                exchange.questions = []
                return .look(questions)
            }
            if let swap = exchange.swap {
                exchange.swap = nil
                return .swap(swap)
            }
            if !exchange.queue.isEmpty {
                let batches = exchange.queue
                exchange.queue = []
                exchange.queuedBytes = 0
                return .work(batches)
            }
            if hasFrame { return exchange.inSync == nil ? .handOver : nil }
            return exchange.isClosing ? .stop : nil
        }
        return step ?? .stop
    }

    // MARK: Requests

    private func process(_ batch: PreparedBatch) {
        replies = nil
        for index in batch.records.indices {
            let record = batch.records[index]
            if looksBack(record, batch) {
                handOver()
                waitUntilDurable(books.position)
            }
            if let preparation = batch.preparation, !preparation.isLast, !hasFailed,
                books.position - preparation.position > EngineLimits.preparedLagMax
            {
                preparation.sendBack()
                continue
            }
            if hasFailed {
                reply(to: batch, index, .unknown, 0, nil)
                continue
            }
            let end = record.contentStart + record.contentLength
            batch.arena.withBytes(in: record.contentStart..<end) { content in
                answer(record.fingerprint, content, batch, index)
            }
        }
        guard !job.isEmpty, engine.exchange.read({ $0.inSync == nil }) else { return }
        handOver()
    }

    /// Whether a request needs all earlier entries to be readable: a catalog, an override or a correction may have
    /// history metered again, and what is redacted or given back must be looked at.
    private func looksBack(_ record: PreparedRecord, _ batch: PreparedBatch) -> Bool {
        switch record.kind {
        case .publish, .redact, .refund, .correct, .backfill: return true
        case .override: break
        default: return false
        }
        let end = record.contentStart + record.contentLength
        return batch.arena.withBytes(in: record.contentStart..<end) { content in
            guard let view = try? RecordView(content: content) else { return false }
            return books.mayMeterAgain(view)
        }
    }

    private func answer(
        _ fingerprint: UInt64, _ content: RawSpan, _ batch: PreparedBatch, _ index: Int
    ) {
        guard let view = try? RecordView(content: content) else {
            preconditionFailure("an edge handed over content that is not canonical")
        }
        let place = books.producers.place(of: view)
        if answerFromHistory(place, fingerprint, content, batch, index) { return }
        while true {
            if job.frame.count == 0 { stampFrame() }
            switch decide(view) {
            case .refused(let refusal):
                refuse(refusal, batch, index)
                return
            case .entry(let outcome, let evidence):
                encode(content, outcome)
                guard makeRoom() else { continue }
                enter(view, outcome, evidence, batch, index)
                if case .next = place {
                    identities.appendWithoutKey()
                } else {
                    identities.append(fingerprint)
                }
                return
            }
        }
    }

    private func decide(_ view: borrowing RecordView) -> Verdict {
        if view.kind == .refund { return decideRefund(view) }
        let verdict = books.decide(view, recordedAt: job.commitTime)
        guard view.kind == .redact, case .entry(_, let evidence) = verdict,
            case .success(let order) = RedactOrder.read(view)
        else { return verdict }
        do {
            let remains = try RedactedEntries(reader: engine.reader).remains(of: order)
            return .entry(Outcome(remains: remains), evidence)
        } catch let refusal as Refusal {
            return .refused(refusal)
        } catch {
            return .refused(
                Refusal(code: "storage_failed", message: "an entry cannot be read: \(error)"))
        }
    }

    /// A refund depends on what an earlier entry drew.
    private func decideRefund(_ view: borrowing RecordView) -> Verdict {
        do {
            let order = try RefundOrder.read(view)
            guard order.position < books.position else {
                throw Refusal(
                    code: "unknown_position", field: "entry",
                    message: "entry: the log ends before position \(books.position)")
            }
            let (outcome, kind, account) = try engine.reader.withRecord(at: order.position) {
                bytes, _ in
                let record = try RecordView(record: bytes)
                return (try record.outcome(), record.kind, record.subject?.makeString())
            }
            return books.decideRefund(
                view, of: outcome, kind, account: account, job.commitTime)
        } catch let refusal as Refusal {
            return .refused(refusal)
        } catch {
            return .refused(
                Refusal(code: "storage_failed", message: "an entry cannot be read: \(error)"))
        }
    }

    /// Writes the record as it will stand in the frame.
    private func encode(_ content: RawSpan, _ outcome: Outcome) {
        record.clear()
        record.appendVarint(UInt64(content.byteCount))
        record.append(content)
        outcome.append(to: &record)
    }

    /// Sees to it that the encoded record fits the open frame.
    /// - Returns: false if the frame was handed over for it: the next one has another commit time,
    ///   by which the request must be decided.
    private func makeRoom() -> Bool {
        if job.frame.count < EngineLimits.frameEntriesMax, job.frame.hasRoom(for: record.count) {
            return true
        }
        precondition(job.frame.count > 0, "edges bound a record to what fits an empty frame")
        handOver()
        return false
    }

    private func enter(
        _ view: borrowing RecordView, _ outcome: Outcome, _ evidence: Evidence,
        _ batch: PreparedBatch, _ index: Int
    ) {
        let position = books.position
        job.frame.append(record: record)
        do {
            let stale = try books.apply(view, outcome: outcome, recordedAt: job.commitTime)
            if !stale.isEmpty {
                try meterAgain(stale, batch.preparation)
                job.metered = books.copy()
            }
        } catch {
            // The decision was made from these very books: to contradict them is our own fault,
            // and nothing of this frame may become durable.
            fail("the books contradict a decision they just made: \(error)")
        }
        var detail: ReplyDetail?
        if outcome != .recorded || evidence.effective != nil {
            var made = ReplyDetail(outcome)
            made.evidence =
                outcome.decision == nil && evidence.effective == nil ? nil : evidence
            made.nameHold(of: view)
            detail = made
        }
        reply(to: batch, index, .recorded, position, detail)
    }

    /// Takes over what was metered beside the traffic, or meters history while commits wait.
    private func meterAgain(_ stale: Stale, _ preparation: Preparation?) throws {
        if var remetering = preparation?.remetering.take(), stale.accounts.isEmpty,
            remetering.meters == stale.meters, remetering.move(to: books.copy(), before: .max)
        {
            try Replay.meter(
                &remetering, engine.reader, recountsMax: EngineLimits.recountsMax)
            if books.takeOver(&remetering) {
                engine.metered.add(1, ordering: .relaxed)
                return
            }
        }
        try Replay.meterAgain(&books, stale, before: frameFirst, engine.reader)
    }

    func refuse(_ refusal: Refusal, _ batch: PreparedBatch, _ index: Int) {
        var detail = ReplyDetail()
        detail.refusal = refusal
        reply(to: batch, index, .refused, 0, detail)
    }

    func waitUntilDurable(_ position: Position) {
        let reached: Bool? = engine.exchange.wait(on: .committer, waking: []) { exchange in
            if exchange.failure != nil { return false }
            return exchange.durablePosition >= position ? true : nil
        }
        if reached != true { hasFailed = true }
    }

    // MARK: Frames

    /// Commit times never go back, whatever the clock does.
    private func stampFrame() {
        lastCommitTime = max(lastCommitTime, engine.options.clock.wallNanoseconds())
        job.commitTime = lastCommitTime
    }

    /// Gives the open frame to the sync thread, as soon as that has finished the one before.
    func handOver() {
        guard !job.isEmpty else { return }
        let ready = job
        let mayGo: Bool? = engine.exchange.wait(on: .committer, waking: .sync) { exchange in
            if exchange.failure != nil { return false }
            guard exchange.inSync == nil else { return nil }
            exchange.inSync = ready
            return true
        }
        frameFirst = books.position
        replies = nil
        if mayGo == true {
            // The sync thread has finished the other job: its frame was the one before.
            job = spare ?? FrameJob()
            job.reset()
            spare = ready
        } else {
            hasFailed = true
            for (sink, box) in ready.replies { box.deliverUnknown(to: sink) }
            ready.reset()
        }
        moveIdentities()
    }

    /// Moves identities to disk when enough stand in memory: those of durable entries alone, up to
    /// the end of a frame, where the log has a chain hash that a later start can compare.
    private func moveIdentities() {
        guard !hasFailed else { return }
        let wantsCut = identities.wantsCut
        if let damage = identities.damage { return fail(damage.message) }
        if identityFailure != identities.cutFailure {
            identityFailure = identities.cutFailure
            engine.exchange.withLock(waking: []) { $0.identityFailure = identityFailure }
        }
        guard wantsCut else { return }
        let durable = engine.exchange.read { ($0.durablePosition, $0.durableChain) }
        identities.cut(at: durable.0, chain: durable.1)
    }

    func fail(_ message: String) {
        hasFailed = true
        engine.exchange.withLock { exchange in
            if exchange.failure == nil { exchange.failure = message }
        }
    }

    // MARK: Replies

    /// Adds a reply to those that leave with the open frame.
    func reply(
        to batch: PreparedBatch, _ index: Int, _ status: Reply.Status, _ position: Position,
        _ detail: ReplyDetail?
    ) {
        let box = replies ?? ReplyBatchBox()
        if replies == nil {
            replies = box
            job.replies.append((batch.replyTo, box))
        }
        box.add(batch.tokens[index], status, position, detail)
    }
}
