package import Billing

/// The subscription that counts for an account at an instant.
///
/// Each subscription is what its latest change says, and goes on by itself from there: a trial ends, a pause
/// ends, a cancellation comes. Of several that have not ended the one that began last counts; one that was
/// never completed only if there is no other. Nothing of that depends on the order in which changes came.
package struct Holding: Sendable {
    /// What is bought.
    package var terms: SubscriptionTerms
    /// Ordinal of the catalog version that its plan is pinned to.
    package var catalog: UInt32
    /// Ordinals of the versions that its add-ons are pinned to, parallel to them.
    package var addonCatalogs: [UInt32]
    /// Its state.
    package var status: SubscriptionStatus
    /// When that state began.
    package var since: Timestamp
    /// When the subscription began.
    package var began: Timestamp
    /// Of several subscriptions the one with the later time here counts.
    package var started: Timestamp
    /// IANA name of the account's zone, where it is not the plan's.
    package var timezone: String?
    /// The instant from which periods are counted, where it is not the beginning.
    package var anchor: Timestamp?
    /// Its name in the outside billing system; nil: it is the account's own.
    package var name: String?
    private var trialUntil: Timestamp?
    private var pauseUntil: Timestamp?
    /// When it ends by itself; nil: it does not.
    package private(set) var cancelAt: Timestamp?

    /// The next instant at which something comes by itself.
    private var nextInstant: Timestamp? {
        switch status {
        case .canceled, .incompleteExpired: nil
        case .paused: Self.earlier(pauseUntil, cancelAt)
        case .trialing: Self.earlier(trialUntil, cancelAt)
        case .active, .pastDue, .unpaid, .incomplete: cancelAt
        }
    }

    private static func earlier(_ left: Timestamp?, _ right: Timestamp?) -> Timestamp? {
        guard let left, let right else { return left ?? right }
        return min(left, right)
    }

    /// What is left of it at a later instant.
    private mutating func advance(to time: Timestamp) {
        if status == .paused, let pauseUntil, pauseUntil <= time { goOn(at: pauseUntil) }
        if status == .trialing, let trialUntil, trialUntil <= time {
            become(.active, since: trialUntil)
        }
        if !status.hasEnded, let cancelAt, cancelAt <= time { become(.canceled, since: cancelAt) }
    }

    /// Ends a pause; it does not end a trial.
    private mutating func goOn(at time: Timestamp) {
        become(trialUntil.map { $0 > time } == true ? .trialing : .active, since: time)
    }

    private mutating func become(_ next: SubscriptionStatus, since time: Timestamp) {
        if status != next { since = max(time, since) }
        status = next
    }

    /// A subscription once a change has come; nil: it has not begun.
    private static func taking(
        _ change: SubscriptionChange, after before: Holding?, started: Timestamp?
    ) -> Holding? {
        guard var next = before else {
            return change.terms.map { Holding(change, $0, started) }
        }
        next.advance(to: change.effective)
        // What has ended does not pause or go on; only a new beginning brings it back.
        if next.status.hasEnded {
            guard let terms = change.terms else { return next }
            var again = Holding(change, terms, started)
            if next.status == change.status { again.since = next.since }
            return again
        }
        if change.terms == nil, change.status == .active {
            next.goOn(at: change.effective)
        } else {
            next.become(change.status, since: change.effective)
        }
        if let terms = change.terms {
            next.terms = terms
            next.catalog = change.catalog
            next.addonCatalogs = terms.addons.map { _ in change.catalog }
            next.timezone = change.timezone
            next.anchor = change.anchor
            next.started = started ?? change.effective
            next.trialUntil = change.trialUntil
            next.cancelAt = change.cancelAt
        }
        next.pauseUntil = change.pauseUntil
        return next
    }

    private init(
        _ change: SubscriptionChange, _ terms: SubscriptionTerms, _ started: Timestamp?
    ) {
        self.terms = terms
        catalog = change.catalog
        addonCatalogs = terms.addons.map { _ in change.catalog }
        status = change.status
        since = change.effective
        began = started.map { min($0, change.effective) } ?? change.effective
        self.started = started ?? change.effective
        timezone = change.timezone
        anchor = change.anchor
        trialUntil = change.trialUntil
        pauseUntil = change.pauseUntil
        cancelAt = change.cancelAt
    }

    /// The state of one subscription at an instant; nil before its first change.
    /// - Parameter started: when it began, if the outside system says so.
    static func at(
        _ time: Timestamp, of changes: [SubscriptionChange], started: Timestamp? = nil
    ) -> Holding? {
        var holding: Holding?
        for (index, change) in changes.enumerated() where change.revokedAt == nil {
            guard change.effective <= time else { break }
            if started != nil, isSuperseded(index, in: changes) { continue }
            holding = taking(change, after: holding, started: started)
        }
        holding?.advance(to: time)
        return holding
    }

    /// Whether another snapshot of the same instant counts: it says all, and this one never held.
    private static func isSuperseded(_ index: Int, in changes: [SubscriptionChange]) -> Bool {
        index + 1 < changes.count && changes[index + 1].effective == changes[index].effective
    }

    /// A stretch of time on which one thing holds.
    struct Stage {
        let from: Timestamp
        var holding: Holding?
    }

    /// All states of one subscription, ascending.
    static func stages(
        of changes: [SubscriptionChange], started: Timestamp? = nil
    ) -> [Stage] {
        var stages: [Stage] = []
        func put(_ holding: Holding?, from time: Timestamp) {
            if stages.last?.from == time { stages.removeLast() }
            stages.append(Stage(from: time, holding: holding))
        }
        var holding: Holding?
        func goOn(until end: Timestamp) {
            while let next = holding?.nextInstant, next < end {
                holding?.advance(to: next)
                put(holding, from: next)
            }
        }
        for (index, change) in changes.enumerated() where change.revokedAt == nil {
            if started != nil, isSuperseded(index, in: changes) { continue }
            goOn(until: change.effective)
            holding = taking(change, after: holding, started: started)
            put(holding, from: change.effective)
        }
        goOn(until: .max)
        return stages
    }

    /// Whether it counts, and not another one of the account that has not ended.
    fileprivate func counts(before other: Holding) -> Bool {
        let isWhole = status != .incomplete
        if isWhole != (other.status != .incomplete) { return isWhole }
        if started != other.started { return started > other.started }
        // Of equal times the later name counts; the account's own has none.
        return (name ?? "").utf8.lexicographicallyPrecedes((other.name ?? "").utf8) == false
    }
}

