package import Bytes

/// # A column of texts that are mostly different
///
/// (Texts that come again and again are numbers in a dictionary, and those an `IntegerColumn`.) Each
/// text has a *class*, by how it is spelt; the texts of a class make a part:
///
///     column   = varint length | classes: integer column of as many values as texts
///              | for each class that occurs, ascending: varint length | part
///     class 0  = random UUIDs (RFC 9562, version 4, lower case): 122 bits each
///     class 1  = other UUIDs, lower case: two u64, the first half first
///     class 2  = a prefix and a number in decimal:
///                varint n | n × (digits u8, varint length, prefix)
///              | varint length | integer column: prefix of each
///              | integer column, zigzag: number of each, written with zeros up to so many digits
///     class 3  = lower-case hexadecimal, two digits a byte:
///                varint length | integer column: bytes of each | bytes
///     class 4  = any bytes:
///                varint length | integer column: bytes of each | bytes
///
/// The 122 bits of a random UUID are those before the version, those between it and the variant,
/// and those behind: word 1 is its upper 60 free bits and above them the low 4 of the lower 62; then the
/// other 58.
package enum TextColumn {
    /// Prefixes that a column has at most.
    static let prefixesMax = 64
    /// Bytes of a prefix at most.
    static let prefixBytesMax = 24

    /// How a text is spelt.
    enum Class: Int, CaseIterable {
        case randomUUID = 0
        case uuid = 1
        case numbered = 2
        case hexadecimal = 3
        case plain = 4
    }

    /// Appends the column of some texts.
    package static func append(_ texts: borrowing TextList, to buffer: inout ByteBuffer) {
        var parts = TextParts()
        for index in 0..<texts.count { parts.add(texts.text(index)) }
        parts.append(to: &buffer)
    }

    /// Appends integers as a column behind its length.
    static func appendColumn(_ values: [UInt64], to buffer: inout ByteBuffer) {
        var column = ByteBuffer()
        IntegerColumn.append(values, to: &column)
        buffer.appendPrefixed(column.bytes)
    }
}

/// The texts of a column, sorted into their classes.
struct TextParts: ~Copyable {
    private var classes: [UInt64] = []
    private var randomUUIDs = ByteBuffer()
    private var randomUUIDWriter = BitWriter()
    private var uuids = ByteBuffer()
    private let prefixes = TextTable()
    private var prefixNumbers: [UInt64] = []
    private var numbers: [UInt64] = []
    private var hexadecimal = ByteBuffer()
    private var hexadecimalLengths: [UInt64] = []
    private var plain = ByteBuffer()
    private var plainLengths: [UInt64] = []

    mutating func add(_ text: RawSpan) {
        let kind = addSpelt(text)
        if kind == .plain {
            plain.append(text)
            plainLengths.append(UInt64(text.byteCount))
        }
        classes.append(UInt64(kind.rawValue))
    }

    private mutating func addSpelt(_ text: RawSpan) -> TextColumn.Class {
        if let uuid = text.uuid() {
            guard uuid.high >> 12 & 15 == 4, uuid.low >> 62 == 2 else {
                uuids.appendInteger(uuid.high)
                uuids.appendInteger(uuid.low)
                return .uuid
            }
            let upper = (uuid.high >> 16) << 12 | uuid.high & 0xFFF
            let lower = uuid.low & lowBits(62)
            randomUUIDWriter.append(upper | lower << 60, width: 64, to: &randomUUIDs)
            randomUUIDWriter.append(lower >> 4, width: 58, to: &randomUUIDs)
            return .randomUUID
        }
        if addHexadecimal(text) { return .hexadecimal }
        return addNumbered(text) ? .numbered : .plain
    }

    /// Adds a text of 16 digits or more, some of them letters: others are numbers rather than bytes.
    private mutating func addHexadecimal(_ text: RawSpan) -> Bool {
        let length = text.byteCount
        guard length >= 16, length & 1 == 0 else { return false }
        var hasLetter = false
        for offset in 0..<length {
            let byte = text.byte(at: offset)
            let isLetter = byte &- UInt8(ascii: "a") < 6
            guard isLetter || byte &- UInt8(ascii: "0") < 10 else { return false }
            hasLetter = hasLetter || isLetter
        }
        guard hasLetter else { return false }
        for offset in stride(from: 0, to: length, by: 2) {
            hexadecimal.append(
                UInt8(truncatingIfNeeded: text.hexadecimal(offset..<(offset + 2)) ?? 0))
        }
        hexadecimalLengths.append(UInt64(length / 2))
        return true
    }

    private mutating func addNumbered(_ text: RawSpan) -> Bool {
        var start = text.byteCount
        while start > max(0, text.byteCount - 18),
            text.byte(at: start - 1) &- UInt8(ascii: "0") < 10
        {
            start -= 1
        }
        guard start < text.byteCount, start <= TextColumn.prefixBytesMax else { return false }
        var number: UInt64 = 0
        for offset in start..<text.byteCount {
            // Safe: 18 digits stay below 2^60.
            number = number &* 10 &+ UInt64(text.byte(at: offset) &- UInt8(ascii: "0"))
        }
        let digits = text.byteCount - start
        let hasZeros = digits > 1 && text.byte(at: start) == UInt8(ascii: "0")
        var prefix = ByteBuffer()
        prefix.append(UInt8(hasZeros ? digits : 0))
        prefix.append(text.extracting(0..<start))
        guard
            let place = prefixes.number(of: prefix.bytes)
                ?? (prefixes.count < TextColumn.prefixesMax ? prefixes.add(prefix.bytes) : nil)
        else { return false }
        prefixNumbers.append(UInt64(place))
        numbers.append(number << 1)
        return true
    }

    mutating func append(to buffer: inout ByteBuffer) {
        TextColumn.appendColumn(classes, to: &buffer)
        if randomUUIDWriter.count > 0 {
            randomUUIDWriter.finish(to: &randomUUIDs)
            buffer.appendPrefixed(randomUUIDs.bytes)
        }
        if uuids.count > 0 { buffer.appendPrefixed(uuids.bytes) }
        if !numbers.isEmpty {
            var part = ByteBuffer()
            part.appendVarint(UInt64(prefixes.count))
            for place in 0..<prefixes.count {
                prefixes.withText(place) { prefix in
                    part.append(prefix.byte(at: 0))
                    part.appendPrefixed(prefix.extracting(1..<prefix.byteCount))
                }
            }
            TextColumn.appendColumn(prefixNumbers, to: &part)
            IntegerColumn.append(numbers, to: &part)
            buffer.appendPrefixed(part.bytes)
        }
        Self.append(hexadecimalLengths, hexadecimal, to: &buffer)
        Self.append(plainLengths, plain, to: &buffer)
    }

    private static func append(
        _ lengths: [UInt64], _ bytes: borrowing ByteBuffer, to buffer: inout ByteBuffer
    ) {
        guard !lengths.isEmpty else { return }
        var part = ByteBuffer()
        TextColumn.appendColumn(lengths, to: &part)
        part.append(bytes.bytes)
        buffer.appendPrefixed(part.bytes)
    }
}
