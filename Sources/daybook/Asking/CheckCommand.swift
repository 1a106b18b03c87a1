import ArgumentParser
import Billing
import Client
import Money

/// Account, feature and how much of it.
struct UseArguments: ParsableArguments {
    @Argument(help: "The account.") var account: String
    @Argument(help: "The feature, as the catalog names it.") var feature: String
    @Option(
        help: ArgumentHelp(
            "How much, in the feature's unit; at most 12 decimals.", valueName: "n"))
    var quantity: String?

    func validate() throws {
        if let quantity, !Decimals.isDecimal(quantity) {
            throw ValidationError("--quantity \(quantity) is no number such as 1 or 2.5")
        }
    }
}

/// A configuration value that is asked for.
struct ValueOption: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Of a feature with a value: a number that is at most what is allowed, or a word.",
            valueName: "value"))
    var value: String?

    /// As a request has it: what reads as a number is one.
    var tree: Value? {
        value.map { text in
            Decimals.isDecimal(text)
                ? DecimalNumber(text).map { .number($0) } ?? .string(text) : .string(text)
        }
    }
}

/// Decimal texts on the command line.
enum Decimals {
    /// Whether a text is a plain decimal number; how many digits are allowed the server says.
    static func isDecimal(_ text: String) -> Bool {
        let digits = text.hasPrefix("-") ? text.dropFirst() : Substring(text)
        let parts = digits.split(separator: ".", omittingEmptySubsequences: false)
        return (1...2).contains(parts.count)
            && parts.allSatisfy { part in
                !part.isEmpty && part.utf8.allSatisfy { (48...57).contains($0) }
            }
    }
}

/// `daybook check ACCOUNT FEATURE`.
struct CheckCommand: QueryCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Ask whether an account may use a feature now. Writes nothing.",
        discussion: """
            Ends with 0 if it may and with 3 if not. What is asked is not reserved: use `consume` \
            to decide and record in one step.

            Example: daybook check acme calls --quantity 5 && run-the-job
            Example: daybook check acme retention-days --value 90
            Example: daybook check acme calls --as-of 2026-03-01T12:00:00Z
            """)

    @OptionGroup var use: UseArguments
    @OptionGroup var value: ValueOption
    @Option(
        help: ArgumentHelp(
            "A JSON object with the properties that limits count and credits burn by.",
            valueName: "json"))
    var properties: String?
    @OptionGroup var time: MomentOptions
    @OptionGroup var books: BookOptions
    @OptionGroup var format: JSONOption

    var moment: MomentOptions? { time }

    func request() throws -> Request {
        Request(
            "check",
            [
                "account": .string(use.account), "feature": .string(use.feature),
                "quantity": use.quantity.map { .string($0) }, "value": value.tree,
                "data": try ConsumeCommand.tree(properties, "--properties"),
            ])
    }

    func lines(_ reply: Reply) -> [String] { [DecisionText.line(reply, use)] }

    func status(_ reply: Reply) -> ExitStatus {
        reply["allowed"]?.flag == true ? .success : .denied
    }
}

/// A decision as one line for people.
enum DecisionText {
    static func line(_ reply: Reply, _ use: UseArguments) -> String {
        let allowed = reply["allowed"]?.flag == true
        var line = "\(allowed ? "allowed" : "denied"): \(use.account) \(use.feature)"
        if let quantity = use.quantity { line += " × \(quantity)" }
        let reason = reply.shown("reason")
        if reason != "allowed" { line += " (\(reason))" }
        var facts: [String] = []
        for (name, words) in [
            ("used", "used"), ("limit", "limit"), ("credits", "credits drawn"),
            ("remaining", "remaining"),
        ] where reply[name].shown != "-" {
            facts.append("\(words) \(reply[name].grouped)")
        }
        if reply["resets_at"].shown != "-" {
            facts.append("resets \(reply.shown("resets_at"))")
        }
        if reply["value"].shown != "-" { facts.append("value \(reply["value"].shown)") }
        if case .array(let warnings)? = reply["warnings"] {
            for warning in warnings {
                facts.append("\(warning["threshold"].shown) % of the limit reached")
            }
        }
        return facts.isEmpty ? line : line + "; " + facts.joined(separator: ", ")
    }
}
