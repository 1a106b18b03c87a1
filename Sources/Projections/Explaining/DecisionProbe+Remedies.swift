package import Billing
import Codec
package import Money

/// What would have allowed a request that was denied: the smallest change of each kind.
package struct DecisionRemedy: Sendable {
    /// What has to change, all of it; mostly one thing.
    package let changes: [DecisionChange]
    /// In what steps numbers were tried: with one step less of any of them the request is denied; nil: there is
    /// no number.
    package let step: Quantity?
    /// What is decided then.
    package let reason: Reason
}

/// How much more than was asked for would have been allowed.
package struct DecisionRoom: Sendable {
    /// The most that would have been.
    package let quantity: Quantity
    /// What that is more than was asked for.
    package let more: Quantity
    /// In what steps it was tried: one more is denied.
    package let step: Quantity
    /// Why.
    package let then: Reason
}

extension DecisionProbe {
    /// Steps of numbers: whole units, and the smallest there is.
    private static let steps = (whole: Quantity.one, least: Quantity(units: 1))

    /// The largest quantity and amount that is tried, 10^15: beyond it all is without bound.
    private static let most = CreditGrant.amountMax

    private mutating func isAllowed(_ changes: [DecisionChange]) -> Bool {
        decide(changes)?.decision.allowed == true
    }

    /// The smallest number of steps with which something holds that goes on holding from there.
    private mutating func smallest(
        _ step: Quantity, upTo most: Quantity, _ holds: (inout DecisionProbe, Quantity) -> Bool
    ) -> Quantity? {
        var low: Int128 = 0
        var high: Int128 = 1
        let end = most.units / step.units
        guard end > 0 else { return nil }
        while !holds(&self, Quantity(units: high * step.units)) {
            guard high < end else { return nil }
            low = high
            high = min(high * 2, end)
        }
        while high - low > 1 {
            let middle = low + (high - low) / 2
            if holds(&self, Quantity(units: middle * step.units)) {
                high = middle
            } else {
                low = middle
            }
        }
        return Quantity(units: high * step.units)
    }

    // MARK: Allowed

    /// What is left before the request would have been denied; nil: it may be any quantity.
    mutating func room() -> DecisionRoom? {
        let asked = quantity
        for step in asked.isWhole ? [Self.steps.whole, Self.steps.least] : [Self.steps.least] {
            let first = smallest(step, upTo: Self.most) { probe, more in
                !probe.isAllowed([.quantity(asked.adding(more) ?? asked)])
            }
            guard let first, let denied = asked.adding(first) else { return nil }
            // Where no whole unit more fits, a part of one may.
            if first == step, step == Self.steps.whole { continue }
            let more = first.subtracting(step) ?? .zero
            return DecisionRoom(
                quantity: asked.adding(more) ?? asked, more: more, step: step,
                then: decide([.quantity(denied)])?.decision.reason ?? .limitReached)
        }
        return nil
    }

    // MARK: Denied

    /// The changes that would have allowed the request, each the smallest of its kind and tried.
    mutating func remedies() -> [DecisionRemedy] {
        guard let (decision, evidence, _) = decide(), !decision.allowed else { return [] }
        var found: [DecisionRemedy] = []
        if let remedy = lessQuantity() { found.append(remedy) }
        if let remedy = otherValue(evidence) { found.append(remedy) }
        for change in [DecisionChange.restored, .active] {
            if let remedy = remedy([change], nil) { found.append(remedy) }
        }
        if decision.reason == .limitReached, let remedy = higherLimit(evidence) {
            found.append(remedy)
        }
        if let remedy = grant(after: []) { found.append(remedy) }
        if let remedy = remedy([.withoutOverride], nil), evidence.override != nil {
            found.append(remedy)
        }
        if let remedy = override(decision.reason) { found.append(remedy) }
        found += otherPlans()
        if let remedy = later(evidence) { found.append(remedy) }
        return found
    }

    /// The changes, if they do it; where only credits are missing then, with these.
    private mutating func remedy(
        _ changes: [DecisionChange], _ step: Quantity?
    ) -> DecisionRemedy? {
        guard let (decision, _, _) = decide(changes) else { return nil }
        if decision.allowed {
            return DecisionRemedy(changes: changes, step: step, reason: decision.reason)
        }
        return grant(after: changes, step)
    }