extension OutsideSubscription {
    /// One of its states, pinned: a plan and each add-on to the oldest catalog under which they were named.
    fileprivate func pinned(_ holding: Holding?, _ pins: Pins) -> Holding? {
        guard var holding else { return nil }
        holding.name = name
        holding.catalog = pins.plans[holding.terms.plan] ?? holding.catalog
        for (index, addon) in holding.terms.addons.enumerated() {
            holding.addonCatalogs[index] = pins.addons[addon.key] ?? holding.addonCatalogs[index]
        }
        return holding
    }

    /// Oldest catalog versions, by plan and by add-on.
    fileprivate struct Pins {
        var plans: [String: UInt32] = [:]
        var addons: [String: UInt32] = [:]
    }

    fileprivate var pins: Pins {
        var pins = Pins()
        // Of one that has ended the names were not looked up.
        for change in changes where !change.status.hasEnded {
            guard let terms = change.terms else { continue }
            pins.plans[terms.plan] = min(pins.plans[terms.plan] ?? .max, change.catalog)
            for addon in terms.addons {
                pins.addons[addon.key] = min(pins.addons[addon.key] ?? .max, change.catalog)
            }
        }
        return pins
    }
}

extension Entitlements.Account {
    /// The subscription that counts at an instant; nil if there is none, or none that has not ended.
    package func holding(at time: Timestamp) -> Holding? {
        var best = Holding.at(time, of: own).flatMap { $0.status.hasEnded ? nil : $0 }
        for subscription in outside {
            let state = Holding.at(time, of: subscription.changes, started: subscription.started)
            guard let state, !state.status.hasEnded,
                let holding = subscription.pinned(state, subscription.pins)
            else { continue }
            if best.map({ holding.counts(before: $0) }) ?? true { best = holding }
        }
        return best
    }

    /// What holds over all time, ascending; before the first stage nothing does.
    func stages() -> [Holding.Stage] {
        let own = Holding.stages(of: own)
        guard !outside.isEmpty else {
            return own.map { stage in
                let hasEnded = stage.holding?.status.hasEnded ?? true
                return Holding.Stage(from: stage.from, holding: hasEnded ? nil : stage.holding)
            }
        }
        var lists = [own]
        for subscription in outside {
            let pins = subscription.pins
            lists.append(
                Holding.stages(of: subscription.changes, started: subscription.started).map {
                    Holding.Stage(from: $0.from, holding: subscription.pinned($0.holding, pins))
                })
        }
        var next = lists.map { _ in 0 }
        var now: [Holding?] = lists.map { _ in nil }
        return Set(lists.joined().map(\.from)).sorted().map { time in
            var best: Holding?
            for list in lists.indices {
                while next[list] < lists[list].count, lists[list][next[list]].from <= time {
                    now[list] = lists[list][next[list]].holding
                    next[list] += 1
                }
                guard let holding = now[list], !holding.status.hasEnded else { continue }
                if best.map({ holding.counts(before: $0) }) ?? true { best = holding }
            }
            return Holding.Stage(from: time, holding: best)
        }
    }
}
