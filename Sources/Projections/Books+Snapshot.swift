package import Bytes
package import SegmentedLog

extension Books {
    /// The projections in the order of their snapshot files and of the digest.
    package enum Part: String, CaseIterable, Sendable {
        case registry, counters, credits, entitlements, deduplication, redactions

        /// The version of the part's state.
        package var version: UInt32 {
            switch self {
            case .registry: Registry.version
            case .counters: Counters.version
            case .credits: CreditBalances.version
            case .entitlements: Entitlements.version
            case .deduplication: Deduplication.version
            case .redactions: Redactions.version
            }
        }
    }

    /// Writes one part's state.
    package func serialise(_ part: Part, into bytes: inout ByteBuffer) {
        switch part {
        case .registry: registry.serialise(into: &bytes)
        case .counters: counters.serialise(into: &bytes)
        case .credits: credits.serialise(into: &bytes)
        case .entitlements: entitlements.serialise(into: &bytes)
        case .deduplication:
            deduplication.serialise(0..<deduplication.count, into: &bytes)
        case .redactions: redactions.serialise(into: &bytes)
        }
    }

    /// Books restored from the serialised parts at a position.
    /// - Parameters:
    ///   - state: gives the bytes of a part.
    ///   - indexed: whether duplicates can be looked up in this copy.
    /// - Throws: `DecodeFailure` where bytes are not such a state; nothing is believed then.
    package static func restore(
        key: SipKey, position: Position, indexed: Bool,
        parts: borrowing SnapshotParts
    ) throws(DecodeFailure) -> Books {
        var reader = ByteReader(parts.registry.bytes)
        let registry = try Registry(key: key, restoring: &reader)
        try requireEnd(reader)
        reader = ByteReader(parts.counters.bytes)
        let counters = try Counters(key: key, restoring: &reader)
        try requireEnd(reader)
        reader = ByteReader(parts.credits.bytes)
        let credits = try CreditBalances(restoring: &reader)
        try requireEnd(reader)
        reader = ByteReader(parts.entitlements.bytes)
        let entitlements = try Entitlements(restoring: &reader)
        try requireEnd(reader)
        reader = ByteReader(parts.deduplication.bytes)
        var deduplication = Deduplication(indexed: indexed)
        for _ in 0..<position {
            deduplication.append(try reader.readInteger(as: UInt64.self))
        }
        try requireEnd(reader)
        reader = ByteReader(parts.redactions.bytes)
        let redactions = try Redactions(restoring: &reader)
        try requireEnd(reader)
        return Books(
            key: key, position: position, registry: registry, counters: counters,
            credits: credits, entitlements: entitlements, deduplication: deduplication,
            redactions: redactions)
    }

    private static func requireEnd(_ reader: borrowing ByteReader) throws(DecodeFailure) {
        guard reader.isAtEnd else { throw .invalid("bytes after the state", reader.offset) }
    }
}

/// The serialised parts of a snapshot.
package struct SnapshotParts: ~Copyable {
    /// See `Books.Part`.
    package var registry = ByteBuffer(capacity: 0)
    /// See `Books.Part`.
    package var counters = ByteBuffer(capacity: 0)
    /// See `Books.Part`.
    package var credits = ByteBuffer(capacity: 0)
    /// See `Books.Part`.
    package var entitlements = ByteBuffer(capacity: 0)
    /// See `Books.Part`.
    package var deduplication = ByteBuffer(capacity: 0)
    /// See `Books.Part`.
    package var redactions = ByteBuffer(capacity: 0)

    /// No bytes yet.
    package init() {}

    /// Gives access to one part's bytes.
    package mutating func withPart<R>(
        _ part: Books.Part, _ body: (inout ByteBuffer) throws -> R
    ) rethrows -> R {
        switch part {
        case .registry: try body(&registry)
        case .counters: try body(&counters)
        case .credits: try body(&credits)
        case .entitlements: try body(&entitlements)
        case .deduplication: try body(&deduplication)
        case .redactions: try body(&redactions)
        }
    }
}
