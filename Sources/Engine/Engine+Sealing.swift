import Codec
import Platform
import SegmentedLog

/// What sealing and merging did since the start, or for one who asked.
package struct CompactReport: Sendable, Equatable {
    /// Row segments became sealed ones so many times.
    package internal(set) var sealings: UInt64 = 0
    /// Sealed segments were merged so many times.
    package internal(set) var merges: UInt64 = 0
    /// Sealed segments were written again for a redaction or a retirement so many times.
    package internal(set) var rewrites: UInt64 = 0
    /// Files that were replaced, and their bytes.
    package internal(set) var filesReplaced: UInt64 = 0
    /// Bytes of the replaced files.
    package internal(set) var bytesBefore: UInt64 = 0
    /// Bytes of those that took their place.
    package internal(set) var bytesAfter: UInt64 = 0

    mutating func add(_ report: SealReport) {
        switch report.work {
        case .sealing: sealings += 1
        case .compaction: merges += 1
        case .rewriting: rewrites += 1
        }
        filesReplaced += UInt64(report.filesReplaced)
        bytesBefore += UInt64(report.bytesBefore)
        bytesAfter += UInt64(report.bytesAfter)
    }

    /// What was done since an earlier report.
    func since(_ earlier: CompactReport) -> CompactReport {
        CompactReport(
            sealings: sealings - earlier.sealings, merges: merges - earlier.merges,
            rewrites: rewrites - earlier.rewrites,
            filesReplaced: filesReplaced - earlier.filesReplaced,
            bytesBefore: bytesBefore - earlier.bytesBefore,
            bytesAfter: bytesAfter - earlier.bytesAfter)
    }
}

/// What the sealer's thread and who asks it share.
struct SealerDesk {
    /// The log's sealing; nil where the store is only read.
    var sealing: Sealing?
    /// Somebody wants everything sealed and merged.
    var wantsEverything = false
    /// Rounds that were finished; waiters compare.
    var roundsDone = 0
    /// Rounds that were begun.
    var roundsBegun = 0
    /// What was done since the start.
    var total = CompactReport()
    /// Which redacted values are still on the disk.
    var erasure = ErasureState()
    /// How far the bodies of retired entries are off the disk.
    var retirement = RetirementState()
    /// Why the last piece of work failed, if it did.
    var failure: String?
    var hasEnded = false
}

extension Engine {
    /// The sealer's thread: seals closed row segments and merges sealed ones, one piece after the other.
    func runSealer(_ sealing: Sealing) {
        Thread.yieldPriority()
        var lastCheckpoint: Int64?
        while sealing.waitForNews(timeout: EngineLimits.idleBeforeSealing) {
            let everything = upkeep.withLock { desk in
                desk.roundsBegun += 1
                defer { desk.wantsEverything = false }
                return desk.wantsEverything
            }
            var hasSealed = false
            // Each by itself: what stands in the way of one is no reason to leave the other.
            let notErased = failure { try erase(sealing, everything) }
            let notDropped = failure { try dropBodies(sealing) }
            let notSealed = failure {
                while let report = try sealPiece(sealing, everything) {
                    hasSealed = true
                    upkeep.withLock { $0.total.add(report) }
                }
            }
            if hasSealed { signCheckpoint(&lastCheckpoint) }
            explanations.withLock(waking: []) { $0.dropOld(at: MonotonicClock.nanoseconds()) }
            upkeep.withLock { desk in
                desk.failure = notErased ?? notDropped ?? notSealed
                desk.roundsDone = desk.roundsBegun
            }
        }
        upkeep.withLock { $0.hasEnded = true }
    }

    /// Signs what the log is now, where somebody can sign, at most once an hour: so there are signed
    /// checkpoints of the past even if nobody ever asked for one.
    private func signCheckpoint(_ last: inout Int64?) {
        let now = MonotonicClock.nanoseconds()
        guard let proofs = options.proofs,
            last.map({ now - $0 >= EngineLimits.checkpointEvery }) ?? true
        else { return }
        last = now
        var json = JSONWriter()
        json.beginObject()
        // What stands in the way is told to whoever asks for a proof; sealing does not depend on it.
        try? proofs.write(.checkpoint, of: self, to: &json)
    }

    /// Why some work was not done; nil if it was, or if the log ended. The log is as it was then, and the
    /// next round tries again.
    private func failure(_ work: () throws -> Void) -> String? {
        do {
            try work()
            return nil
        } catch let failure as LogFailure {
            return failure.kind == .interrupted ? nil : failure.message
        } catch {
            return (error as? EngineFailure)?.message ?? "\(error)"
        }
    }

    /// Does one piece of work.
    /// - Parameter through: rows up to this entry are due, however few they are.
    func sealPiece(
        _ sealing: Sealing, _ everything: Bool, through: Position? = nil
    ) throws(LogFailure) -> SealReport? {
        try sealing.work(
            now: options.clock.wallNanoseconds(), everything: everything, through: through,
            redaction: redaction, offer: offerToLog,
            pause: { !sealing.hasEnded })
    }

    /// Seals and merges all that can be, erases what is redacted, and waits for it.
    /// - Throws: `EngineFailure` with what stood in the way; the log is as it was then.
    package func compact() throws(EngineFailure) -> CompactReport {
        guard let sealing = upkeep.read({ $0.sealing }) else {
            throw EngineFailure("the store is open for reading only; ask a running server")
        }
        let before = upkeep.read { $0.total }
        // The active segment first: what is in it now is to be sealed too.
        let refusal = try roll(sealing)
        let done = try finishRound(sealing)
        guard refusal != nil else { return done.since(before) }
        // There was no room for another row segment; sealing what is closed may have made some.
        if let refusal = try roll(sealing) {
            throw EngineFailure(
                "what is in closed segments is sealed, the newest entries are not: \(refusal.message)"
            )
        }
        return try finishRound(sealing).since(before)
    }

    /// Closes the active row segment.
    /// - Returns: why the log did not go on in a new one; nil if it did.
    private func roll(_ sealing: Sealing) throws(EngineFailure) -> LogFailure? {
        do {
            try sealing.roll(wake: offerToLog)
            return nil
        } catch {
            if error.kind == .interrupted { throw EngineFailure("the engine is closing") }
            return error
        }
    }

    /// Lets the sealer do all that is due, and waits for it.
    /// - Returns: what was done since the start.
    private func finishRound(_ sealing: Sealing) throws(EngineFailure) -> CompactReport {
        let round = upkeep.withLock { desk in
            desk.wantsEverything = true
            // A round that is under way did not see the wish.
            return desk.roundsBegun + 1
        }
        sealing.tellNews()
        let done: Result<CompactReport, EngineFailure>? = upkeep.wait { desk in
            if desk.roundsDone >= round {
                return desk.failure.map { .failure(EngineFailure($0)) } ?? .success(desk.total)
            }
            return desk.hasEnded ? .failure(EngineFailure("the engine is closing")) : nil
        }
        guard let done else { throw EngineFailure("the engine is closing") }
        return try done.get()
    }
}
