package import Billing
import Bytes
package import SegmentedLog

/// One change of a subscription: what holds of it from an instant on.
package struct SubscriptionChange: Sendable {
    /// From when it holds (event time).
    package let effective: Timestamp
    /// Its state from then on.
    package let status: SubscriptionStatus
    /// The entry that made it.
    package let position: Position
    /// Ordinal of the catalog version that was the newest when it was recorded.
    package let catalog: UInt32
    /// What is bought; nil: what the change before it said.
    package var terms: SubscriptionTerms?
    /// IANA name of the account's zone, where it is not the plan's.
    package var timezone: String?
    /// The instant from which periods are counted, where it is not the subscription's beginning.
    package var anchor: Timestamp?
    /// When a trial ends.
    package var trialUntil: Timestamp?
    /// When a pause ends by itself.
    package var pauseUntil: Timestamp?
    /// When it ends by itself.
    package var cancelAt: Timestamp?
    /// Of changes of one outside subscription and time, the higher counts.
    package var rank: Int64 = 0
    /// The entry that took it back; nil: it stands. What is asked of a time before that entry still finds it.
    package var revokedAt: Position?
    /// The id of the entry, which decides between equal ranks; empty for an account's own changes.
    package var entry = ""

    /// A change; see the properties.
    package init(
        effective: Timestamp, status: SubscriptionStatus, position: Position, catalog: UInt32,
        terms: SubscriptionTerms? = nil
    ) {
        self.effective = effective
        self.status = status
        self.position = position
        self.catalog = catalog
        self.terms = terms
    }

}

/// A subscription of an outside billing system, which sends all of it with each change.
package struct OutsideSubscription: Sendable {
    /// Its name there.
    package let name: String
    /// When it began.
    package var started: Timestamp
    /// Ascending by effective time, rank, and entry: in whatever order they came.
    package var changes: [SubscriptionChange] = []

    /// One without changes.
    package init(name: String, started: Timestamp) {
        self.name = name
        self.started = started
    }

    /// Puts a change in its place.
    package mutating func insert(_ change: SubscriptionChange) {
        let place = changes.lastIndex { !change.precedesOutside($0) }.map { $0 + 1 } ?? 0
        changes.insert(change, at: place)
    }
}

extension SubscriptionChange {
    fileprivate func precedesOutside(_ other: SubscriptionChange) -> Bool {
        if (effective, rank) != (other.effective, other.rank) {
            return (effective, rank) < (other.effective, other.rank)
        }
        return entry.utf8.lexicographicallyPrecedes(other.entry.utf8)
    }
}

// MARK: Snapshot form

extension SubscriptionChange {
    func append(to bytes: inout ByteBuffer) {
        bytes.appendInteger(effective.nanoseconds)
        bytes.append(status.rawValue)
        bytes.appendVarint(position)
        bytes.appendVarint(UInt64(catalog))
        var flags: UInt8 = terms == nil ? 0 : 1
        if timezone != nil { flags |= 2 }
        for (bit, time) in [(4, anchor), (8, trialUntil), (16, pauseUntil), (32, cancelAt)]
        where time != nil { flags |= UInt8(bit) }
        if rank != 0 || !entry.isEmpty { flags |= 64 }
        if revokedAt != nil { flags |= 128 }
        bytes.append(flags)
        if let terms {
            bytes.appendPrefixed(utf8: terms.plan)
            bytes.appendVarint(UInt64(terms.quantity))
            bytes.appendVarint(UInt64(terms.addons.count))
            for addon in terms.addons {
                bytes.appendPrefixed(utf8: addon.key)
                bytes.appendVarint(UInt64(addon.quantity))
            }
        }
        if let timezone { bytes.appendPrefixed(utf8: timezone) }
        for time in [anchor, trialUntil, pauseUntil, cancelAt] {
            if let time { bytes.appendInteger(time.nanoseconds) }
        }
        if flags & 64 != 0 {
            bytes.appendZigzag(rank)
            bytes.appendPrefixed(utf8: entry)
        }
        if let revokedAt { bytes.appendVarint(revokedAt) }
    }

    init(from reader: inout ByteReader) throws(DecodeFailure) {
        let effective = Timestamp(nanoseconds: try reader.readInteger(as: Int64.self))
        guard let status = SubscriptionStatus(rawValue: try reader.readByte()) else {
            throw .invalid("status of a subscription", reader.offset - 1)
        }
        let position = try reader.readVarint()
        let catalog = try reader.readOrdinal()
        self.init(
            effective: effective, status: status, position: position, catalog: catalog)
        let flags = try reader.readByte()
        if flags & 1 != 0 { terms = try Self.terms(&reader) }
        if flags & 2 != 0 { timezone = try reader.readText() }
        if flags & 4 != 0 { anchor = try reader.readTimestamp() }
        if flags & 8 != 0 { trialUntil = try reader.readTimestamp() }
        if flags & 16 != 0 { pauseUntil = try reader.readTimestamp() }
        if flags & 32 != 0 { cancelAt = try reader.readTimestamp() }
        if flags & 64 != 0 {
            rank = try reader.readZigzag()
            entry = try reader.readText()
        }
        if flags & 128 != 0 { revokedAt = try reader.readVarint() }
    }

    private static func terms(
        _ reader: inout ByteReader
    ) throws(DecodeFailure) -> SubscriptionTerms {
        var terms = SubscriptionTerms(plan: try reader.readText())
        terms.quantity = Int(try reader.readOrdinal())
        for _ in 0..<(try reader.readVarint()) {
            let key = try reader.readText()
            terms.addons.append(.init(key: key, quantity: Int(try reader.readOrdinal())))
        }
        return terms
    }
}

extension OutsideSubscription {
    func append(to bytes: inout ByteBuffer) {
        bytes.appendPrefixed(utf8: name)
        bytes.appendInteger(started.nanoseconds)
        bytes.appendVarint(UInt64(changes.count))
        for change in changes { change.append(to: &bytes) }
    }

    init(from reader: inout ByteReader) throws(DecodeFailure) {
        let name = try reader.readText()
        self.init(name: name, started: try reader.readTimestamp())
        for _ in 0..<(try reader.readVarint()) {
            changes.append(try SubscriptionChange(from: &reader))
        }
    }
}

extension ByteReader {
    mutating func readText() throws(DecodeFailure) -> String {
        let offset = offset
        guard let text = try readPrefixed().makeString() else {
            throw .invalid("a text that is not UTF-8", offset)
        }
        return text
    }

    mutating func readTimestamp() throws(DecodeFailure) -> Timestamp {
        Timestamp(nanoseconds: try readInteger(as: Int64.self))
    }

    mutating func readFlag() throws(DecodeFailure) -> Bool {
        let byte = try readByte()
        guard byte <= 1 else { throw .invalid("flag", offset - 1) }
        return byte == 1
    }

    mutating func readOrdinal() throws(DecodeFailure) -> UInt32 {
        let offset = offset
        guard let number = UInt32(exactly: try readVarint()) else { throw .outOfRange(offset) }
        return number
    }
}
