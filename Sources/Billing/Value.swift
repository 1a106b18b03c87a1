package import Money

/// A tree of data as JSON knows it, with exact numbers: what events, commands and catalogs carry.
package indirect enum Value: Hashable, Sendable {
    case null
    case bool(Bool)
    case number(DecimalNumber)
    /// A number beyond 128 bits, as digits and exponent.
    case numberText(String)
    case string(String)
    case array([Value])
    /// Members sorted by the bytes of their names, none twice.
    case object([Member])
    /// A value that was redacted: its SHA-256 remains.
    case redacted([UInt8])

    /// A member of an object.
    package struct Member: Hashable, Sendable {
        /// The name.
        package let name: String
        /// The value.
        package let value: Value

        /// A member.
        package init(name: String, value: Value) {
            self.name = name
            self.value = value
        }
    }

    /// An object of members in any order; of two with one name the last counts.
    package static func object(of members: [(String, Value)]) -> Value {
        var sorted: [Member] = []
        for (name, value) in members {
            sorted.removeAll { $0.name.utf8.elementsEqual(name.utf8) }
            sorted.append(Member(name: name, value: value))
        }
        sorted.sort { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
        return .object(sorted)
    }

    /// The member of an object with this name.
    package subscript(name: String) -> Value? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.name == name }?.value
    }

    /// The text, if it is one.
    package var text: String? {
        if case .string(let text) = self { return text }
        return nil
    }
}
