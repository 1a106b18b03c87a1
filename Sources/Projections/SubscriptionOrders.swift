package import Billing
import Bytes
package import Codec
import Money

/// When a change comes that is not to come at once.
package enum ChangeTime: Sendable {
    /// At the order's effective time.
    case effective
    /// At the end of the billing period in which the order is recorded.
    case periodEnd

    static func read(_ record: borrowing RecordView) throws(Refusal) -> ChangeTime {
        switch record.string(["when"]) {
        case nil: return .effective
        case "period_end":
            guard record.time == nil else {
                throw .bad("when", "stands instead of effective; leave one of the two out")
            }
            return .periodEnd
        case .some(let word): throw .bad("when", "\"\(word)\" is not period_end")
        }
    }
}

/// What `subscribe` asks for: `plan`, `quantity`, `addons`, `trial_until`, `timezone`, `anchor`, `when`.
package struct SubscribeOrder {
    /// What is bought.
    package let terms: SubscriptionTerms
    /// IANA name of the account's zone; nil: the plan's.
    package let timezone: String?
    /// The instant from which periods are counted; nil: the subscription's beginning.
    package let anchor: Timestamp?
    /// When a trial ends; nil: there is none.
    package let trialUntil: Timestamp?
    /// When it comes.
    package let when: ChangeTime

    /// Reads a subscription's data.
    package static func read(_ record: borrowing RecordView) throws(Refusal) -> SubscribeOrder {
        guard let terms = try SubscriptionTerms(record) else {
            throw .bad("plan", "a subscription names a plan of the catalog")
        }
        return SubscribeOrder(
            terms: terms, timezone: record.string(["timezone"]),
            anchor: try record.optionalTime("anchor"),
            trialUntil: try record.optionalTime("trial_until"),
            when: try .read(record))
    }
}

/// What `subscription` says: all of a subscription of an outside billing system.
package struct SnapshotOrder {
    /// Its name there.
    package let name: String
    /// When it began.
    package let started: Timestamp
    /// Of snapshots of one time, the higher counts.
    package let rank: Int64
    /// Its state.
    package let status: SubscriptionStatus
    /// What is bought; nil: no plan of ours.
    package let terms: SubscriptionTerms?
    /// The instant from which periods are counted; nil: its beginning.
    package let anchor: Timestamp?
    /// When a trial ends.
    package let trialUntil: Timestamp?
    /// When a pause ends by itself.
    package let pauseUntil: Timestamp?
    /// When it ends by itself.
    package let cancelAt: Timestamp?

    /// The longest name of an outside subscription, in bytes.
    package static let nameBytesMax = 256

    /// Reads a snapshot's data.
    package static func read(_ record: borrowing RecordView) throws(Refusal) -> SnapshotOrder {
        guard let name = record.string(["subscription"]), !name.isEmpty,
            name.utf8.count <= nameBytesMax
        else { throw .bad("subscription", "a name of 1 to \(nameBytesMax) bytes is needed") }
        guard let started = try record.optionalTime("started") else {
            throw .bad("started", "when the subscription began is missing")
        }
        guard let word = record.string(["status"]), let status = SubscriptionStatus(name: word)
        else {
            throw .bad(
                "status",
                "one of these is needed: "
                    + SubscriptionStatus.allCases.map(\.name).joined(separator: ", "))
        }
        guard record.time != nil else {
            throw .bad("effective", "from when on it is so is missing: snapshots are ordered by it")
        }
        let rank = try record.optionalInteger("rank", in: -1_000_000...1_000_000) ?? 0
        return SnapshotOrder(
            name: name, started: started, rank: rank, status: status,
            terms: try SubscriptionTerms(record), anchor: try record.optionalTime("anchor"),
            trialUntil: try record.optionalTime("trial_until"),
            pauseUntil: try record.optionalTime("pause_until"),
            cancelAt: try record.optionalTime("cancel_at"))
    }
}

/// What `override` says: `feature`, `entitlement` (null: earlier ones are taken back), `expires`, `reason`.
package struct OverrideOrder {
    /// The feature.
    package let feature: String
    /// What is allowed of it; nil: what the plan says.
    package let entitlement: Value?
    /// First instant at which it holds no more; nil: it has no end.
    package let expires: Timestamp?

    /// Reads an override's data.
    package static func read(_ record: borrowing RecordView) throws(Refusal) -> OverrideOrder {
        guard let feature = record.string(["feature"]), !feature.isEmpty else {
            throw .bad("feature", "the feature is missing")
        }
        let entitlement = record.value(["entitlement"])
        let removes = record.value(["remove"]) == .bool(true)
        if (entitlement == nil) != removes {
            throw .bad(
                "entitlement",
                "what is allowed is missing: true, false, or a group as in a plan; or remove: true")
        }
        return OverrideOrder(
            feature: feature, entitlement: entitlement, expires: try record.optionalTime("expires"))
    }
}

extension SubscriptionTerms {
    /// Reads `plan`, `quantity` and `addons`; nil without a plan.
    init?(_ record: borrowing RecordView) throws(Refusal) {
        guard let plan = record.string(["plan"]), !plan.isEmpty else { return nil }
        self.init(plan: plan)
        let range = 0...Int64(Self.quantityMax)
        quantity = Int(try record.optionalInteger("quantity", in: range) ?? 1)
        guard let value = record.value(["addons"]), value != .null else { return }
        guard case .object(let members) = value, members.count <= Self.addonsMax else {
            throw .bad(
                "addons", "a group of up to \(Self.addonsMax) add-ons with their numbers is needed")
        }
        for member in members {
            guard case .number(let number) = member.value, number.scale == 0,
                let count = Int64(exactly: number.mantissa), range.contains(count)
            else {
                throw .bad(
                    "addons",
                    "of \"\(member.name)\" a whole number to \(range.upperBound) is needed")
            }
            if count > 0 { addons.append(.init(key: member.name, quantity: Int(count))) }
        }
    }
}

extension RecordView {
    /// A member that is a whole number.
    func optionalInteger(_ name: String, in range: ClosedRange<Int64>) throws(Refusal) -> Int64? {
        let units: Int128
        switch quantity([name]) {
        case .absent: return nil
        case .value(let value): units = value.units
        case .invalid: units = 1
        }
        let (whole, rest) = units.quotientAndRemainder(dividingBy: 1_000_000_000_000)
        guard rest == 0, let value = Int64(exactly: whole), range.contains(value) else {
            throw .bad(
                name,
                "a whole number from \(range.lowerBound) to \(range.upperBound) is needed")
        }
        return value
    }
}
