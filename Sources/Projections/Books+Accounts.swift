package import Billing
import Codec
import SegmentedLog

/// The life of an account: made known, archived, restored.
///
/// An archived account is denied everything; what happened is recorded and charged all the same.
struct AccountOrder {
    /// What becomes of it.
    enum Action: String {
        case create, archive, restore
    }

    let action: Action

    static func read(_ record: borrowing RecordView) throws(Refusal) -> AccountOrder {
        guard let word = record.string(["action"]), let action = Action(rawValue: word) else {
            throw .bad("action", "create, archive or restore is needed")
        }
        if let into = record.string(["into"]), into.isEmpty {
            throw .bad("into", "the account that takes its place is needed")
        }
        return AccountOrder(action: action)
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
            case .archive where number == nil: throw .bad("account", "the log has no entry of it")
            case .archive where isArchived: throw .bad("account", "is archived at \(time)")
            case .restore where !isArchived: throw .bad("account", "is not archived at \(time)")
            case .create, .archive, .restore: break
            }
            return .entry(.recorded, Evidence())
        } catch {
            return .refused(error)
        }
    }

    mutating func applyAccount(
        _ record: borrowing RecordView, _ recordedAt: Int64
    ) throws(Failure) {
        guard let subject = record.subject, let order = try? AccountOrder.read(record) else {
            throw .contradiction(position, "an account's change that cannot be read")
        }
        let account = registry.account(subject)
        guard order.action != .create else { return }
        let change = Archival(
            effective: Timestamp(nanoseconds: record.time ?? recordedAt),
            isArchived: order.action == .archive)
        entitlements.update(account) { $0.add(change) }
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
