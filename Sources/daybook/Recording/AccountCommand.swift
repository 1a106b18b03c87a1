import ArgumentParser
import Billing
import Client

/// `daybook account`.
struct AccountCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "account",
        abstract: "Make an account known, archive it, restore it, merge it into another one.",
        discussion: "Example: daybook account archive acme --reason \"contract ended\"",
        subcommands: [
            AccountCreateCommand.self, AccountArchiveCommand.self, AccountRestoreCommand.self,
            AccountMergeCommand.self,
        ])
}

/// What the changes of an account have in common.
protocol AccountChange: MutationCommand {
    var account: String { get }
    static var action: String { get }
    var extra: [(String, String?)] { get }
}

extension AccountChange {
    func request() -> Request {
        var request = Request(
            "account", ["account": .string(account), "action": .string(Self.action)])
        for case (let name, let text?) in extra { request = request.setting(name, .string(text)) }
        return request
    }
}

/// `daybook account create ACCOUNT`.
struct AccountCreateCommand: AccountChange {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Make an account known before anything happens to it.",
        discussion: """
            No account needs it: the first entry that names one makes it known. It keeps a \
            misspelt name apart from a new customer.

            Example: daybook account create acme --name "Acme Ltd"
            """)
    static let action = "create"

    @Argument(help: "The account.") var account: String
    @Option(help: ArgumentHelp("Its name for people, kept with the entry.", valueName: "text"))
    var name: String?
    @OptionGroup var identity: IdentityOptions
    @OptionGroup var server: SocketOptions
    @OptionGroup var format: JSONOption

    var extra: [(String, String?)] { [("name", name)] }
    func line(_ reply: Reply) -> String { "\(account) is known" }
}

/// `daybook account archive ACCOUNT`.
struct AccountArchiveCommand: AccountChange {
    static let configuration = CommandConfiguration(
        commandName: "archive",
        abstract: "Deny an account everything from now on. Nothing of it is lost.",
        discussion: """
            Its events are recorded and charged all the same, and its invoices are made. End its \
            subscription with `cancel` if it is to pay no longer.

            Example: daybook account archive acme --reason "contract ended"
            """)
    static let action = "archive"

    @Argument(help: "The account.") var account: String
    @Option(help: ArgumentHelp("From when. Default: now.", valueName: "time"))
    var effective: String?
    @Option(help: ArgumentHelp("Why; kept with the entry.", valueName: "text"))
    var reason: String?
    @OptionGroup var identity: IdentityOptions
    @OptionGroup var server: SocketOptions
    @OptionGroup var format: JSONOption

    var extra: [(String, String?)] { [("effective", effective), ("reason", reason)] }
    func line(_ reply: Reply) -> String { "\(account) is archived from \(effective ?? "now") on" }
}

/// `daybook account restore ACCOUNT`.
struct AccountRestoreCommand: AccountChange {
    static let configuration = CommandConfiguration(
        commandName: "restore",
        abstract: "Let an archived account do again what its plan allows.",
        discussion: "Example: daybook account restore acme")
    static let action = "restore"

    @Argument(help: "The account.") var account: String
    @Option(help: ArgumentHelp("From when. Default: now.", valueName: "time"))
    var effective: String?
    @OptionGroup var identity: IdentityOptions
    @OptionGroup var server: SocketOptions
    @OptionGroup var format: JSONOption

    var extra: [(String, String?)] { [("effective", effective)] }
    func line(_ reply: Reply) -> String { "\(account) is restored from \(effective ?? "now") on" }
}

