import Codec
import Platform
import SegmentedLog

/// What sealing and merging did since the start, or for one who asked.
package struct CompactReport: Sendable, Equatable {
    /// Row segments became sealed ones so many times.
    package internal(set) var sealings: UInt64 = 0
    /// Sealed segments were merged so many times.
    package internal(set) var merges: UInt64 = 0
    /// Files that were replaced, and their bytes.
    package internal(set) var filesReplaced: UInt64 = 0
    /// Bytes of the replaced files.
    package internal(set) var bytesBefore: UInt64 = 0
    /// Bytes of those that took their place.
    package internal(set) var bytesAfter: UInt64 = 0

    mutating func add(_ report: SealReport) {
        if report.isCompaction { merges += 1 } else { sealings += 1 }
        filesReplaced += UInt64(report.filesReplaced)
        bytesBefore += UInt64(report.bytesBefore)
        bytesAfter += UInt64(report.bytesAfter)
    }

    /// What was done since an earlier report.
    func since(_ earlier: CompactReport) -> CompactReport {
        CompactReport(
            sealings: sealings - earlier.sealings, merges: merges - earlier.merges,
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
            var failure: String?
            var hasSealed = false
            do throws(LogFailure) {
                while let report = try sealPiece(sealing, everything) {
                    hasSealed = true
                    upkeep.withLock { $0.total.add(report) }
                }
            } catch {
                // The rows stay what they are, and the next round tries again.
                if error.kind != .interrupted { failure = error.message }
            }
            if hasSealed { signCheckpoint(&lastCheckpoint) }
            upkeep.withLock { desk in
                desk.failure = failure
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

    private func sealPiece(
        _ sealing: Sealing, _ everything: Bool
    ) throws(LogFailure) -> SealReport? {
        try sealing.work(
            now: options.clock.wallNanoseconds(), everything: everything,
            offer: { exchange.withLock(waking: .sync) { $0.wantsMaintenance = true } },
            pause: { !sealing.hasEnded })
    }

    /// Seals and merges all that can be, and waits for it.
    /// - Throws: `EngineFailure` with what stood in the way; the log is as it was then.
    package func compact() throws(EngineFailure) -> CompactReport {
        guard let sealing = upkeep.read({ $0.sealing }) else {
            throw EngineFailure("the store is open for reading only; ask a running server")
        }
        let before = upkeep.read { $0.total }
        // The active segment first: what is in it now is to be sealed too.
        sealing.wantRoll()
        exchange.withLock(waking: .sync) { $0.wantsMaintenance = true }
        guard sealing.waitForRoll() else { throw EngineFailure("the engine is closing") }
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
        return try done.get().since(before)
    }
}
