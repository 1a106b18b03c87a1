import Billing
import Foundation
import Testing

@testable import daybook

/// Each example of `docs/CATALOG.md` is a catalog, or becomes one by what stands before it.
@Suite struct CatalogDocumentTests {
    static let zones: CatalogZones.Tables = { TimeZoneTable(name: $0, transitions: []) }

    /// The document's YAML, but for what is left out in it and for maps.
    static func blocks() throws -> [String] {
        let text = try String(
            contentsOf: BuiltBinary.top.appendingPathComponent("docs/CATALOG.md"), encoding: .utf8)
        return text.components(separatedBy: "```yaml\n").dropFirst()
            .compactMap { $0.components(separatedBy: "```").first }
            .filter {
                !$0.contains(": …") && !$0.hasPrefix("map:") && !$0.hasPrefix("account:")
            }
    }

    /// A block as a catalog, with the document's meters and features where it needs them.
    static func catalog(_ block: String, in blocks: [String]) throws -> String {
        func first(_ key: String) throws -> String {
            try #require(blocks.first { $0.hasPrefix("\(key):") })
        }
        let head = "catalog: 1\ncurrency: USD\n"
        let key = String(block.prefix { $0 != ":" })
        switch key {
        case "catalog": return block
        case "meters", "timezones", "events", "personal", "subscriptions": return head + block
        case "features", "credit": return try head + first("meters") + block
        case "plans", "addons":
            let credit = block.contains("grants:") ? try first("credit") : ""
            return try head + first("meters") + first("features") + credit + block
        case "prices":
            let lines = block.split(separator: "\n").map { "    \($0)\n" }.joined()
            return try head + first("meters") + first("features") + "plans:\n  p:\n" + lines
        default:
            Issue.record("no example begins with \(key)")
            return block
        }
    }

    @Test func everyExampleIsRight() throws {
        let blocks = try Self.blocks()
        #expect(blocks.count >= 20)
        let folder = try TemporaryFolder()
        for block in blocks {
            let file = try folder.file("c.yaml", try Self.catalog(block, in: blocks))
            #expect(throws: Never.self, "\(block)") {
                try CatalogFile(file.path, zones: Self.zones)
            }
        }
    }

    /// Each key of the schema is in the document.
    @Test func everyKeyIsExplained() throws {
        let text = try String(
            contentsOf: BuiltBinary.top.appendingPathComponent("docs/CATALOG.md"), encoding: .utf8)
        for (definition, _) in SchemaTests.groups {
            for key in try SchemaTests.schemaKeys(definition) {
                let isThere =
                    text.contains("`\(key)`") || text.contains("`\(key):")
                    || text.contains("{\(key):") || text.contains(" \(key):")
                    || text.contains("\n\(key):")
                #expect(isThere, "\(key) of \(definition)")
            }
        }
    }
}
