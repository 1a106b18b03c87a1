import Billing
import Foundation
import Testing

@testable import daybook

/// The events under `Fixtures/stripe`, and changes of them.
enum StripeFixtures {
    static let folder = BuiltBinary.top.appendingPathComponent("Fixtures/stripe")

    static func lines(_ name: String) throws -> [[UInt8]] {
        try Array(Data(contentsOf: folder.appendingPathComponent(name)))
            .split(separator: UInt8(ascii: "\n")).map(Array.init)
    }

    /// What each line says, read as a feed.
    static func values(_ name: String) throws -> [Value] {
        var reader = StripeLines()
        return try lines(name).flatMap { reader.take($0) }.map { try $0.event.get() }
    }

    static func mapping() throws -> StripeMapping {
        try StripeMapping(file: folder.appendingPathComponent("mapping.yaml").path)
    }

    /// An active subscription to three seats' worth of a team plan with two add-ons: the event on
    /// which the tests of single members build.
    static func event() throws -> Value {
        try #require(try values("subscriptions.ndjson").first { $0["id"] == .string("evt_104") })
    }
}

extension Value {
    /// With the value at a path replaced, or removed: `data.object.items.data.0.quantity`.
    func setting(_ path: String, _ value: Value?) -> Value {
        setting(path.split(separator: ".")[...], value)
    }

    private func setting(_ path: ArraySlice<Substring>, _ value: Value?) -> Value {
        guard let name = path.first else { return value ?? .null }
        let rest = path.dropFirst()
        switch self {
        case .object(let members):
            var pairs = members.filter { $0.name != name }.map { ($0.name, $0.value) }
            if !rest.isEmpty || value != nil {
                let old = self[String(name)] ?? .object([])
                pairs.append((String(name), old.setting(rest, value)))
            }
            return .object(of: pairs)
        case .array(var values):
            guard let index = Int(name), values.indices.contains(index) else { return self }
            values[index] = values[index].setting(rest, value)
            return .array(values)
        default: return self
        }
    }

    /// The value at a path.
    func at(_ path: String) -> Value? {
        path.split(separator: ".").reduce(Optional(self)) { value, name in
            if case .array(let values)? = value { return Int(name).map { values[$0] } }
            return value?[String(name)]
        }
    }

    /// The paths of everything in it, itself left out.
    var paths: [String] {
        func below(_ name: String, _ value: Value) -> [String] {
            [name] + value.paths.map { "\(name).\($0)" }
        }
        switch self {
        case .object(let members): return members.flatMap { below($0.name, $0.value) }
        case .array(let values): return values.enumerated().flatMap { below("\($0)", $1) }
        default: return []
        }
    }
}
