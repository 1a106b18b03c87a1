import ArgumentParser
import Billing
import Bytes
import Codec
import Engine
import Money
import Platform
import Proofs
import SegmentedLog

/// `daybook verify-proof FILE`.
struct VerifyProofCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify-proof",
        abstract: "Check the proof of an invoice: offline, with nothing but the file and a key.",
        discussion: """
            Checks the signature, that every entry is in the log, that they are all of the \
            account's entries and all catalogs, and bills them anew: the invoice must be the \
            file's, to the last digit. Ends with 0 if it is proven, with 65 and the reason if it \
            is not. Without a key it can only say that the file agrees with itself: 2, for \
            anybody may have signed it.

            Example: daybook verify-proof acme.proof --key-file vendor.key
            """)

    @Argument(help: "The proof.") var file: String
    @Option(help: ArgumentHelp("The signer's key, as `daybook key` prints it.", valueName: "key"))
    var key: String?
    @Option(help: ArgumentHelp("A file that holds the signer's key.", valueName: "file"))
    var keyFile: String?
    @OptionGroup var format: JSONOption

    func validate() throws {
        if key != nil, keyFile != nil {
            throw ValidationError("give --key or --key-file, not both")
        }
    }

    func run() throws {
        let signer = try signer()
        let bytes = try Self.read(file, bytesMax: ProofDesk.documentBytesMax)
        let proven: ProvenInvoice
        do throws(ProofFailure) {
            proven = try ProvenInvoice(file: bytes, key: signer)
        } catch {
            throw CommandFailure(.rejected, "\(file) proves nothing: \(error)")
        }
        if format.json { try Output.print([json(proven)]) } else { try print(proven) }
        if !proven.isSignerVerified { throw CommandFailure(.unverified, "") }
    }

    private func signer() throws -> VerifierKey? {
        var text = key
        if let keyFile {
            text = String(decoding: try Self.read(keyFile, bytesMax: 4096), as: UTF8.self)
            if text?.hasSuffix("\n") == true { text?.removeLast() }
        }
        guard let text else { return nil }
        do throws(ProofFailure) { return try VerifierKey(text) } catch {
            throw CommandFailure(.usage, error.description)
        }
    }

    private func print(_ proven: ProvenInvoice) throws {
        let total = proven.invoice["total"]?.text ?? "0"
        let currency = proven.invoice["currency"]?.text.map { " " + $0 } ?? ""
        let name = "\(proven.account)/\(proven.period)"
        let checkpoint = proven.checkpoint
        try Output.print([
            (proven.isSignerVerified ? "proven" : "consistent, signer unverified")
                + ": invoice \(name), total \(Digits.grouped(total))\(currency)",
            "it follows from the account's \(proven.entries) entries, which are all that "
                + "\(checkpoint.origin) had at size \(checkpoint.size)",
            "root    \(checkpoint.root.hex)",
            "chain   \(checkpoint.chain.hex)",
            "signer  \(proven.key)",
        ])
        if proven.retired > 0 {
            try Output.print([
                "\(proven.retired) entries have lost their bodies; what was kept of them is the "
                    + "signer's word"
            ])
        }
        if !proven.isSignerVerified {
            try Output.print([
                "anybody can make such a file: ask the signer for the key and give it with --key"
            ])
        }
    }

    private func json(_ proven: ProvenInvoice) -> String {
        var json = JSONWriter()
        json.beginObject()
        json.member("proven", proven.isSignerVerified)
        json.member("signer_verified", proven.isSignerVerified)
        json.member("signer", proven.key.description)
        json.member("invoice", "\(proven.account)/\(proven.period)")
        json.member("currency", proven.invoice["currency"]?.text)
        json.member("total", proven.invoice["total"]?.text ?? "0")
        json.member("entries", proven.entries)
        if proven.retired > 0 { json.member("retired", proven.retired) }
        json.member("size", proven.checkpoint.size)
        json.member("root", proven.checkpoint.root.hex)
        json.member("chain", proven.checkpoint.chain.hex)
        json.endObject()
        return String(decoding: json.finish(), as: UTF8.self)
    }

    /// The bytes of a file of at most so many.
    private static func read(_ path: String, bytesMax: Int) throws -> [UInt8] {
        let file: File
        do { file = try File.open(path, .reading, SystemFileSystem()) } catch {
            throw CommandFailure(error.isMissing ? .notFound : .inputOutput, error.message)
        }
        let size = try file.size()
        guard size <= bytesMax else {
            throw CommandFailure(.rejected, "\(path) has more than \(bytesMax) bytes")
        }
        var bytes = ByteBuffer(capacity: size)
        _ = try file.append(0..<size, to: &bytes)
        try file.close()
        return bytes.copyBytes(in: 0..<bytes.count)
    }
}
