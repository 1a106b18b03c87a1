package import Billing
package import SegmentedLog

/// Which plan holds when: subscriptions and their statuses, the default plan, and new versions that hold
/// for old subscriptions, laid out over time.
extension Books {
    /// The contract of an account.
    /// - Parameter end: changes recorded at this position or later are left out; catalogs are
    ///   always all of them.
    package func contract(of account: UInt32?, before end: Position = .max) -> Contract {
        laidOut(account, before: end).contract
    }

    /// The contract of an account, and the versions that hold for its subscriptions from a time on.
    private func laidOut(
        _ account: UInt32?, before end: Position = .max
    ) -> (contract: Contract, moves: [VersionMove]) {
        let known = (account.map { entitlements.account($0) } ?? .init()).before(end)
        var moves: [VersionMove] = []
        var waiting: [(ordinal: Int, existing: Registry.Existing)] = []
        for (ordinal, version) in registry.versions.enumerated() {
            guard let existing = version.existing else { continue }
            if existing.atNextPeriod {
                waiting.append((ordinal, existing))
            } else {
                moves.append(VersionMove(ordinal: ordinal, from: existing.from))
            }
        }
        var contract = contract(known, moves)
        for (ordinal, existing) in waiting {
            // When the period ends depends on what holds until then.
            let period = contract.billingPeriod(at: existing.from).period
            let from = period.start == existing.from ? existing.from : period.end
            moves.append(VersionMove(ordinal: ordinal, from: from))
            contract = self.contract(known, moves)
        }
        return (contract, moves)
    }

    /// A version that holds for older subscriptions from a time on.
    private struct VersionMove {
        let ordinal: Int
        let from: Timestamp
    }

    private func contract(
        _ account: Entitlements.Account, _ moves: [VersionMove]
    ) -> Contract {
        let stages = account.stages()
        var cuts: Set<Timestamp> = [.min]
        for stage in stages { cuts.insert(stage.from) }
        for move in moves { cuts.insert(move.from) }
        for version in registry.versions.dropFirst() { cuts.insert(version.recordedAt) }
        var next = 0
        return Contract(
            changes: cuts.sorted().map { time in
                while next < stages.count, stages[next].from <= time { next += 1 }
                return change(at: time, next > 0 ? stages[next - 1].holding : nil, moves)
            })
    }

    private func change(
        at time: Timestamp, _ holding: Holding?, _ moves: [VersionMove]
    ) -> Contract.Change {
        var found: (ordinal: Int, plan: Plan)?
        if let holding {
            found = sold(holding, pinnedTo: ordinal(for: holding, at: time, moves))
        } else {
            found = defaultPlan(at: time)
        }
        guard let (ordinal, plan) = found else {
            return Contract.Change(
                effective: time, plan: nil, version: 0, zone: .utc, anchor: nil)
        }
        return Contract.Change(
            effective: time, plan: plan, version: UInt32(ordinal),
            zone: zone(of: plan, holding?.timezone, ordinal), anchor: holding?.anchor)
    }

    /// The version that holds for a subscription at an instant.
    private func ordinal(
        for holding: Holding, at time: Timestamp, _ moves: [VersionMove]
    ) -> Int {
        var newest = VersionMove(ordinal: Int(holding.catalog), from: .min)
        for move in moves
        where move.ordinal > Int(holding.catalog) && move.from <= time
            && (move.from, move.ordinal) > (newest.from, newest.ordinal)
            && registry.versions[move.ordinal].catalog.plan(holding.terms.plan) != nil
        { newest = move }
        return newest.ordinal
    }

    /// What a subscription is charged for, as one plan; nil where it is not charged, as in a pause.
    private func sold(_ holding: Holding, pinnedTo ordinal: Int) -> (ordinal: Int, plan: Plan)? {
        guard holding.status.isCharged || holding.status == .trialing else { return nil }
        return plan(of: holding, in: ordinal).map { (ordinal, $0) }
    }

