import ArgumentParser
import Billing
import Bytes
import Client
import Platform

/// `daybook prove ACCOUNT`.
struct ProveCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prove",
        abstract: "Write a file that shows an invoice to be correct and complete.",
        discussion: """
            The file holds the invoice, a signed checkpoint of the log, every entry of the \
            account and the hashes that tie them together. `daybook verify-proof` checks it \
            anywhere, without the log. It shows nothing of other accounts.

            ACCOUNT may also be the invoice's name as `daybook invoice` prints it.

            Example: daybook prove acme --period 2023-11 --out acme-2023-11.proof
            """)

    @Argument(help: "The account, or an invoice such as acme/2023-11.") var account: String
    @OptionGroup var month: PeriodOption
    @Option(
        help: ArgumentHelp(
            "The file to write, which must not be there. Default: standard output.",
            valueName: "file"))
    var out: String?
    @OptionGroup var books: BookOptions

    func run() throws {
        let invoice = InvoiceName(account, month.period)
        let reply = try books.open().answer(
            Request(
                "prove",
                ["account": .string(invoice.account), "period": invoice.period]))
        guard let proof = reply["proof"]?.text else {
            throw CommandFailure(.notUnderstood, "the answer holds no proof")
        }
        guard let out else {
            var output = Output()
            try output.text(proof)
            return try output.flush()
        }
        try NewFile.write(proof, to: out)
        try Output.print([
            "\(out): invoice \(reply.shown("invoice")) at position \(reply.shown("position")), "
                + "\(reply["entries"].grouped) entries of the account",
            "check it with: daybook verify-proof \(out) --key KEY   (daybook key prints it)",
        ])
    }
}

/// An account and a billing period, given apart or as an invoice's name.
struct InvoiceName {
    let account: String
    /// Nil: the present period.
    let period: Value?

    init(_ name: String, _ period: String?) {
        if period == nil, let slash = name.lastIndex(of: "/") {
            let text = String(name[name.index(after: slash)...])
            if Self.isPeriod(text) {
                account = String(name[..<slash])
                self.period = .string(text)
                return
            }
        }
        account = name
        self.period = period.map { .string($0) }
    }

    /// Whether a text is a month or a date, such as 2026-03 or 2026-03-15.
    private static func isPeriod(_ text: String) -> Bool {
        let parts = text.utf8.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
        guard (2...3).contains(parts.count), parts[0].count == 4 else { return false }
        return parts.dropFirst().allSatisfy { $0.count == 2 }
            && parts.joined().allSatisfy { (48...57).contains($0) }
    }
}

/// `daybook checkpoint`.
struct CheckpointCommand: QueryCommand {
    static let configuration = CommandConfiguration(
        commandName: "checkpoint",
        abstract: "Sign what the log is now, and print the signed note.",
        discussion: """
            Size and root of the tree over all entries, the head of the hash chain, the catalogs \
            and the accounts, as a C2SP checkpoint. Who keeps it can later be shown that the log \
            only grew. A server keeps each in DIR/checkpoints.

            Example: daybook checkpoint
            """)

    @OptionGroup var books: BookOptions
    @OptionGroup var format: JSONOption

    func request() -> Request { Request("checkpoint") }

    func lines(_ reply: Reply) -> [String] {
        let lines = (reply["checkpoint"]?.text ?? "").split(
            separator: "\n", omittingEmptySubsequences: false)
        return lines.dropLast().map(String.init)
    }
}

/// `daybook key`.
struct KeyCommand: QueryCommand {
    static let configuration = CommandConfiguration(
        commandName: "key",
        abstract: "Print the public key under which checkpoints and proofs are signed.",
        discussion: """
            Give it to your customers by another way than the proofs. The secret is in \
            DIR/keys/signing.key; a server makes it when it is first asked.

            Example: daybook key > vendor.key
            """)

    @OptionGroup var books: BookOptions
    @OptionGroup var format: JSONOption

    func request() -> Request { Request("key") }

    func lines(_ reply: Reply) -> [String] { [reply.shown("key")] }
}
