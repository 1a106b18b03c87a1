import Client
import Platform

/// What a command ends with; `docs/OPERATING.md` lists them.
enum ExitStatus: Int32 {
    case success = 0
    case unverified = 2
    case denied = 3
    case usage = 64
    case rejected = 65
    case notFound = 66
    case noServer = 69
    case diskFailed = 70
    case inputOutput = 74
    case tryAgain = 75
    case notUnderstood = 76
    case notPermitted = 77

    /// The status that belongs to an error word of the protocol.
    init(word: String) {
        switch word {
        case "bad_request", "unsupported": self = .usage
        case "unknown_account", "hold_not_open", "unknown_line", "no_catalog", "unknown_position",
            "not_found",
            "nothing_to_invoice":
            self = .notFound
        case "period_open", "overloaded", "too_many_connections", "draining": self = .tryAgain
        case "not_permitted": self = .notPermitted
        case "storage_failed": self = .inputOutput
        default: self = .rejected
        }
    }
}

/// The end of a command that did not do what it was asked to.
struct CommandFailure: Error {
    let status: ExitStatus
    /// What is wrong, where, and what to do. Empty: everything was said already.
    let message: String

    init(_ status: ExitStatus, _ message: String) {
        self.status = status
        self.message = message
    }

    /// The failure that a refusal is.
    init(_ refusal: Refusal) {
        var lines = [refusal.sentence]
        lines += refusal.problems.map { "  \($0.path): \($0.message)" }
        self.init(ExitStatus(word: refusal.word), lines.joined(separator: "\n"))
    }

    init(_ failure: ClientFailure) {
        switch failure {
        case .noServer(let path, let reason):
            self.init(
                .noServer,
                "no server at \(path) (\(reason)); start one with: "
                    + "daybook serve --data DIR --socket \(path)")
        case .notPermitted(let path):
            self.init(
                .notPermitted,
                "\(path): this user may not connect; only the server's own user and root may")
        case .broken(let what):
            self.init(
                .tryAgain,
                "\(what); ask again, and if the server is gone start it again")
        case .notUnderstood(let what):
            self.init(.notUnderstood, "\(what); is this a Daybook server of this version?")
        case .system(let what): self.init(.inputOutput, what)
        }
    }

    /// Prints the message and ends the process.
    func end() -> Never {
        if !message.isEmpty { StandardError.line("daybook: \(message)") }
        Process.exit(status.rawValue)
    }
}
