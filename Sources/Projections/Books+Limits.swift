import Billing
import Bytes
import Codec
import Money
import SegmentedLog

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
        /// The instant that was asked for, where windows of several zones count together; nil: one window alone does.
        var instant: Timestamp?
    }

    /// Names the windows that a catalog's limits need.
    /// - Returns: meters with windows that are new: their history must be metered again.
    mutating func nameLimits(of catalog: Catalog) -> Set<UInt32> {
        for entitlement in catalog.offers.flatMap(\.entitlements) {
            guard case .limit(let limit) = entitlement.allowance else { continue }
            limits.name(.init(feature: entitlement.feature, window: limit.window, by: limit.by))
        }
        return defineLimits()
    }

    /// Why a limit's window cannot be one more of its meter; nil: it can.
    func windowProblem(_ limit: Limit, feature: String) -> String? {
        guard let meter = registry.features[feature]?.meterKey.flatMap({ registry.meter($0) }),
            limits.number(of: .init(meter: meter, window: limit.window, by: limit.by)) == nil,
            limits.definitions(of: meter).count >= LimitUsage.definitionsMax
        else { return nil }
        return
            "the limits of this meter have \(LimitUsage.definitionsMax) different windows, the most "
            + "there can be: use a reset, anchor and by that there are"
    }

    /// Defines all windows that limits ever had for the meters that their features have now: pinned subscriptions and
    /// overrides keep limits of old catalogs.
    /// - Returns: meters with windows that are new.
    mutating func defineLimits() -> Set<UInt32> {
        var stale: Set<UInt32> = []
        for named in limits.named {
            // Months of UTC the counters hold; there are others only where a catalog has zones.
            guard named.window != .monthly || named.by != nil || registry.hasTimeZones,
                let meter = registry.features[named.feature]?.meterKey
                    .flatMap({ registry.meter($0) })
            else { continue }
            let definition = LimitUsage.Definition(
                meter: meter, window: named.window, by: named.by)
            if limits.define(definition).isNew { stale.insert(meter) }
        }
        return stale
    }

    /// Where the usage of a limit is at an instant.
    func place(
        of limit: Limit, meter: UInt32, account: UInt32?, _ standing: Standing,
        _ scopes: [CreditHold.Scope], at time: Timestamp
    ) -> LimitPlace {
        let moved = account.flatMap { limits.lastReset(of: $0, meter: meter) }
            .flatMap(\.anchor)
        let window = window(limit.window, standing, moved, at: time)
        if limit.window == .monthly, limit.by == nil, moved == nil, zone(of: standing) == .utc {
            return LimitPlace(window: window, scope: [], definition: nil)
        }
        let scope = limit.by.map { by in scopes.first { $0.by == by }?.value ?? [0] } ?? []
        let isCalendar = limit.window.anchor == .calendar && moved == nil
        return LimitPlace(
            window: window, scope: scope,
            definition: limits.number(
                of: .init(meter: meter, window: limit.window, by: limit.by)) ?? .max,
            instant: isCalendar ? time : nil)
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
            if let instant = place.instant {
                return limits.usage(
                    definition, place.scope, at: instant, of: account,
                    by: registry.meters[Int(meter)].aggregation)
            }
            return limits.usage(
                .init(definition: definition, scope: place.scope, start: place.window.start),
                of: account)
        }
        let month = Month(containing: place.window.start.nanoseconds)
        let units = counters.total(account: account, meter: meter, month: month).units
        guard let reset = limits.lastReset(of: account, meter: meter),
            place.window.contains(reset.time)
        else { return units }
        return reset.base == .min ? .max : units.saturated(adding: -reset.base)
    }

    // MARK: Counting

    /// The values by which limits of a meter count a use apart.
    /// - Parameter prefix: where properties stand: nothing for events, `data` in the data of a consume.
    func scopes(
        of record: borrowing RecordView, meter: UInt32, prefix: [String]
    ) -> [CreditHold.Scope] {
        // Most books have no such limit, and every use passes here.
        guard !limits.isEmpty else { return [] }
        var scopes: [CreditHold.Scope] = []
        for number in limits.definitions(of: meter) {
            guard let by = limits.definitions[Int(number)].by,
                !scopes.contains(where: { $0.by == by })
            else { continue }
            // Uses without the property share one limit: that of null.
            let value = record.property(PropertyPath(prefix + by))?.makeArray() ?? [0]
            scopes.append(CreditHold.Scope(by: by, value: Self.scope(value)))
        }
        return scopes
    }

    /// The same of data as a check gives it.
    func scopes(in data: Value, meter: UInt32) -> [CreditHold.Scope] {
        limits.definitions(of: meter).compactMap { limits.definitions[Int($0)].by }.map { by in
            let value = by.reduce(Optional(data)) { $0?[$1] }
            return CreditHold.Scope(
                by: by, value: Self.scope(ValueCoder.nodeBytes(value ?? .null)))
        }
    }

    /// A value as limits know it: one that is long by its hash. No value's bytes begin with 255.
    private static func scope(_ value: [UInt8]) -> [UInt8] {
        guard value.count > 64 else { return value }
        var bytes = ByteBuffer(capacity: 40)
        bytes.append(0xFF)
        SHA256.hash(value.raw).append(to: &bytes)
        return bytes.copyBytes(in: 0..<bytes.count)
    }

    /// Counts a use in the windows of all limits of its meter.
    mutating func countLimits(
        _ addition: Counters.Addition, meter: UInt32, account: UInt32,
        _ scopes: [CreditHold.Scope], at time: Timestamp, _ position: Position, recordedAt: Int64
    ) {
        let numbers = limits.definitions(of: meter)
        let reset = limits.lastReset(of: account, meter: meter)
        // What was used, or recorded, before it began anew is no use of what came after.
        let isOver = reset.map { time < $0.time || position < $0.position } ?? false
        if isOver { limits.addToBase(addition.units, meter: meter, account: account, at: time) }
        guard !numbers.isEmpty else { return }
        let standing = standing(of: account, at: time)
        let moved = reset?.anchor
        for number in numbers {
            let definition = limits.definitions[Int(number)]
            let window = window(definition.window, standing, moved, at: time)
            if isOver, let reset, window.contains(reset.time) || moved != nil { continue }
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
