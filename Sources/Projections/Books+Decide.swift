package import Billing
import Bytes
package import Codec
package import Money
package import SegmentedLog

/// What a decision says besides what is stored: the numbers it was made from.
package struct Evidence: Sendable {
    /// The limit that counts; nil: none.
    package var limit: Quantity?
    /// Usage in the window after the decision.
    package var used: Quantity?
    /// What is left of the limit or, without one, of the credits.
    package var remaining: Quantity?
    /// Credits that the request costs; nil where no credits pay.
    package var credits: Quantity?
    /// First instant of the next window; nil where nothing resets.
    package var resetsAt: Timestamp?
    /// What a request beyond a soft limit adds to this month's bill, in major units; nil where it is
    /// not known from the counters alone.
    package var overagePrice: Fraction?

    /// Whether the limit is hard; nil: none.
    package var isHard: Bool?
    /// The configuration value that counts.
    package var value: FeatureValue?
    /// The thresholds that a check says the request would cross; nil: it would cross none.
    package var warnings: [Outcome.Warning]?
    /// When a change takes effect.
    package var effective: Timestamp?
    /// The plan that the account is on.
    package var plan: String?
    /// The state of its subscription; nil: it is on the default plan, or on none.
    package var status: SubscriptionStatus?
    /// The entry that published the catalog that the plan is of.
    package var catalog: Position?
    /// The entry that made the override that counts; nil: there is none.
    package var override: Position?

    /// First instant at which the hold that was placed is no more; nil: none was.
    package var holdExpires: Timestamp?

    /// No evidence.
    package init() {}
}

/// The result of deciding a request.
package enum Verdict {
    /// It becomes an entry with this outcome.
    case entry(Outcome, Evidence)
    /// It is not taken.
    case refused(Refusal)
}

/// What an allowed consume uses.
struct Consumption {
    let meter: CompiledMeter
    let quantity: Quantity
    let uniqueKey: UInt128
}

extension Books {
    /// Decides a request against these books; changes nothing.
    /// - Parameter recordedAt: commit time of the frame that will hold the entry, nanoseconds UTC.
    package func decide(_ record: borrowing RecordView, recordedAt: Int64) -> Verdict {
        switch record.kind {
        case .event: decideEvent(record, recordedAt)
        case .consume: decideConsume(record, recordedAt)
        case .subscribe: decideSubscribe(record, recordedAt)
        case .grant: decideGrant(record, recordedAt)
        case .publish: decidePublish(record)
        case .redact: decideRedact(record)
        case .cancel: decideCancel(record, recordedAt)
        case .finalise: decideFinalise(record)
        case .creditNote: decideCreditNote(record)
        case .deposit: decideDeposit(record)
        case .retire: decideRetire(record, recordedAt)
        case .hold: decideHold(record, recordedAt)
        case .settle: decideSettle(record, recordedAt)
        case .void, .release, .extend, .reset: decideCreditOrder(record, recordedAt)
        case .refund: .refused(.bad("entry", "cannot be read here"))
        case .subscription: decideSnapshot(record)
        case .pause, .resume: decidePause(record, recordedAt)
        case .override: decideOverride(record, recordedAt)
        case .reconcile: decideReconcile(record, recordedAt)
        case .account: decideAccount(record, recordedAt)
        case .correct: decideCorrect(record)
        case .backfill: decideBackfill(record)
        }
    }

    /// Usage that happened is never refused; it draws credits where its meters burn them, from
    /// the grants valid at the event's own time, and what they cannot cover is shortfall.
    private func decideEvent(_ record: borrowing RecordView, _ recordedAt: Int64) -> Verdict {
        if record.batch != nil {
            // It draws and warns when its batch is closed, and may be of any age.
            return batchRefusal(record).map { .refused($0) } ?? .entry(.recorded, Evidence())
        }
        if let refusal = refusalOfAge(record, recordedAt) { return .refused(refusal) }
        let hasCredits = registry.catalog?.credits.isEmpty == false
        guard let subject = record.subject, hasCredits || hasWarnings else {
            return .entry(.recorded, Evidence())
        }
        let account = registry.accounts.number(of: subject)
        var outcome =
            hasCredits ? payment(for: record, account: account, recordedAt) : Outcome.recorded
        outcome.warnings = warnings(of: record, account: account, recordedAt: recordedAt)
        return .entry(outcome, Evidence())
    }

