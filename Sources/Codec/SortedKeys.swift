import Bytes

/// The key tokens of one object in the byte order of their names.
///
/// Most objects have few members: up to sixteen keys stand in place and are sorted by insertion, so
/// that an event allocates nothing. Larger objects go to an array.
struct SortedKeys {
    private static let fewMax = 16
    private var few = InlineArray<16, Int32>(repeating: 0)
    private var many: [Int32] = []
    private(set) var count = 0

    subscript(index: Int) -> Int { Int(many.isEmpty ? few[index] : many[index]) }

    /// Adds a key token in document order.
    mutating func append(_ key: Int) {
        // Safe: a line of 256 KiB has fewer tokens than bytes.
        let key = Int32(truncatingIfNeeded: key)
        if count < Self.fewMax {
            few[count] = key
        } else {
            if many.isEmpty { for index in 0..<count { many.append(few[index]) } }
            many.append(key)
        }
        count += 1
    }

    /// Sorts.
    /// - Throws: `duplicateKey` where two keys are the same.
    mutating func sort(_ tokens: borrowing JSONTokens) throws(DocumentFault) {
        if many.isEmpty { return try sortFew(tokens) }
        sortMany(tokens)
        for index in 1..<count {
            let name = tokens.text(Int(many[index]))
            if name.isEqual(to: tokens.text(Int(many[index - 1]))) { throw .init(twice: name) }
        }
    }

    private mutating func sortFew(_ tokens: borrowing JSONTokens) throws(DocumentFault) {
        for index in 1..<max(count, 1) {
            let key = few[index]
            let name = tokens.text(Int(key))
            var place = index
            while place > 0 {
                let before = tokens.text(Int(few[place - 1]))
                guard name.precedes(before) else {
                    // The keys before are sorted: an equal one is met here.
                    if name.isEqual(to: before) { throw .init(twice: name) }
                    break
                }
                few[place] = few[place - 1]
                place -= 1
            }
            few[place] = key
        }
    }

    /// Merges runs of doubling length: a view of tokens cannot be handed to the library's sort.
    private mutating func sortMany(_ tokens: borrowing JSONTokens) {
        var source = many
        var target = many
        var run = 1
        while run < count {
            for start in stride(from: 0, to: count, by: 2 * run) {
                let middle = min(start + run, count)
                let end = min(start + 2 * run, count)
                var (left, right) = (start, middle)
                for place in start..<end {
                    let takesRight =
                        left == middle
                        || right < end
                            && tokens.text(Int(source[right]))
                                .precedes(tokens.text(Int(source[left])))
                    target[place] = source[takesRight ? right : left]
                    if takesRight { right += 1 } else { left += 1 }
                }
            }
            swap(&source, &target)
            run *= 2
        }
        many = source
    }
}
