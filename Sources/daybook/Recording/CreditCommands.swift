import ArgumentParser
import Billing
import Client
import Codec

/// `daybook grant ACCOUNT AMOUNT`.
struct GrantCommand: MutationCommand {
    static let configuration = CommandConfiguration(
        commandName: "grant",
        abstract: "Give credits to an account.",
        discussion: """
            Which grants pay first is said by the catalog's credit order; unless it says otherwise: \
            those with a smaller priority, then those for some features only, then those that \
            expire sooner. With --every it is given anew at each period; what is left then \
            expires, but for --rollover-max. With --price it is charged on the invoice of the \
            billing period in which it takes effect, unless it was --paid outside.

            Example: daybook grant acme 500 --priority 10 --expires 2024-01-01T00:00:00Z
            Example: daybook grant acme 100 --every month --rollover-max 50 --kind promotional
            Example: daybook grant acme 100 --price 25
            """)

    @Argument(help: "The account.") var account: String
    @Argument(help: "Credits, above zero, at most 12 decimals.") var amount: String
    @Option(help: ArgumentHelp("Smaller pays first. Default: 0.", valueName: "n"))
    var priority: Int?
    @Option(
        help: ArgumentHelp(
            "First instant at which it can pay. Default: now.", valueName: "time"))
    var effective: String?
    @Option(
        help: ArgumentHelp(
            "First instant at which it can pay no more. Default: never.", valueName: "time"))
    var expires: String?
    @Option(
        help: ArgumentHelp("The credit unit, where the catalog has several.", valueName: "unit"))
    var unit: String?
    @Option(
        help: ArgumentHelp(
            "purchased, promotional, plan or adjustment. Default: purchased.", valueName: "kind"))
    var kind: String?
    @Option(
        name: .customLong("for"),
        help: ArgumentHelp(
            "A feature or meter that it may pay for; may stand several times. Default: all.",
            valueName: "feature"))
    var features: [String] = []
    @Option(help: ArgumentHelp("What one credit cost, for the order.", valueName: "amount"))
    var cost: String?
    @Option(
        help: ArgumentHelp(
            "What all of it costs, in the currency of the account's plan.", valueName: "amount"))
    var price: String?
    @Option(
        help: ArgumentHelp(
            "invoice (an invoice charges the price) or outside. Default: invoice.",
            valueName: "where"))
    var paid: String?
    @Option(
        help: ArgumentHelp(
            "Give it anew so often: hour, day, week, month, year, \"2 weeks\" …",
            valueName: "period"))
    var every: String?
    @Option(
        help: ArgumentHelp(
            "The instant from which periods are counted. Default: --effective.", valueName: "time"))
    var anchor: String?
    @Option(
        help: ArgumentHelp(
            "What goes over into the next period, or is left by a reset, at most.",
            valueName: "amount"))
    var rolloverMax: String?
    @Option(help: ArgumentHelp("What is there after it, at least.", valueName: "amount"))
    var rolloverMin: String?
    @OptionGroup var identity: IdentityOptions
    @OptionGroup var server: SocketOptions
    @OptionGroup var format: JSONOption

    func validate() throws {
        for (name, text) in [
            ("AMOUNT", amount), ("--cost", cost), ("--price", price),
            ("--rollover-max", rolloverMax),
            ("--rollover-min", rolloverMin),
        ] {
            if let text, !Decimals.isDecimal(text) {
                throw ValidationError("\(name) \(text) is no number such as 500 or 2.5")
            }
        }
    }

    func request() -> Request {
        let bounds = [("max", rolloverMax), ("min", rolloverMin)]
            .compactMap { name, text in text.map { (name, Value.string($0)) } }
        return Request(
            "grant",
            [
                "account": .string(account), "amount": .string(amount),
                "priority": priority.map { .whole($0) }, "effective": effective.map { .string($0) },
                "expires": expires.map { .string($0) }, "unit": unit.map { .string($0) },
                "kind": kind.map { .string($0) },
                "features": features.isEmpty ? nil : .array(features.map { .string($0) }),
                "cost": cost.map { .string($0) }, "price": price.map { .string($0) },
                "paid": paid.map { .string($0) }, "every": every.map { .string($0) },
                "anchor": anchor.map { .string($0) },
                "rollover": bounds.isEmpty ? nil : .object(of: bounds),
            ])
    }

