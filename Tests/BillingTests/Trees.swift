import Billing
import Foundation
import Money

/// Trees for tests, read from JSON by Foundation: nothing of the code under test reads them. Numbers
/// are integers or decimals of few digits.
enum Trees {
    static func value(_ json: String) throws -> Value {
        try JSONDecoder().decode(Tree.self, from: Data(json.utf8)).value
    }

    private struct Tree: Decodable {
        let value: Value

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if container.decodeNil() {
                value = .null
            } else if let flag = try? container.decode(Bool.self) {
                value = .bool(flag)
            } else if let text = try? container.decode(String.self) {
                value = .string(text)
            } else if let list = try? container.decode([Tree].self) {
                value = .array(list.map(\.value))
            } else if let members = try? container.decode([String: Tree].self) {
                value = .object(of: members.map { ($0.key, $0.value.value) })
            } else {
                let number = try container.decode(Decimal.self)
                value = .number(DecimalNumber("\(number)") ?? DecimalNumber(mantissa: 0, scale: 0))
            }
        }
    }

    static let catalog = """
        {"catalog": 1, "currency": "USD", "default_plan": "free",
         "meters": {
           "tokens": {"event": "tokens.used", "aggregate": "sum", "value": "usage.n",
                      "filter": {"kind": ["a", "b", 1, true], "deep.flag": false},
                      "group_by": ["model", "region.zone"]},
           "calls": {"event": "api.call", "aggregate": "count"},
           "peak": {"event": "seats", "aggregate": "max", "value": "n"},
           "users": {"event": "seen", "aggregate": "unique", "value": "user"}},
         "features": {"chat": {"meter": "tokens"}, "api": {"meter": "calls"}, "sso": {}},
         "credit": {"unit": "credits", "burn": {"tokens": "0.001", "calls": 1}},
         "plans": {
           "free": {"name": "Free", "entitlements": {
             "chat": {"limit": 1000}, "api": {"limit": "10.5", "enforce": "soft", "reset": "month"},
             "sso": false}},
           "pro": {"currency": "EUR", "entitlements": {
             "chat": true, "api": {"unlimited": true}, "sso": true},
             "prices": {
               "a-unit": {"meter": "calls", "amount": "0.25", "description": "Calls"},
               "b-per": {"meter": "tokens", "amount": "2.50", "per": 1000000},
               "c-pack": {"meter": "peak", "package": {"size": 100, "amount": 2.95}},
               "d-tier": {"meter": "users", "graduated": [
                 {"up_to": 5, "flat": 100}, {"up_to": 10, "amount": 3, "flat": 50},
                 {"amount": 1}]}}}}}
        """
}
