package import Bytes

/// Reads any part of a `TextColumn`. Nothing in its bytes is trusted.
package struct TextColumnReader: ~Escapable {
    /// The number of texts.
    package let count: Int
    private let classes: RawSpan
    private let parts: RawSpan
    /// Bytes that all texts have at most. No class makes more of its bytes, so damage can ask for no more.
    private let bytesMax: Int

    /// Reads the head of a column of `count` texts.
    /// - Throws: `DecodeFailure` where the bytes cannot be one.
    @_lifetime(copy bytes)
    package init(_ bytes: RawSpan, count: Int) throws(DecodeFailure) {
        var reader = ByteReader(bytes)
        guard count >= 0, count < 1 << 32 else { throw .outOfRange(0) }
        self.count = count
        bytesMax = 3 * bytes.byteCount + 64 * count
        classes = try reader.readPrefixed()
        parts = try reader.read(count: reader.remaining)
    }

    /// Appends the texts of a range.
    /// - Parameters:
    ///   - hasLengths: whether each text is to stand behind its length as a varint.
    ///   - places: gets where each text (with its length) lies in `buffer`, as `TextPlace` has it.
    /// - Throws: `DecodeFailure` where the bytes are damaged; what was appended then means nothing.
    package func append(
        _ range: Range<Int>, hasLengths: Bool, to buffer: inout ByteBuffer,
        places: inout [UInt64]
    ) throws(DecodeFailure) {
        precondition(range.lowerBound >= 0 && range.upperBound <= count, "beyond the column")
        guard count > 0 else { return }
        let classes = try IntegerColumnReader(classes, count: count)
        var parts = ByteReader(parts)
        var sink = TextSink(hasLengths: hasLengths, limit: buffer.count + bytesMax)
        if let only = classes.constant {
            let part = try parts.readPrefixed()
            try sink.append(only, part, count: count, range, to: &buffer, &places)
        } else {
            var kinds: [UInt64] = []
            try classes.append(0..<count, to: &kinds)
            try appendMixed(kinds, &parts, range, &sink, to: &buffer, &places)
        }
        guard parts.isAtEnd else { throw .invalid("bytes behind a text column", 0) }
    }

    /// Each class for itself, then the places in the order of the texts.
    private func appendMixed(
        _ kinds: [UInt64], _ parts: inout ByteReader, _ range: Range<Int>, _ sink: inout TextSink,
        to buffer: inout ByteBuffer, _ places: inout [UInt64]
    ) throws(DecodeFailure) {
        var before = [Int](repeating: 0, count: TextColumn.Class.allCases.count)
        var (inside, total) = (before, before)
        for (place, kind) in kinds.enumerated() {
            guard kind < UInt64(total.count) else { throw .invalid("class of a text", place) }
            total[Int(kind)] += 1
            if place < range.lowerBound { before[Int(kind)] += 1 }
            if range.contains(place) { inside[Int(kind)] += 1 }
        }
        var found: [UInt64] = []
        var next = [Int](repeating: 0, count: total.count)
        for kind in total.indices where total[kind] > 0 {
            let part = try parts.readPrefixed()
            next[kind] = found.count
            let partRange = before[kind]..<(before[kind] + inside[kind])
            try sink.append(
                UInt64(kind), part, count: total[kind], partRange, to: &buffer, &found)
        }
        for place in range {
            let kind = Int(kinds[place])
            places.append(found[next[kind]])
            next[kind] += 1
        }
    }
}

/// Where a text lies in a buffer, in one word.
@usableFromInline
package enum TextPlace {
    /// The word of a range that ends below 2^32.
    @inlinable package static func word(_ start: Int, _ end: Int) -> UInt64 {
        UInt64(start) << 32 | UInt64(end - start)
    }

    /// Where the text starts.
    @inlinable @inline(always) package static func start(_ word: UInt64) -> Int {
        Int(word >> 32)
    }

    /// How many bytes it has.
    @inlinable @inline(always) package static func length(_ word: UInt64) -> Int {
        Int(word & 0xFFFF_FFFF)
    }
}

/// Appends texts of one class.
private struct TextSink {
    let hasLengths: Bool
    /// Where the buffer may end.
    let limit: Int

    func append(
        _ kind: UInt64, _ part: RawSpan, count: Int, _ range: Range<Int>,
        to buffer: inout ByteBuffer, _ places: inout [UInt64]
    ) throws(DecodeFailure) {
        switch TextColumn.Class(rawValue: Int(truncatingIfNeeded: kind)) {
        case .randomUUID:
            guard part.byteCount == (122 * count + 7) / 8 else { throw .truncated(0) }
            try appendRandomUUIDs(part, range, to: &buffer, &places)
        case .uuid:
            guard part.byteCount == 16 * count else { throw .truncated(0) }
            try appendUUIDs(part, range, to: &buffer, &places)
        case .numbered: try appendNumbered(part, count, range, to: &buffer, &places)
        case .hexadecimal: try appendBytes(part, count, range, isHex: true, to: &buffer, &places)
        case .plain: try appendBytes(part, count, range, isHex: false, to: &buffer, &places)
        case nil: throw .invalid("class of a text", 0)
        }
    }

    private func check(_ buffer: borrowing ByteBuffer, more: Int) throws(DecodeFailure) {
        guard buffer.count + more <= limit, limit < 1 << 32 else {
            throw .invalid("texts that are too long", 0)
        }
    }

