import ArgumentParser
import Billing
import Client
import Codec
import Money

/// `daybook correct ACCOUNT`.
struct CorrectCommand: MutationCommand {
    static let configuration = CommandConfiguration(
        commandName: "correct",
        abstract: "Retract or amend recorded entries; all that follows from them is made anew.",
        discussion: """
            The entries stay in the log as they were written; the correction is an entry of its own \
            and does all it says or nothing. Counters, limits, credits and bills are then as if the \
            account's entries had been right from the start. A finalised invoice stays; the \
            account's next invoice has the difference, line by line.

            Events can be retracted and amended (a new time, type or data; what is not given stays), \
            allowed consumes and settlements retracted. An entry that was amended can be corrected \
            again: name its own position. A file has one correction a line, in the form \
            {"entry":17,"action":"retract"} or {"entry":19,"action":"amend","data":{"n":1}}.

            Example: daybook correct acme --retract 17 --retract 18 --reason "sent twice"
            Example: daybook correct acme --amend 19 --data '{"tokens":120}' --reason "wrong unit"
            Example: daybook correct acme --file corrections.ndjson --reason "outage of May 3"
            """)

    @Argument(help: "The account.") var account: String
    @Option(
        help: ArgumentHelp(
            "The entry at this position counts no more. May stand several times.",
            valueName: "position"))
    var retract: [UInt64] = []
    @Option(
        help: ArgumentHelp(
            "The event at this position counts as --time, --type and --data say.",
            valueName: "position"))
    var amend: UInt64?
    @Option(help: ArgumentHelp("Its new data, a JSON object.", valueName: "json"))
    var data: String?
    @Option(help: ArgumentHelp("Its new time, RFC 3339.", valueName: "time")) var time: String?
    @Option(help: ArgumentHelp("Its new type; --data is needed then.", valueName: "type"))
    var type: String?
    @Option(help: ArgumentHelp("Corrections, one JSON object a line.", valueName: "file"))
    var file: String?
    @Option(help: ArgumentHelp("Why, for the record.", valueName: "text")) var reason: String
    @OptionGroup var identity: IdentityOptions
    @OptionGroup var server: SocketOptions
    @OptionGroup var format: JSONOption

    func validate() throws {
        if retract.isEmpty, amend == nil, file == nil {
            throw ValidationError("say what to correct: --retract, --amend or --file")
        }
        let says = data != nil || time != nil || type != nil
        if says != (amend != nil) {
            throw ValidationError(
                "--amend says which event and --time, --type, --data what counts instead: give both"
            )
        }
        if let time, Timestamp(rfc3339: time) == nil {
            throw ValidationError("--time \(time) is no time such as 2026-05-03T12:00:00Z")
        }
    }

    func request() throws -> Request {
        var entries = retract.map { position -> Value in
            .object(of: [("entry", Self.number(position)), ("action", .string("retract"))])
        }
        if let amend {
            let members: [(String, Value?)] = [
                ("entry", Self.number(amend)), ("action", .string("amend")),
                ("time", time.map { .string($0) }), ("type", type.map { .string($0) }),
                ("data", try ConsumeCommand.tree(data)),
            ]
            entries.append(
                .object(of: members.compactMap { name, value in value.map { (name, $0) } }))
        }
        if let file { entries += try Self.corrections(file) }
        return Request(
            "correct",
            ["account": .string(account), "entries": .array(entries), "reason": .string(reason)])
    }

    private static func number(_ position: UInt64) -> Value {
        .number(DecimalNumber(mantissa: Int128(position), scale: 0))
    }

    private static func corrections(_ path: String) throws -> [Value] {
        var list: [Value] = []
        var number = 0
        try LineSource(path).forEachLine { line in
            number += 1
            guard line.contains(where: { $0 > UInt8(ascii: " ") }) else { return }
            do {
                list.append(try ValueCoder.value(json: line))
            } catch let rejection as Rejection {
                throw CommandFailure(
                    .rejected, "\(path):\(number): no JSON object: \(rejection.message)")
            }
        }
        return list
    }

    func line(_ reply: Reply) -> String {
        let count = reply["reconciled"]?.elements.count ?? 0
        return "\(reply["entries"].grouped) entries of \(account) are corrected"
            + (count > 0 ? ", credits drawn anew in \(count) billing periods" : "")
    }
}
