import ArgumentParser
import Billing
import Client
import Codec
import Money

/// The two times of a question about the past.
struct MomentOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "What the log knew then: a position (so many entries from its beginning), or a time "
                + "such as 2026-03-01T12:00:00Z or 2026-03-01 (what was recorded up to it).",
            valueName: "position|time"))
    var asOf: String?

    @Option(
        help: ArgumentHelp(
            "Which instant is asked about: what happened later is left out, what was recorded "
                + "later but happened before counts, as far as --as-of knows it.",
            valueName: "time"))
    var at: String?

    func validate() throws {
        if let asOf, Self.position(asOf) == nil, Self.time(asOf) == nil {
            throw ValidationError(
                "--as-of \(asOf) is neither a position nor a time such as 2026-03-01T12:00:00Z")
        }
        if let at, Self.time(at) == nil {
            throw ValidationError("--at \(at) is no time such as 2026-03-01T12:00:00Z")
        }
    }

    /// The request about that moment.
    func asked(of request: Request) -> Request {
        var request = request
        if let asOf { request = request.setting("as_of", Self.bound(asOf)) }
        if let at, let time = Self.time(at) {
            request = request.setting("at", .string(time.description))
        }
        return request
    }

    /// What a request has for a text that is a position or a time.
    static func bound(_ text: String) -> Value {
        if let position = position(text) { return .whole(position) }
        return .string(time(text)?.description ?? text)
    }

    static func position(_ text: String) -> Int? {
        text.utf8.allSatisfy { (48...57).contains($0) } ? Int(text) : nil
    }

    /// An RFC 3339 instant, or a date, which is its first instant in UTC.
    static func time(_ text: String) -> Timestamp? {
        Timestamp(rfc3339: text) ?? Timestamp(rfc3339: text + "T00:00:00Z")
    }
}

extension Reply {
    /// What was asked of the past, in words; nil: nothing.
    var momentShown: String? {
        guard let at = self["asked_at"] else { return nil }
        let known = self["known_until"].shown
        return "at \(Optional(at).shown), by the first \(self["position"].grouped) entries"
            + (known == "-" ? "" : " (recorded up to \(known))")
    }
}
