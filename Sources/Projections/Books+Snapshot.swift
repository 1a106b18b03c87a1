package import Bytes
package import SegmentedLog

extension Books {
    /// The projections in the order of their snapshot files and of the digest.
    package enum Part: String, CaseIterable, Sendable {
        case registry, counters, credits, entitlements, deduplication, producers

        /// The version of the part's state.
        package var version: UInt32 {
            switch self {
            case .registry: Registry.version
            case .counters: Counters.version
            case .credits: CreditBalances.version
            case .entitlements: Entitlements.version
            case .deduplication: Deduplication.version
            case .producers: Producers.version
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
        case .deduplication: deduplication.serialise(into: &bytes)
        case .producers: producers.serialise(into: &bytes)
        }
    }

    /// Books restored from the serialised parts at a position.
    /// - Throws: `DecodeFailure` where bytes are not such a state; nothing is believed then.
    package static func restore(
        key: SipKey, position: Position, parts: borrowing SnapshotParts
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
        let deduplication = try Deduplication(restoring: &reader)
        try requireEnd(reader)
        guard deduplication.count == position else {
            throw .invalid("identities of another position", reader.offset)
        }
        reader = ByteReader(parts.producers.bytes)
        let producers = try Producers(key: key, restoring: &reader)
        try requireEnd(reader)
        return Books(
            key: key, position: position, registry: registry, counters: counters,
            credits: credits, entitlements: entitlements, deduplication: deduplication,
            producers: producers)
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
    package var producers = ByteBuffer(capacity: 0)

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
        case .producers: try body(&producers)
        }
    }
}
