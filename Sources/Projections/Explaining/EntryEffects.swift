package import Billing
import Bytes
package import Codec
import Money

/// What one entry counted, by the newest definitions of the meters: those that count for all of history.
package struct EntryEffects: Sendable {
    /// Meters that count it.
    package private(set) var counted: [Counted] = []
    /// Meters of its type that do not: `filter` (it is not theirs), or `unreadable_value`.
    package private(set) var passed: [(meter: String, reason: String)] = []
    /// Why nothing could count it: `no_meter`, `no_account`, `denied`, or that of `Books.reasonOfNothing`; nil: something
    /// could.
    package private(set) var unmatched: String?

    /// What it added to one meter.
    package struct Counted: Sendable {
        /// The meter's key.
        package let meter: String
        /// How the meter combines values.
        package let aggregation: Aggregation
        /// Whether the counters keep the aggregate, or only that there was an event.
        package let isCounted: Bool
        /// Its value in 10⁻¹²; of a count one, of a unique meter nothing.
        package let units: Int128
        /// The key of its value, of a unique meter.
        package let uniqueKey: UInt128
        /// Whether a unique meter's value goes.
        package let removes: Bool
        /// The calendar month (UTC) whose counter has it.
        package let month: Month
        /// The group of that month's counters, by property; empty: the meter does not group.
        package let group: [(property: String, value: Value)]
        /// The windows of limits in which it counts.
        package let windows: [Window]
    }

    /// A window of a limit.
    package struct Window: Sendable {
        /// How long it is, as a catalog says it.
        package let reset: String
        /// When it is.
        package let period: Period
        /// The property whose values are counted apart, and the value; nil: all count together.
        package let by: (property: String, value: Value)?
    }

    fileprivate mutating func add(_ counted: Counted) { self.counted.append(counted) }

    fileprivate mutating func pass(_ meter: String, _ reason: String) {
        passed.append((meter, reason))
    }

    /// An entry that counts nothing.
    package init(unmatched reason: String? = nil) { unmatched = reason }

    fileprivate mutating func note(unmatched reason: String) { unmatched = reason }
}

extension Books {
    /// What an entry counted.
    package func effects(
        of record: borrowing RecordView, at position: UInt64, _ outcome: Outcome,
        recordedAt: Int64
    ) -> EntryEffects {
        var effects = EntryEffects()
        switch record.kind {
        case .event: addEvent(record, position, recordedAt, to: &effects)
        case .consume, .settle:
            guard outcome.decision?.allowed == true else {
                effects.note(unmatched: "denied")
                return effects
            }
            let usage = record.kind == .consume ? consumption(of: record) : settledUsage(of: record)
            guard let usage else {
                effects.note(unmatched: "no_meter")
                return effects
            }
            let reading = Reading.counts(
                units: usage.quantity.units, uniqueKey: usage.uniqueKey, removes: false)
            add(usage.meter, reading, record, position, recordedAt, ["data"], to: &effects)
        default: break
        }
        return effects
    }

    private func addEvent(
        _ record: borrowing RecordView, _ position: UInt64, _ recordedAt: Int64,
        to effects: inout EntryEffects
    ) {
        let meters = registry.meters(listeningTo: record.type)
        guard record.subject != nil else { return effects.note(unmatched: "no_account") }
        guard !meters.isEmpty else { return effects.note(unmatched: "no_meter") }
        let time = record.time ?? recordedAt
        for meter in meters {
            add(meter, meter.reading(of: record), record, position, time, [], to: &effects)
        }
    }

    private func add(
        _ meter: CompiledMeter, _ reading: Reading, _ record: borrowing RecordView,
        _ position: UInt64, _ time: Int64, _ prefix: [String], to effects: inout EntryEffects
    ) {
        guard case .counts(let units, let uniqueKey, let removes) = reading else {
            if case .notMine = reading { return effects.pass(meter.key, "filter") }
            return effects.pass(meter.key, "unreadable_value")
        }
        let groups = registry.meters[Int(meter.number)].groupBy
        let values = meter.groupBy.map { path -> Value in
            guard let node = record.property(path) else { return .null }
            return (try? ValueCoder.value(node)) ?? .null
        }
        effects.add(
            EntryEffects.Counted(
                meter: meter.key, aggregation: meter.aggregation, isCounted: meter.isCounted,
                units: units, uniqueKey: uniqueKey, removes: removes,
                month: Month(containing: time),
                group: zip(groups, values).map { ($0.joined(separator: "."), $1) },
                windows: meter.isCounted
                    ? windows(of: meter, record, position, Timestamp(nanoseconds: time), prefix)
                    : []))
    }

    /// The windows in which `countLimits` counts a use.
    private func windows(
        of meter: CompiledMeter, _ record: borrowing RecordView, _ position: UInt64,
        _ time: Timestamp, _ prefix: [String]
    ) -> [EntryEffects.Window] {
        guard let subject = record.subject, let account = registry.accounts.number(of: subject)
        else { return [] }
        let reset = limits.lastReset(of: account, meter: meter.number)
        let isOver = reset.map { time < $0.time || position < $0.position } ?? false
        let standing = standing(of: account, at: time)
        var windows: [EntryEffects.Window] = []
        for number in limits.definitions(of: meter.number) {
            let definition = limits.definitions[Int(number)]
            let window = window(definition.window, standing, reset?.anchor, at: time)
            if isOver, let reset, window.contains(reset.time) || reset.anchor != nil { continue }
            var by: (property: String, value: Value)?
            if let path = definition.by {
                by = (path.joined(separator: "."), record.value(prefix + path) ?? .null)
            }
            windows.append(
                EntryEffects.Window(reset: definition.window.text, period: window, by: by))
        }
        return windows
    }
}
