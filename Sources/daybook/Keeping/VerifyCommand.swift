import ArgumentParser
import Billing
import Client

/// `daybook verify`.
struct VerifyCommand: QueryCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Replay the whole log and compare the result with the live books.",
        discussion: """
            Reads every byte, checks checksums, digests and the hash chain, folds all entries into \
            fresh books and compares digests. Ends with 65 if they differ, with 74 if the log is \
            damaged. It may take long and holds up nobody else.

            Damage is named with file, offset and position, and with the positions that can still be \
            read. With --data this works on a store that is too damaged to open, too.

            With --deep, everything that sealed segments say of their entries is computed again \
            from the entries: the chain, the roots of the proof tree, the accounts' chains and the \
            postings.

            Example: daybook verify --deep
            """)

    @Flag(help: "Compute again what sealed segments say of their entries.") var deep = false
    @OptionGroup var books: BookOptions
    @OptionGroup var format: JSONOption

    func run() throws {
        do { try ask() } catch let failure as CommandFailure {
            guard let data = books.data, failure.status == .inputOutput else { throw failure }
            try DamagedStore(data).report(json: format.json, orElse: failure)
        }
    }

    func request() -> Request { Request("verify", ["deep": deep ? .bool(true) : nil]) }

    func lines(_ reply: Reply) -> [String] {
        let counted =
            "\(reply["entries"].grouped) entries in \(reply["frames"].grouped) frames replayed"
        let digests = ["digest  \(reply.shown("digest"))", "chain   \(reply.shown("chain"))"]
        if reply["matches"]?.flag == true {
            return ["the books equal a full replay: \(counted)"] + digests
        }
        return [
            "THE BOOKS DIFFER from a full replay: \(counted)",
            "the log is the truth: stop the server, delete snapshots/, start it again, and keep "
                + "a copy of the directory",
        ] + digests
    }

    func status(_ reply: Reply) -> ExitStatus {
        reply["matches"]?.flag == true ? .success : .rejected
    }
}
