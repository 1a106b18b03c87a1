import Billing
package import Codec
package import SegmentedLog

/// What checking a correction needs, taken from the books at one position.
package struct CorrectionFacts: Sendable {
    /// Whose entries.
    package let account: String
    /// The position of the books.
    package let position: Position
    /// What was corrected before.
    package let corrections: AccountCorrections
    /// Which entries have lost their bodies.
    package let retirements: Retirements
    /// The account's finalised periods.
    package let finalised: [Invoices.Finalised]
    /// All meters, as events are read.
    package let meters: [CompiledMeter]
}

extension Books {
    /// The facts for correcting entries of an account; nil: the log has none.
    package func correctionFacts(of name: String) -> CorrectionFacts? {
        guard let account = account(name) else { return nil }
        return CorrectionFacts(
            account: name, position: position, corrections: corrections(of: account),
            retirements: retirements, finalised: invoices.account(account).finalised,
            meters: registry.meters.indices.map { registry.eventMeter(UInt32($0)) })
    }

    /// Whether any catalog has credits.
    package var hasCredits: Bool {
        registry.versions.contains { !$0.catalog.credits.isEmpty }
    }

    /// A batch, and the accounts that have events in it if these count, or did.
    package func batchAccounts(_ name: String) -> (batch: Corrections.Batch?, accounts: [String]) {
        guard let (number, batch) = corrections.batch(name) else { return (nil, []) }
        guard batch.isBilled, batch.closed != nil else { return (batch, []) }
        return (
            batch,
            corrections.accounts(in: number).map { registry.accounts.text($0.account) }
        )
    }

    /// How many batches take more events.
    package var openBatches: Int { corrections.batches.count { $0.isOpen } }

    /// Writes the batches from the one with number `from` on, at most `limit`.
    package func writeBatches(from: Int, limit: Int, to json: inout JSONWriter) {
        json.key("batches")
        json.beginArray()
        for batch in corrections.batches.dropFirst(from).prefix(limit) {
            json.beginObject()
            json.member("batch", batch.name)
            json.member("state", batch.state)
            json.member("bill", batch.isBilled)
            json.member("events", batch.events)
            json.member("opened", batch.opened)
            json.member("closed", batch.closed)
            json.member("reverted", batch.reverted)
            json.endObject()
        }
        json.endArray()
        json.member("count", UInt64(corrections.batches.count))
        json.member(
            "next", from + limit < corrections.batches.count ? UInt64(from + limit) : nil)
    }
}
