package import Billing
import Codec
import Money
import SegmentedLog

/// The life of an account: made known, archived, restored, merged into another one.
///
/// An archived account is denied everything; what happened is recorded and charged all the same.
struct AccountOrder {
    /// What becomes of it.
    enum Action: String, CaseIterable {
        case create, archive, restore, merge
    }

    let action: Action
    /// The account that takes its place.
    let into: String?

    static func read(_ record: borrowing RecordView) throws(Refusal) -> AccountOrder {
        guard let word = record.string(["action"]), let action = Action(rawValue: word) else {
            throw .bad(
                "action",
                "one of these is needed: "
                    + Action.allCases.map(\.rawValue).joined(separator: ", "))
        }
        let into = record.string(["into"])
        guard (into?.isEmpty == false) == (action == .merge) else {
            throw .bad("into", "merge, and nothing else, names the account that goes on")
        }
        guard action != .merge || record.time == nil else {
            throw .bad("effective", "a merge is at once; leave it out")
        }
        return AccountOrder(action: action, into: into)
    }
}

extension Books {
    func decideAccount(_ record: borrowing RecordView, _ recordedAt: Int64) -> Verdict {
        do throws(Refusal) {
            let order = try AccountOrder.read(record)
            guard let subject = record.subject else { throw .bad("account", "is missing") }
            let number = registry.accounts.number(of: subject)
            let time = Timestamp(nanoseconds: record.time ?? recordedAt)
            let isArchived = number.map { entitlements.account($0).isArchived(at: time) } ?? false
            switch order.action {
            case .create where number != nil:
                throw Refusal(
                    code: "exists", field: "account", message: "account: the log has entries of it")
            case .archive where number == nil, .merge where number == nil:
                throw .bad("account", "the log has no entry of it")
            case .archive where isArchived, .merge where isArchived:
                throw .bad("account", "is archived at \(time)")
            case .restore where !isArchived: throw .bad("account", "is not archived at \(time)")
            case .merge: try checkMerge(number ?? 0, into: order.into ?? "", time)
            case .create, .archive, .restore: break
            }
            return .entry(.recorded, Evidence())
        } catch {
            return .refused(error)
        }
    }

    private func checkMerge(
        _ account: UInt32, into name: String, _ time: Timestamp
    ) throws(Refusal) {
        guard let other = self.account(name), other != account else {
            throw .bad("into", "\"\(name)\" is no other account that the log has an entry of")
        }
        guard !entitlements.account(other).isArchived(at: time) else {
            throw .bad("into", "\"\(name)\" is archived")
        }
        if let outside = entitlements.account(account).holding(at: time)?.name {
            throw .bad(
                "account",
                "has the outside subscription \"\(outside)\"; end it in that billing system first")
        }
        let state = creditAccount(of: account, at: time)
        guard state.holds.isEmpty else {
            throw .bad("account", "has open holds; settle or release them first")
        }
        let moved = state.movable(at: time).count
        let there = credits.account(other).grants.count
        guard moved + there <= CreditBalances.grantsMax else {
            throw .bad("into", "would have more than \(CreditBalances.grantsMax) grants")
        }
    }

    mutating func applyAccount(
        _ record: borrowing RecordView, _ recordedAt: Int64
    ) throws(Failure) {
        guard let subject = record.subject, let order = try? AccountOrder.read(record) else {
            throw .contradiction(position, "an account's change that cannot be read")
        }
        let account = registry.account(subject)
        switch order.action {
        case .create: return
        case .archive, .restore:
            archive(
                account, order.action == .archive,
                from: Timestamp(nanoseconds: record.time ?? recordedAt))
        case .merge:
            guard let other = order.into.flatMap({ self.account($0) }) else {
                throw .contradiction(position, "a merge into no account")
            }
            merge(account, into: other, recordedAt)
        }
    }

    private mutating func archive(_ account: UInt32, _ isArchived: Bool, from time: Timestamp) {
        let change = Archival(effective: time, isArchived: isArchived)
        entitlements.update(account) { $0.add(change) }
    }

    /// What is left of an account's credits goes over to another one, but for those of its plan; its own
    /// subscription ends, and it is archived.
    private mutating func merge(_ account: UInt32, into other: UInt32, _ recordedAt: Int64) {
        let now = Timestamp(nanoseconds: recordedAt)
        let position = position
        // What its plan gave ends with the subscription, before what is left goes over.
        var end = SubscriptionChange(
            effective: now, status: .canceled, position: position,
            catalog: UInt32(max(registry.versions.count, 1) - 1))
        end.terms = nil
        entitlements.update(account) { state in
            state.revoke(at: position) { $0.effective > now }
            if !state.own.isEmpty { state.add(end) }
        }
        archive(account, true, from: now)
        invoices.see(account: account, at: now)
        followPlans(of: account, from: now, recordedAt)
        if credits.knows(account) {
            let moved = changeCredits(of: account, at: recordedAt) { state -> [CreditGrant] in
                let moved = state.movable(at: now)
                for grant in moved { _ = state.void(grant.ordinal) }
                state.endRecurring(at: now)
                return moved
            }
            if !moved.isEmpty {
                changeCredits(of: other, at: recordedAt) { state in
                    for grant in moved {
                        state.add(
                            CreditGrant(
                                ordinal: UInt32(state.grants.count), terms: grant.terms,
                                amount: grant.remaining, effective: grant.effective,
                                expires: grant.expires, rollover: grant.rollover,
                                position: position))
                    }
                }
            }
        }
    }
}

/// That an account is archived from an instant on, or is no more.
package struct Archival: Sendable {
    /// From when.
    package let effective: Timestamp
    /// Whether it is archived.
    package let isArchived: Bool
}

extension Entitlements.Account {
    mutating func add(_ change: Archival) {
        let place = archivals.lastIndex { $0.effective <= change.effective }.map { $0 + 1 } ?? 0
        archivals.insert(change, at: place)
    }

    /// Whether it is archived at an instant.
    package func isArchived(at time: Timestamp) -> Bool {
        archivals.last { $0.effective <= time }?.isArchived ?? false
    }
}
