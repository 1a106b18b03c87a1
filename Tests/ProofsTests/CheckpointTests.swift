import Billing
import Bytes
import Codec
import Engine
import Foundation
import Platform
import SegmentedLog
import Testing

@testable import Proofs

/// Signed checkpoints: what they are, where they are kept, and that one continues the other.
@Suite struct CheckpointTests {
    @Test func aCheckpointIsASignedNote() throws {
        let book = try Book()
        try book.fill()
        let (note, key) = (try book.checkpoint(), try book.key())
        try note.check(key)
        let checkpoint = try Checkpoint(note.body)
        #expect(checkpoint.size == book.engine.durablePosition)
        #expect(checkpoint.chain == book.engine.durableState().chain)
        #expect(checkpoint.accounts == 3)
        #expect(checkpoint.catalogs.count == 2)
        let lines = note.text.split(separator: "\n", omittingEmptySubsequences: false)
        #expect(lines[0] == "daybook/\(book.engine.storeName)")
        #expect(lines[6].isEmpty)
        #expect(lines[7].hasPrefix("\u{2014} daybook/\(book.engine.storeName) "))
        #expect(lines.count == 9)
    }

    /// The example of the Go project's package for signed notes: its tools and ours read the same.
    @Test func theExampleOfAnotherProgramIsReadAndSignedTheSame() throws {
        let secret =
            "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz\n"
        let body =
            "If you think cryptography is the answer to your problem,\n"
            + "then you don't know what your problem is.\n"
        let text =
            body
            + "\n\u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC"
            + "2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
        let key = try VerifierKey(
            "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
        let signing = try SigningKey(text: secret)
        #expect(signing.verifier == key)
        #expect(try signing.sign(body).text == text)
        try SignedNote(text).check(key)
    }

    @Test func aKeyWithAnyByteChangedIsRefused() throws {
        let key = try SigningKey.make(name: "daybook/abc")
        #expect(try VerifierKey(key.verifier.description) == key.verifier)
        #expect(try SigningKey(text: key.text).verifier == key.verifier)
        for index in key.verifier.description.utf8.indices {
            var bytes = Array(key.verifier.description.utf8)
            bytes[
                key.verifier.description.utf8.distance(
                    from: key.verifier.description.startIndex, to: index)] ^= 1
            #expect((try? VerifierKey(String(decoding: bytes, as: UTF8.self))) == nil)
        }
    }

    @Test func aNoteWithAnyByteChangedIsRefused() throws {
        let book = try Book()
        try book.fill()
        let (note, key) = (try book.checkpoint(), try book.key())
        let bytes = Array(note.text.utf8)
        for index in bytes.indices {
            for bit: UInt8 in [0x01, 0x20] {
                var changed = bytes
                changed[index] ^= bit
                let text = String(decoding: changed, as: UTF8.self)
                #expect(throws: ProofFailure.self, "byte \(index)") {
                    let note = try SignedNote(text)
                    try note.check(key)
                    _ = try Checkpoint(note.body)
                }
            }
        }
    }

    @Test func theKeyIsMadeOnceAndReadableByItsOwnerAlone() throws {
        let book = try Book()
        let key = try book.key()
        let path = book.folder + "/keys/signing.key"
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o600)
        try book.restart()
        #expect(try book.key() == key)
        try "something else".write(toFile: path, atomically: false, encoding: .utf8)
        let reply = try book.send(#"{"request":"key"}"#)
        #expect(reply["message"]?.text?.contains("holds no signing key") == true, "\(reply)")
    }

    @Test func readingOnlyMakesNeitherKeyNorCheckpoint() throws {
        let book = try Book()
        try book.fill()
        book.engine.close()
        func answer(_ line: String) throws -> [UInt8] {
            var options = Engine.Options(directory: book.folder, readOnly: true)
            options.proofs = ProofDesk(directory: book.folder, readOnly: true)
            let engine = try Engine.open(options)
            defer { engine.close() }
            return engine.reply(to: line)
        }
        let refused = try ValueCoder.value(json: try answer(#"{"request":"key"}"#))
        #expect(refused["error"]?.text == "not_found")
        #expect(!FileManager.default.fileExists(atPath: book.folder + "/keys"))
        try book.restart()
        let key = try book.key()
        book.engine.close()
        let reply = try ValueCoder.value(
            json: try answer(#"{"request":"prove","account":"acme","period":"2026-03"}"#))
        let file = Array(try #require(reply["proof"]?.text).utf8)
        #expect(refusal(file, key) == nil)
        #expect(!FileManager.default.fileExists(atPath: book.folder + "/checkpoints"))
    }

    /// Who keeps an old checkpoint can be shown that the log only grew.
    @Test func aLaterCheckpointContinuesAnEarlierOne() throws {
        let book = try Book()
        try book.fill()
        let old = try Checkpoint(try book.checkpoint().body)
        for number in 0..<30 { try book.event("n\(number)", "t", "dart", "{}") }
        let new = try Checkpoint(try book.checkpoint().body)
        let survey = try LogSurvey(
            book.engine.reader, size: new.size, catalogs: book.engine.catalogPositions, account: nil
        )
        var prover = MerkleProver(survey.leaves, size: new.size)
        let path = try prover.consistency(from: old.size)
        func holds(_ oldRoot: Digest, _ newRoot: Digest) -> Bool {
            MerkleProof.isConsistent(
                oldSize: old.size, oldRoot: oldRoot, size: new.size, root: newRoot, path: path)
        }
        #expect(holds(old.root, new.root))
        #expect(!holds(new.root, new.root))
        #expect(!holds(old.root, old.root))
        let names = try FileManager.default.contentsOfDirectory(
            atPath: book.folder + "/checkpoints")
        #expect(Set(names) == [ProofFiles.name(old.size), ProofFiles.name(new.size)])
    }

    @Test func aLogThatIsNotTheSignedOneIsNotSigned() throws {
        let (book, other) = (try Book(), try Book())
        try book.fill()
        let key = try SigningKey(
            text: try String(contentsOfFile: try keyFile(book), encoding: .utf8))
        let body = try book.checkpoint().body
        let root = Base64.text(try Checkpoint(body).root)
        let forged = try key.sign(
            body.replacingOccurrences(of: root, with: Base64.text(MerkleTree.emptyRoot)))
        let files = ProofFiles(directory: book.folder, fileSystem: SystemFileSystem())
        let size = book.engine.durablePosition
        try FileManager.default.removeItem(
            atPath: book.folder + "/checkpoints/" + ProofFiles.name(size))
        try files.writeCheckpoint(forged.text, size: size)
        for _ in 0..<2 {
            let reply = try book.send(#"{"request":"prove","account":"acme"}"#)
            #expect(reply["message"]?.text?.contains("signed at size \(size)") == true)
            try book.event(UUID().uuidString, "t", "acme", "{}")
        }
        _ = other
    }

    private func keyFile(_ book: Book) throws -> String {
        _ = try book.key()
        return book.folder + "/keys/signing.key"
    }
}
