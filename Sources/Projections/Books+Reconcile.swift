package import Billing
package import Bytes
package import Codec
import Money
package import SegmentedLog

/// What compensating the draws of an account needs, taken from the books at one position.
package struct ReconciliationFacts: Sendable {
    /// The position of the books.
    package let position: Position
    /// Identifies the account's credits there: other entries must not come between.
    package let state: Digest
    /// The account's credits, as they are at the asking time.
    package let account: CreditAccount
    /// The only credit unit's key, for shortfalls that name none.
    package let unit: String
    /// Meters that burn credits, as events are read.
    package let meters: [CompiledMeter]
    /// Which of its entries count otherwise than as they were written.
    package let corrections: AccountCorrections
    /// What events cost by the catalogs of their times; empty where nothing was corrected.
    let rates: BurnRates

    /// What a use drew, by unit; none if it drew nothing.
    package func uses(
        of record: borrowing RecordView, _ outcome: Outcome, at position: Position, time: Timestamp
    ) -> [CreditUse] {
        var byUnit: [String: CreditUse] = [:]
        func change(_ unit: String, _ body: (inout CreditUse) -> Void) {
            var use =
                byUnit[unit]
                ?? CreditUse(time: time, unit: unit, meters: [], draws: [], shortfall: 0)
            body(&use)
            byUnit[unit] = use
        }
        for draw in outcome.draws where Int(draw.grant) < account.grants.count {
            change(account.grants[Int(draw.grant)].terms.unit) { $0.draws.append(draw) }
        }
        for shortfall in outcome.allShortfalls(unit) where shortfall.units != 0 {
            change(shortfall.unit) { $0.shortfall += shortfall.units }
        }
        guard !byUnit.isEmpty else { return [] }
        var keys: [String: [String]] = [:]
        for meter in meters where meter.listens(to: record.type) {
            guard case .counts = meter.reading(of: record), let unit = meter.burn?.unit else {
                continue
            }
            keys[unit, default: []].append(meter.key)
        }
        return byUnit.values.sorted { $0.unit < $1.unit }.map { use in
            var use = CreditUse(
                time: use.time, unit: use.unit, meters: keys[use.unit] ?? [], draws: use.draws,
                shortfall: use.shortfall)
            use.take(off: account.refunded(at: position, unit: use.unit).units)
            return use
        }
    }
}

extension ReconciliationFacts {
    /// What an entry drew that counts no more as it was written: it costs nothing, and what it gave is taken back.
    package func withdrawn(
        _ record: borrowing RecordView, _ outcome: Outcome, at position: Position,
        recordedAt time: Timestamp
    ) -> [CreditUse] {
        var uses = uses(of: record, outcome, at: position, time: time)
        for index in uses.indices {
            uses[index].cost = max(-uses[index].shortfall, 0)
            uses[index].shortfall = max(uses[index].shortfall, 0)
        }
        for grant in outcome.grants where grant.kind == .adjustment {
            if let index = uses.firstIndex(where: { $0.unit == grant.unit }) {
                let cost = uses[index].cost ?? 0
                uses[index].cost = cost.addingReportingOverflow(grant.units).partialValue
            } else {
                uses.append(
                    CreditUse(
                        time: time, unit: grant.unit, meters: [], draws: [], shortfall: 0,
                        cost: grant.units))
            }
        }
        return uses
    }

    /// What an event costs that drew nothing when it was recorded, or something else, by the catalog that held then.
    /// - Parameter position: the entry's, whose refunds are taken off.
    package func costs(
        of record: borrowing RecordView, at position: Position, time: Timestamp
    ) -> [CreditUse] {
        CreditCost.all(of: record, rates.meters(before: position)).map { cost in
            let refunded = account.refunded(at: position, unit: cost.unit).units
            return CreditUse(
                time: time, unit: cost.unit, meters: cost.uses, draws: [], shortfall: 0,
                cost: cost.units > 0 ? max(cost.units - refunded, 0) : cost.units)
        }
    }
}

