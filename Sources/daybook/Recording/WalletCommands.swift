import ArgumentParser
import Billing
import Client
import Codec

/// Whose money, how much, and of what.
struct MoneyArguments: ParsableArguments {
    @Argument(help: "The account.") var account: String
    @Argument(help: "Above zero, in the currency's own decimals, such as 100 or 12.50.")
    var amount: String
    @Option(help: ArgumentHelp("ISO 4217, such as USD.", valueName: "code")) var currency: String
    @Option(help: ArgumentHelp("Why, for the record.", valueName: "text")) var reason: String?

    func validate() throws {
        guard Decimals.isDecimal(amount), !amount.hasPrefix("-") else {
            throw ValidationError("AMOUNT \(amount) is no number above zero such as 100 or 12.50")
        }
    }

    /// A deposit of the amount, or of what it is below zero.
    func request(isWithdrawal: Bool) -> Request {
        Request(
            "deposit",
            [
                "account": .string(account),
                "amount": .string(isWithdrawal ? "-" + amount : amount),
                "currency": .string(currency), "reason": reason.map { .string($0) },
            ])
    }
}

/// `daybook deposit ACCOUNT AMOUNT`.
struct DepositCommand: MutationCommand {
    static let configuration = CommandConfiguration(
        commandName: "deposit",
        abstract: "Record money that an account has paid in advance.",
        discussion: """
            It is in the account's wallet of that currency. A finalised invoice draws from it as \
            much as it can, and what is left of the total is due; money in another currency pays \
            nothing. `daybook credits` shows what was deposited, drawn and is left.

            Example: daybook deposit acme 100 --currency USD --reason "transfer 4711"
            """)

    @OptionGroup var money: MoneyArguments
    @OptionGroup var identity: IdentityOptions
    @OptionGroup var server: SocketOptions
    @OptionGroup var format: JSONOption

    func request() -> Request { money.request(isWithdrawal: false) }

    func line(_ reply: Reply) -> String {
        "\(money.account) has \(money.amount) \(money.currency) more in its wallet"
    }
}

/// `daybook withdraw ACCOUNT AMOUNT`.
struct WithdrawCommand: MutationCommand {
    static let configuration = CommandConfiguration(
        commandName: "withdraw",
        abstract: "Record that prepaid money was paid back.",
        discussion: """
            Never more than is left in the account's wallet of that currency. In the log it is a \
            deposit below zero.

            Example: daybook withdraw acme 40 --currency USD --reason "account closed"
            """)

    @OptionGroup var money: MoneyArguments
    @OptionGroup var identity: IdentityOptions
    @OptionGroup var server: SocketOptions
    @OptionGroup var format: JSONOption

    func request() -> Request { money.request(isWithdrawal: true) }

    func line(_ reply: Reply) -> String {
        "\(money.account) has \(money.amount) \(money.currency) less in its wallet"
    }
}
