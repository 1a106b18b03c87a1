package import Billing
import Bytes
package import Codec
package import Money

/// Why a request was not taken: it is not an entry and changes nothing.
package struct Refusal: Error, Sendable {
    /// Stable word for programs, e.g. `bad_request`.
    package let code: String
    /// The member at fault; nil: the request as a whole.
    package let field: String?
    /// What is wrong, where, and what to do.
    package let message: String
    /// What is wrong in a catalog, one by one; empty for everything else.
    package let problems: [CatalogProblem]
    /// Further members of the reply, for programs.
    package let members: [Value.Member]

    /// A refusal; see the properties.
    package init(
        code: String, field: String? = nil, message: String, problems: [CatalogProblem] = [],
        members: [Value.Member] = []
    ) {
        self.code = code
        self.field = field
        self.message = message
        self.problems = problems
        self.members = members
    }

    /// A request whose member is missing or ill-formed.
    package static func bad(_ field: String, _ message: String) -> Refusal {
        Refusal(code: "bad_request", field: field, message: "\(field): \(message)")
    }

    /// A member that is to be a time and is none.
    static func notATime(_ field: String, _ text: String) -> Refusal {
        .bad(field, "an RFC 3339 time such as 2027-01-31T00:00:00Z is needed, not \"\(text)\"")
    }
}

/// What a consume asks for, read from its data: `feature`, `quantity` (default 1), `data`.
package struct ConsumeOrder {
    /// The feature's key.
    package let feature: String
    /// How much, zero or more.
    package let quantity: Quantity
    /// The configuration value that is asked for; nil: none.
    package let value: FeatureValue?

    /// Reads a consume's data.
    package static func read(_ record: borrowing RecordView) -> Result<ConsumeOrder, Refusal> {
        guard let feature = record.string(["feature"]), !feature.isEmpty else {
            return .failure(
                .bad("feature", "a consume names the feature it uses"))
        }
        let quantity: Quantity
        switch record.quantity(["quantity"]) {
        case .absent: quantity = .one
        case .value(let value) where value.units >= 0: quantity = value
        case .value, .invalid:
            return .failure(
                .bad("quantity", "a number of at most 12 decimals, zero or more, is needed"))
        }
        let value = record.value(["value"])
        guard value == nil || value == .null || FeatureValue(asked: value) != nil else {
            return .failure(.bad("value", "a text, a list of texts or a number is needed"))
        }
        return .success(
            ConsumeOrder(
                feature: feature, quantity: quantity, value: FeatureValue(asked: value)))
    }
}

extension FeatureValue {
    /// A value that a request asks for: a text, a list of texts, or a number.
    package init?(asked value: Value?) {
        switch value {
        case .string(let word)? where !word.isEmpty: self = .words([word])
        case .number(let number)?:
            guard let quantity = Quantity(number) else { return nil }
            self = .number(quantity)
        case .array(let list)? where !list.isEmpty && list.allSatisfy({ $0.text != nil }):
            self = .words(list.compactMap(\.text))
        default: return nil
        }
    }
}

/// What a publication says beside its catalog: `existing_from`, `existing`.
package enum PublishOrder {
    /// Reads from when the version holds for existing subscriptions.
    /// - Parameter recordedAt: stands for an `existing_from` that is not given.
    package static func existing(
        _ record: borrowing RecordView, recordedAt: Timestamp
    ) -> Result<Registry.Existing?, Refusal> {
        var from: Timestamp?
        if let text = record.string(["existing_from"]) {
            guard let time = Timestamp(rfc3339: text) else {
                return .failure(.notATime("existing_from", text))
            }
            from = time
        }
        switch record.string(["existing"]) {
        case nil:
            return .success(from.map { Registry.Existing(from: $0, atNextPeriod: false) })
        case "at_once":
            return .success(Registry.Existing(from: from ?? recordedAt, atNextPeriod: false))
        case "next_period":
            return .success(Registry.Existing(from: from ?? recordedAt, atNextPeriod: true))
        case .some(let word):
            return .failure(
                .bad("existing", "\"\(word)\" is neither at_once nor next_period"))
        }
    }
}

/// A number that a record may carry.
package enum QuantityField {
    /// The property is not there, or null.
    case absent
    /// An exact quantity.
    case value(Quantity)
    /// Something else, or out of range.
    case invalid
}

extension RecordView {
    /// A property as a tree; nil if it is not there.
    func value(_ path: [String]) -> Value? {
        guard let node = property(PropertyPath(path)) else { return nil }
        return try? ValueCoder.value(node)
    }

    /// A text property.
    package func string(_ path: [String]) -> String? {
        guard let node = property(PropertyPath(path)),
            case .string(let text)? = try? ValueCoder.value(node)
        else { return nil }
        return text
    }

    /// A number property, given as a JSON number or a decimal string.
    package func quantity(_ path: [String]) -> QuantityField {
        guard let node = property(PropertyPath(path)), let value = try? ValueCoder.value(node)
        else { return .absent }
        switch value {
        case .null: return .absent
        case .number(let number): return Quantity(number).map { .value($0) } ?? .invalid
        case .string(let text):
            guard let number = DecimalNumber(text), let quantity = Quantity(number) else {
                return .invalid
            }
            return .value(quantity)
        case .bool, .numberText, .array, .object, .redacted: return .invalid
        }
    }
}
