import Platform

/// The log's side of sealing: one edit of the manifest, between two commits.
extension SegmentedLog {
    /// Does what the worker wishes: takes a sealed segment in, or goes on in a new row segment.
    func fulfilWishes() throws(SystemFailure) {
        let wishes = sealing.wishes()
        if let record = wishes.offered { try adopt(record) }
        if wishes.roll { try fulfilRoll() }
    }

    /// Goes on in a new row segment. A wish is no need: where there is no room for it, the log goes on as it
    /// is. The file is made beside the commits; until it is there, the wish stands.
    private func fulfilRoll() throws(SystemFailure) {
        guard nextPosition > active.header.firstPosition else { return grant(nil) }
        if !isPreparingForWish {
            // What there was no room for before the wish may fit now.
            if case .refused = spare.standing { _ = try spare.take() }
            if case .missing = spare.standing {
                if options.preparesInBackground {
                    spare.prepareInBackground(takeSegmentID(), capacity: nextCapacity)
                } else {
                    spare.prepare(takeSegmentID(), capacity: nextCapacity)
                }
            }
            isPreparingForWish = true
        }
        switch spare.standing {
        case .missing, .preparing: return
        case .ready:
            try roll(for: 2 * LogLimits.blockBytes)
            grant(nil)
        case .refused(let failure):
            _ = try spare.take()
            grant(failure)
        }
    }

    /// Ends the wish for a new row segment.
    private func grant(_ refusal: SystemFailure?) {
        isPreparingForWish = false
        sealing.rolled(refusal)
    }

    private func adopt(_ record: SealedRecord) throws(SystemFailure) {
        try edit([.sealed(record)])
        let (rows, sealed) = reader.view.withLock { view in
            let rows = view.segments.prefix {
                // The active segment stays, even if it begins where the sealed one ends.
                $0.writtenBytes != nil && $0.firstPosition < record.nextPosition
            }
            let replaced = view.sealed.filter { record.positions.contains($0.firstPosition) }
            view.segments.removeFirst(rows.count)
            view.sealed.removeAll { record.positions.contains($0.firstPosition) }
            let place = view.sealed.firstIndex { $0.firstPosition > record.firstPosition }
            view.sealed.insert(record, at: place ?? view.sealed.count)
            return (Array(rows), replaced)
        }
        // What was read of the files that go may hold what the new one does not.
        reader.forgetWhatWasRead()
        reader.segments.forget(rows: Set(rows.map(\.id)), sealed: Set(sealed.map(\.id)))
        reader.forgetWhatWasRead()
        sealing.adopted(
            retiring: rows.map(\.path) + sealed.map { paths.sealed($0.id) })
    }

    /// Seals and merges everything now, on the log's own thread: for tools, and for tests that want
    /// each system call in one order.
    /// - Parameter everything: see `Sealing.work`.
    /// - Returns: what was done; nil if nothing was due.
    package func sealNow(
        now: Int64, everything: Bool, redaction: Sealer.Redaction? = nil
    ) throws(LogFailure) -> SealReport? {
        try adoptingAtOnce { (offer) throws(LogFailure) in
            try sealing.work(now: now, everything: everything, redaction: redaction, offer: offer)
        }
    }

    /// Writes the sealed segment that holds an entry again, on the log's own thread; see
    /// `Sealing.rewrite`.
    package func rewriteNow(
        at position: Position, redaction: Sealer.Redaction?
    ) throws(LogFailure) -> SealReport {
        try adoptingAtOnce { (offer) throws(LogFailure) in
            try sealing.rewrite(at: position, redaction: redaction, offer: offer)
        }
    }

    private func adoptingAtOnce<Report>(
        _ work: (_ offer: () -> Void) throws(LogFailure) -> Report
    ) throws(LogFailure) -> Report {
        var failure: LogFailure?
        do throws(LogFailure) {
            let report = try work {
                do throws(LogFailure) { try maintain() } catch { failure = error }
            }
            if let failure { throw failure }
            return report
        } catch {
            // Without its log, the worker only knows that nobody adopted what it offered.
            throw failure ?? error
        }
    }
}
