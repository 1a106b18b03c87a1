package import Billing
import Bytes
package import Codec
package import SegmentedLog

/// Metering history again beside the books, for an entry that is still to come: a catalog that changes a meter,
/// an override with a new window.
///
/// A copy of the books takes the entry as if it stood at their position. On that copy the earlier entries are
/// metered again, for the stale meters alone, while the books themselves go on. What is recorded meanwhile is
/// caught up with by `move`, onto a newer copy. When the entry is recorded in fact, the books take over
/// the cells: they are then, to the byte, what metering all of it at that position would have made of them.
///
/// That is so because of what metering again reads: the meters' own cells; the retirements; and, for the
/// windows of limits, what the account has bought at the position of the entry and when its usage began anew.
/// `effect` says which entries change any of these: after some, the account's windows are counted once more, after
/// others everything.
///
/// The time of the entry matters as well, where catalogs have time zones: a use of a later time may be one of
/// another window. Accounts of which anything of this is true are in `doubtful`.
///
/// Recipe: `Remetering(copy, meters:, before:)`; `meter` each entry before `base`; then, as often as there is
/// news: `move(to:, before:)`, `meter` each entry up to the new base, and for each account in doubt `recount`, `count`
/// of each of its entries, `endRecount`; at the end `Books.takeOver`.
package struct Remetering: ~Copyable {
    /// What an entry that is newer than the copy means for what was metered on it.
    package enum Effect: Sendable {
        /// It is metered like all others.
        case none
        /// What its account's uses count for may be another window now.
        case windows
        /// All must be metered again.
        case everything
    }

    /// Interned meters that are metered again.
    package let meters: Set<UInt32>
    /// Where the copy stood before it took the entry: earlier entries are to be metered.
    package private(set) var base: Position
    /// Entries before it are metered.
    package private(set) var position: Position = 0
    /// Accounts whose windows must be counted again, from their first entry.
    package private(set) var doubtful: Set<UInt32> = []
    /// Something was recorded after which all of this is of no use.
    package private(set) var isSpoilt = false
    /// The first copy had the effects of entries before it.
    private let begun: Position
    /// Uses before this instant are in the window in which the entry will find them.
    private var certain: Timestamp
    private var books: Books
    /// What the books have while windows alone are counted.
    private var counters: Counters?
    private var registry: Registry?

    /// Begins with a copy of the books that has taken the entry.
    /// - Parameter time: when the copy took it, if a later time can matter.
    package init(_ copy: consuming Books, meters: Set<UInt32>, before time: Timestamp) {
        self.meters = meters
        base = copy.position - 1
        begun = base
        certain = copy.registry.hasTimeZones ? time : .max
        books = Self.beside(&copy, meters)
    }

    /// What stays of an entry whose body was dropped; nil: all of it.
    package func kept(
        of record: borrowing RecordView, at position: Position, recordedAt: Int64
    ) -> KeptProperties? {
        books.kept(of: record, at: position, recordedAt: recordedAt)
    }

    /// What counts of an entry, by the corrections before `base`.
    package func current(
        of record: borrowing RecordView, at position: Position
    ) -> Corrections.Current {
        books.current(of: record, at: position)
    }

    /// Passes over the entry at `position`, which does not count.
    package mutating func pass(_ record: borrowing RecordView) {
        if record.batchName != nil {
            books.noteUnreadable(record, at: position, meters: meters)
        }
        advance(record)
    }

    /// Meters the entry at `position`, and is after it then.
    package mutating func meter(
        _ record: borrowing RecordView, outcome: Outcome, recordedAt: Int64
    ) {
        books.meterAgain(
            record, at: position, outcome: outcome, recordedAt: recordedAt, meters: meters)
        doubt(record, recordedAt)
        advance(record)
    }

    private mutating func advance(_ record: borrowing RecordView) {
        if position >= begun {
            switch Self.effect(of: record.kind) {
            case .none: break
            case .windows where record.kind == .reset || followsSubscriptions:
                if let account = number(of: record) { doubtful.insert(account) }
            case .windows: break
            case .everything: isSpoilt = true
            }
        }
        position += 1
    }

    private mutating func doubt(_ record: borrowing RecordView, _ recordedAt: Int64) {
        guard certain < .max, record.kind.isUsage,
            certain.nanoseconds <= max(record.time ?? recordedAt, recordedAt),
            let account = number(of: record)
        else { return }
        doubtful.insert(account)
    }

    /// Whether it depends on what an account has bought in which window its use is.
    private var followsSubscriptions: Bool {
        books.registry.hasTimeZones
            || meters.contains { meter in
                books.limits.definitions(of: meter).contains {
                    books.limits.definitions[Int($0)].window.anchor == .subscription
                }
            }
    }

    private func number(of record: borrowing RecordView) -> UInt32? {
        // Where no windows are counted, none can be wrong.
        guard !books.limits.isEmpty, let subject = record.subject else { return nil }
        return books.registry.accounts.number(of: subject)
    }

    /// Goes on with a newer copy that has taken the entry.
    /// - Parameter time: when the copy took it, if a later time can matter.
    /// - Returns: false if it numbers windows or meters otherwise; then nothing of this is of use.
    package mutating func move(to copy: consuming Books, before time: Timestamp) -> Bool {
        guard copy.position > base, position == base, numbersAlike(copy) else { return false }
        base = copy.position - 1
        certain = copy.registry.hasTimeZones ? time : .max
        var next = Self.beside(&copy, meters)
        swap(&next.counters, &books.counters)
        next.registry.takeUnreadable(meters, from: books.registry)
        next.limits.goOn(with: books.limits)
        books = next
        return true
    }

    // MARK: Windows of one account

    /// Forgets the windows of an account that is in doubt: they are counted from its first entry.
    /// - Returns: its name.
    package mutating func recount(_ account: UInt32) -> [UInt8] {
        doubtful.remove(account)
        books.limits.beginAnew(account)
        var otherCounters = Counters(key: books.key)
        var otherRegistry = books.registry.copy()
        swap(&otherCounters, &books.counters)
        swap(&otherRegistry, &books.registry)
        counters = consume otherCounters
        registry = consume otherRegistry
        return books.registry.accounts.withName(account) { $0.makeArray() }
    }

    /// Counts an entry of that account, before `base`, in its windows, and nowhere else.
    package mutating func count(
        _ record: borrowing RecordView, at position: Position, outcome: Outcome, recordedAt: Int64
    ) {
        books.meterAgain(
            record, at: position, outcome: outcome, recordedAt: recordedAt, meters: meters)
        doubt(record, recordedAt)
    }

    /// Goes on with all accounts.
    package mutating func endRecount() {
        if let counters = counters.take() { books.counters = counters }
        if let registry = registry.take() { books.registry = registry }
    }

    /// What an entry that the copy did not have means for what is metered already.
    package static func effect(of kind: RecordKind) -> Effect {
        switch kind {
        case .event, .consume, .hold, .settle, .release, .extend, .void, .refund, .grant,
            .reconcile, .finalise, .creditNote, .deposit:
            .none
        case .subscribe, .cancel, .pause, .resume, .subscription, .override, .account, .reset:
            .windows
        case .publish, .redact, .retire, .correct, .backfill: .everything
        }
    }

    private static func beside(_ copy: inout Books, _ meters: Set<UInt32>) -> Books {
        var books = copy.copy()
        books.counters = Counters(key: copy.key)
        books.limits = copy.limits.emptied(for: meters)
        return books
    }

    /// Whether definitions of the stale meters are the same, by the same numbers.
    private func numbersAlike(_ other: borrowing Books) -> Bool {
        for meter in meters {
            guard Int(meter) < other.registry.meters.count,
                other.registry.meters[Int(meter)] == books.registry.meters[Int(meter)]
            else { return false }
            let (mine, theirs) = (
                books.limits.definitions(of: meter), other.limits.definitions(of: meter)
            )
            guard mine == theirs else { return false }
            for number in mine
            where books.limits.definitions[Int(number)] != other.limits.definitions[Int(number)] {
                return false
            }
        }
        return true
    }

    fileprivate mutating func finish(_ body: (borrowing Books) -> Void) { body(books) }
}

