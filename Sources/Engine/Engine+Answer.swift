package import Billing
import Bytes
package import Codec
import Money
import Platform
package import Projections
import SegmentedLog

/// A query with its arguments read and checked.
package enum Query: Sendable {
    case ping, status, catalog, snapshot, compact
    case verify(deep: Bool)
    case backup(to: String, withKeys: Bool)
    case unmatched(limit: Int)
    case check(AccessQuestion)
    case usage(account: String, period: Period?)
    case credits(account: String)
    case entitlements(account: String)
    case invoice(account: String, period: String?)
    case explain(account: String, period: String?, line: String, Explanation.Page)
    /// Everything that one entry did.
    case explainEntry(EntryName)
    /// Everything that made the decision of an entry.
    case explainDecision(EntryName)
    case finalise(account: String, period: String?)
    /// Compensates what the events of a billing period drew; nil: the period that runs.
    case reconcile(account: String, period: String?)
    case creditNote(CreditNoteWish)
    case correct(CorrectionWish)
    case backfill(BackfillWish)
    case batches(from: Int, limit: Int)
    case retirement(before: Timestamp)
    case proof(ProofQuery)
    /// A question about the past.
    indirect case past(Query, Moment)
    /// What would have been.
    case simulate(Scenario)
    /// Bills again, from entries alone.
    case replay(ReplayWish)
    /// What changed between two positions.
    case diff(DiffWish)
    /// Folds these views anew and puts them in the place of the live ones.
    case rebuild([Books.Part])

    /// Whether it reads the log or writes files: it takes its time and must not hold up an edge.
    package var isLong: Bool {
        switch self {
        case .ping, .status, .unmatched, .catalog, .check, .usage, .credits, .entitlements,
            .batches:
            false
        default: true
        }
    }
}

extension Engine {
    /// Answers a query from the durable head: a JSON object without a line end. Any thread.
    /// - Parameter id: the request's id, echoed.
    package func answer(_ query: Query, id: String?) -> [UInt8] {
        var json = JSONWriter()
        json.beginObject()
        if let id { json.member("id", id) }
        do {
            var body = JSONWriter()
            try write(query, to: &body)
            json.member("ok", true)
            json.members(of: body)
        } catch {
            json.member("ok", false)
            json.member("error", error.code)
            if let field = error.field { json.member("field", field) }
            json.member("message", error.message)
            json.append(error.members)
        }
        json.endObject()
        return json.finish()
    }

    private func write(_ query: Query, to json: inout JSONWriter) throws(Refusal) {
        let now = Timestamp(nanoseconds: options.clock.wallNanoseconds())
        switch query {
        case .ping: atPosition(&json) { _, _ in }
        case .status: writeStatus(to: &json)
        case .unmatched(let limit): atPosition(&json) { $0.writeUnmatched(limit: limit, to: &$1) }
        case .catalog: durable.withLock(waking: []) { write(catalogOf: $0.books, to: &json) }
        case .verify(let deep): try writeVerify(deep: deep, to: &json)
        case .compact: try writeCompact(to: &json)
        case .backup(let directory, let withKeys):
            try writeBackup(to: directory, withKeys: withKeys, &json)
        case .snapshot:
            try writeSnapshot(to: &json)
        case .check(let question):
            writeCheck(question, now, to: &json)
        case .diff(let wish): try BookDiff(engine: self, wish: wish, now: now).write(to: &json)
        case .replay(let wish):
            try BillReplay(engine: self, wish: wish, now: now).run().write(to: &json)
        case .simulate(let scenario):
            try Simulation(engine: self, scenario: scenario, now: now).run().write(to: &json)
        case .past(let query, let moment): try write(query, of: moment, to: &json)
        case .usage(let account, let period):
            let month = period ?? .calendarMonth(containing: now)
            atPosition(&json) { $0.writeUsage(account: account, month: month, to: &$1) }
        case .credits(let account):
            atPosition(&json) { $0.writeCredits(account: account, at: now, to: &$1) }
        case .entitlements(let account):
            atPosition(&json) { $0.writeEntitlements(account: account, at: now, to: &$1) }
        case .invoice(let account, let period):
            try invoice(account: account, period: period, at: now).write(to: &json)
        case .explain(let account, let period, let line, let page):
            try Explanation(engine: self, account: account, period: period, line: line, at: now)
                .write(page, to: &json)
        case .explainEntry(let name):
            try EntryExplanation(engine: self, position: try name.find(in: self), at: now)
                .write(to: &json)
        case .explainDecision(let name):
            try DecisionExplanation(engine: self, position: try name.find(in: self))
                .write(to: &json)
        case .reconcile(let account, let period):
            try reconcile(account: account, period: period, at: now).write(to: &json)
        case .finalise(let account, let period):
            try finalise(account: account, period: period, at: now).write(to: &json)
        case .creditNote(let wish): try credit(wish).write(to: &json)
        case .correct(let wish): try correct(wish, at: now).write(to: &json)
        case .backfill(let wish): try backfill(wish, at: now).write(to: &json)
        case .batches(let from, let limit):
            atPosition(&json) { $0.writeBatches(from: from, limit: limit, to: &$1) }
        case .retirement(let before):
            try retirementPreview(before: before).write(to: &json)
        case .rebuild(let parts): try rebuild(parts).write(to: &json)
        case .proof(let query):
            guard let proofs = options.proofs else {
                throw Refusal(code: "unsupported", message: "this engine has no signing key")
            }
            try proofs.write(query, of: self, to: &json)
        }
    }