/// What a `reconcile` entry says.
package struct ReconcileOrder {
    /// The billing period whose uses are concerned.
    package let period: Period
    /// What is compensated.
    package let reconciliation: Reconciliation
    /// The account's credits that it was made from.
    let state: String

    /// Grants that one entry compensates at most.
    package static let drawsMax = 2 * CreditAccount.drawsMax

    /// Reads an entry's data.
    package static func read(_ record: borrowing RecordView) throws(Refusal) -> ReconcileOrder {
        guard let start = record.string(["period", "start"]).flatMap({ Timestamp(rfc3339: $0) }),
            let end = record.string(["period", "end"]).flatMap({ Timestamp(rfc3339: $0) }),
            let state = record.string(["state"])
        else { throw .bad("period", "the entry names no period") }
        var result = Reconciliation()
        for item in record.value(["draws"])?.list ?? [] {
            guard case .number(let number)? = item["grant"], number.scale == 0,
                let grant = UInt32(exactly: number.mantissa), let units = item["credits"]?.units
            else { throw .bad("draws", "cannot be read") }
            result.draws.append(Draw(grant: grant, units: units))
        }
        for item in record.value(["shortfalls"])?.list ?? [] {
            guard let unit = item["unit"]?.text, let before = item["before"]?.units,
                let after = item["after"]?.units
            else { throw .bad("shortfalls", "cannot be read") }
            result.shortfalls.append(.init(unit: unit, before: before, after: after))
        }
        return ReconcileOrder(
            period: Period(start: start, end: end), reconciliation: result, state: state)
    }

    /// The data of an entry.
    package static func data(
        _ result: Reconciliation, name: String, period: Period, uses: Int, state: Digest
    ) -> Value {
        func text(_ units: Int128) -> Value { .string(Quantity(units: units).description) }
        func number(_ number: Int) -> Value {
            .number(DecimalNumber(mantissa: Int128(number), scale: 0))
        }
        let draws = result.draws.map { draw -> Value in
            .object(of: [("grant", number(Int(draw.grant))), ("credits", text(draw.units))])
        }
        let shortfalls = result.shortfalls.map { shortfall -> Value in
            .object(of: [
                ("unit", .string(shortfall.unit)), ("before", text(shortfall.before)),
                ("after", text(shortfall.after)),
            ])
        }
        let bounds: Value = .object(of: [
            ("start", .string(period.start.description)), ("end", .string(period.end.description)),
        ])
        return .object(of: [
            ("name", .string(name)), ("period", bounds), ("uses", number(uses)),
            ("draws", .array(draws)), ("shortfalls", .array(shortfalls)),
            ("state", .string(state.hex)),
        ])
    }
}

extension Books {
    /// The facts for compensating the draws of an account; nil for one without credits.
    package func reconciliationFacts(of name: String, at time: Timestamp) -> ReconciliationFacts? {
        guard let account = account(name) else { return nil }
        let corrections = corrections(of: account)
        guard credits.knows(account) || !corrections.isEmpty else { return nil }
        return ReconciliationFacts(
            position: position, state: creditDigest(of: account),
            account: creditAccount(of: account, at: time), unit: unit(""),
            meters: registry.burningMeters, corrections: corrections,
            rates: BurnRates(corrections.isEmpty ? [] : registry.versions))
    }

    private func creditDigest(of account: UInt32) -> Digest {
        var bytes = ByteBuffer(capacity: 1 << 10)
        CreditState.append(credits.account(account), to: &bytes)
        return SHA256.hash(bytes.bytes)
    }

    /// The engine found what to compensate; between that and now something else may have come.
    func decideReconcile(_ record: borrowing RecordView, _ recordedAt: Int64) -> Verdict {
        guard let subject = record.subject, let account = registry.accounts.number(of: subject),
            let order = try? ReconcileOrder.read(record)
        else { return .refused(.bad("account", "the log has no entry of it")) }
        var state = creditAccount(of: account, at: Timestamp(nanoseconds: recordedAt))
        guard creditDigest(of: account).hex == order.state, state.compensate(order.reconciliation)
        else { return .refused(Self.stale) }
        var outcome = Outcome(draws: order.reconciliation.draws)
        outcome.shortfalls = order.reconciliation.shortfalls.compactMap { shortfall in
            let units = shortfall.after - shortfall.before
            return units == 0 ? nil : .init(unit: shortfall.unit, units: units)
        }
        return .entry(outcome, Evidence())
    }

    mutating func applyReconcile(
        _ record: borrowing RecordView, _ recordedAt: Int64
    ) throws(Failure) {
        guard let subject = record.subject, let order = try? ReconcileOrder.read(record) else {
            throw .contradiction(position, "a reconciliation that cannot be read")
        }
        let fits = changeCredits(of: registry.account(subject), at: recordedAt) {
            $0.compensate(order.reconciliation)
        }
        guard fits else {
            throw .contradiction(position, "a reconciliation that the grants do not allow")
        }
    }
}

extension Value {
    fileprivate var list: [Value] { if case .array(let list) = self { list } else { [] } }

    /// A decimal text as 10⁻¹².
    fileprivate var units: Int128? {
        text.flatMap { DecimalNumber($0) }.flatMap { Quantity($0) }?.units
    }
}
