import Bytes

/// Why a document has no canonical form.
enum DocumentFault: Error {
    /// An object has this key twice.
    case duplicateKey(String)
    /// A number's exponent has more digits than are kept.
    case exponent(String)

    /// The fault of a name that stands twice.
    init(twice name: RawSpan) { self = .duplicateKey(name.makeString() ?? "") }
}

extension Rejection {
    /// What is said of such a document.
    init(_ fault: DocumentFault) {
        switch fault {
        case .duplicateKey(let key):
            self.init(
                field: key,
                message: "the member \"\(key)\" stands twice in one object; send each member once")
        case .exponent(let number):
            self.init(
                field: nil,
                message: "the number \(number.prefix(60)) has an exponent of more than "
                    + "\(NumberEncoder.exponentDigitsMax) digits; send it as a text")
        }
    }
}

/// JSON tokens as nodes.
enum TokenNodes {
    /// Appends the node of the value at token `index`.
    /// - Returns: the index behind the value.
    @discardableResult
    static func append(
        _ index: Int, of tokens: borrowing JSONTokens, to bytes: inout ByteBuffer
    ) throws(DocumentFault) -> Int {
        switch tokens.tag(index) {
        case .null: bytes.append(NodeTag.null)
        case .false: bytes.append(NodeTag.false)
        case .true: bytes.append(NodeTag.true)
        case .number: try NumberEncoder.append(tokens.text(index), to: &bytes)
        case .string, .key:
            bytes.append(NodeTag.string)
            bytes.appendPrefixed(tokens.text(index))
        case .array:
            let count = tokens.memberCount(index)
            bytes.append(NodeTag.array)
            bytes.appendVarint(UInt64(count))
            var element = index + 1
            for _ in 0..<count { element = try append(element, of: tokens, to: &bytes) }
            return element
        case .object:
            try appendObject(index, of: tokens, to: &bytes)
            return tokens.next(index)
        }
        return index + 1
    }

    /// Many objects come sorted: the keys are walked once to see, and sorted only where they are
    /// not.
    private static func appendObject(
        _ index: Int, of tokens: borrowing JSONTokens, to bytes: inout ByteBuffer
    ) throws(DocumentFault) {
        let count = tokens.memberCount(index)
        bytes.append(NodeTag.object)
        bytes.appendVarint(UInt64(count))
        if isSorted(index, tokens) {
            var key = index + 1
            for _ in 0..<count {
                bytes.appendPrefixed(tokens.text(key))
                key = try append(key + 1, of: tokens, to: &bytes)
            }
            return
        }
        var keys = SortedKeys()
        var key = index + 1
        for _ in 0..<count {
            keys.append(key)
            key = tokens.next(key + 1)
        }
        try keys.sort(tokens)
        for place in 0..<count {
            bytes.appendPrefixed(tokens.text(keys[place]))
            try append(keys[place] + 1, of: tokens, to: &bytes)
        }
    }

    /// Whether the keys ascend; equal ones do not.
    private static func isSorted(_ index: Int, _ tokens: borrowing JSONTokens) -> Bool {
        var last = -1
        var key = index + 1
        for _ in 0..<tokens.memberCount(index) {
            if last >= 0, !tokens.text(last).precedes(tokens.text(key)) { return false }
            last = key
            key = tokens.next(key + 1)
        }
        return true
    }
}
