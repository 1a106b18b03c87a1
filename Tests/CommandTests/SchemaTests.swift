import Billing
import Foundation
import Testing

@testable import daybook

/// `docs/catalog.schema.json` knows exactly the keys that the decoder knows.
@Suite struct SchemaTests {
    /// A group of keys: where it stands in the schema, and a catalog with an unknown key in it.
    static let groups: [(definition: String, catalog: String)] = [
        ("", "zzz: 1"),
        ("meter", "meters: {m: {zzz: 1}}"),
        ("feature", "features: {f: {zzz: 1}}"),
        ("credit", "credit: {zzz: 1}"),
        ("plan", "plans: {p: {zzz: 1}}"),
        ("entitlement", "features: {f: {}}\nplans: {p: {entitlements: {f: {zzz: 1}}}}"),
        ("price", "plans: {p: {prices: {x: {zzz: 1}}}}"),
        ("package", "plans: {p: {prices: {x: {package: {zzz: 1}}}}}"),
        ("tier", "plans: {p: {prices: {x: {graduated: [{zzz: 1}]}}}}"),
    ]

    @Test(arguments: groups.map(\.definition))
    func keysAreTheDecoders(_ definition: String) throws {
        let group = try #require(Self.groups.first { $0.definition == definition })
        let folder = try TemporaryFolder()
        let file = try folder.file("c.yaml", group.catalog + "\n")
        let document = try YAMLDocument(file: file.path)
        guard case .failure(let problems) = Catalog.decode(document.value) else {
            Issue.record("an unknown key was accepted")
            return
        }
        let problem = try #require(problems.list.first { $0.path.hasSuffix("zzz") })
        let list = try #require(problem.message.components(separatedBy: "Known here: ").last)
        #expect(Set(list.components(separatedBy: ", ")) == (try Self.schemaKeys(definition)))
    }

    /// Every definition of the schema that lists keys is compared above.
    @Test func noGroupIsLeftOut() throws {
        let definitions = try #require(try Self.schema()["$defs"] as? [String: [String: Any]])
        let withKeys = definitions.filter {
            $0.value["properties"] != nil && $0.value["additionalProperties"] as? Bool == false
        }
        #expect(Set(withKeys.keys) == Set(Self.groups.map(\.definition)).subtracting([""]))
    }

    static func schemaKeys(_ definition: String) throws -> Set<String> {
        let schema = try schema()
        let place =
            definition.isEmpty
            ? schema : (schema["$defs"] as? [String: [String: Any]])?[definition] ?? [:]
        return Set((place["properties"] as? [String: Any] ?? [:]).keys)
    }

    static func schema() throws -> [String: Any] {
        let data = try Data(
            contentsOf: BuiltBinary.top.appendingPathComponent("docs/catalog.schema.json"))
        return try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    }
}