/// `daybook account merge FROM INTO`.
///
/// Steps of ordinary entries, each with an identity that follows from the merge's own: run again after it was cut off, it goes
/// on where it stopped, and no credit is given twice.
struct AccountMergeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "merge",
        abstract: "Move what is left of an account into another one, and archive it.",
        discussion: """
            Credits that are left go over with their kind, priority, cost and end; credits that its \
            plan gives end with its subscription, which is cancelled. Send its events under the other \
            name from then on: what it used before stays with it and on its own invoices, late \
            events too. Run it again with the same --id if it was cut off.

            Example: daybook account merge acme-eu acme --id merge-17
            """)

    @Argument(help: "The account that ends.") var account: String
    @Argument(help: "The account that goes on.") var into: String
    @Option(
        help: ArgumentHelp(
            "Identifies the merge: run again with it, nothing is done twice. Default: a random "
                + "one, which is printed first.", valueName: "id"))
    var id: String?
    @OptionGroup var server: SocketOptions

    func validate() throws {
        if account == into { throw ValidationError("an account cannot be merged into itself") }
        if id?.isEmpty == true { throw ValidationError("--id must not be empty") }
    }

    func run() throws {
        let id = try self.id ?? Identity.random()
        try Output.print(["merge \(id)"])
        let connection = try Connection.open(server.path())
        defer { connection.close() }
        let known = try connection.ask(Request("entitlements", ["account": .string(account)]))
        if known["subscription"].shown != "-" {
            throw CommandFailure(
                .rejected,
                "\(account) has the outside subscription \(known.shown("subscription")); end it in "
                    + "that billing system, and merge then")
        }
        try mutate(
            connection, "\(id)/account", "account", ["action": .string("create")], of: into,
            mayFail: ["exists"])
        if known["status"].shown != "-" || known["coming"]?.elements.isEmpty == false {
            try mutate(
                connection, "\(id)/cancel", "cancel", [:], of: account, mayFail: ["bad_request"])
        }
        let moved = try moveCredits(connection, id)
        try mutate(
            connection, "\(id)/archive", "account",
            ["action": .string("archive"), "into": .string(into)], of: account,
            mayFail: ["bad_request"])
        try Output.print([
            "\(account) is archived; \(moved) grants went over to \(into)",
            "send its events as \(into) from now on",
        ])
    }

    /// Takes away what is left of each grant, and gives so much to the other account.
    private func moveCredits(_ connection: Connection, _ id: String) throws -> Int {
        let credits = try connection.ask(Request("credits", ["account": .string(account)]))
        if let refusal = credits.refusal { throw CommandFailure(refusal) }
        guard credits["holds"]?.elements.isEmpty ?? true else {
            throw CommandFailure(
                .rejected, "\(account) has open holds; settle or release them, and merge then")
        }
        var moved = 0
        for grant in credits["grants"]?.elements ?? [] where grant["kind"]?.text != "plan" {
            guard let number = grant["grant"]?.integer else { continue }
            // Times of one zone and form: the texts order as the instants do, to the second.
            let isOver = grant["expires"]?.text.map { $0 <= credits.shown("at") } ?? false
            let isLeft = grant["remaining"]?.text != "0" && !isOver
            guard isLeft || grant["voided"] != nil else { continue }
            try mutate(
                connection, "\(id)/void/\(number)", "void",
                ["grant": .whole(number), "reason": .string("merged into \(into)")], of: account,
                mayFail: ["bad_request"])
            guard let amount = try voided(connection, number, by: id) else { continue }
            var members: [String: Value] = ["amount": .string(amount)]
            for name in ["unit", "kind", "priority", "cost", "features", "expires"] {
                if let value = grant[name], value != .null { members[name] = value }
            }
            try mutate(connection, "\(id)/grant/\(number)", "grant", members, of: into)
            moved += 1
        }
        return moved
    }

    /// What this merge took away of a grant; nil if it was void before.
    private func voided(_ connection: Connection, _ number: Int, by id: String) throws -> String? {
        // Sent again it answers as a duplicate, if it is this merge's.
        let reply = try connection.ask(
            Request(
                "void",
                [
                    "account": .string(account), "grant": .whole(number),
                    "reason": .string("merged into \(into)"),
                ]
            ).setting("id", .string("\(id)/void/\(number)")))
        guard reply["outcome"]?.text == "duplicate" else { return nil }
        let credits = try connection.ask(Request("credits", ["account": .string(account)]))
        let grant = credits["grants"]?.elements.first { $0["grant"]?.integer == number }
        let amount = grant?["voided"]?.text
        return amount == "0" ? nil : amount
    }

    private func mutate(
        _ connection: Connection, _ id: String, _ word: String, _ members: [String: Value],
        of account: String, mayFail: [String] = []
    ) throws {
        var request = Request(word, ["account": .string(account)]).setting("id", .string(id))
        for (name, value) in members.sorted(by: { $0.key < $1.key }) {
            request = request.setting(name, value)
        }
        let reply = try connection.ask(request)
        if let refusal = reply.refusal, !mayFail.contains(refusal.word) {
            throw CommandFailure(refusal)
        }
    }
}
