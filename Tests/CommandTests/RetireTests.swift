import Foundation
import Testing

/// `daybook retire`, as a person types it.
@Suite(.serialized) struct RetireTests {
    private static func event(_ id: String) -> String {
        #"{"specversion":"1.0","id":"\#(id)","source":"api","type":"call","subject":"acme","#
            + #""time":"2023-11-05T10:00:00Z","data":{"n":2,"note":"long ago"}}"# + "\n"
    }

    @Test func aPersonLooksAndThenDrops() async throws {
        let server = try ServedTests.Server()
        let folder = try TemporaryFolder()
        let catalog = try folder.file(
            "c.yaml",
            """
            catalog: 1
            currency: USD
            default_plan: p
            events: {keep: 1 second}
            meters: {n: {event: call, aggregate: sum, value: n}}
            plans: {p: {prices: {n: {meter: n, amount: 3}}}}

            """)
        #expect(try server.run(["catalog", "publish", catalog.path]).status == 0)
        #expect(try server.run(["record"], input: Self.event("e1") + Self.event("e2")).status == 0)
        #expect(try server.run(["finalise", "acme", "--period", "2023-11"]).status == 0)
        try await Task.sleep(for: .milliseconds(2_100))
        let before = Date(timeIntervalSinceNow: -1).formatted(.iso8601)
        let order = ["retire", "--before", before]
        #expect(try server.run(order).status == 64)
        #expect(try server.run(["retire", "--before", "soon", "--reason", "r"]).status == 64)
        let look = try server.run(order + ["--dry-run"])
        #expect(look.output.hasPrefix("2 entries of 1 accounts would lose"), "\(look.output)")
        #expect(try server.run(["tail"]).output.contains("long ago"))
        #expect(try server.run(order + ["--reason", "r", "--id", "d"]).status == 0)
        let again = try server.run(order + ["--reason", "r", "--id", "d"])
        #expect(again.output.contains("it was there already"), "\(again)")
        let young = try server.run(["retire", "--before", "2099-01-01T00:00:00Z", "--reason", "r"])
        #expect(young.status == 65 && young.errors.contains("kept_by_law"), "\(young)")
        #expect(try server.run(["compact"]).status == 0)
        let shown = try server.run(["tail"]).output
        #expect(!shown.contains("long ago") && shown.contains("n=2  (body dropped)"), "\(shown)")
        #expect(try server.json(["status"])["retirement_pending"] as? Bool == false)
        #expect(
            try server.json(["invoice", "acme", "--period", "2023-11"])["total"] as? String
                == "12.00")
        #expect(try server.run(["tail", "--kind", "retire"]).outputLines.count == 1)
    }
}
