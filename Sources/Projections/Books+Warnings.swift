import Billing
import Codec
import Money

/// Warnings: each threshold of a limit is said once in a window, by the entry whose usage crosses it.
extension Books {
    /// Whether a limit of any plan or override has thresholds.
    var hasWarnings: Bool { registry.hasWarnings || entitlements.hasWarnings }

    /// The thresholds that usage has reached and nobody was warned of, ascending.
    func crossed(
        _ limit: Limit, _ feature: String, _ after: Quantity, _ place: LimitPlace,
        _ account: UInt32?
    ) -> [Outcome.Warning] {
        guard let last = limit.warnings.last, limit.amount > .zero, after > .zero else { return [] }
        let known =
            account.map {
                limits.warned(
                    of: feature, place.definition, scope: place.scope, window: place.window,
                    account: $0)
            } ?? 0
        guard last > known else { return [] }
        let used = Fraction(after) * Fraction(100)
        return limit.warnings.filter {
            $0 > known && used >= Fraction(limit.amount) * Fraction(Int128($0))
        }.map { Outcome.Warning(feature: feature, threshold: $0) }
    }

    /// The thresholds that a use of a meter crosses, of all features that the meter counts.
    /// - Parameters:
    ///   - units: what it adds, in 10⁻¹² of the meter's unit.
    ///   - uniqueKey: the value that a unique meter counts.
    func warnings(
        of meter: CompiledMeter, account: UInt32?, adding units: Int128, _ uniqueKey: UInt128?,
        _ scopes: [CreditHold.Scope], at time: Timestamp, isIn window: Timestamp? = nil,
        _ known: Standing? = nil
    ) -> [Outcome.Warning] {
        guard hasWarnings else { return [] }
        let features = registry.features(countedBy: meter.key)
        guard !features.isEmpty else { return [] }
        let standing = known ?? standing(of: account, at: time)
        return features.flatMap { feature -> [Outcome.Warning] in
            guard let limit = limit(of: feature, account: account, standing, at: time),
                !limit.warnings.isEmpty
            else { return [] }
            let place = place(
                of: limit, meter: meter.number, account: account, standing, scopes, at: time)
            // An event of another window than the one that runs crosses nothing now.
            if let time = window {
                let moved = account.flatMap {
                    limits.lastReset(of: $0, meter: meter.number)?.anchor
                }
                guard self.window(limit.window, standing, moved, at: time) == place.window else {
                    return []
                }
            }
            let after = usage(after: units, uniqueKey, meter, account: account, in: place)
            return crossed(limit, feature, Quantity(units: after), place, account)
        }
    }

    /// The thresholds that an event crosses, of all features whose meters it feeds. One of an earlier or a later window
    /// than that of its recording crosses none.
    func warnings(
        of record: borrowing RecordView, account: UInt32?, recordedAt: Int64
    ) -> [Outcome.Warning] {
        guard hasWarnings else { return [] }
        let now = Timestamp(nanoseconds: recordedAt)
        let time = Timestamp(nanoseconds: record.time ?? recordedAt)
        var warnings: [Outcome.Warning] = []
        var known: Standing?
        for meter in registry.meters(listeningTo: record.type) {
            guard !registry.features(countedBy: meter.key).isEmpty,
                case .counts(let units, let uniqueKey, _) = meter.reading(of: record)
            else { continue }
            // What is of a time before usage began anew is no usage since.
            let reset = account.flatMap { limits.lastReset(of: $0, meter: meter.number) }
            if let reset, time < reset.time { continue }
            let standing = known ?? standing(of: account, at: now)
            known = standing
            warnings += self.warnings(
                of: meter, account: account, adding: units, uniqueKey,
                scopes(of: record, meter: meter.number, prefix: []), at: now, isIn: time, standing)
        }
        return warnings
    }

    /// What a meter has in a window once a use is counted.
    func usage(
        after units: Int128, _ uniqueKey: UInt128?, _ meter: CompiledMeter, account: UInt32?,
        in place: LimitPlace
    ) -> Int128 {
        let used = usage(of: meter.number, account: account, in: place)
        switch meter.aggregation {
        case .max: return max(used, units)
        case .unique:
            let isThere: Bool
            guard let account, let uniqueKey else {
                return used.addingReportingOverflow(1_000_000_000_000).partialValue
            }
            if let definition = place.definition, let instant = place.instant {
                isThere = limits.contains(
                    uniqueKey, definition, place.scope, at: instant, of: account)
            } else if let definition = place.definition {
                isThere = limits.contains(
                    uniqueKey,
                    in: .init(
                        definition: definition, scope: place.scope, start: place.window.start),
                    of: account)
            } else {
                isThere = counters.contains(
                    uniqueKey, account: account, meter: meter.number,
                    month: Month(containing: place.window.start.nanoseconds))
            }
            return isThere ? used : used.addingReportingOverflow(1_000_000_000_000).partialValue
        case .count, .sum, .average:
            let (sum, overflow) = used.addingReportingOverflow(units)
            return overflow ? used : sum
        case .min, .latest, .timeWeighted: return used
        }
    }

    /// The limit of a feature for an account: its override's, else its plan's.
    func limit(
        of feature: String, account: UInt32?, _ standing: Standing, at time: Timestamp
    ) -> Limit? {
        let override = account.flatMap {
            entitlements.account($0).override(of: feature, at: time)
        }
        let allowance =
            override?.allowance(for: standing) ?? standing.plan?.entitlement(feature)?.allowance
        if case .limit(let limit)? = allowance { return limit }
        return nil
    }

    /// Notes what an entry warned of.
    /// - Parameter prefix: where properties stand in its data.
    mutating func noteWarnings(
        _ outcome: Outcome, _ account: UInt32, _ record: borrowing RecordView, _ prefix: [String],
        _ recordedAt: Int64
    ) {
        let now = Timestamp(nanoseconds: recordedAt)
        let standing = standing(of: account, at: now)
        for warning in outcome.warnings {
            guard let meter = meter(ofFeature: warning.feature),
                let limit = limit(of: warning.feature, account: account, standing, at: now)
            else { continue }
            let scopes = scopes(of: record, meter: meter.number, prefix: prefix)
            let place = place(
                of: limit, meter: meter.number, account: account, standing, scopes, at: now)
            limits.warn(
                of: warning.feature, place.definition, scope: place.scope, window: place.window,
                threshold: warning.threshold, account: account, now: now)
        }
    }
}
