import Bytes
import Codec
import Platform
import Projections
import SegmentedLog

/// Which redacted values are still on the disk.
struct ErasureState {
    /// The redactions that were looked at last, entry by entry.
    var looked = Redactions()
    /// Of these, the entries that still had a value, ascending.
    var pending: [Position] = []
    /// When something was erased last, nanoseconds UTC; nil: not since the start.
    var erasedAt: Int64?

    /// The entries of newer redactions that may have a value on the disk, ascending.
    func candidates(_ redactions: Redactions) -> [Position] {
        Set(pending).union(redactions.positions(since: looked)).sorted()
    }
}

/// # Taking redacted values off the disk
///
/// Nobody is shown a redacted value from the moment its redaction is durable; this removes the bytes. What
/// is in rows goes when these are sealed, what is in a sealed segment when that is written again, with the
/// same chain, the same tree and the same hashes. Either way the new file is proved, the manifest swaps the
/// two in one edit, and the old file is removed.
///
/// Nothing is remembered about how far it came: after a start each redacted entry is looked at.
extension Engine {
    /// Erases what is due. On the sealer's thread.
    /// - Parameter everything: all of it, now; else at most once in `EngineLimits.erasureInterval`,
    ///   so that single redactions do not make single segments.
    /// - Throws: `LogFailure`, or `EngineFailure` if a value is still there. The log is whole either way,
    ///   and the next round tries again.
    func erase(_ sealing: Sealing, _ everything: Bool) throws {
        var pending = try lookForValues()
        guard let last = pending.last else { return }
        let now = options.clock.wallNanoseconds()
        if !everything, let erasedAt = upkeep.read({ $0.erasure.erasedAt }),
            now - erasedAt < EngineLimits.erasureInterval, now >= erasedAt
        {
            return
        }
        if last >= reader.closedPosition {
            try sealing.roll(wake: offerToLog)
        }
        while let report = try sealPiece(sealing, everything, through: last) {
            upkeep.withLock { $0.total.add(report) }
        }
        pending = try lookForValues()
        while let first = pending.first {
            let done = try sealing.rewrite(
                at: first, redaction: redaction, offer: offerToLog, pause: { !sealing.hasEnded })
            upkeep.withLock { $0.total.add(done) }
            pending.removeAll { done.positions.contains($0) }
        }
        pending = try lookForValues()
        upkeep.withLock { $0.erasure.erasedAt = now }
        guard pending.isEmpty else {
            throw EngineFailure(
                "the redacted value at position \(pending[0]) is still there after its segment was "
                    + "written again")
        }
    }

    /// Wakes the log's thread to look at what the sealer offers.
    func offerToLog() { exchange.withLock(waking: .sync) { $0.wantsMaintenance = true } }

    /// Redacted entries whose values are on the disk, or may be: those that nobody looked at since they
    /// were redacted or since the start.
    var redactionsPending: Int {
        let redactions = personal.redactions
        guard options.readOnly else {
            return upkeep.read { $0.erasure.candidates(redactions).count }
        }
        return (try? lookForValues().count) ?? redactions.entries.count
    }

    /// Reads the entries that may have a redacted value and notes those that have one.
    private func lookForValues() throws -> [Position] {
        let redactions = personal.redactions
        let candidates = upkeep.read { $0.erasure.candidates(redactions) }
        var pending: [Position] = []
        var erased = ByteBuffer(capacity: 4096)
        try reader.withRecords(at: candidates) { position, record, _ in
            erased.clear()
            let paths = redactions.paths(at: position)
            if try RecordErasure.append(record, erasing: paths, to: &erased) {
                pending.append(position)
            }
        }
        upkeep.withLock { desk in
            desk.erasure.looked = redactions
            desk.erasure.pending = pending
        }
        return pending
    }

    /// What a piece of sealing erases: everything that is redacted or retired when it begins.
    var redaction: Sealer.Redaction? {
        let redactions = personal.redactions
        let bodies = retiredBodies()
        guard !redactions.entries.isEmpty || bodies != nil else { return nil }
        return { (position, recordedAt, record, buffer) throws(DecodeFailure) in
            // It takes personal values too.
            if let bodies,
                try bodies.append(record, at: position, recordedAt: recordedAt, to: &buffer)
            {
                return true
            }
            let paths = redactions.paths(at: position)
            guard !paths.isEmpty else { return false }
            return try RecordErasure.append(record, erasing: paths, to: &buffer)
        }
    }
}
