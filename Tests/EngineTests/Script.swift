import Foundation

/// What happens in the life of a store on which faults are tried, one step after the other.
enum Step: Sendable {
    /// A line of the protocol.
    case send(String)
    /// The clock is put to an instant.
    case clock(String)
    /// Somebody asks for a snapshot.
    case snapshot
    /// Nothing comes for long enough that the log does its background work.
    case idle
    /// The engine is closed and opened again.
    case reopen
}

/// A script with something of everything: catalogs, subscriptions, grants, usage, decisions of all
/// sorts, retries, conflicts, bad lines, snapshots, idle moments and a restart.
enum Script {
    static func event(
        _ id: String, _ type: String, _ account: String, _ data: String = "{}", time: String = ""
    ) -> Step {
        let time = time.isEmpty ? "" : #","time":"\#(time)""#
        return .send(
            #"{"specversion":"1.0","id":"\#(id)","source":"test","type":"\#(type)","#
                + #""subject":"\#(account)"\#(time),"data":\#(data)}"#)
    }

    static func consume(_ id: String, _ account: String, _ feature: String, _ quantity: Int = 1)
        -> Step
    {
        .send(
            #"{"request":"consume","id":"\#(id)","account":"\#(account)","#
                + #""feature":"\#(feature)","quantity":\#(quantity)}"#)
    }

    static func publish(_ id: String, _ catalog: String) -> Step {
        .send(#"{"request":"publish","id":"\#(id)","catalog":\#(catalog)}"#)
    }

    static func grant(_ id: String, _ account: String, _ amount: Int) -> Step {
        .send(
            #"{"request":"grant","id":"\#(id)","account":"\#(account)","amount":"\#(amount)","#
                + #""expires":"2027-01-01T00:00:00Z"}"#)
    }

    static func deposit(_ id: String, _ account: String, _ amount: String) -> Step {
        .send(
            #"{"request":"deposit","id":"\#(id)","account":"\#(account)","amount":"\#(amount)","#
                + #""currency":"USD"}"#)
    }

    static let whole: [Step] = first + second

    private static let first: [Step] =
        [
            .clock("2026-03-01T12:00:00Z"),
            event("early", "llm.call", "acme", #"{"tokens":7,"model":"m0"}"#),
            publish("v1", testCatalog.replacingOccurrences(of: "\n", with: " ")),
            .send(#"{"request":"subscribe","id":"s1","account":"acme","plan":"pro"}"#),
            grant("g1", "beta", 10), .clock("2026-03-02T08:30:00.5Z"),
        ]
        + (0..<6).map {
            event("t\($0)", "llm.call", "acme", #"{"tokens":1\#($0),"model":"m\#($0 % 2)"}"#)
        } + [
            event("t1", "llm.call", "acme", #"{"tokens":11,"model":"m1"}"#),
            event("t1", "llm.call", "acme", #"{"tokens":16,"model":"m1"}"#),
        ] + (0..<6).map { consume("a\($0)", "beta", "api") } + [
            .idle, consume("a5", "beta", "api"), consume("i0", "beta", "images", 2), .snapshot,
            consume("i1", "beta", "images", 3), event("made", "image.made", "beta"),
            event("made2", "image.made", "nobody"), .send(#"{"specversion":"1.0","id":"bad"}"#),
        ]

    private static let second: [Step] =
        [
            .reopen, .clock("2026-03-03T00:00:00Z"),
            event("l0", "login", "beta", #"{"person":1}"#),
            event("l1", "login", "beta", #"{"person":1}"#),
            event("l2", "login", "beta", #"{"person":"1"}"#, time: "2026-02-03T00:00:00Z"),
            event("early", "llm.call", "acme", #"{"tokens":7,"model":"m0"}"#),
            publish(
                "v2",
                testCatalog.replacingOccurrences(of: "\n", with: " ")
                    .replacingOccurrences(of: #""group_by":["model"]"#, with: #""group_by":[]"#)),
            event("t9", "llm.call", "acme", #"{"tokens":"none"}"#), .clock("2025-01-01T00:00:00Z"),
            deposit("d1", "beta", "12.50"), deposit("d2", "beta", "-2"),
            .send(#"{"request":"grant","id":"g3","account":"beta","amount":"1","price":"0.5"}"#),
            grant("g2", "beta", 5), consume("i1", "beta", "images", 3),
            consume("i2", "beta", "images"), .snapshot,
            event("g0", "gauge", "acme", #"{"level":-3.25}"#), .idle,
            consume("x0", "gamma", "sso"), consume("x1", "gamma", "telepathy"),
            .send(#"{"request":"subscribe","id":"s2","account":"gamma","plan":"gold"}"#),
            .send(#"{"request":"subscribe","id":"s3","account":"gamma","plan":"pro"}"#),
            consume("x2", "gamma", "sso"), event("l3", "login", "gamma", #"{"person":[2]}"#),
            event(
                "last", "unknown", "acme", #"{"note":"\#(String(repeating: "n", count: 5000))"}"#),
        ]

    /// The lines that are sent, in order.
    static let lines: [String] = whole.compactMap {
        if case .send(let line) = $0 { line } else { nil }
    }
}
