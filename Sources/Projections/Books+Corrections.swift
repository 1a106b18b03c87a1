import Billing
import Bytes
package import Codec
package import SegmentedLog

/// What must be metered again before the next entry is applied.
package struct Stale: Sendable {
    /// Meters: all history.
    package var meters: Set<UInt32> = []
    /// Accounts, ascending: all that they ever used.
    package internal(set) var accounts: [UInt32] = []
    /// The correction that made it so: it may be in no frame yet.
    package internal(set) var correction: (position: Position, texts: [Position: Replacement])?

    /// Nothing is stale.
    package init() {}

    init(meters: Set<UInt32>) { self.meters = meters }

    /// Whether there is nothing to do.
    package var isEmpty: Bool { meters.isEmpty && accounts.isEmpty }
}

extension RecordView {
    /// The batch that an event names; nil: none.
    package var batchName: String? {
        guard let node = batch,
            case .string(let name)? = try? ValueCoder.value(node)
        else { return nil }
        return name
    }
}

extension Books {
    /// The corrections of an account's entries before a position.
    package func corrections(
        of account: UInt32?, before end: Position = .max
    ) -> AccountCorrections {
        guard let account, !corrections.isEmpty else { return AccountCorrections() }
        return AccountCorrections(corrections, account, before: end)
    }

    /// The number of an entry's account; nil: it has none.
    package func account(of record: borrowing RecordView) -> UInt32? {
        guard let subject = record.subject else { return nil }
        return registry.accounts.number(of: subject)
    }

    /// The name of an account.
    package func accountName(_ account: UInt32) -> [UInt8] {
        registry.accounts.withName(account) { $0.makeArray() }
    }

    /// Whether something is corrected, so that entries have to be asked for what counts of them.
    package var hasCorrections: Bool { !corrections.isEmpty }

    /// What counts of an entry now.
    /// - Parameter isSupposed: whether it has no place in the log, so that no correction names it.
    package func current(
        of record: borrowing RecordView, at position: Position, isSupposed: Bool = false
    ) -> Corrections.Current {
        guard !corrections.isEmpty, let subject = record.subject,
            let account = registry.accounts.number(of: subject)
        else { return .asWritten }
        return Corrections.Current(
            Corrections.versions(
                of: position, isSupposed ? [] : corrections.account(account).corrected,
                batch(of: record, before: position)?.batch))
    }

    /// The batch of an event, if one of its name was opened before it.
    func batch(
        of record: borrowing RecordView, before position: Position
    ) -> (number: UInt32, batch: Corrections.Batch)? {
        guard !corrections.batches.isEmpty, let name = record.batchName,
            let found = corrections.batch(name), found.batch.opened < position
        else { return nil }
        return found
    }

    /// Whether an entry of an account was corrected.
    func isCorrected(_ position: Position, account: UInt32) -> Bool {
        corrections.account(account).corrected.contains { $0.entry == position }
    }

    /// Positions of the entries that say what becomes of batches, ascending: like catalogs they concern all accounts.
    package var batchPositions: [Position] {
        corrections.batches.flatMap { [$0.opened, $0.closed, $0.reverted] }
            .compactMap { $0 }.sorted()
    }

    /// Forgets all usage of an account: its entries are to be metered again.
    package mutating func forgetUsage(of account: UInt32) {
        counters.drop(account: account)
        limits.drop(account: account)
    }

    /// Why an entry that does not count does not: `retracted`, `batch_open`, `batch_reverted`, `batch_not_billed`.
    package func reasonOfNothing(
        _ record: borrowing RecordView, at position: Position
    ) -> String {
        let corrections = corrections(of: account(of: record)).corrections(of: position)
        if corrections.contains(where: { !$0.replaces }) { return "retracted" }
        guard let batch = batch(of: record, before: position)?.batch, batch.isBilled || batch.isOpen
        else { return "batch_not_billed" }
        return "batch_\(batch.state)"
    }

    /// The corrections of an entry, ascending.
    package func corrections(
        of record: borrowing RecordView, at position: Position
    ) -> [Position] {
        corrections(of: account(of: record)).corrections(of: position).map(\.by)
    }

    // MARK: Decisions

    /// The engine looked at the entries; between that and now something else may have come.
    func decideCorrect(_ record: borrowing RecordView) -> Verdict {
        guard let subject = record.subject, let account = registry.accounts.number(of: subject)
        else { return .refused(.bad("account", "the log has no entry of it")) }
        do throws(Refusal) {
            let order = try CorrectOrder.read(record)
            let known = corrections.account(account).corrected
            guard order.through <= position, order.items.allSatisfy({ $0.entry < order.through }),
                known.allSatisfy({ $0.by < order.through }),
                retirements.orders.last.map({ $0.position < order.through }) ?? true
            else { throw Self.stale }
            guard known.count + order.items.count <= Corrections.correctedMax else {
                throw .bad(
                    "entries",
                    "\(known.count) corrections of this account stand; at most "
                        + "\(Corrections.correctedMax) can: use a backfill batch for more")
            }
            return .entry(.recorded, Evidence())
        } catch {
            return .refused(error)
        }
    }

