package import Billing
package import Bytes
package import Codec
import Money
package import SegmentedLog

/// Which entries have lost their bodies. From the moment such an order is durable, nothing reads them but
/// for what meters need; the sealer takes them off the disk.
///
/// An order covers the events and consumes that were recorded before it and before its time, and whose own
/// time is in a period of their account that ended by then and was finalised before the order. So no bill
/// that is still to be made can want more of them.
///
/// A value type: readers get a copy, which shares its memory with the books until these change.
package struct Retirements: Sendable {
    /// Version of the state: a change of meaning or of snapshot form raises it.
    package static let version: UInt32 = 1

    /// One order.
    package struct Order: Sendable {
        /// The entry that holds it.
        package let position: Position
        /// Entries and periods before this time.
        package let before: Timestamp
        /// What stays: everything that a meter or a price of the catalogs of that time reads.
        package let kept: KeptProperties
    }

    /// In log order; each reaches farther than the one before.
    package private(set) var orders: [Order] = []

    /// Nothing is retired.
    package init() {}

    /// Adds an order.
    /// - Parameter versions: the catalogs before it.
    mutating func add(_ order: RetireOrder, at position: Position, _ versions: [Registry.Version]) {
        orders.append(
            Order(position: position, before: order.before, kept: KeptProperties(of: versions)))
    }

    /// What stays of an entry; nil: all of it.
    /// - Parameters:
    ///   - recordedAt: commit time of the entry's frame, nanoseconds UTC.
    ///   - finalised: the finalised periods of its account.
    package func kept(
        of record: borrowing RecordView, at position: Position, recordedAt: Int64,
        _ finalised: [Invoices.Finalised]
    ) -> KeptProperties? {
        orders.first { order in
            guard position < order.position else { return false }
            let known = finalised.filter { $0.position < order.position }
            return Self.isCovered(record, recordedAt, before: order.before, known)
        }?.kept
    }

    /// Whether nothing that is still to be made can want more of an entry than what meters need.
    static func isCovered(
        _ record: borrowing RecordView, _ recordedAt: Int64, before: Timestamp,
        _ finalised: [Invoices.Finalised]
    ) -> Bool {
        guard recordedAt < before.nanoseconds else { return false }
        let time: Timestamp
        switch record.kind {
        case .event: time = Timestamp(nanoseconds: record.time ?? recordedAt)
        case .consume, .hold, .settle: time = Timestamp(nanoseconds: recordedAt)
        default: return false
        }
        return finalised.contains { $0.period.end <= before && $0.period.contains(time) }
    }

    // MARK: Digest and snapshot

    /// The digest of all orders.
    package func digest() -> Digest {
        var bytes = ByteBuffer(capacity: 64)
        serialise(into: &bytes)
        return SHA256.hash(bytes.bytes)
    }

    /// Writes the whole state. What stays follows from the catalogs.
    package func serialise(into bytes: inout ByteBuffer) {
        bytes.appendVarint(UInt64(orders.count))
        for order in orders {
            bytes.appendVarint(order.position)
            bytes.appendInteger(order.before.nanoseconds)
        }
    }

    /// Reads what `serialise(into:)` wrote.
    /// - Parameter versions: all catalogs.
    package init(
        restoring reader: inout ByteReader, _ versions: [Registry.Version]
    ) throws(DecodeFailure) {
        for _ in 0..<(try reader.readVarint()) {
            let position = try reader.readVarint()
            let before = Timestamp(nanoseconds: try reader.readInteger(as: Int64.self))
            if let last = orders.last, last.position >= position || last.before >= before {
                throw .outOfRange(reader.offset)
            }
            add(
                RetireOrder(before: before), at: position,
                versions.filter { $0.position < position })
        }
    }
}

