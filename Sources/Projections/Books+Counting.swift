import Billing
import Bytes
package import Codec
import Money
package import SegmentedLog

/// When a use was, and when it was recorded; nanoseconds UTC.
struct UseTime {
    let time: Int64
    let recordedAt: Int64

    init(time: Int64, recordedAt: Int64) {
        self.time = time
        self.recordedAt = recordedAt
    }

    /// Of a use that is recorded as it happens.
    init(_ recordedAt: Int64) {
        time = recordedAt
        self.recordedAt = recordedAt
    }
}

/// Usage: what entries add to the meters of their account.
extension Books {
    /// Meters an earlier entry again.
    /// - Parameters:
    ///   - meters: those that a newer catalog defines differently; nil: all.
    ///   - notes: whether a meter that cannot read it says so: not if it said so before.
    package mutating func meterAgain(
        _ record: borrowing RecordView, at position: Position, outcome: Outcome,
        recordedAt: Int64, meters: Set<UInt32>?, notes: Bool = true
    ) {
        guard let subject = record.subject, let account = registry.accounts.number(of: subject)
        else { return }
        switch record.kind {
        case .event:
            let when = UseTime(time: record.time ?? recordedAt, recordedAt: recordedAt)
            for meter in registry.meters(listeningTo: record.type)
            where meters?.contains(meter.number) ?? true {
                count(record, position, meter, account, when, notes: notes)
            }
        case .consume, .settle:
            let usage = record.kind == .consume ? consumption(of: record) : settledUsage(of: record)
            guard outcome.decision?.allowed == true, let usage,
                meters?.contains(usage.meter.number) ?? true
            else { return }
            count(usage, record, position, account, UseTime(recordedAt))
        default: return
        }
    }

    /// Counts an entry and does nothing else with it: for books that only know usage.
    package mutating func meterAlone(
        _ record: borrowing RecordView, at position: Position, outcome: Outcome, recordedAt: Int64
    ) {
        guard let subject = record.subject else { return }
        _ = registry.account(subject)
        meterAgain(
            record, at: position, outcome: outcome, recordedAt: recordedAt,
            meters: Set(registry.meters.indices.map { UInt32($0) }))
    }

    /// What an entry adds to one meter.
    package struct CountedUse {
        /// The meter.
        package let meter: CompiledMeter
        /// In 10⁻¹² of its unit.
        package let units: Int128
        /// The key of the value that a unique meter counts.
        package let uniqueKey: UInt128
        /// Nanoseconds UTC.
        package let time: Int64
    }

    /// Calls `body` with what an entry adds to each meter that counters keep.
    package func forEachUse(
        of record: borrowing RecordView, _ outcome: Outcome, recordedAt: Int64,
        _ body: (CountedUse) -> Void
    ) {
        switch record.kind {
        case .event:
            for meter in registry.meters(listeningTo: record.type) where meter.isCounted {
                guard case .counts(let units, let key, _) = meter.reading(of: record) else {
                    continue
                }
                body(
                    CountedUse(
                        meter: meter, units: units, uniqueKey: key,
                        time: record.time ?? recordedAt))
            }
        case .consume, .settle:
            let usage = record.kind == .consume ? consumption(of: record) : settledUsage(of: record)
            guard outcome.decision?.allowed == true, let usage, usage.meter.isCounted else {
                return
            }
            body(
                CountedUse(
                    meter: usage.meter, units: usage.quantity.units, uniqueKey: usage.uniqueKey,
                    time: recordedAt))
        default: return
        }
    }

    mutating func count(
        _ record: borrowing RecordView, _ position: Position, _ meter: CompiledMeter,
        _ account: UInt32, _ when: UseTime, notes: Bool = true
    ) {
        switch meter.reading(of: record) {
        case .notMine: return
        case .unreadable:
            if notes { registry.seeUnreadable(meter: meter.number, at: position) }
        case .counts(let units, let uniqueKey, _):
            let scopes = scopes(of: record, meter: meter.number, prefix: [])
            add(
                .init(
                    aggregation: meter.aggregation, units: units, uniqueKey: uniqueKey,
                    isCounted: meter.isCounted), record,
                position, meter, account, when, scopes)
        }
    }

    mutating func count(
        _ usage: Consumption, _ record: borrowing RecordView, _ position: Position,
        _ account: UInt32, _ when: UseTime
    ) {
        let scopes = scopes(of: record, meter: usage.meter.number, prefix: ["data"])
        add(
            .init(
                aggregation: usage.meter.aggregation, units: usage.quantity.units,
                uniqueKey: usage.uniqueKey, isCounted: usage.meter.isCounted), record, position,
            usage.meter, account, when, scopes)
    }

    private mutating func add(
        _ addition: Counters.Addition, _ record: borrowing RecordView, _ position: Position,
        _ meter: CompiledMeter, _ account: UInt32, _ when: UseTime, _ scopes: [CreditHold.Scope]
    ) {
        let month = Month(containing: when.time)
        let fits: Bool
        if meter.groupBy.isEmpty {
            fits = counters.add(
                addition, account: account, meter: meter.number, month: month, group: nil)
        } else {
            // Out of the struct while its bytes are read: the counters change meanwhile.
            var group = scratch.take() ?? ByteBuffer(capacity: 256)
            group.clear()
            meter.appendGroup(of: record, to: &group)
            fits = counters.add(
                addition, account: account, meter: meter.number, month: month,
                group: group.bytes)
            scratch = consume group
        }
        guard fits else {
            registry.seeUnreadable(meter: meter.number, at: position)
            return
        }
        guard addition.isCounted, !limits.isEmpty else { return }
        countLimits(
            addition, meter: meter.number, account: account, scopes,
            at: Timestamp(nanoseconds: when.time), position, recordedAt: when.recordedAt)
    }
}
