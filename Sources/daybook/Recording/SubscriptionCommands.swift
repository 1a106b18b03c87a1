import ArgumentParser
import Billing
import Client

/// When a change of a subscription comes.
struct ChangeTimeOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "When it comes, such as 2023-11-15T00:00:00Z. Default: now.", valueName: "time"))
    var effective: String?
    @Flag(help: "It comes when the billing period that is running ends.")
    var atPeriodEnd = false

    func validate() throws {
        if effective != nil, atPeriodEnd {
            throw ValidationError("give either --effective or --at-period-end")
        }
    }

    /// A request with its members.
    func set(in request: Request) -> Request {
        if let effective { return request.setting("effective", .string(effective)) }
        return atPeriodEnd ? request.setting("when", .string("period_end")) : request
    }

    /// Where it comes, for people.
    func text(_ reply: Reply) -> String {
        reply["effective"]?.text ?? effective ?? "now"
    }
}

/// `daybook subscribe ACCOUNT PLAN`.
struct SubscribeCommand: MutationCommand {
    static let configuration = CommandConfiguration(
        commandName: "subscribe",
        abstract: "Put an account on a plan, or change its plan, quantity or add-ons.",
        discussion: """
            The plan comes from the current catalog and keeps that version's prices. Without \
            --effective it starts now; a month with two plans has lines for both. Each subscribe \
            says all of it: add-ons that are not named again are gone.

            Example: daybook subscribe acme team --quantity 5 --addon storage=2
            Example: daybook subscribe acme pro --at-period-end
            Example: daybook subscribe acme team --trial-until 2023-12-01T00:00:00Z
            """)

    @Argument(help: "The account.") var account: String
    @Argument(help: "The plan, as the catalog names it.") var plan: String
    @Option(
        help: ArgumentHelp("How many of it, such as seats. Default: 1.", valueName: "n"))
    var quantity: Int?
    @Option(
        help: ArgumentHelp(
            "An add-on, and how many of it if more than one; may be given several times.",
            valueName: "name[=n]"))
    var addon: [String] = []
    @Option(
        help: ArgumentHelp(
            "Nothing is charged until then; what the plan allows holds from the beginning.",
            valueName: "time"))
    var trialUntil: String?
    @Option(
        help: ArgumentHelp(
            "The account's time zone, one of the catalog's. Default: the plan's.",
            valueName: "zone"))
    var timezone: String?
    @Option(
        help: ArgumentHelp(
            "The instant from which billing periods are counted, for plans that count from the "
                + "subscription. Default: when it starts.", valueName: "time"))
    var anchor: String?
    @OptionGroup var time: ChangeTimeOptions
    @OptionGroup var identity: IdentityOptions
    @OptionGroup var server: SocketOptions
    @OptionGroup var format: JSONOption

    func validate() throws { _ = try addons() }

    private func addons() throws -> Value? {
        guard !addon.isEmpty else { return nil }
        var members: [(String, Value)] = []
        for text in addon {
            let parts = text.split(separator: "=", omittingEmptySubsequences: false)
            guard parts.count <= 2, let key = parts.first, !key.isEmpty,
                let count = parts.count == 1 ? 1 : Int(parts[1]), count >= 0
            else { throw ValidationError("--addon \(text) is not NAME or NAME=NUMBER") }
            guard !members.contains(where: { $0.0 == key }) else {
                throw ValidationError("--addon \(key) is given twice")
            }
            members.append((String(key), .whole(count)))
        }
        return .object(of: members)
    }

    func request() throws -> Request {
        let request = Request(
            "subscribe",
            [
                "account": .string(account), "plan": .string(plan),
                "quantity": quantity.map { .whole($0) }, "addons": try addons(),
                "trial_until": trialUntil.map { .string($0) },
                "timezone": timezone.map { .string($0) }, "anchor": anchor.map { .string($0) },
            ])
        return time.set(in: request)
    }

    func line(_ reply: Reply) -> String {
        "\(account) is on plan \(plan) from \(time.text(reply)) on"
    }
}

/// `daybook cancel ACCOUNT`.
struct CancelCommand: MutationCommand {
    static let configuration = CommandConfiguration(
        commandName: "cancel",
        abstract: "End an account's subscription.",
        discussion: """
            From then on the account is on the catalog's default plan, or on none. The period in \
            which it ends is charged as its prices say: in parts, or in full. One that is to come \
            can be taken back with `resume`.

            Example: daybook cancel acme --at-period-end
            """)

    @Argument(help: "The account.") var account: String
    @OptionGroup var time: ChangeTimeOptions
    @OptionGroup var identity: IdentityOptions
    @OptionGroup var server: SocketOptions
    @OptionGroup var format: JSONOption

    func request() -> Request {
        time.set(in: Request("cancel", ["account": .string(account)]))
    }

    func line(_ reply: Reply) -> String {
        "the subscription of \(account) ends \(time.text(reply))"
    }
}

