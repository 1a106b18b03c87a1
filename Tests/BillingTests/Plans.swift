import Billing
import Money
import Testing

/// Parts of catalogs, built as every catalog is: by decoding.
enum Plans {
    static func feature(isSwitch: Bool) throws -> Feature {
        let json = """
            {"catalog":1,"currency":"USD","meters":{"m":{"event":"e","aggregate":"count"}},
             "features":{"f":\(isSwitch ? "{}" : "{\"meter\":\"m\"}")}}
            """
        let catalog = try Catalog.decode(try Trees.value(json)).get()
        return try #require(catalog.feature("f"))
    }

    /// A plan that allows so much of the feature `f`; nil: it does not name it.
    static func plan(allowing allowance: PlanEntitlement.Allowance?) throws -> Plan {
        let value: String
        switch allowance {
        case nil: value = "{}"
        case .on?: value = "{\"f\":true}"
        case .off?: value = "{\"f\":false}"
        case .limit(let limit)?:
            value =
                "{\"f\":{\"limit\":\"\(limit.amount)\",\"enforce\":\"\(limit.isHard ? "hard" : "soft")\"}}"
        case .value?: value = "{\"f\":{\"value\":1}}"
        }
        return try plan("\"entitlements\":\(value)")
    }

    static func plan(
        _ members: String, key: String = "p", currency: String = "USD"
    ) throws -> Plan {
        let json = """
            {"catalog":1,"currency":"\(currency)","meters":{"m":{"event":"e","aggregate":"count"},
             "n":{"event":"e","aggregate":"sum","value":"v"}},
             "features":{"f":{"meter":"m"}},"plans":{"\(key)":{\(members)}}}
            """
        let catalog = try Catalog.decode(try Trees.value(json)).get()
        return try #require(catalog.plan(key))
    }
}