extension KeptProperties {
    /// What the meters and prices of some catalogs read.
    package init(of versions: [Registry.Version]) {
        self.init()
        var types: [String: Set<String>] = [:]
        for meter in versions.flatMap(\.catalog.meters) {
            types[meter.key, default: []].insert(meter.eventType)
            for path in [meter.valueProperty, meter.terms.operationProperty].compactMap({ $0 })
                + meter.filter.map(\.path) + meter.groupBy
            { keep(path, ofType: meter.eventType) }
        }
        for catalog in versions.map(\.catalog) {
            for entitlement in catalog.offers.flatMap(\.entitlements) {
                guard case .limit(let limit) = entitlement.allowance, let by = limit.by,
                    let meter = catalog.feature(entitlement.feature)?.meterKey
                else { continue }
                for type in types[meter] ?? [] { keep(by, ofType: type) }
            }
        }
        for price in versions.flatMap(\.catalog.offers).flatMap(\.prices) {
            for type in types[price.meter ?? ""] ?? [] {
                for path in price.matrix?.by ?? [] { keep(path, ofType: type) }
            }
        }
    }
}

/// What an order to drop bodies asks for, read from its data: `before`, `reason`.
package struct RetireOrder {
    /// Bytes of a reason.
    package static let reasonBytesMax = 1_024

    /// Entries and periods before this time.
    package let before: Timestamp

    init(before: Timestamp) { self.before = before }

    /// Reads an order's data.
    package static func read(_ record: borrowing RecordView) -> Result<RetireOrder, Refusal> {
        guard let before = record.string(["before"]).flatMap({ Timestamp(rfc3339: $0) }) else {
            return .failure(
                .bad("before", "an RFC 3339 time such as 2016-01-01T00:00:00Z is needed"))
        }
        guard let reason = record.string(["reason"]), !reason.isEmpty,
            reason.utf8.count <= reasonBytesMax
        else {
            return .failure(
                .bad("reason", "a text of 1 to \(reasonBytesMax) bytes is needed"))
        }
        return .success(RetireOrder(before: before))
    }
}

extension Books {
    func decideRetire(_ record: borrowing RecordView, _ recordedAt: Int64) -> Verdict {
        switch RetireOrder.read(record) {
        case .failure(let refusal): return .refused(refusal)
        case .success(let order):
            guard let keep = registry.eventRules.keep else {
                return .refused(
                    Refusal(
                        code: "no_legal_period", field: "before",
                        message:
                            "before: the catalog says nothing of how long events must be kept; "
                            + "publish one with events: {keep: 3650 days} or what the law demands"))
            }
            let (latest, overflow) = recordedAt.subtractingReportingOverflow(keep)
            guard !overflow, order.before.nanoseconds <= latest else {
                return .refused(
                    Refusal(
                        code: "kept_by_law", field: "before",
                        message: "before: \(order.before) is within the time that events are kept "
                            + "(events.keep); at most \(Timestamp(nanoseconds: latest)) is possible now"
                    ))
            }
            if let last = retirements.orders.last, order.before <= last.before {
                return .refused(
                    .bad(
                        "before",
                        "the order at position \(last.position) reaches to \(last.before) already"))
            }
            return .entry(.recorded, Evidence())
        }
    }

    /// Whether an order to drop bodies before a time would drop that of an entry.
    package func isCovered(
        _ record: borrowing RecordView, recordedAt: Int64, before: Timestamp
    ) -> Bool {
        guard let subject = record.subject,
            let account = registry.accounts.number(of: subject)
        else { return false }
        return Retirements.isCovered(
            record, recordedAt, before: before, invoices.account(account).finalised)
    }

    /// What stays of an entry whose body was dropped; nil: all of it.
    /// - Parameter recordedAt: commit time of the entry's frame, nanoseconds UTC.
    package func kept(
        of record: borrowing RecordView, at position: Position, recordedAt: Int64
    ) -> KeptProperties? {
        guard !retirements.orders.isEmpty, let subject = record.subject,
            let account = registry.accounts.number(of: subject)
        else { return nil }
        return retirements.kept(
            of: record, at: position, recordedAt: recordedAt, invoices.account(account).finalised)
    }
}