/// `daybook pause ACCOUNT`.
struct PauseCommand: MutationCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause",
        abstract: "Pause an account's subscription: nothing is charged, and nothing allowed.",
        discussion: """
            The catalog may say that a paused subscription still gives access. It goes on with \
            `resume`, with the next `subscribe`, or by itself at --until.

            Example: daybook pause acme --until 2023-12-01T00:00:00Z
            """)

    @Argument(help: "The account.") var account: String
    @Option(help: ArgumentHelp("When it goes on by itself.", valueName: "time"))
    var until: String?
    @OptionGroup var time: ChangeTimeOptions
    @OptionGroup var identity: IdentityOptions
    @OptionGroup var server: SocketOptions
    @OptionGroup var format: JSONOption

    func request() -> Request {
        time.set(
            in: Request(
                "pause", ["account": .string(account), "until": until.map { .string($0) }]))
    }

    func line(_ reply: Reply) -> String {
        "the subscription of \(account) is paused from \(time.text(reply)) "
            + (until.map { "until \($0)" } ?? "on")
    }
}

/// `daybook resume ACCOUNT`.
struct ResumeCommand: MutationCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume",
        abstract: "Go on with a paused subscription, or take back an end that is to come.",
        discussion: "Example: daybook resume acme")

    @Argument(help: "The account.") var account: String
    @Option(
        help: ArgumentHelp(
            "When it goes on, such as 2023-11-15T00:00:00Z. Default: now.", valueName: "time"))
    var effective: String?
    @OptionGroup var identity: IdentityOptions
    @OptionGroup var server: SocketOptions
    @OptionGroup var format: JSONOption

    func request() -> Request {
        Request(
            "resume",
            ["account": .string(account), "effective": effective.map { .string($0) }])
    }

    func line(_ reply: Reply) -> String {
        "the subscription of \(account) goes on from \(reply["effective"]?.text ?? "now")"
    }
}

/// `daybook override ACCOUNT FEATURE`.
struct OverrideCommand: MutationCommand {
    static let configuration = CommandConfiguration(
        commandName: "override",
        abstract: "Allow or deny an account a feature, whatever its plan says.",
        discussion: """
            An override gives or takes away, and wins over plan, add-ons and the state of the \
            subscription. Credits are still drawn. The newest one counts until it expires.

            Example: daybook override acme export --on --reason "support case 17"
            Example: daybook override acme calls --limit 5000 --expires 2023-12-01T00:00:00Z
            Example: daybook override acme calls --json-entitlement '{"limit":10,"reset":"day"}'
            Example: daybook override acme export --remove
            """)

    @Argument(help: "The account.") var account: String
    @Argument(help: "The feature, as the catalog names it.") var feature: String
    @Flag(help: "It is allowed, without a limit.") var on = false
    @Flag(help: "It is denied.") var off = false
    @Flag(help: "Earlier overrides of the feature count no more.") var remove = false
    @Option(help: ArgumentHelp("A hard limit in a calendar month.", valueName: "n"))
    var limit: String?
    @Option(
        help: ArgumentHelp(
            "All of it, as it would stand in a plan of the catalog.", valueName: "json"))
    var jsonEntitlement: String?
    @Option(
        help: ArgumentHelp(
            "From when it holds, such as 2023-11-15T00:00:00Z. Default: now.", valueName: "time"))
    var effective: String?
    @Option(help: ArgumentHelp("When it ends.", valueName: "time")) var expires: String?
    @Option(help: ArgumentHelp("Why; kept with the entry.", valueName: "text"))
    var reason: String?
    @OptionGroup var identity: IdentityOptions
    @OptionGroup var server: SocketOptions
    @OptionGroup var format: JSONOption

    func validate() throws {
        let given = [on, off, remove, limit != nil, jsonEntitlement != nil].count { $0 }
        guard given == 1 else {
            throw ValidationError(
                "give exactly one of --on, --off, --remove, --limit, --json-entitlement")
        }
    }

    func request() throws -> Request {
        var entitlement = try ConsumeCommand.tree(jsonEntitlement, "--json-entitlement")
        if on || off { entitlement = .bool(on) }
        if let limit { entitlement = .object(of: [("limit", .string(limit))]) }
        return Request(
            "override",
            [
                "account": .string(account), "feature": .string(feature),
                "entitlement": entitlement, "remove": remove ? .bool(true) : nil,
                "effective": effective.map { .string($0) },
                "expires": expires.map { .string($0) }, "reason": reason.map { .string($0) },
            ])
    }

    func line(_ reply: Reply) -> String {
        let what =
            remove ? "is as its plan says" : off ? "is denied" : on ? "is allowed" : "is overridden"
        let until = expires.map { " until \($0)" } ?? ""
        return "\(feature) of \(account) \(what) from \(effective ?? "now") on\(until)"
    }
}
