import Billing
import Bytes
import Codec
import Money
import SegmentedLog

/// What an account buys and what is decided for it: the decisions that such orders fit the state, and the folds.
extension Books {
    // MARK: Decisions

    func decideSubscribe(_ record: borrowing RecordView, _ recordedAt: Int64) -> Verdict {
        guard record.subject != nil else {
            return .refused(.bad("account", "a subscription names its account"))
        }
        do throws(Refusal) {
            let order = try SubscribeOrder.read(record)
            guard let catalog = registry.catalog else { throw Self.noCatalog }
            try check(order.terms, in: catalog)
            if let zone = order.timezone, zone != "UTC",
                !catalog.timezones.contains(where: { $0.name == zone })
            {
                let known = (["UTC"] + catalog.timezones.map(\.name)).joined(separator: ", ")
                throw .bad(
                    "timezone",
                    "the newest catalog does not list \"\(zone)\" under timezones; it has: \(known)"
                )
            }
            try checkRoom(record)
            let effective = effective(of: record, order.when, recordedAt)
            if let end = order.trialUntil, end <= effective {
                throw .bad(
                    "trial_until", "must be later than the subscription begins, \(effective)")
            }
            return .entry(.recorded, changes(at: effective))
        } catch {
            return .refused(error)
        }
    }

    /// What is known of an account is read with each of its decisions, so it is bounded.
    private func checkRoom(_ record: borrowing RecordView) throws(Refusal) {
        guard let subject = record.subject, let account = registry.accounts.number(of: subject)
        else { return }
        let known = entitlements.account(account)
        guard known.own.count < Entitlements.changesMax,
            known.overrides.count < Entitlements.changesMax
        else {
            throw .bad(
                "account",
                "has \(Entitlements.changesMax) changes or overrides, the most there can be")
        }
    }

    private func check(_ terms: SubscriptionTerms, in catalog: Catalog) throws(Refusal) {
        guard let plan = catalog.plan(terms.plan) else {
            let known = catalog.plans.map(\.key).joined(separator: ", ")
            throw .bad("plan", "the newest catalog has no plan \"\(terms.plan)\"; it has: \(known)")
        }
        for bought in terms.addons {
            guard let addon = catalog.addon(bought.key) else {
                let known = catalog.addons.map(\.key).joined(separator: ", ")
                throw .bad(
                    "addons",
                    "the newest catalog has no add-on \"\(bought.key)\"; it has: "
                        + (known.isEmpty ? "none" : known))
            }
            guard addon.currency == plan.currency || addon.prices.isEmpty else {
                throw .bad(
                    "addons",
                    "\"\(addon.key)\" is priced in \(addon.currency.code), and the plan in "
                        + "\(plan.currency.code): one invoice has one currency")
            }
        }
    }

    /// A snapshot of an outside subscription is taken whatever the catalog has: that a plan is not known here must not
    /// keep a cancellation out.
    func decideSnapshot(_ record: borrowing RecordView) -> Verdict {
        guard let subject = record.subject else {
            return .refused(.bad("account", "a subscription names its account"))
        }
        do throws(Refusal) {
            let order = try SnapshotOrder.read(record)
            guard let catalog = registry.catalog else { throw Self.noCatalog }
            if let terms = order.terms, !order.status.hasEnded { try check(terms, in: catalog) }
            if let account = registry.accounts.number(of: subject) {
                let known = entitlements.account(account).outside
                let mine = known.first { $0.name == order.name }
                if mine == nil, known.count >= Entitlements.outsideMax {
                    throw .bad(
                        "subscription",
                        "the account has \(known.count) outside subscriptions, the most there can be"
                    )
                }
                if mine?.changes.count ?? 0 >= Entitlements.changesMax {
                    throw .bad(
                        "subscription",
                        "has \(Entitlements.changesMax) changes, the most there can be")
                }
            }
            return .entry(.recorded, Evidence())
        } catch {
            return .refused(error)
        }
    }

    func decidePause(_ record: borrowing RecordView, _ recordedAt: Int64) -> Verdict {
        do throws(Refusal) {
            guard let subject = record.subject, let account = registry.accounts.number(of: subject)
            else { throw .bad("account", "the log has no entry of it") }
            let effective = effective(of: record, try .read(record), recordedAt)
            let own = Holding.at(effective, of: entitlements.account(account).own)
            if record.kind == .resume {
                guard
                    own?.status == .paused
                        || hasScheduledEnd(
                            account, after: max(effective, Timestamp(nanoseconds: recordedAt)))
                else {
                    throw .bad("account", "has no pause and no coming end at \(effective)")
                }
                return .entry(.recorded, changes(at: effective))
            }
            guard let own, !own.status.hasEnded, own.status != .paused else {
                throw .bad(
                    "account", "has no subscription of its own at \(effective) that could be paused"
                )
            }
            if let until = try record.optionalTime("until"), until <= effective {
                throw .bad("until", "must be later than the pause begins, \(effective)")
            }
            return .entry(.recorded, changes(at: effective))
        } catch {
            return .refused(error)
        }
    }

