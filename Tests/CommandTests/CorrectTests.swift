import Foundation
import Testing

/// `daybook correct`, `daybook backfill` and `daybook record --batch`, as a person types them.
@Suite(.serialized) struct CorrectTests {
    private static func event(_ id: String, _ n: Int) -> String {
        #"{"specversion":"1.0","id":"\#(id)","source":"api","type":"call","subject":"acme","#
            + #""time":"2023-11-05T10:00:00Z","data":{"n":\#(n)}}"#
    }

    private func total(_ server: ServedTests.Server) throws -> String? {
        try server.json(["invoice", "acme", "--period", "2023-11"])["total"] as? String
    }

    @Test func aPersonCorrectsAndFills() throws {
        let server = try ServedTests.Server()
        let folder = try TemporaryFolder()
        let catalog = try folder.file(
            "c.yaml",
            """
            catalog: 1
            currency: USD
            default_plan: p
            meters: {n: {event: call, aggregate: sum, value: n}}
            plans: {p: {prices: {n: {meter: n, amount: 1}}}}

            """)
        #expect(try server.run(["catalog", "publish", catalog.path]).status == 0)
        let lines = (1...3).map { Self.event("e\($0)", $0) }.joined(separator: "\n")
        #expect(try server.run(["record"], input: lines).status == 0)
        #expect(try total(server) == "6.00")

        #expect(try server.run(["correct", "acme", "--retract", "1"]).status == 64)
        #expect(try server.run(["correct", "acme", "--amend", "1", "--reason", "r"]).status == 64)
        let order = [
            "correct", "acme", "--retract", "1", "--amend", "2", "--data", #"{"n":20}"#,
            "--reason", "wrong unit", "--id", "k",
        ]
        let done = try server.run(order)
        #expect(done.output.hasPrefix("2 entries of acme are corrected"), "\(done)")
        #expect(try server.run(order).output.contains("it was there already"))
        #expect(try total(server) == "23.00")
        let file = try folder.file(
            "k.ndjson",
            #"{"entry":3,"action":"retract"}"# + "\n\n"
                + #"{"entry":2,"action":"amend","data":{"n":4}}"#)
        #expect(
            try server.run(["correct", "acme", "--file", file.path, "--reason", "r"]).status == 0)
        #expect(try total(server) == "4.00")
        let again = try server.run(["correct", "acme", "--retract", "1", "--reason", "r"])
        #expect(again.status == 65 && again.errors.contains("already_retracted"), "\(again)")

        // Lines may end in any way; each becomes an event of the batch.
        let gap = try folder.file(
            "gap.ndjson",
            Self.event("g1", 10) + " \r\n" + Self.event("g2", 20) + "\n" + Self.event("g3", 30))
        let early = try server.run(["record", "--batch", "gap", gap.path])
        #expect(early.status == 65 && early.errors.contains("unknown_batch"), "\(early)")
        #expect(try server.run(["backfill", "create", "gap", "--reason", "lost"]).status == 0)
        let filled = try server.run(["record", "--batch", "gap", gap.path])
        #expect(filled.output.contains("recorded   3"), "\(filled)")
        #expect(try total(server) == "4.00")
        #expect(
            try server.run(["backfill", "close", "gap"]).output
                .hasPrefix("batch gap is closed: 3 events of 1 accounts"))
        #expect(try total(server) == "64.00")
        #expect(try server.run(["backfill", "revert", "gap", "--reason", "r"]).status == 0)
        #expect(try total(server) == "4.00")
        #expect(try server.run(["backfill", "list"]).output.contains("reverted"))
        let shown = try server.run(["tail", "--kind", "correct", "--kind", "backfill"])
        #expect(shown.outputLines.count == 5, "\(shown)")
        #expect(server.stop() == 0)
        let offline = try server.run(["verify", "--data", server.data])
        #expect(offline.output.contains("equal a full replay"), "\(offline)")
        let kept = try server.run(["backfill", "list", "--data", server.data])
        #expect(kept.output.contains("gap"), "\(kept)")
    }
}