    private func atPosition(
        _ json: inout JSONWriter, _ body: (borrowing Books, inout JSONWriter) -> Void
    ) {
        durable.withLock { durable in
            body(durable.books, &json)
            json.member("position", durable.books.position)
        }
    }

    private func writeStatus(to json: inout JSONWriter) {
        let state = durableState()
        let (counts, snapshot, queued, identityFailure) = exchange.withLock {
            ($0.counts, $0.snapshotPosition, $0.queuedBytes, $0.identityFailure)
        }
        json.member("position", state.position)
        json.member("durable_position", state.position)
        json.member("digest", state.digest.hex)
        json.member("chain", state.chain.hex)
        json.member("store", snapshots.storeName)
        json.member("snapshot_position", snapshot)
        json.member("sealed_position", reader.sealedPosition)
        json.member("redactions", UInt64(personal.redactions.entries.count))
        json.member("redactions_pending", UInt64(redactionsPending))
        if let order = durable.withLock(waking: [], { $0.books.retirements.orders.last }) {
            json.member("retired_before", order.before.description)
            json.member("retirement_pending", hasRetirementPending)
        }
        if let progress = rebuilding.read({ $0 }) {
            json.member("rebuild_position", progress.position)
            json.member("rebuild_target", progress.target)
        }
        if let failure = upkeep.read({ $0.failure }) { json.member("sealing_failure", failure) }
        json.member("received", counts.recorded + counts.duplicate + counts.rejected)
        json.member("recorded", counts.recorded)
        json.member("duplicate", counts.duplicate)
        json.member("rejected", counts.rejected)
        json.member("denied", counts.denied)
        json.member("queued_bytes", UInt64(queued))
        if let identityFailure { json.member("identity_failure", identityFailure) }
        for (name, work) in progress.all {
            json.member("\(name)_progress", "\(work.done) of \(work.total)")
        }
        durable.withLock { durable in
            json.member("accounts", UInt64(durable.books.registry.accounts.count))
            json.member("batches_open", UInt64(durable.books.openBatches))
            json.member("catalog_versions", UInt64(durable.books.registry.versions.count))
        }
        json.key("start")
        json.beginArray()
        for note in report.notes { json.string(note) }
        json.endArray()
    }

    private func writeSnapshot(to json: inout JSONWriter) throws(Refusal) {
        do {
            let taken = try snapshot()
            json.member("snapshot", SnapshotStore.name(taken))
            json.member("digest", snapshotDigest(at: taken)?.hex)
            json.member("position", taken)
        } catch {
            throw Refusal(code: "storage_failed", message: error.message)
        }
    }

