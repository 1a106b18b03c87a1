package import Billing
package import Bytes

/// The decision that an entry got.
package struct OutcomeDecision: Equatable, Sendable {
    /// Whether the request may go on.
    package let allowed: Bool
    /// Why.
    package let reason: Reason

    /// A decision.
    package init(allowed: Bool, reason: Reason) {
        self.allowed = allowed
        self.reason = reason
    }
}

/// What was decided when an entry was recorded: a fact, never derived again.
package struct Outcome: Equatable, Sendable {
    /// The decision of a consume; nil for everything else.
    package var decision: OutcomeDecision?
    /// Credits drawn, by grant.
    package var draws: [Draw]
    /// Credits that no grant could cover, in 10⁻¹² credits.
    package var shortfallUnits: Int128
    /// What a redaction leaves of each entry it names, in the order of their positions: SHA-256 of the
    /// entry as the proof tree has it.
    package var remains: [Digest]

    /// Recorded, nothing else.
    package static let recorded = Outcome()

    /// An outcome.
    package init(
        decision: OutcomeDecision? = nil, draws: [Draw] = [], shortfallUnits: Int128 = 0,
        remains: [Digest] = []
    ) {
        self.decision = decision
        self.draws = draws
        self.shortfallUnits = shortfallUnits
        self.remains = remains
    }

    /// Appends the outcome's canonical bytes.
    package func append(to bytes: inout ByteBuffer) {
        var flags: UInt8 = 0
        if decision != nil { flags |= 1 }
        if !draws.isEmpty { flags |= 2 }
        if shortfallUnits != 0 { flags |= 4 }
        if !remains.isEmpty { flags |= 8 }
        bytes.append(flags)
        if let decision {
            bytes.append(decision.allowed ? 1 : 0)
            bytes.append(decision.reason.rawValue)
        }
        if !draws.isEmpty {
            bytes.appendVarint(UInt64(draws.count))
            for draw in draws {
                bytes.appendVarint(UInt64(draw.grant))
                bytes.appendZigzag128(draw.units)
            }
        }
        if shortfallUnits != 0 { bytes.appendZigzag128(shortfallUnits) }
        if !remains.isEmpty {
            bytes.appendVarint(UInt64(remains.count))
            for hash in remains { hash.append(to: &bytes) }
        }
    }

    /// Reads an outcome that fills `span`.
    package init(decoding span: RawSpan) throws(DecodeFailure) {
        self.init()
        var reader = ByteReader(span)
        let flags = try reader.readByte()
        guard flags < 16 else { throw .invalid("outcome flags", 0) }
        if flags & 1 != 0 {
            let allowed = try reader.readByte()
            guard allowed <= 1, let reason = Reason(rawValue: try reader.readByte()) else {
                throw .invalid("outcome decision", 1)
            }
            decision = OutcomeDecision(allowed: allowed == 1, reason: reason)
        }
        if flags & 2 != 0 {
            let count = try reader.readVarint()
            guard count > 0, count <= UInt64(reader.remaining) else {
                throw .outOfRange(reader.offset)
            }
            for _ in 0..<count {
                let grant = try reader.readVarint()
                guard let ordinal = UInt32(exactly: grant) else {
                    throw .outOfRange(reader.offset)
                }
                draws.append(Draw(grant: ordinal, units: try reader.readZigzag128()))
            }
        }
        if flags & 4 != 0 {
            shortfallUnits = try reader.readZigzag128()
            guard shortfallUnits != 0 else { throw .invalid("outcome shortfall", reader.offset) }
        }
        if flags & 8 != 0 {
            let count = try reader.readVarint()
            guard count > 0, count <= UInt64(reader.remaining / Digest.byteCount) else {
                throw .outOfRange(reader.offset)
            }
            for _ in 0..<count { remains.append(try Digest(from: &reader)) }
        }
        guard reader.isAtEnd else { throw .invalid("bytes after the outcome", reader.offset) }
    }
}
