package import Billing
package import Bytes
import Money

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

    /// The same of units that are named, where the catalog has several: ascending by unit.
    package var shortfalls: [UnitShortfall] = []
    /// Grants that the entry makes beside what it asks for: top-ups, and credits that usage gave back.
    package var grants: [MadeGrant] = []
    /// Thresholds of limits that the entry's usage crossed, in the order of the catalog.
    package var warnings: [Warning] = []

    /// Credits of a unit that no grant could cover.
    package struct UnitShortfall: Equatable, Sendable {
        /// The unit's key.
        package let unit: String
        /// In 10⁻¹² credits; below zero: given back.
        package let units: Int128

        /// A shortfall.
        package init(unit: String, units: Int128) {
            self.unit = unit
            self.units = units
        }
    }

    /// A grant that an entry makes.
    package struct MadeGrant: Equatable, Sendable {
        /// Adjustment, or purchased for a top-up.
        package let kind: GrantKind
        /// The unit's key.
        package let unit: String
        /// In 10⁻¹² credits, above zero.
        package let units: Int128
        /// First instant at which it can pay no more; nil: never.
        package let expires: Timestamp?

        /// A grant.
        package init(kind: GrantKind, unit: String, units: Int128, expires: Timestamp?) {
            self.kind = kind
            self.unit = unit
            self.units = units
            self.expires = expires
        }
    }

    /// A threshold that was crossed.
    package struct Warning: Equatable, Sendable {
        /// The feature's key.
        package let feature: String
        /// In percent of the limit.
        package let threshold: UInt32

        /// A warning.
        package init(feature: String, threshold: UInt32) {
            self.feature = feature
            self.threshold = threshold
        }
    }

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
        if !shortfalls.isEmpty { flags |= 16 }
        if !grants.isEmpty { flags |= 32 }
        if !warnings.isEmpty { flags |= 64 }
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
        appendCredits(to: &bytes)
    }

    private func appendCredits(to bytes: inout ByteBuffer) {
        if !shortfalls.isEmpty {
            bytes.appendVarint(UInt64(shortfalls.count))
            for shortfall in shortfalls {
                bytes.appendPrefixed(utf8: shortfall.unit)
                bytes.appendZigzag128(shortfall.units)
            }
        }
        if !grants.isEmpty {
            bytes.appendVarint(UInt64(grants.count))
            for grant in grants {
                bytes.append(grant.kind.rawValue)
                bytes.appendPrefixed(utf8: grant.unit)
                bytes.appendZigzag128(grant.units)
                bytes.appendInteger(grant.expires?.nanoseconds ?? Int64.max)
            }
        }
        if !warnings.isEmpty {
            bytes.appendVarint(UInt64(warnings.count))
            for warning in warnings {
                bytes.appendPrefixed(utf8: warning.feature)
                bytes.appendVarint(UInt64(warning.threshold))
            }
        }
    }

    /// Reads an outcome that fills `span`.
    package init(decoding span: RawSpan) throws(DecodeFailure) {
        self.init()
        var reader = ByteReader(span)
        let flags = try reader.readByte()
        guard flags < 128 else { throw .invalid("outcome flags", 0) }
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
        if flags & 16 != 0 { try readShortfalls(&reader) }
        if flags & 32 != 0 { try readGrants(&reader) }
        if flags & 64 != 0 { try readWarnings(&reader) }
        guard reader.isAtEnd else { throw .invalid("bytes after the outcome", reader.offset) }
    }

    private mutating func readShortfalls(_ reader: inout ByteReader) throws(DecodeFailure) {
        for _ in 0..<(try Self.count(&reader)) {
            let shortfall = UnitShortfall(
                unit: try Self.text(&reader), units: try reader.readZigzag128())
            guard shortfall.units != 0 else { throw .invalid("outcome shortfall", reader.offset) }
            shortfalls.append(shortfall)
        }
    }

    private mutating func readGrants(_ reader: inout ByteReader) throws(DecodeFailure) {
        for _ in 0..<(try Self.count(&reader)) {
            guard let kind = GrantKind(rawValue: try reader.readByte()) else {
                throw .invalid("kind of a grant", reader.offset - 1)
            }
            let unit = try Self.text(&reader)
            let units = try reader.readZigzag128()
            let expires = try reader.readInteger(as: Int64.self)
            guard units > 0 else { throw .invalid("an empty grant", reader.offset) }
            grants.append(
                MadeGrant(
                    kind: kind, unit: unit, units: units,
                    expires: expires == .max ? nil : Timestamp(nanoseconds: expires)))
        }
    }

    private mutating func readWarnings(_ reader: inout ByteReader) throws(DecodeFailure) {
        for _ in 0..<(try Self.count(&reader)) {
            let feature = try Self.text(&reader)
            guard let threshold = UInt32(exactly: try reader.readVarint()) else {
                throw .outOfRange(reader.offset)
            }
            warnings.append(Warning(feature: feature, threshold: threshold))
        }
    }

    /// How many follow: one at least, and each takes a byte.
    private static func count(_ reader: inout ByteReader) throws(DecodeFailure) -> Int {
        let count = try reader.readVarint()
        guard count > 0, count <= UInt64(reader.remaining) else { throw .outOfRange(reader.offset) }
        return Int(count)
    }

    private static func text(_ reader: inout ByteReader) throws(DecodeFailure) -> String {
        guard let text = try reader.readPrefixed().makeString() else {
            throw .invalid("text is not UTF-8", reader.offset)
        }
        return text
    }
}
