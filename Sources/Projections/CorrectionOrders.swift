package import Billing
package import Codec
import Money
package import SegmentedLog

/// What a correction says, read from its data:
///
///     {"entries": [{"entry": 17, "action": "retract", "was": TIME},
///                  {"entry": 19, "action": "amend", "was": TIME, "time"?, "type"?, "data"?}],
///      "through": 42, "reason": TEXT}
///
/// `was` is the time of what counted until then, `through` the position up to which the engine had looked when it
/// checked the order. What an amendment does not say stays as it was.
package struct CorrectOrder {
    /// Entries that one order names at most.
    package static let itemsMax = 5_000
    /// Bytes of a reason.
    package static let reasonBytesMax = 1_024

    /// What becomes of one entry.
    package struct Item: Sendable {
        /// The entry.
        package let entry: Position
        /// The time of what counted until now.
        package let was: Timestamp
        /// What counts instead; nil: nothing.
        package let text: Replacement?
    }

    /// Ascending, none twice.
    package let items: [Item]
    /// The books' position when the entries were looked at.
    package let through: Position

    /// The times of what counted until now and of what counts instead.
    package var times: [Timestamp] { items.flatMap { [$0.was, $0.text?.time ?? $0.was] } }
    /// The earliest of them.
    package var earliest: Timestamp { times.min() ?? .max }

    /// Reads an order.
    package static func read(_ record: borrowing RecordView) throws(Refusal) -> CorrectOrder {
        guard case .array(let list)? = record.value(["entries"]),
            let through = record.value(["through"])?.wholeNumber
        else { throw .bad("entries", "cannot be read") }
        var items: [Item] = []
        for value in list {
            guard let entry = value["entry"]?.wholeNumber,
                items.last.map({ $0.entry < entry }) ?? true,
                let was = value["was"]?.text.flatMap({ Timestamp(rfc3339: $0) })
            else { throw .bad("entries", "cannot be read") }
            switch value["action"]?.text {
            case "retract": items.append(Item(entry: entry, was: was, text: nil))
            case "amend":
                items.append(Item(entry: entry, was: was, text: try Replacement(value)))
            default: throw .bad("entries", "cannot be read")
            }
        }
        guard !items.isEmpty else { throw .bad("entries", "names none") }
        return CorrectOrder(items: items, through: through)
    }
}

extension Replacement {
    /// What an amendment says: `time`, `type` and `data`, each if it is given.
    package init(_ value: Value) throws(Refusal) {
        var time: Timestamp?
        if let given = value["time"] {
            time = given.text.flatMap { Timestamp(rfc3339: $0) }
            guard time != nil else {
                throw .bad("time", "an RFC 3339 time such as 2027-01-31T00:00:00Z is needed")
            }
        }
        var type: [UInt8]?
        if let given = value["type"] {
            guard let text = given.text, !text.isEmpty else {
                throw .bad("type", "a text that is not empty is needed")
            }
            type = Array(text.utf8)
        }
        self.init(type: type, time: time, data: value["data"].map { ValueCoder.nodeBytes($0) })
    }
}

/// What an order about a batch says, read from its data: `action`, `batch`, `bill`, `reason`.
package struct BackfillOrder {
    /// What becomes of the batch.
    package enum Action: String, CaseIterable, Sendable {
        case create, close, revert
    }

    /// What is to be done.
    package let action: Action
    /// The batch's name.
    package let batch: String
    /// Whether its events are ever metered.
    package let isBilled: Bool

    /// Reads an order.
    package static func read(_ record: borrowing RecordView) throws(Refusal) -> BackfillOrder {
        guard let action = record.string(["action"]).flatMap({ Action(rawValue: $0) }) else {
            throw .bad(
                "action",
                "one of these is needed: "
                    + Action.allCases.map(\.rawValue).joined(separator: ", "))
        }
        guard let batch = record.string(["batch"]),
            (1...Corrections.batchNameBytesMax).contains(batch.utf8.count)
        else {
            throw .bad(
                "batch", "a name of 1 to \(Corrections.batchNameBytesMax) bytes is needed")
        }
        var isBilled = true
        switch record.value(["bill"]) {
        case nil, .null?: break
        case .bool(let flag)? where action == .create: isBilled = flag
        default: throw .bad("bill", "true or false is needed, when the batch is created")
        }
        if let reason = record.value(["reason"]), reason != .null {
            guard let text = reason.text, text.utf8.count <= CorrectOrder.reasonBytesMax else {
                throw .bad(
                    "reason", "a text of at most \(CorrectOrder.reasonBytesMax) bytes is needed")
            }
        }
        return BackfillOrder(action: action, batch: batch, isBilled: isBilled)
    }
}

extension Value {
    /// The whole number of 0 or more that it says; nil for everything else.
    package var wholeNumber: UInt64? {
        guard case .number(let number) = self, number.scale == 0 else { return nil }
        return UInt64(exactly: number.mantissa)
    }
}
