import Crypto

/// Ed25519 (RFC 8032): the only place that knows whose implementation it is.
enum Ed25519 {
    static let seedBytes = 32
    static let publicKeyBytes = 32
    static let signatureBytes = 64

    /// A fresh secret from the system's random numbers.
    static func makeSeed() -> [UInt8] { Array(Curve25519.Signing.PrivateKey().rawRepresentation) }

    /// The public key of a secret; nil if that is no secret.
    static func publicKey(ofSeed seed: [UInt8]) -> [UInt8]? {
        let key = try? Curve25519.Signing.PrivateKey(rawRepresentation: seed)
        return key.map { Array($0.publicKey.rawRepresentation) }
    }

    /// The signature of a message; nil if `seed` is no secret.
    static func sign(_ message: [UInt8], seed: [UInt8]) -> [UInt8]? {
        let key = try? Curve25519.Signing.PrivateKey(rawRepresentation: seed)
        return key.flatMap { try? Array($0.signature(for: message)) }
    }

    /// Whether the holder of the key signed the message.
    static func isValid(_ signature: [UInt8], of message: [UInt8], key: [UInt8]) -> Bool {
        guard let key = try? Curve25519.Signing.PublicKey(rawRepresentation: key) else {
            return false
        }
        return key.isValidSignature(signature, for: message)
    }
}