    func line(_ reply: Reply) -> String {
        "\(account) has \(amount) more credits" + (every.map { " every \($0)" } ?? "")
    }
}

/// `daybook void ACCOUNT GRANT`.
struct VoidCommand: MutationCommand {
    static let configuration = CommandConfiguration(
        commandName: "void",
        abstract: "Take away what is left of a grant.",
        discussion: """
            What was drawn from it stays drawn. Of a grant that recurs, no more are given.

            Example: daybook void acme 3 --reason "chargeback"
            """)

    @Argument(help: "The account.") var account: String
    @Argument(help: "The grant's number, as `daybook credits` shows it.") var grant: UInt32
    @Option(help: ArgumentHelp("Why, for the record.", valueName: "text")) var reason: String?
    @OptionGroup var identity: IdentityOptions
    @OptionGroup var server: SocketOptions
    @OptionGroup var format: JSONOption

    func request() -> Request {
        Request(
            "void",
            [
                "account": .string(account), "grant": .whole(Int(grant)),
                "reason": reason.map { .string($0) },
            ])
    }

    func line(_ reply: Reply) -> String { "grant \(grant) of \(account) is void" }
}

/// `daybook refund ACCOUNT ENTRY`.
struct RefundCommand: MutationCommand {
    static let configuration = CommandConfiguration(
        commandName: "refund",
        abstract: "Give back credits that an entry used.",
        discussion: """
            What was used without cover goes first, then the grants that paid last. Credits keep \
            their own end: if that is over, they have expired. Usage stays counted.

            Example: daybook refund acme 1017 --credits 8
            """)

    @Argument(help: "The account.") var account: String
    @Argument(help: "The position of the entry.") var entry: Int
    @Option(help: ArgumentHelp("How many. Default: all that are left of it.", valueName: "amount"))
    var credits: String?
    @Option(help: ArgumentHelp("Why, for the record.", valueName: "text")) var reason: String?
    @OptionGroup var identity: IdentityOptions
    @OptionGroup var server: SocketOptions
    @OptionGroup var format: JSONOption

    func request() -> Request {
        Request(
            "refund",
            [
                "account": .string(account), "entry": .whole(entry),
                "credits": credits.map { .string($0) }, "reason": reason.map { .string($0) },
            ])
    }

    func line(_ reply: Reply) -> String {
        "credits of entry \(entry) go back to \(account)"
    }
}

/// `daybook reset ACCOUNT`.
struct ResetCommand: MutationCommand {
    static let configuration = CommandConfiguration(
        commandName: "reset",
        abstract: "Begin a new credit period, or the usage of a feature anew, now.",
        discussion: """
            Without --feature: what is left of each grant with a rollover is cut to what goes \
            over, or filled up to the least that must be there. With it: what the feature's limit \
            counts begins with nothing. Bills do not change.

            Example: daybook reset acme
            Example: daybook reset acme --feature calls --move-anchor
            """)

    @Argument(help: "The account.") var account: String
    @Option(
        help: ArgumentHelp("The credit unit, where the catalog has several.", valueName: "unit"))
    var unit: String?
    @Option(help: ArgumentHelp("A metered feature.", valueName: "feature"))
    var feature: String?
    @Flag(
        help:
            "The feature's windows count from now on; otherwise the next begins when it would have."
    )
    var moveAnchor = false
    @OptionGroup var identity: IdentityOptions
    @OptionGroup var server: SocketOptions
    @OptionGroup var format: JSONOption

    func validate() throws {
        if moveAnchor, feature == nil {
            throw ValidationError("--move-anchor belongs to --feature")
        }
    }

    func request() -> Request {
        Request(
            "reset",
            [
                "account": .string(account), "unit": unit.map { .string($0) },
                "feature": feature.map { .string($0) },
                "anchor": moveAnchor ? .string("move") : nil,
            ])
    }

    func line(_ reply: Reply) -> String {
        feature.map { "usage of \($0) by \(account) begins anew" }
            ?? "the credits of \(account) are reset"
    }
}