    private mutating func lessQuantity() -> DecisionRemedy? {
        let asked = quantity
        for step in asked.isWhole ? [Self.steps.whole, Self.steps.least] : [Self.steps.least] {
            let first = smallest(step, upTo: asked) { probe, quantity in
                !probe.isAllowed([.quantity(quantity)])
            }
            guard let first, first > step, let fits = first.subtracting(step) else { continue }
            return remedy([.quantity(fits)], step)
        }
        return nil
    }

    /// Of what was asked for, what is allowed.
    private mutating func otherValue(_ evidence: Evidence) -> DecisionRemedy? {
        switch (value, evidence.value) {
        case (.number, .number(let has)?):
            return remedy([.value(.number(has))], Self.steps.least)
        case (.words(let wanted), .words(let has)?):
            let some = wanted.filter { has.contains($0) }
            return some.isEmpty ? nil : remedy([.value(.words(some))], nil)
        default: return nil
        }
    }

    /// The limit raised until it no longer is what denies; where credits are missing then, with these.
    private mutating func higherLimit(_ evidence: Evidence) -> DecisionRemedy? {
        guard let limit = withBooks({ self.limit($0) }) else { return nil }
        let isWhole =
            limit.amount.isWhole && quantity.isWhole && (evidence.used ?? .zero).isWhole
        func raised(_ by: Quantity) -> DecisionChange {
            .limit(to: limit.amount.adding(by) ?? limit.amount, by: by)
        }
        for step in isWhole ? [Self.steps.whole, Self.steps.least] : [Self.steps.least] {
            let least = smallest(step, upTo: Self.most) { probe, by in
                probe.decide([raised(by)]).map { $0.decision.reason != .limitReached } ?? false
            }
            guard let least else { return nil }
            // Numbers of one remedy have one step: where credits need the smaller, the limit has it too.
            if let remedy = remedy([raised(least)], step) { return remedy }
        }
        return nil
    }

    /// The least credits that do it.
    /// - Parameter step: of the other numbers; nil: there are none.
    private mutating func grant(
        after changes: [DecisionChange], _ step: Quantity? = nil
    ) -> DecisionRemedy? {
        guard let (decision, evidence, _) = decide(changes),
            decision.reason == .creditInsufficient,
            let unit = withBooks({ $0.meter(ofFeature: self.feature)?.burn?.unit })
        else { return nil }
        let isWhole =
            (evidence.credits ?? .zero).isWhole && (evidence.remaining ?? .zero).isWhole
        if step == Self.steps.whole, !isWhole { return nil }
        let step = step ?? (isWhole ? Self.steps.whole : Self.steps.least)
        let least = smallest(step, upTo: Self.most) { probe, credits in
            probe.isAllowed(changes + [.grant(credits, unit: unit)])
        }
        guard let least, let then = decide(changes + [.grant(least, unit: unit)]) else {
            return nil
        }
        return DecisionRemedy(
            changes: changes + [.grant(least, unit: unit)], step: step,
            reason: then.decision.reason)
    }

    /// What is asked for, allowed apart from the plan. Where only a number is too low, raising it is less.
    private mutating func override(_ reason: Reason) -> DecisionRemedy? {
        switch reason {
        case .limitReached, .creditInsufficient, .spendCapReached: return nil
        default: break
        }
        return remedy([.override(value.map { .value($0) } ?? .on)], nil)
    }

    /// The plans of the newest catalog on which it would have been allowed.
    private mutating func otherPlans() -> [DecisionRemedy] {
        let (plans, current) = withBooks { books in
            (
                books.registry.catalog?.plans.map(\.key) ?? [],
                self.standing(books).plan?.key
            )
        }
        var found: [DecisionRemedy] = []
        for plan in plans where plan != current {
            guard let then = decide([.plan(plan)])?.decision, then.allowed else { continue }
            found.append(DecisionRemedy(changes: [.plan(plan)], step: nil, reason: then.reason))
        }
        return found
    }

    /// The beginning of the next window, if it is not denied then but still is right before.
    private mutating func later(_ evidence: Evidence) -> DecisionRemedy? {
        guard let time = evidence.resetsAt, time > self.time else { return nil }
        let before = Timestamp(nanoseconds: time.nanoseconds - 1)
        guard !isAllowed([.later(before)]) else { return nil }
        guard let then = decide([.later(time)])?.decision, then.allowed else { return nil }
        return DecisionRemedy(changes: [.later(time)], step: nil, reason: then.reason)
    }
}
