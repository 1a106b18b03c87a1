package import Money

/// A tree of data as JSON knows it, with exact numbers: what events, commands and catalogs carry.
package indirect enum Value: Hashable, Sendable {
    case null
    case bool(Bool)
    case number(DecimalNumber)
    /// A number beyond 128 bits: its digits and a decimal exponent, `-12e40`, without zeros at the
    /// end of the digits.
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
        // The library's sort is stable: of two with one name the later stays behind the earlier.
        let sorted = members.sorted { $0.0.utf8.lexicographicallyPrecedes($1.0.utf8) }
        var kept: [Member] = []
        for (name, value) in sorted {
            if let last = kept.last, last.name.utf8.elementsEqual(name.utf8) { kept.removeLast() }
            kept.append(Member(name: name, value: value))
        }
        return .object(kept)
    }

    /// The member of an object with this name.
    package subscript(name: String) -> Value? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.name.utf8.elementsEqual(name.utf8) }?.value
    }

    /// The text, if it is one.
    package var text: String? {
        if case .string(let text) = self { return text }
        return nil
    }
}

/// Texts are the same if their bytes are. Swift's own `==` holds "é" and "e\u{301}" for equal; they
/// are two ids, two models, two values of a filter, and two records in the log.
extension Value {
    /// Equal if both have the same canonical bytes.
    package static func == (left: Value, right: Value) -> Bool {
        switch (left, right) {
        case (.null, .null): true
        case (.bool(let left), .bool(let right)): left == right
        case (.number(let left), .number(let right)): left == right
        case (.numberText(let left), .numberText(let right)),
            (.string(let left), .string(let right)):
            left.utf8.elementsEqual(right.utf8)
        case (.array(let left), .array(let right)): left == right
        case (.object(let left), .object(let right)): left == right
        case (.redacted(let left), .redacted(let right)): left == right
        default: false
        }
    }

    /// Hashes what `==` compares.
    package func hash(into hasher: inout Hasher) {
        switch self {
        case .null: hasher.combine(0)
        case .bool(let flag): hasher.combine(flag)
        case .number(let number): hasher.combine(number)
        case .numberText(let text), .string(let text): hasher.combine(bytesOf: text)
        case .array(let values): hasher.combine(values)
        case .object(let members): hasher.combine(members)
        case .redacted(let hash): hasher.combine(hash)
        }
    }
}

extension Value.Member {
    /// Equal if name and value have the same bytes.
    package static func == (left: Value.Member, right: Value.Member) -> Bool {
        left.name.utf8.elementsEqual(right.name.utf8) && left.value == right.value
    }

    /// Hashes what `==` compares.
    package func hash(into hasher: inout Hasher) {
        hasher.combine(bytesOf: name)
        hasher.combine(value)
    }
}

extension Hasher {
    fileprivate mutating func combine(bytesOf text: String) {
        for byte in text.utf8 { combine(byte) }
        combine(UInt8(0xFF))
    }
}
