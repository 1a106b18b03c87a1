import ArgumentParser
import Billing
import Client
import Codec

/// `daybook hold ACCOUNT FEATURE`.
struct HoldCommand: MutationCommand {
    static let configuration = CommandConfiguration(
        commandName: "hold",
        abstract: "Reserve usage and credits for work whose cost is not known yet.",
        discussion: """
            Decided like a consume; ends with 3 if it is denied. What is held nobody else can use. \
            The reply names the hold: settle it for what was used, or release it. If nobody does, \
            it ends by itself.

            Example: daybook hold acme tokens --quantity 4000 --seconds 120
            """)

    @OptionGroup var use: UseArguments
    @Option(
        help: ArgumentHelp(
            "It ends by itself after so long, at most 31 days. Default: 900.", valueName: "n"))
    var seconds: Int?
    @OptionGroup var identity: IdentityOptions
    @OptionGroup var server: SocketOptions
    @OptionGroup var format: JSONOption

    func request() -> Request {
        Request(
            "hold",
            [
                "account": .string(use.account), "feature": .string(use.feature),
                "quantity": use.quantity.map { .string($0) }, "seconds": seconds.map { .whole($0) },
            ])
    }

    func line(_ reply: Reply) -> String {
        let decision = DecisionText.line(reply, use)
        guard let hold = reply["hold"]?.text else { return decision }
        return "\(decision)\nhold \(hold), until \(reply.shown("expires"))"
    }

    func status(_ reply: Reply) -> ExitStatus {
        reply["allowed"]?.flag == true ? .success : .denied
    }
}

/// `daybook settle ACCOUNT HOLD QUANTITY`.
struct SettleCommand: MutationCommand {
    static let configuration = CommandConfiguration(
        commandName: "settle",
        abstract: "End a hold with what was used.",
        discussion: """
            What was reserved and not used is free again. More than was reserved must be allowed like \
            a consume; if it is denied (3), the hold stays.

            Example: daybook settle acme tokens/17 2310 --data '{"model":"large"}'
            """)

    @Argument(help: "The account.") var account: String
    @Argument(help: "The hold, as the reply to it said.") var hold: String
    @Argument(help: "How much was used, zero or more.") var quantity: String
    @Option(
        help: ArgumentHelp("A JSON object that is kept with the entry.", valueName: "json"))
    var data: String?
    @OptionGroup var identity: IdentityOptions
    @OptionGroup var server: SocketOptions
    @OptionGroup var format: JSONOption

    func validate() throws {
        if !Decimals.isDecimal(quantity) {
            throw ValidationError("QUANTITY \(quantity) is no number such as 500 or 2.5")
        }
    }

    func request() throws -> Request {
        Request(
            "settle",
            [
                "account": .string(account), "hold": .string(hold), "quantity": .string(quantity),
                "data": try ConsumeCommand.tree(data),
            ])
    }

    func line(_ reply: Reply) -> String {
        guard reply["allowed"]?.flag == true else {
            return "denied (\(reply.shown("reason"))): the hold \(hold) stays"
        }
        return "\(hold) is settled for \(quantity)"
    }

    func status(_ reply: Reply) -> ExitStatus {
        reply["allowed"]?.flag == true ? .success : .denied
    }
}

/// `daybook release ACCOUNT HOLD`.
struct ReleaseCommand: MutationCommand {
    static let configuration = CommandConfiguration(
        commandName: "release",
        abstract: "End a hold of which nothing was used.",
        discussion: "Example: daybook release acme tokens/17")

    @Argument(help: "The account.") var account: String
    @Argument(help: "The hold, as the reply to it said.") var hold: String
    @OptionGroup var identity: IdentityOptions
    @OptionGroup var server: SocketOptions
    @OptionGroup var format: JSONOption

    func request() -> Request {
        Request("release", ["account": .string(account), "hold": .string(hold)])
    }

    func line(_ reply: Reply) -> String { "\(hold) is released" }
}

/// `daybook extend ACCOUNT HOLD`.
struct ExtendCommand: MutationCommand {
    static let configuration = CommandConfiguration(
        commandName: "extend",
        abstract: "Let a hold last longer.",
        discussion: "Example: daybook extend acme tokens/17 --seconds 600")

    @Argument(help: "The account.") var account: String
    @Argument(help: "The hold, as the reply to it said.") var hold: String
    @Option(help: ArgumentHelp("So long from now on. Default: 900.", valueName: "n"))
    var seconds: Int?
    @OptionGroup var identity: IdentityOptions
    @OptionGroup var server: SocketOptions
    @OptionGroup var format: JSONOption

    func request() -> Request {
        Request(
            "extend",
            [
                "account": .string(account), "hold": .string(hold),
                "seconds": seconds.map { .whole($0) },
            ])
    }

    func line(_ reply: Reply) -> String { "\(hold) lasts longer" }
}