    private func decidePublish(_ record: borrowing RecordView) -> Verdict {
        guard let node = record.property(PropertyPath(["catalog"])),
            let value = try? ValueCoder.value(node)
        else {
            return .refused(
                .bad("catalog", "the catalog is missing"))
        }
        let problems: [CatalogProblem]
        switch Catalog.decode(value) {
        case .success(let catalog):
            problems =
                catalog.personalProblems(
                    with: registry.meters, plans: registry.versions.flatMap(\.catalog.offers))
                + windowProblems(catalog)
        case .failure(let failure): problems = failure.list
        }
        guard let first = problems.first else {
            if case .failure(let refusal) = PublishOrder.existing(
                record, recordedAt: Timestamp(nanoseconds: 0))
            {
                return .refused(refusal)
            }
            return .entry(.recorded, Evidence())
        }
        return .refused(
            .init(
                code: "bad_catalog", field: "catalog",
                message: "the catalog has \(problems.count) problems; the first: \(first)",
                problems: problems))
    }

    /// Meters of which limits would have more windows than there can be.
    private func windowProblems(_ catalog: Catalog) -> [CatalogProblem] {
        var windows: [String: Set<LimitUsage.Named>] = [:]
        func note(_ feature: String, _ window: LimitWindow, _ by: [String]?) {
            guard let meter = (catalog.feature(feature) ?? registry.features[feature])?.meterKey
            else { return }
            windows[meter, default: []].insert(.init(feature: "", window: window, by: by))
        }
        for named in limits.named { note(named.feature, named.window, named.by) }
        for entitlement in catalog.offers.flatMap(\.entitlements) {
            if case .limit(let limit) = entitlement.allowance {
                note(entitlement.feature, limit.window, limit.by)
            }
        }
        let named = limits.named.compactMap(\.by).first { catalog.isPersonal($0) }
        if let named {
            return [
                CatalogProblem(
                    path: "personal",
                    message:
                        "\"\(named.joined(separator: "."))\" cannot be personal: a limit of an earlier "
                        + "catalog or of an override counts by it")
            ]
        }
        return windows.filter { $0.value.count > LimitUsage.definitionsMax }.keys.sorted().map {
            CatalogProblem(
                path: "meters.\($0)",
                message: "limits of it have, with those of earlier catalogs, more than "
                    + "\(LimitUsage.definitionsMax) different windows (reset, anchor, by)")
        }
    }

    /// What the entries themselves have is for the engine to see, which can read them.
    private func decideRedact(_ record: borrowing RecordView) -> Verdict {
        switch RedactOrder.read(record) {
        case .failure(let refusal): return .refused(refusal)
        case .success(let order):
            if let last = order.positions.last, last >= position {
                return .refused(
                    Refusal(
                        code: "unknown_position", field: "positions",
                        message: "positions: the log ends before position \(position); \(last) "
                            + "is beyond it"))
            }
            guard redactions.hasRoom(for: order.positions) else {
                return .refused(
                    .bad(
                        "positions",
                        "\(redactions.entries.count) entries are redacted; at most "
                            + "\(Redactions.entriesMax) can be"))
            }
            return .entry(.recorded, Evidence())
        }
    }

    static let noCatalog = Refusal(
        code: "no_catalog",
        message: "no catalog was published yet; run `daybook catalog publish FILE` first")

    /// What an allowed consume counts, under the newest definition of its feature; nil for a
    /// switch, or where a unique meter's value is missing.
    func consumption(of record: borrowing RecordView) -> Consumption? {
        guard case .success(let order) = ConsumeOrder.read(record),
            let key = registry.features[order.feature]?.meterKey,
            let number = registry.meter(key)
        else { return nil }
        let meter = registry.consumeMeter(number)
        guard case .unique = meter.aggregation else {
            return Consumption(meter: meter, quantity: order.quantity, uniqueKey: 0)
        }
        guard let node = record.property(meter.valuePath) else { return nil }
        return Consumption(
            meter: meter, quantity: order.quantity, uniqueKey: CompiledMeter.uniqueKey(node))
    }
}
