import ArgumentParser
import Billing
import Client
import Codec
import Platform

/// The identity of a command in the log: what makes sending it again safe.
struct IdentityOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The command's id. Sent again with the same id it is not done twice. Default: a "
                + "random one, which is printed.", valueName: "id"))
    var id: String?

    @Option(
        help: ArgumentHelp(
            "Who sends it; ids are unique within a source. Default: daybook.",
            valueName: "source"))
    var source: String?

    func validate() throws {
        if id?.isEmpty == true { throw ValidationError("--id must not be empty") }
        if source?.isEmpty == true { throw ValidationError("--source must not be empty") }
    }
}

/// A command that becomes an entry.
protocol MutationCommand: ParsableCommand {
    var identity: IdentityOptions { get }
    var server: SocketOptions { get }
    var format: JSONOption { get }
    func request() throws -> Request
    /// What happened, for people, without identity and position.
    func line(_ reply: Reply) -> String
    /// What the process ends with once it is recorded.
    func status(_ reply: Reply) -> ExitStatus
}

extension MutationCommand {
    func status(_ reply: Reply) -> ExitStatus { .success }

    func run() throws { try record() }

    /// Sends the request with its identity, and says what became of it.
    func record() throws {
        let request = try self.request()
        let id = try identity.id ?? Identity.random()
        let connection = try Connection.open(server.path())
        defer { connection.close() }
        var identified = request.setting("id", .string(id))
        if let source = identity.source {
            identified = identified.setting("source", .string(source))
        }
        let reply: Reply
        do {
            reply = try connection.ask(identified)
        } catch ClientFailure.broken(let what) {
            throw CommandFailure(
                .tryAgain,
                "\(what): the outcome is unknown; run the same command again with --id \(id), "
                    + "and the original answer comes back")
        }
        if let refusal = reply.refusal { throw CommandFailure(refusal) }
        if format.json {
            var output = Output()
            try output.line(reply.line)
            try output.flush()
        } else {
            let again = reply["outcome"].shown == "duplicate" ? ", it was there already" : ""
            try Output.print([
                line(reply), "position \(reply.shown("position")), id \(id)\(again)",
            ])
        }
        let status = status(reply)
        if status != .success { throw CommandFailure(status, "") }
    }
}

/// Identities that nobody else makes.
enum Identity {
    /// 128 random bits in hexadecimal.
    static func random() throws -> String {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        for byte in try SystemRandom().bytes(16) {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }
}

/// `daybook consume ACCOUNT FEATURE`.
struct ConsumeCommand: MutationCommand {
    static let configuration = CommandConfiguration(
        commandName: "consume",
        abstract: "Decide whether an account may use a feature, and record the decision.",
        discussion: """
            Ends with 0 if it was allowed and with 3 if it was denied. A denial is recorded too \
            and uses nothing; the same --id always gets the same answer, a new attempt needs a \
            new one.

            Example: daybook consume acme calls --quantity 1 --data '{"model":"small"}'
            """)

    @OptionGroup var use: UseArguments
    @OptionGroup var value: ValueOption
    @Option(
        help: ArgumentHelp("A JSON object that is kept with the entry.", valueName: "json"))
    var data: String?
    @OptionGroup var identity: IdentityOptions
    @OptionGroup var server: SocketOptions
    @OptionGroup var format: JSONOption

    func request() throws -> Request {
        Request(
            "consume",
            [
                "account": .string(use.account), "feature": .string(use.feature),
                "quantity": use.quantity.map { .string($0) }, "value": value.tree,
                "data": try Self.tree(data),
            ])
    }

    /// A JSON object that stands in an option.
    static func tree(_ data: String?, _ name: String = "--data") throws -> Value? {
        guard let data else { return nil }
        do {
            let value = try ValueCoder.value(json: Array(data.utf8))
            if case .object = value { return value }
            throw CommandFailure(.usage, "\(name) must be a JSON object such as {\"n\":1}")
        } catch let rejection as Rejection {
            throw CommandFailure(.usage, "\(name) is no JSON object: \(rejection.message)")
        }
    }

    func line(_ reply: Reply) -> String { DecisionText.line(reply, use) }

    func status(_ reply: Reply) -> ExitStatus {
        reply["allowed"]?.flag == true ? .success : .denied
    }
}
