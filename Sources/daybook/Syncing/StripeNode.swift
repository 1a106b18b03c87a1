import Billing
import Client

/// A part of an event and where it stands, so that a fault can name the place.
///
/// Stripe writes null for what is not set, and older API versions leave it out: both are absent.
struct StripeNode {
    /// Nil: absent.
    let value: Value?
    /// From the event's root.
    let path: String

    /// Unix seconds that an instant may have: the years 1970 to 2261, as the log's own range ends
    /// with the year 2261. A count of milliseconds lies beyond it.
    private static let seconds =
        0...Int(CivilDate(year: 2262, month: 1, day: 1).start.nanoseconds / 1_000_000_000 - 1)

    init(_ value: Value?, path: String = "") {
        self.value = value == .null ? nil : value
        self.path = path
    }

    var isAbsent: Bool { value == nil }

    /// A member; absent also where this is no object.
    subscript(name: String) -> StripeNode {
        StripeNode(value?[name], path: path.isEmpty ? name : "\(path).\(name)")
    }

    func fault(_ message: String) -> SyncFault { SyncFault(path, message) }

    /// Itself, if it is an object.
    func object() throws(SyncFault) -> StripeNode {
        guard case .object? = value else { throw expected("an object") }
        return self
    }

    /// A text that is not empty.
    func text() throws(SyncFault) -> String {
        guard let text = value?.text, !text.isEmpty else { throw expected("a text") }
        return text
    }

    /// The id of what stands here: either that alone or the whole object, which Stripe calls
    /// expanded.
    func identifier() throws(SyncFault) -> String {
        if case .object? = value { return try self["id"].text() }
        return try text()
    }

    /// False where it is absent.
    func flag() throws(SyncFault) -> Bool {
        if isAbsent { return false }
        guard let flag = value?.flag else { throw expected("true or false") }
        return flag
    }

    func whole(in range: ClosedRange<Int>) throws(SyncFault) -> Int {
        guard let number = value?.integer, range.contains(number) else {
            throw expected("a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    /// A time in Unix seconds.
    func instant() throws(SyncFault) -> Timestamp {
        guard let seconds = value?.integer, Self.seconds.contains(seconds) else {
            throw expected("a time in whole Unix seconds, of the years 1970 to 2261,")
        }
        return Timestamp(nanoseconds: Int64(seconds) * 1_000_000_000)
    }

    /// A time in Unix seconds; nil where it is absent.
    func instantIfSet() throws(SyncFault) -> Timestamp? { isAbsent ? nil : try instant() }

    func elements() throws(SyncFault) -> [StripeNode] {
        guard case .array(let list)? = value else { throw expected("an array") }
        return list.enumerated().map { StripeNode($1, path: "\(path)[\($0)]") }
    }

    private func expected(_ what: String) -> SyncFault {
        fault("is \(shown); \(what) is needed")
    }

    /// It in a message: short, and without what a terminal would act on.
    var shown: String {
        switch value {
        case nil: return "missing"
        case .array: return "an array"
        case .object: return "an object"
        case .bool(let flag): return "\(flag)"
        case .string(let text):
            let safe = text.unicodeScalars.prefix(80).map {
                $0.properties.generalCategory == .control ? "\u{FFFD}" : Character($0)
            }
            return "\"\(String(safe))\(text.unicodeScalars.count > 80 ? "…" : "")\""
        default: return String(value.shown.prefix(80))
        }
    }
}