    func decideCancel(_ record: borrowing RecordView, _ recordedAt: Int64) -> Verdict {
        do throws(Refusal) {
            guard let subject = record.subject else {
                throw .bad("account", "a cancellation names its account")
            }
            guard registry.catalog != nil else { throw Self.noCatalog }
            guard let account = registry.accounts.number(of: subject) else {
                throw .bad("account", "the log has no entry of it")
            }
            let time = effective(of: record, try .read(record), recordedAt)
            let own = Holding.at(time, of: entitlements.account(account).own)
            let now = Timestamp(nanoseconds: recordedAt)
            let isToCome = entitlements.account(account).own.contains {
                $0.effective > max(time, now) && $0.terms != nil && $0.revokedAt == nil
            }
            guard own?.status.hasEnded == false || isToCome else {
                throw .bad("account", "has no subscription at \(time) that could be cancelled")
            }
            return .entry(.recorded, changes(at: time))
        } catch {
            return .refused(error)
        }
    }

    func decideOverride(_ record: borrowing RecordView, _ recordedAt: Int64) -> Verdict {
        do throws(Refusal) {
            guard record.subject != nil else {
                throw .bad("account", "an override names its account")
            }
            let order = try OverrideOrder.read(record)
            try checkRoom(record)
            guard let feature = registry.features[order.feature] else {
                let known = registry.features.keys.sorted().joined(separator: ", ")
                throw .bad("feature", "no catalog has \"\(order.feature)\"; known: \(known)")
            }
            if let value = order.entitlement {
                switch PlanEntitlement.read(
                    value, of: feature.key, features: [feature], at: "entitlement")
                {
                case .success(let read):
                    if case .limit(let limit) = read.allowance {
                        if let problem = windowProblem(limit, feature: feature.key) {
                            throw .bad("entitlement", problem)
                        }
                        if let by = limit.by, registry.catalog?.isPersonal(by) == true {
                            throw .bad(
                                "entitlement.by",
                                "\(by.joined(separator: ".")) is personal in the newest catalog, and what can "
                                    + "be erased cannot be counted by")
                        }
                    }
                case .failure(let problems):
                    let message = problems.list.first?.description ?? "cannot be read"
                    throw Refusal(
                        code: "bad_request", field: "entitlement", message: message,
                        problems: problems.list)
                }
            }
            let effective = record.time ?? recordedAt
            if let expires = order.expires, expires.nanoseconds <= effective {
                throw .bad("expires", "must be later than effective")
            }
            return .entry(.recorded, Evidence())
        } catch {
            return .refused(error)
        }
    }

    private func changes(at time: Timestamp) -> Evidence {
        var evidence = Evidence()
        evidence.effective = time
        return evidence
    }

    /// When an order takes effect.
    private func effective(
        of record: borrowing RecordView, _ when: ChangeTime, _ recordedAt: Int64
    ) -> Timestamp {
        let now = Timestamp(nanoseconds: recordedAt)
        guard case .periodEnd = when else {
            return record.time.map { Timestamp(nanoseconds: $0) } ?? now
        }
        guard let subject = record.subject else { return now }
        return contract(of: registry.accounts.number(of: subject)).billingPeriod(at: now).period.end
    }

    /// Whether a cancellation or a pause of the account's own subscription is still to come.
    private func hasScheduledEnd(_ account: UInt32, after time: Timestamp) -> Bool {
        entitlements.account(account).own.contains {
            $0.effective > time && $0.isStop && $0.revokedAt == nil
        }
    }

    // MARK: Folds

    mutating func applySubscribe(
        _ record: borrowing RecordView, _ recordedAt: Int64
    ) throws(Failure) {
        guard let subject = record.subject, let order = try? SubscribeOrder.read(record),
            registry.versions.count > 0
        else { throw .contradiction(position, "a subscription that names no known plan") }
        let effective = effective(of: record, order.when, recordedAt)
        let account = registry.account(subject)
        var change = SubscriptionChange(
            effective: effective, status: order.trialUntil == nil ? .active : .trialing,
            position: position, catalog: UInt32(registry.versions.count - 1), terms: order.terms)
        change.timezone = order.timezone
        change.anchor = order.anchor
        change.trialUntil = order.trialUntil
        entitlements.update(account) { $0.add(change) }
        bought(account, from: effective, recordedAt)
    }