    /// The digest of the books in the snapshot at `position`; nil if it was taken before the start
    /// and the books have moved on.
    private func snapshotDigest(at position: Position) -> Digest? {
        let newest = exchange.read { ($0.snapshotPosition, $0.snapshotDigest) }
        if newest.0 == position, let digest = newest.1 { return digest }
        let state = durableState()
        return state.position == position ? state.digest : nil
    }

    /// Writes the newest catalog that books know.
    func write(catalogOf books: borrowing Books, to json: inout JSONWriter) {
        let newest = books.registry.versions.last
        json.member("version", newest?.position)
        json.member("versions", UInt64(books.registry.versions.count))
        json.key("catalog")
        json.value(newest?.catalog.value ?? .null)
        json.member("position", books.position)
    }

    private func writeCompact(to json: inout JSONWriter) throws(Refusal) {
        do {
            let done = try compact()
            json.member("sealed", done.sealings)
            json.member("merged", done.merges)
            json.member("rewritten", done.rewrites)
            json.member("files_replaced", done.filesReplaced)
            json.member("bytes_before", done.bytesBefore)
            json.member("bytes_after", done.bytesAfter)
            json.member("sealed_position", reader.sealedPosition)
            json.member("position", durablePosition)
        } catch {
            throw Refusal(code: "storage_failed", message: error.message)
        }
    }

    private func writeVerify(deep: Bool, to json: inout JSONWriter) throws(Refusal) {
        do {
            let found = try verify(deep: deep)
            json.member("matches", found.isEqual)
            json.member("entries", found.position)
            json.member("position", found.position)
            json.member("frames", found.frames)
            json.member("chain", found.chain.hex)
            json.member("digest", found.digest.hex)
            json.member("replayed_digest", found.replayedDigest.hex)
        } catch {
            if let failure = error.log { throw refusal(failure) }
            throw Refusal(code: "storage_failed", message: error.message)
        }
    }

    private func writeCheck(
        _ question: AccessQuestion, _ now: Timestamp, to json: inout JSONWriter
    ) {
        let (decision, evidence, position) = durable.withLock { durable in
            let (decision, evidence) = durable.books.check(question, at: now)
            return (decision, evidence, durable.books.position)
        }
        write(question, decision, evidence, to: &json)
        json.member("position", position)
    }

    /// Writes a decision that was asked for.
    func write(
        _ question: AccessQuestion, _ decision: OutcomeDecision, _ evidence: Evidence,
        to json: inout JSONWriter
    ) {
        json.member("account", question.account)
        json.member("feature", question.feature)
        json.member("allowed", decision.allowed)
        json.member("reason", decision.reason.name)
        json.members(of: evidence)
    }
}

extension JSONWriter {
    /// Appends members to the object at hand.
    package mutating func append(_ members: [Value.Member]) {
        for member in members {
            key(member.name)
            value(member.value)
        }
    }

    /// Writes the numbers of a decision.
    package mutating func members(of evidence: Evidence) {
        member("limit", evidence.limit?.description)
        member("used", evidence.used?.description)
        member("remaining", evidence.remaining?.description)
        member("credits", evidence.credits?.description)
        member("resets_at", evidence.resetsAt?.description)
        if let price = evidence.overagePrice { member("overage_price", price.unrounded) }
        if let isHard = evidence.isHard { member("enforce", isHard ? "hard" : "soft") }
        if let value = evidence.value {
            key("value")
            self.value(value.json)
        }
        member("plan", evidence.plan)
        member("status", evidence.status?.name)
        member("catalog", evidence.catalog)
        if let override = evidence.override { member("override", override) }
        if let warnings = evidence.warnings { members(of: warnings) }
    }

    /// Writes the thresholds that were crossed.
    mutating func members(of warnings: [Outcome.Warning]) {
        guard !warnings.isEmpty else { return }
        key("warnings")
        beginArray()
        for warning in warnings {
            beginObject()
            member("feature", warning.feature)
            member("threshold", UInt64(warning.threshold))
            endObject()
        }
        endArray()
    }
}
