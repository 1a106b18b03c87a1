import Bytes
package import Platform
import SegmentedLog

/// Shows what is in a signer's file, for a person: sound or not, and never the secret.
package enum ProofInspection {
    /// Lines that describe the file at `path`.
    /// - Returns: nil if it is neither a key nor a checkpoint.
    /// - Throws: `SystemFailure` if it cannot be read.
    package static func describe(
        path: String, fileSystem: any FileSystem
    ) throws(SystemFailure) -> [String]? {
        var bytes = ByteBuffer()
        _ = try File.readWhole(path, into: &bytes, fileSystem)
        return bytes.bytes.makeString().flatMap { describe($0, path: path) }
    }

    private static func describe(_ text: String, path: String) -> [String]? {
        if text.hasPrefix(SigningKey.prefix) {
            let key = try? SigningKey(text: text)
            return [
                "\(path): signing key, \(text.utf8.count) bytes",
                key.map { "public key \($0.verifier)" } ?? "it cannot be read: DAMAGED",
                "keep it secret, and keep a copy: with another key old proofs have another signer",
            ]
        }
        guard text.hasPrefix(Checkpoint.origin("")) else { return nil }
        let head = "\(path): checkpoint, \(text.utf8.count) bytes"
        do throws(ProofFailure) {
            let note = try SignedNote(text)
            let body = try Checkpoint(note.body).body.split(separator: "\n").map(String.init)
            return [head] + body + ["signed by \(note.signer)+\(VerifierKey.hex(note.keyID))"]
        } catch {
            return [head, "\(error.problem): DAMAGED"]
        }
    }
}
