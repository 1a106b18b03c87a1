import Foundation
import Testing

/// The whole program: a server, and the commands that a person types, over the socket and on the
/// directory when the server is gone.
@Suite(.serialized) struct ServedTests {
    /// A running server in a folder of its own.
    final class Server {
        let folder: TemporaryFolder
        let process = Process()
        var socket: String { folder.url.path + "/s" }
        var data: String { folder.url.path + "/data" }

        init() throws {
            folder = try TemporaryFolder()
            try start(process)
        }

        func start(_ process: Process) throws {
            process.executableURL = BuiltBinary.path
            process.arguments = ["serve", "--data", data, "--socket", socket]
            process.standardOutput = FileHandle.nullDevice
            process.standardError = FileHandle.nullDevice
            try process.run()
            for _ in 0..<500 where process.isRunning {
                if try run(["ping"]).status == 0 { return }
                usleep(10_000)
            }
            Issue.record("the server did not start")
        }

        /// - Returns: the exit code.
        func stop() -> Int32 {
            process.terminate()
            process.waitUntilExit()
            return process.terminationStatus
        }

        deinit { if process.isRunning { kill(process.processIdentifier, SIGKILL) } }

        func run(_ words: [String], input: String? = nil) throws -> Ran {
            try BuiltBinary.run(words, input: input, environment: ["DAYBOOK_SOCKET": socket])
        }