    /// What a subscription gives, as one plan, whatever its state; nil where the catalog does not have it.
    private func plan(of holding: Holding, in ordinal: Int) -> Plan? {
        let catalog = registry.versions[ordinal].catalog
        return catalog.plan(holding.terms.plan)?.sold(
            holding.terms.quantity,
            with: zip(holding.terms.addons, holding.addonCatalogs).compactMap { bought, pin in
                // One that was bought later than the plan is of the version that was the newest then.
                let version = registry.versions[Int(pin)].catalog
                return (catalog.addon(bought.key) ?? version.addon(bought.key))
                    .map { ($0, bought.quantity) }
            }, isFree: holding.status == .trialing)
    }

    private func zone(of plan: Plan, _ own: String?, _ ordinal: Int) -> TimeZoneTable {
        let name = own ?? plan.terms.cycle.timezone
        if name == TimeZoneTable.utc.name { return .utc }
        return registry.versions[ordinal].catalog.timezones.first { $0.name == name }
            ?? registry.timezone(name)
    }

    /// The plan of accounts without a subscription: the default of the version that was the newest
    /// then; before the first version, of the first.
    private func defaultPlan(at time: Timestamp) -> (ordinal: Int, plan: Plan)? {
        let newest = registry.versions.lastIndex { $0.recordedAt <= time }
        guard let ordinal = newest ?? registry.versions.indices.first else { return nil }
        let catalog = registry.versions[ordinal].catalog
        return catalog.defaultPlan.flatMap { catalog.plan($0) }.map { (ordinal, $0) }
    }

    /// What counts for decisions about an account at an instant.
    package struct Standing {
        /// The plan that it is on, whatever its state; nil: none.
        package var plan: Plan?
        /// The subscription; nil: it is on the default plan, or on none.
        package var holding: Holding?
        /// Why its state denies everything; nil: it does not.
        package var denial: Reason?
        /// Ordinal of the catalog version that the plan is of.
        package var version: Int?
    }

    /// The zone whose days count for an account.
    package func zone(of standing: Standing) -> TimeZoneTable {
        guard let plan = standing.plan, let version = standing.version else { return .utc }
        return zone(of: plan, standing.holding?.timezone, version)
    }

    /// The plan of an account at an instant: its subscription's, pinned to the catalog it was made
    /// under unless a later one holds for it, else the default plan; and what its state means.
    package func standing(of account: UInt32?, at time: Timestamp) -> Standing {
        var standing = Standing()
        guard let account, let holding = entitlements.account(account).holding(at: time) else {
            let found = defaultPlan(at: time)
            standing.plan = found?.plan
            standing.version = found?.ordinal
            return standing
        }
        standing.holding = holding
        var ordinal = Int(holding.catalog)
        if registry.movesSubscriptions {
            ordinal = self.ordinal(for: holding, at: time, laidOut(account).moves)
        }
        standing.plan = plan(of: holding, in: ordinal)
        standing.version = ordinal
        switch registry.catalog?.statuses[holding.status] ?? .allow {
        case .allow: break
        case .deny: standing.denial = holding.status.denial
        case .grace(let length):
            // Both are event times of sane years: the difference fits.
            let (age, overflow) = time.nanoseconds.subtractingReportingOverflow(
                holding.since.nanoseconds)
            if overflow || age >= length { standing.denial = holding.status.denial }
        }
        return standing
    }
}

extension Entitlements.Account {
    /// Without what was recorded at a position or later.
    fileprivate func before(_ end: Position) -> Self {
        guard end != .max else { return self }
        var known = self
        known.own.removeAll { $0.position >= end }
        for index in known.own.indices where known.own[index].revokedAt.map({ $0 >= end }) == true {
            known.own[index].revokedAt = nil
        }
        for index in known.outside.indices {
            known.outside[index].changes.removeAll { $0.position >= end }
        }
        return known
    }
}