extension Books {
    /// Takes over what was metered again beside these books, which have just applied the entry that asks for
    /// it: all entries before it must be metered.
    /// - Returns: false if it cannot be taken over: history must be metered on these books then.
    package mutating func takeOver(_ remetering: inout Remetering) -> Bool {
        guard remetering.base == position - 1, remetering.position == remetering.base,
            !remetering.isSpoilt, remetering.doubtful.isEmpty
        else { return false }
        var isTaken = false
        let meters = remetering.meters
        remetering.finish { other in
            guard limits.hasRoom(for: other.limits) else { return }
            counters.takeOver(other.counters)
            limits.takeOver(other.limits)
            registry.takeUnreadable(meters, from: other.registry)
            isTaken = true
        }
        return isTaken
    }

    /// Gives what these books have metered again to other books of the same fold, at the same position.
    package mutating func giveMetering(to other: inout Books) {
        precondition(other.position == position, "both are at one position")
        Swift.swap(&counters, &other.counters)
        Swift.swap(&limits, &other.limits)
        other.registry.takeUnreadable(
            Set(0..<UInt32(registry.meters.count)), from: registry)
    }

    /// Whether an entry may make history be metered again, if it is recorded next.
    package func mayMeterAgain(_ record: borrowing RecordView) -> Bool {
        switch record.kind {
        case .publish: return true
        case .override: break
        default: return false
        }
        guard let order = try? OverrideOrder.read(record), let value = order.entitlement,
            let feature = registry.features[order.feature],
            case .success(let read) = PlanEntitlement.read(
                value, of: feature.key, features: [feature], at: "entitlement"),
            case .limit(let limit) = read.allowance
        else { return false }
        return opensWindow(limit, feature: feature)
    }

    /// Whether a limit has a window in which its meter is not counted yet.
    private func opensWindow(_ limit: Limit, feature: Feature) -> Bool {
        // A window of the calendar's months, and any that some feature had before it had this meter.
        guard let meter = feature.meterKey.flatMap({ registry.meter($0) }) else { return false }
        if limit.window == .monthly, limit.by == nil, !registry.hasTimeZones { return false }
        return limits.number(of: .init(meter: meter, window: limit.window, by: limit.by)) == nil
    }
}