    private func appendRandomUUIDs(
        _ part: RawSpan, _ range: Range<Int>, to buffer: inout ByteBuffer, _ places: inout [UInt64]
    ) throws(DecodeFailure) {
        try check(buffer, more: range.count * 37)
        for place in range {
            let first = part.bits(at: place * 122, width: 64)
            let second = part.bits(at: place * 122 + 64, width: 58)
            let upper = first & lowBits(60)
            let high = (upper >> 12) << 16 | 4 << 12 | upper & 0xFFF
            let low = 2 << 62 | second << 4 | first >> 60
            appendUUID(high, low, to: &buffer, &places)
        }
    }

    private func appendUUIDs(
        _ part: RawSpan, _ range: Range<Int>, to buffer: inout ByteBuffer, _ places: inout [UInt64]
    ) throws(DecodeFailure) {
        try check(buffer, more: range.count * 37)
        for place in range {
            let high = part.readInteger(as: UInt64.self, at: 16 * place)
            let low = part.readInteger(as: UInt64.self, at: 16 * place + 8)
            appendUUID(high, low, to: &buffer, &places)
        }
    }

    @inline(__always) private func appendUUID(
        _ high: UInt64, _ low: UInt64, to buffer: inout ByteBuffer, _ places: inout [UInt64]
    ) {
        let start = buffer.count
        if hasLengths { buffer.append(36) }
        buffer.appendUUID(high: high, low: low)
        places.append(TextPlace.word(start, buffer.count))
    }

    private func appendNumbered(
        _ part: RawSpan, _ count: Int, _ range: Range<Int>, to buffer: inout ByteBuffer,
        _ places: inout [UInt64]
    ) throws(DecodeFailure) {
        var reader = ByteReader(part)
        let prefixCount = try reader.readVarint()
        guard prefixCount >= 1, prefixCount <= UInt64(TextColumn.prefixesMax) else {
            throw .outOfRange(0)
        }
        var digits: [Int] = []
        var prefixes = TextList()
        for _ in 0..<prefixCount {
            digits.append(Int(try reader.readByte()))
            let prefix = try reader.readPrefixed()
            guard prefix.byteCount <= TextColumn.prefixBytesMax, digits.last ?? 0 <= 18 else {
                throw .outOfRange(reader.offset)
            }
            prefixes.append(prefix)
        }
        let prefixColumn = try reader.readPrefixed()
        let numberColumn = try reader.read(count: reader.remaining)
        let prefixReader = try IntegerColumnReader(prefixColumn, count: count)
        let numberReader = try IntegerColumnReader(numberColumn, count: count)
        var (which, numbers): ([UInt64], [UInt64]) = ([], [])
        // In pieces: a dictionary may have many texts, and these arrays are not kept.
        for start in stride(from: range.lowerBound, to: range.upperBound, by: 4096) {
            which.removeAll(keepingCapacity: true)
            numbers.removeAll(keepingCapacity: true)
            let piece = start..<min(start + 4096, range.upperBound)
            try prefixReader.append(piece, to: &which)
            try numberReader.append(piece, to: &numbers)
            for index in which.indices {
                guard which[index] < prefixCount else { throw .outOfRange(index) }
                let prefix = Int(which[index])
                let number = numbers[index] >> 1
                let length =
                    prefixes.text(prefix).byteCount
                    + max(
                        digits[prefix], Self.digits(number))
                try check(buffer, more: length + 1)
                let at = buffer.count
                if hasLengths { buffer.appendVarint(UInt64(length)) }
                buffer.append(prefixes.text(prefix))
                buffer.appendDecimal(number, width: digits[prefix])
                places.append(TextPlace.word(at, buffer.count))
            }
        }
    }

    private static func digits(_ number: UInt64) -> Int {
        var (digits, rest) = (1, number)
        while rest >= 10 {
            rest /= 10
            digits += 1
        }
        return digits
    }

    private func appendBytes(
        _ part: RawSpan, _ count: Int, _ range: Range<Int>, isHex: Bool,
        to buffer: inout ByteBuffer, _ places: inout [UInt64]
    ) throws(DecodeFailure) {
        var reader = ByteReader(part)
        let lengths = try IntegerColumnReader(try reader.readPrefixed(), count: count)
        let bytes = try reader.read(count: reader.remaining)
        var values: [UInt64] = []
        try lengths.append(0..<range.upperBound, to: &values)
        var start = 0
        for (place, length) in values.enumerated() {
            guard length <= UInt64(bytes.byteCount - start) else { throw .truncated(start) }
            let text = bytes.extracting(start..<(start + Int(length)))
            start += Int(length)
            guard place >= range.lowerBound else { continue }
            try check(buffer, more: 2 * text.byteCount + 10)
            let at = buffer.count
            let size = isHex ? 2 * text.byteCount : text.byteCount
            if hasLengths { buffer.appendVarint(UInt64(size)) }
            if isHex {
                for offset in 0..<text.byteCount {
                    let pair = hexDigits(UInt32(text.byte(at: offset))) >> 48
                    buffer.appendInteger(UInt16(truncatingIfNeeded: pair))
                }
            } else {
                buffer.append(text)
            }
            places.append(TextPlace.word(at, buffer.count))
        }
        guard range.upperBound < count || start == bytes.byteCount else { throw .truncated(start) }
    }
}
