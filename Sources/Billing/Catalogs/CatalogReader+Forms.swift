import Money

/// Readers of the forms that many keys share.
extension CatalogReader {
    /// One of a type's words.
    mutating func word<Word>(_ name: String, _ type: Word.Type) -> Word?
    where Word: RawRepresentable & CaseIterable, Word.RawValue == String {
        guard let text = text(name) else { return nil }
        if let word = Word(rawValue: text) { return word }
        add(name, Self.noneOf(text, Word.allCases.map(\.rawValue)))
        return nil
    }

    /// Says which words are known, and which one may be meant.
    static func noneOf(_ text: String, _ known: [String]) -> String {
        let hint = nearest(text, known).map { "; did you mean \"\($0)\"?" } ?? ""
        return "\"\(text)\" is none of: \(known.joined(separator: ", "))\(hint)"
    }

    /// A number above zero.
    mutating func positive(_ name: String) -> Quantity? {
        guard let number = quantity(name) else { return nil }
        guard number > .zero else {
            add(name, "must be above zero")
            return nil
        }
        return number
    }

    /// A number that must be there.
    mutating func requiredQuantity(_ name: String) -> Quantity? {
        if self[name] == nil { add(name, "is missing") }
        return quantity(name)
    }

    /// A whole number.
    mutating func integer(_ name: String, in range: ClosedRange<Int>) -> Int? {
        guard let value = self[name] else { return nil }
        let number = value.integer.flatMap { Int(exactly: $0) }
        guard let number, range.contains(number) else {
            add(name, "a whole number from \(range.lowerBound) to \(range.upperBound) is needed")
            return nil
        }
        return number
    }

    /// An inner group of keys, if it is there; what is wrong in it is this reader's too.
    mutating func group<Part>(
        _ name: String, known: [String], _ read: (inout CatalogReader) -> Part?
    ) -> Part? {
        guard let value = self[name] else { return nil }
        var reader = CatalogReader(value, path: Self.join(path, name), known: known)
        // What is no group has been said, and all that is missing in it need not be.
        guard case .object = value else {
            add(contentsOf: reader.problems)
            return nil
        }
        let part = read(&reader)
        add(contentsOf: reader.problems)
        return part
    }

    /// A list of groups of keys, if it is there.
    mutating func groups<Part>(
        _ name: String, known: [String], of what: String, mayBeEmpty: Bool = false,
        _ read: (inout CatalogReader, _ isLast: Bool) -> Part?
    ) -> [Part] {
        guard let value = self[name] else { return [] }
        guard case .array(let list) = value, mayBeEmpty || !list.isEmpty else {
            add(name, "a list of \(what) is needed")
            return []
        }
        return list.enumerated().compactMap { index, item in
            var reader = CatalogReader(
                item, path: "\(Self.join(path, name))[\(index)]", known: known)
            defer { add(contentsOf: reader.problems) }
            return read(&reader, index == list.count - 1)
        }
    }

    /// Paths of properties, none twice.
    mutating func paths(_ list: [Value], at name: String) -> [[String]] {
        var paths: [[String]] = []
        for item in list {
            guard let text = item.text, !text.isEmpty else {
                add(name, "each entry names a property of data")
                continue
            }
            guard let path = path(text, at: name) else { continue }
            if paths.contains(where: { Catalog.isSame($0, path) }) {
                add(name, "\"\(text)\" stands twice")
            }
            paths.append(path)
        }
        return paths
    }

    /// The least must not be above the most.
    mutating func checkBounds(_ minimum: Quantity?, _ maximum: Quantity?) {
        guard let minimum, let maximum, minimum > maximum else { return }
        add("minimum", "must not be above maximum")
    }
}

extension Catalog {
    /// By bytes: two spellings of "é" are two properties.
    static func isSame(_ left: [String], _ right: [String]) -> Bool {
        left.elementsEqual(right) { $0.utf8.elementsEqual($1.utf8) }
    }
}

extension Value {
    /// Whether it is a text, a number or a truth value.
    var isScalar: Bool {
        switch self {
        case .string, .number, .bool: true
        case .null, .numberText, .array, .object, .redacted: false
        }
    }

    /// The whole number, if it is one; as a text too.
    var integer: Int128? {
        let number: DecimalNumber?
        switch self {
        case .number(let value): number = value
        case .string(let text): number = DecimalNumber(text)
        default: number = nil
        }
        guard let number, let quantity = Quantity(number) else { return nil }
        let (whole, rest) = quantity.units.quotientAndRemainder(dividingBy: Quantity.one.units)
        return rest == 0 ? whole : nil
    }
}
