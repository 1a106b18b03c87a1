package import Billing
package import Bytes
package import Codec
import Money
package import SegmentedLog

/// All inline projections, always at one position.
///
/// Confined to one owner at a time: the committer has a copy that runs ahead (the decided head),
/// and a second copy behind a lock is what every reader sees (the durable head). Both are the same
/// fold over the same entries:
///
///     decide(record) ─► Outcome                 reads the books, changes nothing
///     apply(record, outcome, position) ─► ()    changes the books, decides nothing
///
/// Replay calls `apply` alone, with the outcome that stands in the entry. So a rule may change
/// without changing history, and the same log gives the same books and the same digest. The fold
/// reads no clock, no randomness, no locale and no dictionary order.
///
/// Recipe: `Books(key:)`, then for each entry in position order `apply`; when it returns
/// stale meters, `meterAgain` for every earlier entry before the next `apply`.
package struct Books: ~Copyable {
    /// The position of the next entry to apply.
    package internal(set) var position: Position = 0
    /// The names and catalogs of the log.
    package internal(set) var registry: Registry
    /// Usage by account, meter, month and group.
    package internal(set) var counters: Counters
    /// Grants and what is left of them.
    package internal(set) var credits: CreditBalances
    /// Subscriptions.
    package internal(set) var entitlements: Entitlements
    /// Which identities are in the log, as a digest.
    package internal(set) var deduplication: Deduplication
    /// Sources that number their events.
    package internal(set) var producers: Producers
    /// Which values are erased.
    package internal(set) var redactions: Redactions
    /// Which entries have lost their bodies.
    package internal(set) var retirements: Retirements
    /// Which periods are finalised.
    package internal(set) var invoices: Invoices
    /// Usage in the windows of limits.
    package internal(set) var limits: LimitUsage
    /// Which entries count otherwise than as they were written.
    package internal(set) var corrections: Corrections

    let key: SipKey
    /// Position at which this was copied from other books; nil: it was not.
    private var copiedAt: Position?
    /// Reused for group keys, so that metering allocates nothing per event.
    var scratch: ByteBuffer? = ByteBuffer(capacity: 256)

    /// Empty books at position 0.
    /// - Parameter key: the store's secret for fingerprints and interning.
    package init(key: SipKey) {
        self.key = key
        registry = Registry(key: key)
        counters = Counters(key: key)
        credits = CreditBalances()
        entitlements = Entitlements()
        deduplication = Deduplication()
        producers = Producers(key: key)
        redactions = Redactions()
        retirements = Retirements()
        invoices = Invoices()
        limits = LimitUsage()
        corrections = Corrections()
    }

    private init(sharing other: inout Books) {
        key = other.key
        position = other.position
        copiedAt = other.position
        registry = other.registry.copy()
        counters = other.counters.copy()
        credits = other.credits.copy()
        entitlements = other.entitlements.copy()
        deduplication = other.deduplication.copy()
        producers = other.producers.copy()
        redactions = other.redactions
        retirements = other.retirements
        invoices = other.invoices.copy()
        limits = other.limits.copy()
        corrections = other.corrections.copy()
    }

    /// The same books, in microseconds: both share their memory, chunk by chunk, and each pays for
    /// what it changes afterwards. A copy may be used on another thread.
    package mutating func copy() -> Books {
        Books(sharing: &self)
    }

    /// Takes over the page digests that an unchanged copy of these books has computed, so that the
    /// next digest hashes only what changed since.
    package mutating func accept(digestsOf copy: borrowing Books) {
        precondition(copy.copiedAt == copy.position, "the copy went on by itself")
        registry.accept(digestsOf: copy.registry)
        counters.accept(digestsOf: copy.counters)
        credits.accept(digestsOf: copy.credits)
        entitlements.accept(digestsOf: copy.entitlements)
        producers.accept(digestsOf: copy.producers)
        invoices.accept(digestsOf: copy.invoices)
        limits.accept(digestsOf: copy.limits)
        corrections.accept(digestsOf: copy.corrections)
    }

    /// Why an entry cannot be part of this log: replay stops there rather than guess.
    package enum Failure: Error {
        /// The entry at this position contradicts what is before it.
        case contradiction(Position, String)
    }

    /// Passes over entries that these books do not need: they are of one account alone.
    /// - Throws: `Failure.contradiction` for a position that was passed already.
    package mutating func skip(to position: Position) throws(Failure) {
        guard position >= self.position else {
            throw .contradiction(position, "positions do not ascend")
        }
        self.position = position
    }

    /// Lets the next entry have the position of the one that was applied last: that one is only supposed, and the log
    /// has no place for it.
    package mutating func giveWayToNext() { position -= 1 }

    /// The number of an account, which becomes known if it was not.
    package mutating func know(_ account: RawSpan) -> UInt32 { registry.account(account) }

    /// Adds a catalog that nobody published, to see what it would do.
    /// - Returns: meters whose earlier history must be metered again, mostly none.
    package mutating func suppose(
        _ catalog: Catalog, at time: Timestamp, for existing: Registry.Existing?
    ) -> Set<UInt32> {
        let stale = registry.publish(
            .init(position: position, recordedAt: time, catalog: catalog, existing: existing))
        let all = stale.union(nameLimits(of: catalog))
        guard !all.isEmpty else { return all }
        counters.drop(meters: all)
        limits.drop(meters: all)
        registry.forgetUnreadable(meters: all)
        return all
    }

    /// Applies the entry at `position`, whose outcome is decided.
    /// - Parameter recordedAt: commit time of the entry's frame, nanoseconds UTC.
    /// - Returns: meters and accounts whose earlier history must be metered again, mostly none.
    /// - Throws: `Failure.contradiction`; the books are not usable after that.
    package mutating func apply(
        _ record: borrowing RecordView, outcome: Outcome, recordedAt: Int64
    ) throws(Failure) -> Stale {
        deduplication.append(record.fingerprint(key: key))
        producers.apply(record, at: position)
        var stale = Stale()
        switch record.kind {
        case .event: try applyEvent(record, outcome, recordedAt)
        case .consume: try applyConsume(record, outcome, recordedAt)
        case .subscribe: try applySubscribe(record, recordedAt)
        case .grant: try applyGrant(record, recordedAt)
        case .publish: stale.meters = try applyPublish(record, recordedAt)
        case .redact: try applyRedact(record)
        case .cancel, .pause, .resume: try applyStop(record, recordedAt)
        case .subscription: try applySnapshot(record, recordedAt)
        case .override: stale.meters = try applyOverride(record, recordedAt)
        case .reconcile: try applyReconcile(record, recordedAt)
        case .account: try applyAccount(record, recordedAt)
        case .correct: stale = try applyCorrect(record, recordedAt)
        case .backfill: stale = try applyBackfill(record)
        case .finalise: try applyFinalise(record)
        case .deposit: try applyDeposit(record)
        case .creditNote: try applyCreditNote(record)
        case .retire: try applyRetire(record)
        case .hold: try applyHold(record, outcome, recordedAt)
        case .settle: try applySettle(record, outcome, recordedAt)
        case .void, .release, .extend, .refund, .reset:
            try applyCreditOrder(record, outcome, recordedAt)
        }
        position += 1
        guard !stale.isEmpty else { return stale }
        for account in stale.accounts { forgetUsage(of: account) }
        guard !stale.meters.isEmpty else { return stale }
        counters.drop(meters: stale.meters)
        limits.drop(meters: stale.meters)
        registry.forgetUnreadable(meters: stale.meters)
        return stale
    }

    // MARK: Folds, one a kind

    private mutating func applyEvent(
        _ record: borrowing RecordView, _ outcome: Outcome, _ recordedAt: Int64
    ) throws(Failure) {
        let type = registry.see(type: record.type, at: position)
        guard let subject = record.subject else {
            _ = noteBatch(record, account: nil, recordedAt)
            registry.seeWithoutAccount(at: position)
            return
        }
        let account = registry.account(subject)
        if noteBatch(record, account: account, recordedAt) { return }
        invoices.see(
            account: account, at: Timestamp(nanoseconds: record.time ?? recordedAt))
        let when = UseTime(time: record.time ?? recordedAt, recordedAt: recordedAt)
        if !outcome.warnings.isEmpty { noteWarnings(outcome, account, record, [], recordedAt) }
        for meter in registry.meters(ofType: type) {
            count(record, position, meter, account, when)
        }
        try draw(outcome, account, recordedAt)
    }

    private mutating func applyConsume(
        _ record: borrowing RecordView, _ outcome: Outcome, _ recordedAt: Int64
    ) throws(Failure) {
        guard let subject = record.subject, let decision = outcome.decision else {
            throw .contradiction(position, "a consume without an account or a decision")
        }
        let account = registry.account(subject)
        guard decision.allowed else { return }
        if !outcome.warnings.isEmpty {
            noteWarnings(outcome, account, record, ["data"], recordedAt)
        }
        if let usage = consumption(of: record) {
            count(usage, record, position, account, UseTime(recordedAt))
        }
        try draw(outcome, account, recordedAt)
    }

    private mutating func applyFinalise(_ record: borrowing RecordView) throws(Failure) {
        guard let subject = record.subject,
            case .success(let order) = FinaliseOrder.read(record)
        else { throw .contradiction(position, "a finalised invoice that cannot be read") }
        let fits = invoices.finalise(
            .init(
                name: order.name, period: order.period, through: order.through,
                position: position, number: order.number),
            carried: order.carried, currency: order.currency, drawn: order.drawn,
            account: registry.account(subject))
        guard fits else {
            throw .contradiction(position, "an invoice that draws more than the wallet has")
        }
    }

    private mutating func applyCreditNote(_ record: borrowing RecordView) throws(Failure) {
        guard let subject = record.subject,
            case .success(let order) = CreditNoteOrder.read(record)
        else { throw .contradiction(position, "a credit note that cannot be read") }
        invoices.credit(
            .init(
                number: order.number, position: position, balance: order.total,
                invoice: order.invoice),
            line: order.line, minorUnits: order.net, settles: order.settles,
            account: registry.account(subject))
    }

    private mutating func applyPublish(
        _ record: borrowing RecordView, _ recordedAt: Int64
    ) throws(Failure) -> Set<UInt32> {
        guard let node = record.property(PropertyPath(["catalog"])),
            let value = try? ValueCoder.value(node),
            case .success(let catalog) = Catalog.decode(value)
        else { throw .contradiction(position, "a catalog that this version cannot read") }
        let time = Timestamp(nanoseconds: recordedAt)
        guard case .success(let existing) = PublishOrder.existing(record, recordedAt: time) else {
            throw .contradiction(position, "a catalog that holds from no known time")
        }
        let stale = registry.publish(
            .init(position: position, recordedAt: time, catalog: catalog, existing: existing))
        return stale.union(nameLimits(of: catalog))
    }

    private mutating func applyRedact(_ record: borrowing RecordView) throws(Failure) {
        guard case .success(let order) = RedactOrder.read(record) else {
            throw .contradiction(position, "a redaction that cannot be read")
        }
        redactions.add(order)
    }

    private mutating func applyRetire(_ record: borrowing RecordView) throws(Failure) {
        guard case .success(let order) = RetireOrder.read(record) else {
            throw .contradiction(position, "an order to drop bodies that cannot be read")
        }
        retirements.add(order, at: position, registry.versions)
    }

    // MARK: Digest

    /// One hash over the whole state: the same log gives the same digest, whatever way it was
    /// folded (all at once, from a snapshot, live).
    package mutating func digest() -> Digest {
        var bytes = ByteBuffer(capacity: 512)
        bytes.append(utf8: "daybook state 5")
        bytes.appendInteger(position)
        bytes.appendInteger(Registry.version)
        registry.digest().append(to: &bytes)
        bytes.appendInteger(Counters.version)
        counters.digest().append(to: &bytes)
        bytes.appendInteger(CreditBalances.version)
        credits.digest().append(to: &bytes)
        bytes.appendInteger(Entitlements.version)
        entitlements.digest().append(to: &bytes)
        bytes.appendInteger(Deduplication.version)
        deduplication.digest().append(to: &bytes)
        bytes.appendInteger(Producers.version)
        producers.digest().append(to: &bytes)
        bytes.appendInteger(Redactions.version)
        redactions.digest().append(to: &bytes)
        bytes.appendInteger(Invoices.version)
        invoices.digest().append(to: &bytes)
        bytes.appendInteger(Retirements.version)
        retirements.digest().append(to: &bytes)
        bytes.appendInteger(LimitUsage.version)
        limits.digest().append(to: &bytes)
        bytes.appendInteger(Corrections.version)
        corrections.digest().append(to: &bytes)
        return SHA256.hash(bytes.bytes)
    }
}
