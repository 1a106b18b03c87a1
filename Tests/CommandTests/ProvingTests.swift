import Foundation
import Testing

/// A bill that is shown to somebody who has neither server nor log.
@Suite(.serialized) struct ProvingTests {
    @Test func aCustomerChecksABillWithTheFileAndTheKey() throws {
        let server = try ServedTests.Server()
        #expect(try server.run(["catalog", "publish", "Fixtures/catalogs/llm.yaml"]).status == 0)
        #expect(try server.run(["record"], input: ServedTests.event).status == 0)
        let key = try #require(try server.run(["key"]).outputLines.first)
        #expect(key.hasPrefix("daybook/"))
        let path = server.folder.url.path + "/acme.proof"
        let made = try server.run(["prove", "acme/2023-11", "--out", path])
        #expect(made.status == 0 && made.output.contains("invoice acme/2023-11"))
        // What is there is not written over.
        #expect(try server.run(["prove", "acme/2023-11", "--out", path]).status == 64)
        #expect(try server.run(["prove", "nobody"]).status == 66)
        let note = try server.run(["checkpoint"])
        #expect(note.outputLines.contains("2") && note.output.contains("\n\u{2014} daybook/"))
        #expect(server.stop() == 0)
        for (file, word) in [
            ("keys/signing.key", "public key \(key)"),
            ("checkpoints/C-00000000000000000002", "signed by daybook/"),
        ] {
            let ran = try BuiltBinary.run(["inspect", server.data + "/" + file])
            #expect(ran.status == 0 && ran.output.contains(word), "\(ran.output)\(ran.errors)")
            #expect(!ran.output.contains("PRIVATE"))
        }

        let proof = try Data(contentsOf: URL(fileURLWithPath: path))
        let offline = try BuiltBinary.run(
            ["prove", "acme", "--period", "2023-11", "--data", server.data])
        #expect(Data(offline.output.utf8) == proof)

        let proven = try BuiltBinary.run(["verify-proof", path, "--key", key])
        #expect(proven.status == 0, "\(proven.errors)")
        #expect(proven.output.hasPrefix("proven: invoice acme/2023-11, total 3.00 USD"))
        let keyFile = try server.folder.file("key", Data((key + "\n").utf8))
        #expect(
            try BuiltBinary.run(["verify-proof", path, "--key-file", keyFile.path]).status == 0)
        let unverified = try BuiltBinary.run(["verify-proof", path, "--json"])
        #expect(unverified.status == 2)
        #expect(unverified.output.contains(#""signer_verified":false"#))
        let text = String(decoding: proof, as: UTF8.self)
        let cheaper = try server.folder.file(
            "cheaper", Data(text.replacing("\"3.00\"", with: "\"2.00\"").utf8))
        let refused = try BuiltBinary.run(["verify-proof", cheaper.path, "--key", key])
        #expect(refused.status == 65 && refused.output.isEmpty)
        #expect(refused.errors.contains("the entries give amount 3.00"))
        #expect(try BuiltBinary.run(["verify-proof", path, "--key", "nonsense"]).status == 64)
        #expect(try BuiltBinary.run(["verify-proof", path + "x"]).status == 66)
    }
}