    func decideBackfill(_ record: borrowing RecordView) -> Verdict {
        do throws(Refusal) {
            let order = try BackfillOrder.read(record)
            let known = corrections.batch(order.batch)?.batch
            guard order.action != .create else {
                guard known == nil else {
                    throw Refusal(
                        code: "exists", field: "batch",
                        message: "batch: there is one of this name; a new one takes a new name")
                }
                guard corrections.batches.count < Corrections.batchesMax else {
                    throw .bad(
                        "batch", "there are \(Corrections.batchesMax), the most there can be")
                }
                return .entry(.recorded, Evidence())
            }
            guard let known else { throw Self.unknownBatch("batch", order.batch) }
            if let refusal = Self.refusal(of: order.action, known) { throw refusal }
            return .entry(.recorded, Evidence())
        } catch {
            return .refused(error)
        }
    }

    private static func refusal(
        of action: BackfillOrder.Action, _ batch: Corrections.Batch
    ) -> Refusal? {
        if batch.reverted != nil { return ended("batch", batch) }
        if action == .close, batch.closed != nil { return ended("batch", batch) }
        return nil
    }

    private static func ended(_ field: String, _ batch: Corrections.Batch) -> Refusal {
        Refusal(
            code: "batch_\(batch.state)", field: field,
            message: "\(field): \"\(batch.name)\" was \(batch.state) at position "
                + "\(batch.reverted ?? batch.closed ?? 0)")
    }

    private static func unknownBatch(_ field: String, _ name: String) -> Refusal {
        Refusal(
            code: "unknown_batch", field: field,
            message: "\(field): there is no batch \"\(name)\"; open it first: daybook backfill "
                + "create \(name)")
    }

    /// Why an event of a batch is not taken; nil: it is, or it names none.
    func batchRefusal(_ record: borrowing RecordView) -> Refusal? {
        guard record.batch != nil else { return nil }
        let field = RecordView.batchAttribute
        guard let name = record.batchName else { return .bad(field, "a batch's name is needed") }
        guard let batch = corrections.batch(name)?.batch else {
            return Self.unknownBatch(field, name)
        }
        return batch.isOpen ? nil : Self.ended(field, batch)
    }

    // MARK: Folds

    /// - Returns: whether the event is of a batch: it counts nowhere then.
    mutating func noteBatch(
        _ record: borrowing RecordView, account: UInt32?, _ recordedAt: Int64
    ) -> Bool {
        guard let (number, _) = batch(of: record, before: position) else { return false }
        corrections.note(
            number, account: account, at: Timestamp(nanoseconds: record.time ?? recordedAt))
        noteUnreadable(record, at: position)
        return true
    }

    /// Says at once which meters will not be able to read an event, though it does not count yet.
    package mutating func noteUnreadable(
        _ record: borrowing RecordView, at position: Position, meters: Set<UInt32>? = nil
    ) {
        guard record.subject != nil else { return }
        for meter in registry.meters(listeningTo: record.type)
        where meters?.contains(meter.number) ?? true {
            guard case .unreadable = meter.reading(of: record) else { continue }
            registry.seeUnreadable(meter: meter.number, at: position)
        }
    }

    mutating func applyCorrect(
        _ record: borrowing RecordView, _ recordedAt: Int64
    ) throws(Failure) -> Stale {
        guard let subject = record.subject, let order = try? CorrectOrder.read(record) else {
            throw .contradiction(position, "a correction that cannot be read")
        }
        let account = registry.account(subject)
        var stale = Stale()
        stale.accounts = [account]
        stale.correction = (position, [:])
        var more: [Corrections.Corrected] = []
        for item in order.items {
            more.append(.init(entry: item.entry, by: position, replaces: item.text != nil))
            invoices.see(account: account, at: item.was)
            guard let text = item.text else { continue }
            stale.correction?.texts[item.entry] = text
            if let time = text.time { invoices.see(account: account, at: time) }
            if let type = text.type { _ = registry.see(type: type.raw, at: position) }
        }
        corrections.add(more, account: account)
        return stale
    }

    mutating func applyBackfill(_ record: borrowing RecordView) throws(Failure) -> Stale {
        guard let order = try? BackfillOrder.read(record) else {
            throw .contradiction(position, "a batch that cannot be read")
        }
        var stale = Stale()
        guard order.action != .create else {
            guard corrections.batch(order.batch) == nil else {
                throw .contradiction(position, "a batch that there is already")
            }
            corrections.open(.init(name: order.batch, opened: position, isBilled: order.isBilled))
            return stale
        }
        guard let (number, batch) = corrections.batch(order.batch),
            Self.refusal(of: order.action, batch) == nil
        else { throw .contradiction(position, "a batch that cannot be \(order.action)d") }
        let counted = batch.closed != nil
        if order.action == .close {
            corrections.close(number, at: position)
        } else {
            corrections.revert(number, at: position)
        }
        guard batch.isBilled, counted || order.action == .close else { return stale }
        for part in corrections.accounts(in: number) {
            invoices.see(account: part.account, at: part.earliest)
            stale.accounts.append(part.account)
        }
        return stale
    }
}
