import Bytes

/// The public half of a signing key, with its name, in the form of a C2SP signed note verifier key
/// (https://c2sp.org/signed-note):
///
///     <name>+<key id, 8 hexadecimal digits>+<base64( 0x01 ‖ public key )>
///     key id = first 4 bytes of SHA-256( name ‖ 0x0A ‖ 0x01 ‖ public key )      0x01: Ed25519
package struct VerifierKey: Hashable, Sendable, CustomStringConvertible {
    static let ed25519: UInt8 = 0x01

    /// Who signs: the first line of a checkpoint.
    package let name: String
    /// 32 bytes.
    let publicKey: [UInt8]
    /// 4 bytes that stand before each signature.
    let id: [UInt8]

    init(name: String, publicKey: [UInt8]) {
        self.name = name
        self.publicKey = publicKey
        id = Self.id(name, publicKey)
    }

    /// Reads a key.
    /// - Throws: `ProofFailure` if the text is no key, or its id is not that of its name and bytes.
    package init(_ text: String) throws(ProofFailure) {
        let parts = text.split(separator: "+", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, Self.isName(parts[0]), let bytes = Base64.bytes(String(parts[2]))
        else { throw ProofFailure("key", "a key is written <name>+<8 digits>+<base64>") }
        guard bytes.first == Self.ed25519, bytes.count == 1 + Ed25519.publicKeyBytes else {
            throw ProofFailure("key", "it is no Ed25519 key")
        }
        self.init(name: String(parts[0]), publicKey: Array(bytes.dropFirst()))
        guard description.utf8.elementsEqual(text.utf8) else {
            throw ProofFailure("key", "its 8 digits do not belong to its name and bytes")
        }
    }

    package var description: String {
        "\(name)+\(Self.hex(id))+\(Base64.text([Self.ed25519] + publicKey))"
    }

    /// Whether a key may have this name: not empty, no space, no plus sign.
    static func isName(_ name: some StringProtocol) -> Bool {
        !name.isEmpty && !name.contains { $0.isWhitespace || $0 == "+" }
    }

    static func id(_ name: String, _ publicKey: [UInt8]) -> [UInt8] {
        let hashed = Array(name.utf8) + [0x0A, ed25519] + publicKey
        var bytes = ByteBuffer(capacity: Digest.byteCount)
        SHA256.hash(hashed.raw).append(to: &bytes)
        return bytes.copyBytes(in: 0..<4)
    }

    static func hex(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(
            decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] },
            as: UTF8.self)
    }
}

/// A key that signs. Its file holds one line in the form that the tools of the signed note know:
///
///     PRIVATE+KEY+<name>+<key id>+<base64( 0x01 ‖ seed )>
struct SigningKey: Sendable {
    static let prefix = "PRIVATE+KEY+"

    private let seed: [UInt8]
    /// The public half.
    let verifier: VerifierKey

    private init?(name: String, seed: [UInt8]) {
        guard seed.count == Ed25519.seedBytes, VerifierKey.isName(name),
            let publicKey = Ed25519.publicKey(ofSeed: seed)
        else { return nil }
        self.seed = seed
        verifier = VerifierKey(name: name, publicKey: publicKey)
    }

    /// A fresh key.
    static func make(name: String) throws(ProofFailure) -> SigningKey {
        guard let key = SigningKey(name: name, seed: Ed25519.makeSeed()) else {
            throw ProofFailure("key", "a key cannot have the name \"\(name)\"")
        }
        return key
    }

    /// Reads the text of a key file.
    init(text: String) throws(ProofFailure) {
        let parts = text.dropFirst(Self.prefix.count).split(
            separator: "+", maxSplits: 2, omittingEmptySubsequences: false)
        guard text.hasPrefix(Self.prefix), text.hasSuffix("\n"), parts.count == 3,
            let bytes = Base64.bytes(String(parts[2].dropLast())),
            bytes.first == VerifierKey.ed25519,
            let key = SigningKey(name: String(parts[0]), seed: Array(bytes.dropFirst())),
            key.text.utf8.elementsEqual(text.utf8)
        else { throw ProofFailure("key", "the file holds no signing key") }
        self = key
    }

    /// What stands in the key file.
    var text: String {
        let secret = Base64.text([VerifierKey.ed25519] + seed)
        return "\(Self.prefix)\(verifier.name)+\(VerifierKey.hex(verifier.id))+\(secret)\n"
    }

    /// A note of this text, signed.
    /// - Parameter body: lines, each with its end.
    func sign(_ body: String) throws(ProofFailure) -> SignedNote {
        guard let signature = Ed25519.sign(Array(body.utf8), seed: seed) else {
            throw ProofFailure("key", "the key does not sign")
        }
        return SignedNote(
            body: body, signer: verifier.name, keyID: verifier.id, signature: signature)
    }
}
