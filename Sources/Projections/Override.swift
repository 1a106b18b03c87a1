package import Billing
import Bytes
import Codec
package import SegmentedLog

/// What was decided of a feature for one account, whatever its plan says: it may give and take away.
package struct Override: Sendable {
    /// From when it holds.
    package let effective: Timestamp
    /// First instant at which it holds no more; nil: it has no end.
    package let expires: Timestamp?
    /// The entry that made it.
    package let position: Position
    /// The feature.
    package let feature: String
    /// What is allowed; nil: it takes earlier overrides of the feature back.
    package let allowance: PlanEntitlement.Allowance?

    /// An override; see the properties.
    package init(
        effective: Timestamp, expires: Timestamp?, position: Position, feature: String,
        allowance: PlanEntitlement.Allowance?
    ) {
        self.effective = effective
        self.expires = expires
        self.position = position
        self.feature = feature
        self.allowance = allowance
    }

    /// What is allowed, with what the quantity of the subscription makes of it.
    func allowance(for standing: Books.Standing) -> PlanEntitlement.Allowance? {
        allowance?.forEach(standing.holding?.terms.quantity ?? 1)
    }

    /// Whether it has thresholds to warn of.
    var hasWarnings: Bool {
        if case .limit(let limit)? = allowance { !limit.warnings.isEmpty } else { false }
    }

    func append(to bytes: inout ByteBuffer) {
        bytes.appendInteger(effective.nanoseconds)
        bytes.appendInteger((expires ?? .max).nanoseconds)
        bytes.appendVarint(position)
        bytes.appendPrefixed(utf8: feature)
        let value = allowance.map { PlanEntitlement(feature: feature, allowance: $0).value }
        let node = ValueCoder.nodeBytes(value ?? .null)
        bytes.appendVarint(UInt64(node.count))
        bytes.append(node)
    }

    init(from reader: inout ByteReader) throws(DecodeFailure) {
        let effective = try reader.readTimestamp()
        let expires = try reader.readTimestamp()
        let position = try reader.readVarint()
        let feature = try reader.readText()
        let offset = reader.offset
        let value = try ValueCoder.value(try reader.readPrefixed())
        let allowance = value == .null ? nil : PlanEntitlement(canonical: value, of: feature)
        guard value == .null || allowance != nil else { throw .invalid("an override", offset) }
        self.init(
            effective: effective, expires: expires == .max ? nil : expires, position: position,
            feature: feature, allowance: allowance?.allowance)
    }
}

extension Entitlements.Account {
    /// Adds an override in its place.
    package mutating func add(_ override: Override) {
        let place =
            overrides.lastIndex { $0.effective <= override.effective }.map { $0 + 1 } ?? 0
        overrides.insert(override, at: place)
    }

    /// What was decided of a feature at an instant: the override with the latest effective time, of several the one
    /// recorded last; once that is over, nothing. nil: nothing.
    package func override(of feature: String, at time: Timestamp) -> Override? {
        let newest = overrides.last { $0.effective <= time && $0.feature == feature }
        guard let newest, newest.allowance != nil, newest.expires.map({ time < $0 }) ?? true
        else { return nil }
        return newest
    }
}
