package import Bytes
package import SegmentedLog

extension Books {
    /// The projections in the order of the digest.
    package enum Part: String, CaseIterable, Sendable {
        case registry, counters, credits, entitlements, deduplication, producers, redactions,
            invoices, retirements, limits, corrections

        /// The version of the part's state.
        package var version: UInt32 {
            switch self {
            case .registry: Registry.version
            case .counters: Counters.version
            case .credits: CreditBalances.version
            case .entitlements: Entitlements.version
            case .deduplication: Deduplication.version
            case .producers: Producers.version
            case .redactions: Redactions.version
            case .invoices: Invoices.version
            case .retirements: Retirements.version
            case .limits: LimitUsage.version
            case .corrections: Corrections.version
            }
        }
    }

    /// Writes one part's state.
    package func serialise(_ part: Part, into bytes: inout ByteBuffer) {
        serialise(part, into: &bytes) { _ in }
    }

    /// Writes one part's state in pieces, so that it never is in memory as a whole.
    /// - Parameter spill: called now and then, may take what was written so far and clear it.
    package func serialise<Failure: Error>(
        _ part: Part, into bytes: inout ByteBuffer,
        _ spill: (inout ByteBuffer) throws(Failure) -> Void
    ) throws(Failure) {
        switch part {
        case .registry: try registry.serialise(into: &bytes, spill)
        case .counters: try counters.serialise(into: &bytes, spill)
        case .credits: try credits.serialise(into: &bytes, spill)
        case .entitlements: try entitlements.serialise(into: &bytes, spill)
        case .deduplication:
            deduplication.serialise(into: &bytes)
            try spill(&bytes)
        case .producers: try producers.serialise(into: &bytes, spill)
        case .redactions:
            redactions.serialise(into: &bytes)
            try spill(&bytes)
        case .invoices: try invoices.serialise(into: &bytes, spill)
        case .retirements:
            retirements.serialise(into: &bytes)
            try spill(&bytes)
        case .limits: try limits.serialise(into: &bytes, spill)
        case .corrections: try corrections.serialise(into: &bytes, spill)
        }
    }

    /// Replaces one part by its serialised state. The books are good when all parts were restored
    /// at one position.
    /// - Throws: `DecodeFailure` where the bytes are not such a state; the books are not to be
    ///   used then.
    package mutating func restore(
        _ part: Part, from state: RawSpan, at position: Position
    ) throws(DecodeFailure) {
        var reader = ByteReader(state)
        switch part {
        case .registry: registry = try Registry(key: key, restoring: &reader)
        case .counters: counters = try Counters(key: key, restoring: &reader)
        case .credits: credits = try CreditBalances(restoring: &reader)
        case .entitlements: entitlements = try Entitlements(restoring: &reader)
        case .deduplication:
            deduplication = try Deduplication(restoring: &reader)
            guard deduplication.count == position else {
                throw .invalid("identities of another position", reader.offset)
            }
        case .producers: producers = try Producers(key: key, restoring: &reader)
        case .redactions: redactions = try Redactions(restoring: &reader)
        case .invoices: invoices = try Invoices(restoring: &reader)
        case .retirements:
            // The catalogs were restored first.
            retirements = try Retirements(restoring: &reader, registry.versions)
        case .limits: limits = try LimitUsage(restoring: &reader)
        case .corrections: corrections = try Corrections(restoring: &reader)
        }
        guard reader.isAtEnd else { throw .invalid("bytes after the state", reader.offset) }
        self.position = position
    }
}
