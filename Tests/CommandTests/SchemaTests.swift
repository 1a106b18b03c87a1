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
        ("addon", "addons: {a: {zzz: 1}}"),
        ("subscriptions", "subscriptions: {zzz: 1}"),
        ("price", "plans: {p: {prices: {x: {zzz: 1}}}}"),
        ("package", "plans: {p: {prices: {x: {package: {zzz: 1}}}}}"),
        ("tier", "plans: {p: {prices: {x: {graduated: [{zzz: 1}]}}}}"),
        ("tier", "plans: {p: {prices: {x: {volume: [{zzz: 1}]}}}}"),
        ("step", "plans: {p: {prices: {x: {stairstep: [{zzz: 1}]}}}}"),
        ("percentage", "plans: {p: {prices: {x: {percentage: {zzz: 1}}}}}"),
        ("percentage_tier", "plans: {p: {prices: {x: {graduated_percentage: [{zzz: 1}]}}}}"),
        ("dynamic", "plans: {p: {prices: {x: {dynamic: {zzz: 1}}}}}"),
        ("matrix", "plans: {p: {prices: {x: {matrix: {zzz: 1}}}}}"),
        ("commitment", "plans: {p: {prices: {x: {commitment: {zzz: 1}}}}}"),
        ("discount", "plans: {p: {discounts: [{zzz: 1}]}}"),
        ("billing", "plans: {p: {billing: {zzz: 1}}}"),
        ("tax", "plans: {p: {tax: {zzz: 1}}}"),
        ("convert", "meters: {m: {convert: {zzz: 1}}}"),
        ("events", "events: {zzz: 1}"),
        (
            "burn_rates",
            "meters: {m: {event: e, aggregate: count}}\ncredit: {unit: u, burn: {m: {zzz: 1}}}"
        ),
        ("top_up", "credit: {unit: u, top_up: {zzz: 1}}"),
        ("plan_grant", "credit: {unit: u}\nplans: {p: {grants: {g: {zzz: 1}}}}"),
        ("rollover", "credit: {unit: u}\nplans: {p: {grants: {g: {rollover: {zzz: 1}}}}}"),
    ]

    @Test(arguments: groups.indices)
    func keysAreTheDecoders(_ index: Int) throws {
        let group = Self.groups[index]
        let folder = try TemporaryFolder()
        let file = try folder.file("c.yaml", group.catalog + "\n")
        let document = try YAMLDocument(file: file.path)
        guard case .failure(let problems) = Catalog.decode(document.value) else {
            Issue.record("an unknown key was accepted")
            return
        }
        let problem = try #require(problems.list.first { $0.path.hasSuffix("zzz") })
        let list = try #require(problem.message.components(separatedBy: "Known here: ").last)
        #expect(Set(list.components(separatedBy: ", ")) == (try Self.schemaKeys(group.definition)))
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
