package import Billing
import Codec
import Projections
package import SegmentedLog

/// The two times of a question: what the log knew, and which instant it is about.
///
///     as_of   how far the log is read: what was recorded later is not known
///     at      the instant that is asked about: what happened later is left out
///
/// Each alone, both, or none: then it is everything known, now.
package struct Moment: Hashable, Sendable {
    /// How far the log is read; nil: to its durable end.
    package var asOf: Bound?
    /// The instant that is asked about; nil: that of `asOf`, or now.
    package var at: Timestamp?

    /// An end of what is known.
    package enum Bound: Hashable, Sendable {
        /// So many entries from the log's beginning.
        case position(Position)
        /// The entries recorded up to an instant, that included.
        case time(Timestamp)
    }

    /// A moment; see the properties.
    package init(asOf: Bound? = nil, at: Timestamp? = nil) {
        self.asOf = asOf
        self.at = at
    }

    /// Reads `as_of`, a position or an RFC 3339 time, and `at`, an RFC 3339 time.
    init(_ arguments: Arguments) throws(Refusal) {
        asOf = try Self.bound("as_of", arguments)
        at = try arguments["at"] == nil ? nil : arguments.time("at")
    }

    /// A position or an RFC 3339 time.
    static func bound(_ name: String, _ arguments: Arguments) throws(Refusal) -> Bound? {
        switch arguments[name] {
        case nil: return nil
        case .number?: return .position(Position(try arguments.count(name, or: 0, max: Int.max)))
        case .string(let text)?:
            if let time = Timestamp(rfc3339: text) { return .time(time) }
        default: break
        }
        throw .bad(
            name,
            "a position (so many entries from the log's beginning) or an RFC 3339 time such as "
                + "2026-03-01T00:00:00Z is needed")
    }

    /// Whether nothing is asked of the past.
    var isNow: Bool { asOf == nil && at == nil }

    /// Members of a request that make a moment.
    static let members = ["as_of", "at"]

    /// The queries that can be asked of the past.
    static let queries = [
        "check", "usage", "credits", "entitlements", "invoice", "explain", "catalog", "unmatched",
    ]

    static let unsupported = Refusal(
        code: "unsupported", field: "as_of",
        message: "as_of, at: only these are asked of the past: "
            + queries.joined(separator: ", "))
}

/// A moment, found in a log.
struct ReadingPoint: Sendable {
    /// So many entries are known.
    let position: Position
    /// The instant that is asked about.
    let at: Timestamp
    /// What happened after it is left out; nil: everything known counts.
    let cut: Timestamp?
    /// When the last of the known entries was recorded; nil: none is known.
    let knownUntil: Timestamp?
}
