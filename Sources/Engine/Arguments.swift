import Billing
import Codec
import Money
import Projections

/// The members of a request, read with an error for each way in which they can be wrong.
struct Arguments {
    private let members: [Value.Member]

    init(_ value: Value) {
        if case .object(let members) = value { self.members = members } else { members = [] }
    }

    /// The member's value; nil if it is absent or null.
    subscript(name: String) -> Value? {
        let value = members.first { $0.name.utf8.elementsEqual(name.utf8) }?.value
        return value == .null ? nil : value
    }

    private init(members: [Value.Member]) { self.members = members }

    /// The others.
    func without(_ names: [String]) -> Arguments {
        Arguments(members: members.filter { !names.contains($0.name) })
    }

    /// Refuses members that the request does not know: a misspelt `quantity` must not cost money.
    func allow(_ known: [String]) throws(Refusal) {
        let all = known + ["request", "id"]
        for member in members where !all.contains(member.name) {
            throw .bad(
                member.name, "is unknown here; known: \(known.sorted().joined(separator: ", "))")
        }
    }

    func text(_ name: String) throws(Refusal) -> String {
        guard case .string(let text)? = self[name], !text.isEmpty else {
            throw .bad(name, "a text that is not empty is needed")
        }
        return text
    }

    func optionalText(_ name: String) throws(Refusal) -> String? {
        self[name] == nil ? nil : try text(name)
    }

    /// A quantity of zero or more; one, if it is absent.
    func quantity(_ name: String) throws(Refusal) -> Quantity {
        let number: DecimalNumber?
        switch self[name] {
        case nil: return .one
        case .number(let value)?: number = value
        case .string(let text)?: number = DecimalNumber(text)
        default: number = nil
        }
        guard let number, let quantity = Quantity(number), quantity >= .zero else {
            throw .bad(name, "a number of at most 12 decimals, zero or more, is needed")
        }
        return quantity
    }

    /// A required RFC 3339 instant.
    func time(_ name: String) throws(Refusal) -> Timestamp {
        let text = try text(name)
        guard let time = Timestamp(rfc3339: text) else {
            throw .bad(
                name, "an RFC 3339 time such as 2016-01-01T00:00:00Z is needed, not \"\(text)\"")
        }
        return time
    }

    func period(_ name: String) throws(Refusal) -> Period? {
        guard let text = try optionalText(name) else { return nil }
        if let period = Period(month: text) { return period }
        throw .bad(name, "a month such as 2026-03 is needed, not \"\(text)\"")
    }

    func flag(_ name: String) throws(Refusal) -> Bool {
        switch self[name] {
        case nil: return false
        case .bool(let flag)?: return flag
        default: throw .bad(name, "true or false is needed")
        }
    }

    func count(
        _ name: String, or absent: Int, min: Int = 0, max: Int
    ) throws(Refusal) -> Int {
        switch self[name] {
        case nil: return absent
        case .number(let number)?:
            if number.scale == 0, (Int128(min)...Int128(max)).contains(number.mantissa) {
                return Int(number.mantissa)
            }
        default: break
        }
        throw .bad(name, "a whole number from \(min) to \(max) is needed")
    }
}
