import Foundation
import Testing

/// `daybook redact`, as a person types it.
@Suite(.serialized) struct RedactTests {
    private static let secret = "Zx9-Quartz.Jock+Vex7@nymph-waltz.example"

    private static func event(_ id: String, _ account: String, _ data: String) -> String {
        #"{"specversion":"1.0","id":"\#(id)","source":"api","type":"llm.call","subject":"\#(account)","#
            + #""time":"2023-11-0\#(id.suffix(1))T10:00:00Z","data":\#(data)}"# + "\n"
    }

    /// A server with four entries of acme: before the catalog, two with both properties, one with one.
    private func server() throws -> (ServedTests.Server, TemporaryFolder) {
        let server = try ServedTests.Server()
        let folder = try TemporaryFolder()
        let catalog = try folder.file(
            "c.yaml", "catalog: 1\ncurrency: USD\npersonal: [user.email, ip]\n")
        let both = #"{"user":{"email":"\#(Self.secret)"},"ip":"10.1.2.3"}"#
        #expect(try server.run(["record"], input: Self.event("e1", "acme", both)).status == 0)
        #expect(try server.run(["catalog", "publish", catalog.path]).status == 0)
        let lines =
            Self.event("e2", "acme", both) + Self.event("e3", "acme", both)
            + Self.event("e4", "acme", #"{"ip":"10.1.2.3"}"#) + Self.event("e5", "beta", both)
        #expect(try server.run(["record"], input: lines).status == 0)
        return (server, folder)
    }

    private func count(_ server: ServedTests.Server, _ text: String) throws -> Int {
        try server.run(["tail", "--json"]).outputLines.filter { $0.contains(text) }.count
    }

    @Test func anAccountIsFoundAndWhatCannotBeErasedIsNamed() throws {
        let (server, _) = try server()
        let ran = try server.run([
            "redact", "--account", "acme", "--property", "user.email", "--property", "ip",
            "--reason", "request 17", "--id", "gdpr",
        ])
        #expect(ran.status == 65)
        #expect(ran.output.contains("redacted in 3 entries"), "\(ran.output)")
        #expect(ran.errors.contains("left as it is: 0: ") && ran.errors.contains("no salt"))
        #expect(try count(server, Self.secret) == 2 && count(server, "10.1.2.3") == 2)
        #expect(try count(server, #""kind":"redact""#) == 2)
        // The same command again writes nothing.
        let again = try server.json([
            "redact", "--account", "acme", "--property", "user.email", "--property", "ip",
            "--reason", "request 17", "--id", "gdpr",
        ])
        #expect(again["redacted"] as? Int == 3)
        #expect(
            (again["left"] as? [[String: Any]])?.allSatisfy { $0["position"] as? Int == 0 } == true)
        #expect(try count(server, #""kind":"redact""#) == 2)

        #expect(try server.run(["compact"]).status == 0)
        #expect(try server.json(["status"])["redactions_pending"] as? Int == 0)
        #expect(try server.run(["verify", "--deep"]).status == 0)
        let shown = try server.run(["tail", "--kind", "redact"])
        #expect(shown.outputLines.count == 2 && shown.output.contains("request 17"))
        let before = try server.run(["tail", "--json"]).output
        #expect(server.stop() == 0)
        let onDirectory = ["--data", server.data]
        #expect(try BuiltBinary.run(["tail", "--json"] + onDirectory).output == before)
        let status = try BuiltBinary.run(["status", "--json"] + onDirectory)
        #expect(status.output.contains(#""redactions_pending":0"#))
    }

    @Test func positionsAndTimesChoose() throws {
        let (server, _) = try server()
        let one = try server.json([
            "redact", "--position", "2", "--property", "user.email", "--reason", "r", "--id", "x",
        ])
        #expect(one["redacted"] as? Int == 1 && one["id"] as? String == "x")
        #expect(try count(server, Self.secret) == 3)
        let late = try server.json([
            "redact", "--account", "acme", "--property", "ip", "--reason", "r",
            "--from", "2023-11-03T10:00:00Z", "--to", "2023-11-04T10:00:00Z",
        ])
        #expect(late["redacted"] as? Int == 1)
        #expect(try count(server, "10.1.2.3") == 4)
    }

    @Test func mistakesAreSaid() throws {
        let (server, _) = try server()
        let rest = ["--property", "ip", "--reason", "r"]
        #expect(try server.run(["redact"] + rest).status == 64)
        #expect(
            try server.run(["redact", "--account", "a", "--position", "1"] + rest).status == 64)
        #expect(
            try server.run(["redact", "--position", "1", "--from", "2023-01-01T00:00:00Z"] + rest)
                .status == 64)
        #expect(try server.run(["redact", "--account", "a", "--to", "soon"] + rest).status == 64)
        #expect(try server.run(["redact", "--position", "1", "--reason", "r"]).status == 64)
        #expect(try server.run(["redact", "--position", "1", "--property", "ip"]).status == 64)
        #expect(try server.run(["redact", "--account", "nobody"] + rest).status == 66)
        #expect(try server.run(["redact", "--position", "99"] + rest).status == 66)
        let plain = try server.run(["redact", "--position", "0"] + rest)
        #expect(plain.status == 65 && plain.errors.contains("no salt"))
        #expect(try count(server, #""kind":"redact""#) == 0)
    }
}
