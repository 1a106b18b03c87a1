import Bytes

/// JSON tokens as nodes.
enum TokenNodes {
    /// Why a document has no canonical form.
    struct DuplicateKey: Error {
        let key: String
    }

    /// Appends the node of the value at token `index`.
    /// - Throws: `DuplicateKey` where an object has a key twice.
    static func append(
        _ index: Int, of tokens: JSONTokenizer, to bytes: inout ByteBuffer
    ) throws(DuplicateKey) {
        switch tokens.tag(index) {
        case .null: bytes.append(NodeTag.null)
        case .false: bytes.append(NodeTag.false)
        case .true: bytes.append(NodeTag.true)
        case .number: NumberEncoder.append(tokens.text(index), to: &bytes)
        case .string, .key:
            bytes.append(NodeTag.string)
            bytes.appendPrefixed(tokens.text(index))
        case .array:
            bytes.append(NodeTag.array)
            bytes.appendVarint(UInt64(tokens.memberCount(index)))
            var element = index + 1
            for _ in 0..<tokens.memberCount(index) {
                try append(element, of: tokens, to: &bytes)
                element = tokens.next(element)
            }
        case .object: try appendObject(index, of: tokens, to: &bytes)
        }
    }

    /// Most objects are small and many come sorted: the keys are walked once to see, and sorted
    /// only where they are not.
    private static func appendObject(
        _ index: Int, of tokens: JSONTokenizer, to bytes: inout ByteBuffer
    ) throws(DuplicateKey) {
        let count = tokens.memberCount(index)
        bytes.append(NodeTag.object)
        bytes.appendVarint(UInt64(count))
        if try isSorted(index, tokens) {
            var key = index + 1
            for _ in 0..<count {
                bytes.appendPrefixed(tokens.text(key))
                try append(key + 1, of: tokens, to: &bytes)
                key = tokens.next(key + 1)
            }
            return
        }
        for key in try sortedKeys(index, tokens) {
            bytes.appendPrefixed(tokens.text(key))
            try append(key + 1, of: tokens, to: &bytes)
        }
    }

    private static func isSorted(
        _ index: Int, _ tokens: JSONTokenizer
    ) throws(DuplicateKey) -> Bool {
        var last = -1
        var key = index + 1
        for _ in 0..<tokens.memberCount(index) {
            if last >= 0, !tokens.text(last).precedes(tokens.text(key)) { return false }
            last = key
            key = tokens.next(key + 1)
        }
        return true
    }

    /// The key tokens of an object in byte order.
    static func sortedKeys(
        _ index: Int, _ tokens: JSONTokenizer
    ) throws(DuplicateKey) -> [Int] {
        var keys: [Int] = []
        keys.reserveCapacity(tokens.memberCount(index))
        var key = index + 1
        for _ in 0..<tokens.memberCount(index) {
            keys.append(key)
            key = tokens.next(key + 1)
        }
        return try sort(keys, tokens)
    }

    /// Key tokens in byte order, none twice.
    static func sort(_ keys: [Int], _ tokens: JSONTokenizer) throws(DuplicateKey) -> [Int] {
        let sorted = keys.sorted { tokens.text($0).precedes(tokens.text($1)) }
        for (left, right) in zip(sorted, sorted.dropFirst())
        where tokens.text(left).isEqual(to: tokens.text(right)) {
            throw DuplicateKey(key: tokens.text(left).makeString() ?? "")
        }
        return sorted
    }
}
