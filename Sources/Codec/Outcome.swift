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

    /// Recorded, nothing else.
    package static let recorded = Outcome()

    /// An outcome.
    package init(
        decision: OutcomeDecision? = nil, draws: [Draw] = [], shortfallUnits: Int128 = 0
    ) {
        self.decision = decision
        self.draws = draws
        self.shortfallUnits = shortfallUnits
    }

    /// Appends the outcome's canonical bytes.
    package func append(to bytes: inout ByteBuffer) {
        var flags: UInt8 = 0
        if decision != nil { flags |= 1 }
        if !draws.isEmpty { flags |= 2 }
        if shortfallUnits != 0 { flags |= 4 }
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
    }

    /// Reads an outcome that fills `span`.
    package init(decoding span: RawSpan) throws(DecodeFailure) {
        self.init()
        var reader = ByteReader(span)
        let flags = try reader.readByte()
        guard flags < 8 else { throw .invalid("outcome flags", 0) }
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
        guard reader.isAtEnd else { throw .invalid("bytes after the outcome", reader.offset) }
    }
}
