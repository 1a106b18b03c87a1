import Billing
import Bytes
import Codec
import Money

/// Where the usage stands that a limit is about, and what is counted there.
extension Books {
    /// The window of a limit at an instant, and where its usage is.
    struct LimitPlace {
        /// The window.
        let window: Period
        /// What it is a limit of, by property; empty bytes without one.
        let scope: [UInt8]
        /// Whose number; nil: the month counters hold it.
        let definition: UInt32?
    }

    /// Names the windows that a catalog's limits need.
    /// - Returns: meters with windows that are new: their history must be metered again.
    mutating func defineLimits(of catalog: Catalog) -> Set<UInt32> {
        var stale: Set<UInt32> = []
        for entitlement in catalog.offers.flatMap(\.entitlements) {
            guard case .limit(let limit) = entitlement.allowance,
                let number = defineLimit(limit, feature: entitlement.feature, catalog)
            else { continue }
            stale.insert(number)
        }
        return stale
    }

    /// - Returns: the meter, if the window is new.
    mutating func defineLimit(_ limit: Limit, feature: String, _ catalog: Catalog?) -> UInt32? {
        guard limit.window != .monthly || limit.by != nil || catalog?.timezones.isEmpty == false,
            let meter = registry.features[feature]?.meterKey.flatMap({ registry.meter($0) })
        else { return nil }
        let (_, isNew) = limits.define(
            .init(meter: meter, window: limit.window, by: limit.by))
        return isNew ? meter : nil
    }

    /// Where the usage of a limit is at an instant.
    func place(
        of limit: Limit, meter: UInt32, account: UInt32?, _ standing: Standing,
        _ scopes: [CreditHold.Scope], at time: Timestamp
    ) -> LimitPlace {
        let moved = account.flatMap { limits.lastReset(of: $0, meter: meter) }
            .flatMap(\.anchor)
        let window = window(limit.window, standing, moved, at: time)
        guard limit.by == nil else {
            let scope = scopes.first { $0.by == limit.by }?.value ?? [0]
            return LimitPlace(
                window: window, scope: scope,
                definition: limits.number(
                    of: .init(meter: meter, window: limit.window, by: limit.by)) ?? .max)
        }
        if limit.window == .monthly, moved == nil, zone(of: standing) == .utc {
            return LimitPlace(window: window, scope: [], definition: nil)
        }
        return LimitPlace(
            window: window, scope: [],
            definition: limits.number(of: .init(meter: meter, window: limit.window, by: nil))
                ?? .max)
    }

    /// The window in which an instant lies.
    /// - Parameter moved: from where windows count since usage began anew by hand.
    func window(
        _ window: LimitWindow, _ standing: Standing, _ moved: Timestamp?, at time: Timestamp
    ) -> Period {
        guard let every = window.every else { return LimitWindow.forever }
        let zone = zone(of: standing)
        let anchor =
            moved ?? (window.anchor == .subscription ? standing.holding?.anchorOfLimits : nil)
        guard let anchor, anchor <= time else {
            return Recurrence.calendar(count: every.count, unit: every.unit, zone: zone)
                .period(containing: time)
        }
        return Recurrence(count: every.count, unit: every.unit, anchor: anchor, zone: zone)
            .period(containing: time)
    }

    /// When usage begins anew: the window's end, or earlier where the subscription ends or its own windows begin;
    /// nil: never.
    func resetsAt(_ limit: Limit, _ window: Period, _ standing: Standing) -> Timestamp? {
        guard limit.window.every != nil else { return nil }
        var end = window.end
        guard let holding = standing.holding else { return end }
        if let cancelAt = holding.cancelAt { end = min(end, cancelAt) }
        if limit.window.anchor == .subscription, holding.anchorOfLimits > window.start {
            end = min(end, holding.anchorOfLimits)
        }
        return end
    }

    /// What is used of a meter in a window, in 10⁻¹² of its unit.
    func usage(of meter: UInt32, account: UInt32?, in place: LimitPlace) -> Int128 {
        guard let account else { return 0 }
        if let definition = place.definition {
            return limits.usage(
                .init(definition: definition, scope: place.scope, start: place.window.start),
                of: account)
        }
        let month = Month(containing: place.window.start.nanoseconds)
        let units = counters.total(account: account, meter: meter, month: month).units
        guard let reset = limits.lastReset(of: account, meter: meter),
            place.window.contains(reset.time)
        else { return units }
        return units.subtractingReportingOverflow(reset.base).partialValue
    }

    // MARK: Counting

    /// The values by which limits of a meter count a use apart.
    /// - Parameter prefix: where properties stand: nothing for events, `data` in the data of a consume.
    func scopes(
        of record: borrowing RecordView, meter: UInt32, prefix: [String]
    ) -> [CreditHold.Scope] {
        var scopes: [CreditHold.Scope] = []
        for number in limits.definitions(of: meter) {
            guard let by = limits.definitions[Int(number)].by,
                !scopes.contains(where: { $0.by == by })
            else { continue }
            // Uses without the property share one limit: that of null.
            let value = record.property(PropertyPath(prefix + by))?.makeArray() ?? [0]
            scopes.append(CreditHold.Scope(by: by, value: value))
        }
        return scopes
    }

    /// The same of data as a check gives it.
    func scopes(in data: Value, meter: UInt32) -> [CreditHold.Scope] {
        limits.definitions(of: meter).compactMap { limits.definitions[Int($0)].by }.map { by in
            let value = by.reduce(Optional(data)) { $0?[$1] }
            return CreditHold.Scope(by: by, value: ValueCoder.nodeBytes(value ?? .null))
        }
    }

    /// Counts a use in the windows of all limits of its meter.
    mutating func countLimits(
        _ addition: Counters.Addition, meter: UInt32, account: UInt32,
        _ scopes: [CreditHold.Scope], at time: Timestamp, recordedAt: Int64
    ) {
        let numbers = limits.definitions(of: meter)
        let reset = limits.lastReset(of: account, meter: meter)
        if let reset, time < reset.time {
            // What was used before it began anew is no use of what came after.
            limits.addToBase(addition.units, meter: meter, account: account, at: time)
            guard !numbers.isEmpty else { return }
        }
        guard !numbers.isEmpty else { return }
        let standing = standing(of: account, at: time)
        let moved = reset?.anchor
        for number in numbers {
            let definition = limits.definitions[Int(number)]
            let window = window(definition.window, standing, moved, at: time)
            if let reset, time < reset.time, window.contains(reset.time) || moved != nil {
                continue
            }
            let scope =
                definition.by == nil
                ? [] : scopes.first { $0.by == definition.by }?.value ?? [0]
            limits.add(
                addition, to: .init(definition: number, scope: scope, start: window.start),
                until: window.end, of: account, now: Timestamp(nanoseconds: recordedAt))
        }
    }
}

extension Holding {
    /// From where windows that follow the subscription count.
    var anchorOfLimits: Timestamp { anchor ?? began }
}