    /// Pauses, resumptions and cancellations.
    mutating func applyStop(
        _ record: borrowing RecordView, _ recordedAt: Int64
    ) throws(Failure) {
        guard let subject = record.subject, registry.versions.count > 0,
            let when = try? ChangeTime.read(record)
        else {
            throw .contradiction(position, "\(record.kind.name) without an account or a catalog")
        }
        let effective = effective(of: record, when, recordedAt)
        let account = registry.account(subject)
        let status: SubscriptionStatus =
            switch record.kind {
            case .pause: .paused
            case .resume: .active
            default: .canceled
            }
        var change = SubscriptionChange(
            effective: effective, status: status, position: position,
            catalog: UInt32(registry.versions.count - 1))
        change.pauseUntil = try? record.optionalTime("until")
        let now = Timestamp(nanoseconds: recordedAt)
        let position = position
        entitlements.update(account) { state in
            switch status {
            case .active:
                state.revoke(at: position) { $0.effective > max(effective, now) && $0.isStop }
            // What was still to come does not bring back what has ended.
            case .canceled: state.revoke(at: position) { $0.effective > max(effective, now) }
            default: break
            }
            state.add(change)
        }
        bought(account, from: effective, recordedAt)
    }

    mutating func applySnapshot(
        _ record: borrowing RecordView, _ recordedAt: Int64
    ) throws(Failure) {
        guard let subject = record.subject, let order = try? SnapshotOrder.read(record),
            let id = record.id.makeString(), registry.versions.count > 0
        else { throw .contradiction(position, "a subscription that cannot be read") }
        let effective = Timestamp(nanoseconds: record.time ?? recordedAt)
        let account = registry.account(subject)
        var change = SubscriptionChange(
            effective: effective, status: order.status, position: position,
            catalog: UInt32(registry.versions.count - 1), terms: order.terms)
        change.anchor = order.anchor
        change.trialUntil = order.trialUntil
        change.pauseUntil = order.pauseUntil
        change.cancelAt = order.cancelAt
        change.rank = order.rank
        change.entry = id
        entitlements.update(account) { state in
            let index = state.outside.firstIndex { $0.name == order.name }
            var mine =
                index.map { state.outside.remove(at: $0) }
                ?? OutsideSubscription(name: order.name, started: order.started)
            // A subscription begins once: the earliest that was ever said.
            mine.started = min(mine.started, order.started)
            mine.insert(change)
            let place = state.outside.firstIndex {
                order.name.utf8.lexicographicallyPrecedes($0.name.utf8)
            }
            state.outside.insert(mine, at: place ?? state.outside.count)
        }
        bought(account, from: effective, recordedAt)
    }

    /// - Returns: meters whose history must be metered again.
    mutating func applyOverride(
        _ record: borrowing RecordView, _ recordedAt: Int64
    ) throws(Failure) -> Set<UInt32> {
        guard let subject = record.subject, let order = try? OverrideOrder.read(record) else {
            throw .contradiction(position, "an override that cannot be read")
        }
        var entitlement: PlanEntitlement?
        if let value = order.entitlement {
            guard let feature = registry.features[order.feature],
                case .success(let read) = PlanEntitlement.read(
                    value, of: feature.key, features: [feature], at: "entitlement")
            else { throw .contradiction(position, "an override that cannot be read") }
            entitlement = read
        }
        let override = Override(
            effective: Timestamp(nanoseconds: record.time ?? recordedAt), expires: order.expires,
            position: position, feature: order.feature, allowance: entitlement?.allowance)
        entitlements.update(registry.account(subject)) { $0.add(override) }
        if override.hasWarnings { entitlements.hasWarnings = true }
        guard case .limit(let limit)? = override.allowance else { return [] }
        limits.name(.init(feature: order.feature, window: limit.window, by: limit.by))
        return defineLimits()
    }

    /// What an account has bought changed from an instant on.
    private mutating func bought(
        _ account: UInt32, from effective: Timestamp, _ recordedAt: Int64
    ) {
        invoices.see(account: account, at: effective)
        followPlans(of: account, from: effective, recordedAt)
    }
}

extension Entitlements.Account {
    /// Adds a change of the account's own subscription in its place.
    package mutating func add(_ change: SubscriptionChange) {
        // Entries come in log order, so equal effective times keep the order of their positions.
        let place = own.lastIndex { $0.effective <= change.effective }.map { $0 + 1 } ?? 0
        own.insert(change, at: place)
    }

    /// Takes changes back that an entry makes void. They stay known: what was finalised knew them.
    mutating func revoke(at position: Position, _ isVoid: (SubscriptionChange) -> Bool) {
        for index in own.indices where own[index].revokedAt == nil && isVoid(own[index]) {
            own[index].revokedAt = position
        }
    }
}

extension SubscriptionChange {
    /// Whether it ends or pauses what holds before it.
    fileprivate var isStop: Bool { terms == nil && (status == .canceled || status == .paused) }
}