        func json(_ words: [String], input: String? = nil) throws -> [String: Any] {
            let ran = try run(words + ["--json"], input: input)
            return try #require(
                try JSONSerialization.jsonObject(with: Data(ran.output.utf8)) as? [String: Any],
                "\(words): \(ran.errors)")
        }
    }

    static let event =
        #"{"specversion":"1.0","id":"e1","source":"api","type":"llm.call","subject":"acme","#
        + #""time":"2023-11-03T10:00:00Z","data":{"input_tokens":1200000,"output_tokens":80}}"#

    @Test func aDayWithAServer() throws {
        let server = try Server()
        // Nothing published: not found, with the words to go on.
        let early = try server.run(["subscribe", "acme", "free"])
        #expect(early.status == 66 && early.errors.contains("daybook catalog publish"))
        #expect(try server.run(["catalog", "publish", "Fixtures/catalogs/llm.yaml"]).status == 0)
        let same = try server.run(["catalog", "diff", "Fixtures/catalogs/llm.yaml"])
        #expect(same.output.hasPrefix("no change"))

        let recorded = try server.json(["record"], input: Self.event)
        #expect(recorded["recorded"] as? Int == 1 && recorded["first_position"] as? Int == 1)
        let again = try server.json(["record"], input: Self.event + "\n")
        #expect(again["duplicate"] as? Int == 1 && again["recorded"] as? Int == 0)
        let other = try server.run(
            ["record"], input: Self.event.replacing("1200000", with: "7"))
        #expect(other.status == 65 && other.errors.hasPrefix("1: rejected e1: "))
        #expect(other.errors.contains("see position 1"))

        let invoice = try server.json(["invoice", "acme", "--period", "2023-11"])
        #expect(invoice["total"] as? String == "3.00" && invoice["currency"] as? String == "USD")
        let table = try server.run(["invoice", "acme", "--period", "2023-11"])
        #expect(table.output.contains("1,200,000  3.000000000000  3.00"), "\(table.output)")
        let events = try server.json(["explain", "acme/2023-11", "input-tokens"])
        #expect((events["events"] as? [Any])?.count == 1 && events["total"] as? String == "3.00")

        try Self.decisions(server)
        let verify = try server.json(["verify"])
        #expect(verify["matches"] as? Bool == true)
        let before = try server.run(["tail", "--json"]).output
        #expect(server.stop() == 0)
        #expect(!FileManager.default.fileExists(atPath: server.socket))

        // The same answers without a server.
        let onDirectory = ["--data", server.data]
        #expect(try BuiltBinary.run(["tail", "--json"] + onDirectory).output == before)
        let offline = try BuiltBinary.run(
            ["invoice", "acme", "--period", "2023-11"] + onDirectory)
        #expect(offline.output == table.output)
        #expect(try BuiltBinary.run(["verify"] + onDirectory).status == 0)
        #expect(try BuiltBinary.run(["tail", "--follow"] + onDirectory).status == 64)
        #expect(try BuiltBinary.run(["tail", "--from", "999"] + onDirectory).status == 66)
        let kinds = try BuiltBinary.run(
            ["tail", "--kind", "consume", "--limit", "1"] + onDirectory)
        #expect(kinds.outputLines.count == 1 && kinds.output.contains("consume"))
    }

    /// Every file of a data directory is one that `inspect` knows.
    @Test func everyFileCanBeInspected() throws {
        let server = try Server()
        #expect(try server.json(["record"], input: Self.event)["recorded"] as? Int == 1)
        #expect(try server.run(["snapshot"]).status == 0)
        #expect(server.stop() == 0)
        let paths = try #require(FileManager.default.enumerator(atPath: server.data))
            .compactMap { $0 as? String }.filter { $0.contains("/") || $0 == "SUPER" }
        var words: Set<String> = []
        for path in paths {
            let whole = server.data + "/" + path
            let isFolder = (try? FileManager.default.contentsOfDirectory(atPath: whole)) != nil
            if isFolder { continue }
            let ran = try BuiltBinary.run(["inspect", whole])
            #expect(ran.status == 0, "\(path): \(ran.errors)")
            #expect(!ran.output.contains("DAMAGED") && !ran.output.contains("WRONG"))
            for word in ["superblock", "manifest", "segment", "snapshot"]
            where ran.outputLines.first?.contains(": \(word),") == true {
                words.insert(word)
            }
        }
        #expect(words == ["superblock", "manifest", "segment", "snapshot"])
    }

    /// Exit codes 0 and 3, and an answer that stays.
    static func decisions(_ server: Server) throws {
        #expect(try server.run(["subscribe", "eve", "free"]).status == 0)
        let first = try server.run(["consume", "eve", "chat", "--quantity", "20", "--id", "c1"])
        #expect(first.status == 0 && first.output.contains("id c1"))
        let second = try server.run(["consume", "eve", "chat", "--id", "c2"])
        #expect(second.status == 3 && second.output.hasPrefix("denied: eve chat"))
        #expect(try server.run(["consume", "eve", "chat", "--id", "c2"]).status == 3)
        #expect(try server.run(["check", "eve", "chat"]).status == 3)
        #expect(try server.run(["check", "eve", "chat", "--quantity", "0"]).status == 0)
        #expect(try server.run(["check", "eve", "export"]).status == 3)
        let made = try server.run(["grant", "acme", "2.5"])
        let id = made.outputLines.last?.components(separatedBy: "id ").last ?? ""
        #expect(id.utf8.count == 32 && id.allSatisfy(\.isHexDigit))
        let credits = try server.json(["credits", "acme"])
        #expect(credits["balance"] as? String == "2.5")
    }

    @Test func aSecondServerIsRefused() throws {
        let server = try Server()
        let directory = try BuiltBinary.run(
            ["serve", "--data", server.data, "--socket", server.socket + "2"])
        #expect(directory.status == 75)
        let socket = try BuiltBinary.run(
            ["serve", "--data", server.data + "2", "--socket", server.socket])
        #expect(socket.status == 75)
        let query = try BuiltBinary.run(["status", "--data", server.data])
        #expect(query.status == 75 && query.errors.contains("--socket"))
        #expect(server.stop() == 0)
    }

    /// What was acknowledged before SIGKILL is there afterwards.
    @Test func aKilledServerKeepsWhatItAcknowledged() throws {
        let server = try Server()
        #expect(try server.json(["record"], input: Self.event)["recorded"] as? Int == 1)
        kill(server.process.processIdentifier, SIGKILL)
        server.process.waitUntilExit()
        let second = Process()
        try server.start(second)
        #expect(try server.json(["record"], input: Self.event)["duplicate"] as? Int == 1)
        second.terminate()
        second.waitUntilExit()
        #expect(second.terminationStatus == 0)
    }
}
