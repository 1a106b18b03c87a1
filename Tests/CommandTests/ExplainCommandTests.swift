import Foundation
import Testing

/// `daybook explain` as a person types it.
@Suite(.serialized) struct ExplainCommandTests {
    /// The fields of a CSV text, by RFC 4180.
    private static func records(_ text: String) -> [[String]] {
        var (records, record, field) = ([[String]](), [String](), "")
        var isQuoted = false
        var rest = Substring(text.replacing("\r\n", with: "\n"))
        while let character = rest.popFirst() {
            switch (character, isQuoted) {
            case ("\"", true) where rest.first == "\"": field.append(rest.removeFirst())
            case ("\"", _): isQuoted.toggle()
            case (",", false):
                record.append(field)
                field = ""
            case ("\n", false):
                records.append(record + [field])
                (record, field) = ([], "")
            default: field.append(character)
            }
        }
        return records
    }

    private static func event(_ id: String, _ tokens: Int) -> String {
        let name = id.replacing("\"", with: "\\\"")
        return
            #"{"specversion":"1.0","id":"\#(name)","source":"api","type":"llm.call","subject":"acme","#
            + #""time":"2023-11-03T10:00:00Z","data":{"input_tokens":\#(tokens),"output_tokens":8}}"#
    }

    @Test func aLineAddsUpInEveryForm() throws {
        let server = try ServedTests.Server()
        #expect(try server.run(["catalog", "publish", "Fixtures/catalogs/llm.yaml"]).status == 0)
        let ids = ["plain", "with, comma", "with \"quotes\"", "=1+1"]
        let lines = ids.enumerated().map { Self.event($1, 100_001 * ($0 + 1)) }
        #expect(try server.run(["record"], input: lines.joined(separator: "\n")).status == 0)
        let line = ["explain", "acme/2023-11", "input-tokens"]
        let told = try server.json(line)
        let records = Self.records(try server.run(line + ["--csv"]).output)
        #expect(
            records.first == [
                "row", "position", "time", "id", "quantity", "tier", "amount", "credits",
                "running_total",
            ])
        #expect(records.allSatisfy { $0.count == 9 })
        #expect(
            records.map { $0[0] } == ["row", "opening"] + ids.map { _ in "event" } + ["rounding"])
        #expect(Set(records.filter { $0[0] == "event" }.map { $0[3] }) == Set(ids))
        let sum = records.dropFirst().reduce(Decimal(0)) { $0 + (Decimal(string: $1[6]) ?? 0) }
        #expect(sum == Decimal(string: told["total"] as? String ?? ""))
        #expect(records.last?[8] == told["total"] as? String)
        let table = try server.run(line + ["--limit", "2"]).output
        #expect(table.contains("2 of 4 events are shown"))
        #expect(try server.run(line + ["--csv", "--json"]).status == 64)

        let event = try server.run(["explain", "--event", "plain"]).output
        #expect(event.contains("acme/2023-11") && event.contains("input-tokens"), "\(event)")
        #expect(try server.run(["explain", "--event", "nowhere"]).status == 66)
        _ = try server.run(["subscribe", "eve", "free"])
        let denied = try server.json(["consume", "eve", "chat", "--quantity", "21", "--id", "c"])
        let position = try #require(denied["position"] as? Int)
        let decision = try server.run(["explain", "--decision", "\(position)"])
        #expect(decision.status == 0 && decision.output.hasPrefix("denied: eve chat × 21"))
        #expect(
            decision.output.contains("a quantity of 20; 1 more is denied"), "\(decision.output)")
        #expect(try server.run(["explain", "--decision", "0"]).status == 64)
        #expect(try server.run(["explain", "acme"]).status == 64)
        #expect(try server.run(["explain", "acme", "x", "--decision", "1"]).status == 64)
        #expect(server.stop() == 0)
    }
}
