/// A C2SP signed note (https://c2sp.org/signed-note) with one Ed25519 signature:
///
///     <body: lines, each with its end>
///     <empty line>
///     — <signer's name> <base64( 4 bytes of key id ‖ 64 bytes of signature )>
struct SignedNote: Hashable, Sendable {
    let body: String
    let signer: String
    let keyID: [UInt8]
    let signature: [UInt8]

    private static let dash = "\u{2014} "

    init(body: String, signer: String, keyID: [UInt8], signature: [UInt8]) {
        self.body = body
        self.signer = signer
        self.keyID = keyID
        self.signature = signature
    }

    /// Reads a note; there is one spelling of it.
    init(_ text: String) throws(ProofFailure) {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        let count = lines.count
        guard count > 3, lines[count - 1].isEmpty, lines[count - 3].isEmpty else {
            throw ProofFailure("checkpoint", "it is no note with one signature")
        }
        let parts = lines[count - 2].split(separator: " ", omittingEmptySubsequences: false)
        guard parts.count == 3, let bytes = Base64.bytes(String(parts[2])),
            bytes.count == 4 + Ed25519.signatureBytes
        else { throw ProofFailure("checkpoint", "its last line is no signature") }
        self.init(
            body: lines[..<(count - 3)].joined(separator: "\n") + "\n", signer: String(parts[1]),
            keyID: Array(bytes.prefix(4)), signature: Array(bytes.dropFirst(4)))
        guard self.text.utf8.elementsEqual(text.utf8) else {
            throw ProofFailure("checkpoint", "it is not written as a note is")
        }
    }

    /// The note as it is stored and sent.
    var text: String { "\(body)\n\(Self.dash)\(signer) \(Base64.text(keyID + signature))\n" }

    /// Checks that the holder of a key signed the body.
    func check(_ key: VerifierKey) throws(ProofFailure) {
        guard signer.utf8.elementsEqual(key.name.utf8), keyID == key.id else {
            throw ProofFailure(
                "checkpoint",
                "it is signed by \(signer)+\(VerifierKey.hex(keyID)), not by the key "
                    + "\(key.name)+\(VerifierKey.hex(key.id))")
        }
        guard Ed25519.isValid(signature, of: Array(body.utf8), key: key.publicKey) else {
            throw ProofFailure(
                "checkpoint", "the signature is not that of \(key.name) for this text")
        }
    }
}
