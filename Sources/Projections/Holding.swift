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

    /// The state of one subscription at an instant; nil before its first change.
    /// - Parameter started: when it began, if the outside system says so.
    static func at(
        _ time: Timestamp, of changes: [SubscriptionChange], started: Timestamp? = nil
    ) -> Holding? {
        var holding: Holding?
        for change in changes {
            guard change.effective <= time else { break }
            holding?.advance(to: change.effective)
            guard let terms = change.terms ?? holding?.terms else { continue }
            // What has ended does not pause or go on; only a new beginning brings it back.
            if holding?.status.hasEnded == true, change.terms == nil { continue }
            guard var next = holding else {
                holding = Holding(change, terms, started)
                continue
            }
            if next.status.hasEnded { next.began = change.effective }
            if change.terms == nil, change.status == .active {
                next.goOn(at: change.effective)
            } else {
                next.become(change.status, since: change.effective)
            }
            if change.terms != nil {
                next.terms = terms
                next.catalog = change.catalog
                next.timezone = change.timezone
                next.anchor = change.anchor
                next.started = started ?? change.effective
                next.trialUntil = change.trialUntil
                next.cancelAt = change.cancelAt
            }
            next.pauseUntil = change.pauseUntil
            holding = next
        }
        holding?.advance(to: time)
        return holding
    }

    private init(
        _ change: SubscriptionChange, _ terms: SubscriptionTerms, _ started: Timestamp?
    ) {
        self.terms = terms
        catalog = change.catalog
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
}

extension Entitlements.Account {
    /// The subscription that counts at an instant; nil if there is none, or none that has not ended.
    package func holding(at time: Timestamp) -> Holding? {
        guard !outside.isEmpty else {
            guard let own = Holding.at(time, of: own), !own.status.hasEnded else { return nil }
            return own
        }
        var best: Holding?
        func offer(_ holding: Holding?) {
            guard let holding, !holding.status.hasEnded else { return }
            guard let known = best else {
                best = holding
                return
            }
            let isWhole = holding.status != .incomplete
            if isWhole != (known.status != .incomplete) {
                if isWhole { best = holding }
            } else if known.started <= holding.started {
                // Of equal times the later name counts: names ascend, and the account's own has none.
                best = holding
            }
        }
        offer(Holding.at(time, of: own))
        for subscription in outside {
            var holding = Holding.at(time, of: subscription.changes, started: subscription.started)
            holding?.name = subscription.name
            if let terms = holding?.terms, let pinned = holding?.catalog {
                holding?.catalog = subscription.pin(of: terms.plan, or: pinned)
            }
            offer(holding)
        }
        return best
    }

    /// The instants at which what holds may change.
    package var instants: Set<Timestamp> {
        Set((own + outside.flatMap(\.changes)).flatMap(\.instants))
    }
}
