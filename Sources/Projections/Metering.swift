package import Billing
package import Bytes
package import Codec
import Money

/// A meter as the fold needs it: numbers and byte paths instead of names.
///
/// A class, so that walking over the meters of an event counts one reference a meter and not one
/// for each of its lists.
package final class CompiledMeter: Sendable {
    /// Interned meter.
    package let number: UInt32
    /// The meter's key in the catalog.
    package let key: String
    /// The type of the events it listens to, UTF-8.
    package let eventType: [UInt8]
    /// How values combine.
    package let aggregation: Aggregation
    /// Whether counters keep the aggregate, or only that there were events.
    package let isCounted: Bool
    /// Where the value stands under `data`; empty for a count.
    package let valuePath: PropertyPath
    /// Where a unique meter's event says whether its value goes; nil: it never does.
    package let operationPath: PropertyPath?
    /// All must hold: the property at the path equals one of the values (canonical node bytes).
    package let filters: [(path: PropertyPath, values: [[UInt8]])]
    /// Properties that form the group; empty if the meter does not group.
    package let groupBy: [PropertyPath]
    /// The credits that it burns; nil if it burns none.
    package let burn: Burn?
    /// Properties by which its burn rates differ, parallel to the matrix's `by`.
    let burnPaths: [PropertyPath]

    /// Compiles a meter's definition.
    /// - Parameter prefix: where the properties stand: nothing for events, `data` in the
    ///   data of a consume.
    package init(_ meter: Meter, number: UInt32, burn: Burn?, prefix: [String] = []) {
        self.number = number
        key = meter.key
        eventType = Array(meter.eventType.utf8)
        aggregation = meter.aggregation
        isCounted = meter.isCounted
        valuePath = PropertyPath(prefix + (meter.valueProperty ?? []))
        operationPath = meter.terms.operationProperty.map { PropertyPath(prefix + $0) }
        filters = meter.filter.map { condition in
            (PropertyPath(prefix + condition.path), condition.values.map(ValueCoder.nodeBytes))
        }
        groupBy = meter.groupBy.map { PropertyPath(prefix + $0) }
        self.burn = burn
        burnPaths = burn?.matrix?.by.map { PropertyPath(prefix + $0) } ?? []
    }
}

/// What a meter reads from one event.
package enum Reading {
    /// The filter does not match: the event is not this meter's.
    case notMine
    /// The event is this meter's, but its value is missing, no number, or out of range.
    case unreadable
    /// What it adds, in 10⁻¹² units, and for a unique meter the key of its value and whether that is
    /// taken away.
    case counts(units: Int128, uniqueKey: UInt128, removes: Bool)
}

extension CompiledMeter {
    /// Whether usage with another use is the sum of both.
    var isSummed: Bool {
        switch aggregation {
        case .count, .sum, .average: true
        case .max, .min, .unique, .latest, .timeWeighted: false
        }
    }

    /// Whether events of a type are this meter's.
    package func listens(to type: RawSpan) -> Bool {
        let mine = eventType
        return type.isEqual(to: mine.raw)
    }

    /// Reads an event.
    package func reading(of record: borrowing RecordView) -> Reading {
        for filter in filters {
            guard let node = record.property(filter.path),
                filter.values.contains(where: { node.isEqual(to: $0.raw) })
            else { return .notMine }
        }
        switch aggregation {
        case .count:
            return .counts(units: 1_000_000_000_000, uniqueKey: 0, removes: false)
        case .sum, .max, .min, .average, .latest, .timeWeighted:
            guard let node = record.property(valuePath),
                let number = ValueCoder.number(node),
                let quantity = Quantity(number)
            else { return .unreadable }
            return .counts(units: quantity.units, uniqueKey: 0, removes: false)
        case .unique:
            guard let node = record.property(valuePath), let removes = removes(record) else {
                return .unreadable
            }
            return .counts(units: 0, uniqueKey: Self.uniqueKey(node), removes: removes)
        }
    }

    /// Whether an event takes its value away; nil if it says neither `add` nor `remove`.
    private func removes(_ record: borrowing RecordView) -> Bool? {
        guard let operationPath, let node = record.property(operationPath) else { return false }
        guard case .string(let word)? = try? ValueCoder.value(node) else { return nil }
        switch word {
        case "add": return false
        case "remove": return true
        default: return nil
        }
    }

    /// The 128-bit key under which a unique meter counts a value: the first half of the SHA-256 of
    /// the value's canonical bytes. Two values share one only by a collision in 128 bits.
    package static func uniqueKey(_ node: RawSpan) -> UInt128 {
        SHA256.hash(node).leadingUInt128
    }

    /// Writes the canonical bytes of the event's group: the group-by values in the catalog's
    /// order, null where a property is missing.
    package func appendGroup(of record: borrowing RecordView, to bytes: inout ByteBuffer) {
        bytes.appendVarint(UInt64(number))
        for path in groupBy {
            if let node = record.property(path) { bytes.append(node) } else { bytes.append(0) }
        }
    }
}
