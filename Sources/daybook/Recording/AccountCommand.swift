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

/// `daybook account merge ACCOUNT INTO`.
struct AccountMergeCommand: AccountChange {
    static let configuration = CommandConfiguration(
        commandName: "merge",
        abstract: "Move what is left of an account into another one, and archive it.",
        discussion: """
            One entry: credits that are left go over with their kind, priority, cost, beginning and \
            end; those of its plan end with its subscription, which is cancelled, and recurring \
            grants end. What it used stays with it and on its own invoices, late events too. Send its \
            events under the other name from then on.

            Example: daybook account merge acme-eu acme
            """)
    static let action = "merge"

    @Argument(help: "The account that ends.") var account: String
    @Argument(help: "The account that goes on; the log must know it.") var into: String
    @Option(help: ArgumentHelp("Why; kept with the entry.", valueName: "text"))
    var reason: String?
    @OptionGroup var identity: IdentityOptions
    @OptionGroup var server: SocketOptions
    @OptionGroup var format: JSONOption

    var extra: [(String, String?)] { [("into", into), ("reason", reason)] }
    func line(_ reply: Reply) -> String {
        "\(account) is archived, and what was left of its credits is \(into)'s"
    }
}
