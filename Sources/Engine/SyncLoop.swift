import Bytes
import Codec
import Platform
import Projections
import SegmentedLog

/// Makes frames durable, one at a time, then shows and answers them. Confined to its thread.
///
///     append + fdatasync ─► apply to the durable books ─► publish the position ─► deliver replies
///
/// Any failure of the log ends the engine: the frame's fate is unknown, its askers are told so,
/// and nothing is tried again. Recovery decides at the next start.
///
/// `@unchecked Sendable`: one thread runs it from `run()` on, and it alone touches the log.
final class SyncLoop: @unchecked Sendable {
    private unowned let engine: Engine
    private let log: SegmentedLog

    init(engine: Engine, log: SegmentedLog) {
        self.engine = engine
        self.log = log
    }

    private enum Step {
        case frame(FrameJob)
        case idle
        case stop
    }

    func run() {
        var mayMaintain = true
        while true {
            let timeout = mayMaintain ? EngineLimits.idleBeforeMaintenance : nil
            let step: Step? = engine.exchange.wait(
                on: .sync, waking: [], timeout: timeout
            ) { exchange in
                if exchange.failure != nil { return .stop }
                if let job = exchange.inSync { return .frame(job) }
                if exchange.wantsMaintenance {
                    exchange.wantsMaintenance = false
                    return .idle
                }
                return exchange.committerDone ? .stop : nil
            }
            switch step ?? .idle {
            case .frame(let job):
                commit(job)
                mayMaintain = true
            case .idle:
                maintain()
                mayMaintain = false
            case .stop:
                finish()
                return
            }
        }
    }

    private func commit(_ job: FrameJob) {
        var receipt: CommitReceipt?
        do {
            if job.frame.count > 0 {
                receipt = try log.append(&job.frame, commitTime: job.commitTime)
                try apply(job)
            }
        } catch {
            fail(String(describing: error), job)
            return
        }
        let counts = count(job)
        // The committer may take the job again as soon as it is out of the exchange.
        let replies = job.replies
        let (position, chain) = (log.nextPosition, log.chain)
        let wantsSnapshotAfter = engine.options.entriesPerSnapshot
        // From where the last one began: while one is written, or when the disk is full, the next
        // is not due at every commit.
        let snapshotIsDue = engine.exchange.read {
            position - $0.snapshotBegunPosition >= wantsSnapshotAfter && !$0.wantsSnapshot
        }
        let concerned: WaitChannel = snapshotIsDue ? [.committer, .snapshots] : .committer
        engine.exchange.withLock(waking: concerned) { exchange in
            exchange.inSync = nil
            exchange.durablePosition = position
            exchange.durableChain = chain
            exchange.counts.add(counts)
            if snapshotIsDue { exchange.wantsSnapshot = true }
        }
        for observer in engine.observers.read({ $0 }) { observer.durableAdvanced(to: position) }
        for (sink, box) in replies {
            box.batch.receipt = receipt
            sink.deliver(box.batch)
        }
    }

    private func apply(_ job: FrameJob) throws {
        let chain = log.chain
        var changesRules = false
        try engine.durable.withLock { durable in
            for index in 0..<job.frame.count {
                let position = durable.books.position
                let stale = try job.frame.withRecord(index) { bytes in
                    let record = try RecordView(record: bytes)
                    switch record.kind {
                    case .publish, .redact, .retire: changesRules = true
                    default: break
                    }
                    return try durable.books.apply(
                        record, outcome: try record.outcome(), recordedAt: job.commitTime)
                }
                guard !stale.isEmpty else { continue }
                if index == 0, var metered = job.metered.take() {
                    metered.giveMetering(to: &durable.books)
                    durable.generation += 1
                } else {
                    try Replay.meterAgain(&durable.books, stale, before: position, engine.reader)
                }
            }
            durable.chain = chain
            durable.commitTime = job.commitTime
            if changesRules { engine.personal.publish(durable.books) }
        }
        if changesRules { log.sealing.tellNews() }
    }

    private func count(_ job: FrameJob) -> OutcomeCounts {
        var counts = OutcomeCounts()
        for (_, box) in job.replies {
            for reply in box.batch.replies {
                switch reply.status {
                case .recorded:
                    counts.recorded += 1
                    if reply.detail > 0,
                        box.batch.details[Int(reply.detail) - 1].decision?.allowed == false
                    {
                        counts.denied += 1
                    }
                case .duplicate: counts.duplicate += 1
                case .conflict, .refused, .unknown: counts.rejected += 1
                }
            }
        }
        return counts
    }

    private func maintain() {
        do {
            try log.maintain()
        } catch {
            fail(String(describing: error), nil)
        }
    }

    private func finish() {
        let failed = engine.exchange.withLock { $0.failure != nil }
        // After a failure nobody closes the log, and the sealer must not wait for it.
        log.sealing.end()
        if !failed {
            do { try log.close() } catch { fail(String(describing: error), nil) }
        }
        let left = engine.exchange.withLock { exchange -> ([PreparedBatch], FrameJob?) in
            exchange.syncDone = true
            defer {
                exchange.queue = []
                exchange.inSync = nil
            }
            return (exchange.queue, exchange.inSync)
        }
        for (sink, box) in left.1?.replies ?? [] { box.deliverUnknown(to: sink) }
        for batch in left.0 {
            let box = ReplyBatchBox()
            for token in batch.tokens { box.add(token, .unknown, 0, nil) }
            box.deliverUnknown(to: batch.replyTo)
        }
    }

    private func fail(_ message: String, _ job: FrameJob?) {
        engine.exchange.withLock { exchange in
            if exchange.failure == nil { exchange.failure = message }
            if job != nil { exchange.inSync = nil }
        }
        for (sink, box) in job?.replies ?? [] { box.deliverUnknown(to: sink) }
    }
}

extension OutcomeCounts {
    mutating func add(_ other: OutcomeCounts) {
        recorded += other.recorded
        duplicate += other.duplicate
        rejected += other.rejected
        denied += other.denied
    }
}
