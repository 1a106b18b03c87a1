package import Billing
package import SegmentedLog

/// Which plan holds when: subscriptions, cancellations, the default plan, and new versions that hold
/// for old subscriptions, laid out over time.
extension Books {
    /// The contract of an account.
    /// - Parameter end: subscriptions recorded at this position or later are left out; catalogs are
    ///   always all of them.
    package func contract(of account: UInt32?, before end: Position = .max) -> Contract {
        let timeline = (account.map { entitlements.timeline(of: $0) } ?? [])
            .filter { $0.position < end }
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
        var contract = contract(timeline, moves)
        for (ordinal, existing) in waiting {
            // When the period ends depends on what holds until then.
            let period = contract.billingPeriod(at: existing.from).period
            let from = period.start == existing.from ? existing.from : period.end
            moves.append(VersionMove(ordinal: ordinal, from: from))
            contract = self.contract(timeline, moves)
        }
        return contract
    }

    /// A version that holds for older subscriptions from a time on.
    private struct VersionMove {
        let ordinal: Int
        let from: Timestamp
    }

    private func contract(
        _ timeline: [Entitlements.Subscription], _ moves: [VersionMove]
    ) -> Contract {
        var cuts: Set<Timestamp> = [.min]
        for subscription in timeline { cuts.insert(subscription.effective) }
        for move in moves { cuts.insert(move.from) }
        for version in registry.versions.dropFirst() { cuts.insert(version.recordedAt) }
        return Contract(changes: cuts.sorted().map { change(at: $0, timeline, moves) })
    }

    private func change(
        at time: Timestamp, _ timeline: [Entitlements.Subscription], _ moves: [VersionMove]
    ) -> Contract.Change {
        let subscription = timeline.last { $0.effective <= time }
        var found: (ordinal: Int, plan: Plan)?
        if let subscription, let key = subscription.plan {
            let pinned = Int(subscription.catalog)
            var newest = VersionMove(ordinal: pinned, from: .min)
            for move in moves
            where move.ordinal > pinned && move.from <= time
                && (move.from, move.ordinal) > (newest.from, newest.ordinal)
                && registry.versions[move.ordinal].catalog.plan(key) != nil
            { newest = move }
            found = registry.versions[newest.ordinal].catalog.plan(key)
                .map { (newest.ordinal, $0) }
        } else {
            found = defaultPlan(at: time)
        }
        guard let (ordinal, plan) = found else {
            return Contract.Change(
                effective: time, plan: nil, version: 0, zone: .utc, anchor: nil)
        }
        let catalog = registry.versions[ordinal].catalog
        let isSubscribed = subscription?.plan != nil
        let zone = (isSubscribed ? subscription?.timezone : nil) ?? plan.terms.cycle.timezone
        return Contract.Change(
            effective: time, plan: plan, version: UInt32(ordinal),
            zone: catalog.timezones.first { $0.name == zone } ?? registry.timezone(zone),
            anchor: isSubscribed ? subscription?.anchor : nil)
    }

    /// The plan of accounts without a subscription: the default of the version that was the newest
    /// then; before the first version, of the first.
    private func defaultPlan(at time: Timestamp) -> (ordinal: Int, plan: Plan)? {
        let newest = registry.versions.lastIndex { $0.recordedAt <= time }
        guard let ordinal = newest ?? registry.versions.indices.first else { return nil }
        let catalog = registry.versions[ordinal].catalog
        return catalog.defaultPlan.flatMap { catalog.plan($0) }.map { (ordinal, $0) }
    }

    /// The plan of an account at an instant: its subscription's, pinned to the catalog it was made
    /// under unless a later one holds for it, else the default plan.
    package func plan(of account: UInt32?, at time: Timestamp) -> Plan? {
        guard let account, let subscription = entitlements.subscription(of: account, at: time),
            let key = subscription.plan
        else { return defaultPlan(at: time)?.plan }
        guard registry.movesSubscriptions else {
            return registry.versions[Int(subscription.catalog)].catalog.plan(key)
        }
        return contract(of: account).plan(at: time)
    }
}
