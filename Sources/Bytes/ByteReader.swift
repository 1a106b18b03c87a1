/// Why bytes are not what they should be, and at which offset.
@usableFromInline
package enum DecodeFailure: Error, Equatable, Sendable {
    /// The bytes end too early.
    case truncated(Int)
    /// A varint is longer than its value needs: two spellings of one value are not allowed.
    case nonMinimal(Int)
    /// A number does not fit its type.
    case outOfRange(Int)
    /// Something else is wrong; the text says what.
    case invalid(String, Int)
}

/// A cursor over bytes; every read checks what is left.
@usableFromInline
package struct ByteReader: ~Escapable {
    @usableFromInline let span: RawSpan
    /// Bytes read so far.
    @usableFromInline var place: Int

    /// A reader at the start of `span`.
    @inlinable @_lifetime(copy span)
    package init(_ span: RawSpan) {
        self.span = span
        place = 0
    }

    /// Bytes read so far.
    @inlinable package var offset: Int { place }

    /// Bytes left.
    @inlinable package var remaining: Int { span.byteCount - place }

    /// Whether nothing is left.
    @inlinable package var isAtEnd: Bool { place == span.byteCount }

    /// Reads one byte.
    @inlinable @inline(always) package mutating func readByte() throws(DecodeFailure) -> UInt8 {
        guard place < span.byteCount else { throw .truncated(place) }
        let byte = span.byte(at: place)
        place += 1
        return byte
    }

    /// Reads a little-endian integer.
    @inlinable package mutating func readInteger<T: FixedWidthInteger & BitwiseCopyable>(
        as type: T.Type
    ) throws(DecodeFailure) -> T {
        guard remaining >= MemoryLayout<T>.size else { throw .truncated(place) }
        let value = span.readInteger(as: type, at: place)
        place += MemoryLayout<T>.size
        return value
    }

    /// Reads a varint in its shortest form.
    @inlinable @inline(always) package mutating func readVarint() throws(DecodeFailure) -> UInt64 {
        guard place < span.byteCount else { throw .truncated(place) }
        let first = span.byte(at: place)
        guard first >= 0x80 else {
            place += 1
            return UInt64(first)
        }
        return try readLongVarint()
    }

    @usableFromInline mutating func readLongVarint() throws(DecodeFailure) -> UInt64 {
        let start = place
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            let byte = try readByte()
            // The tenth byte holds the last bit of 64.
            if shift == 63 && byte > 1 { throw .outOfRange(start) }
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 {
                if byte == 0 { throw .nonMinimal(start) }
                return value
            }
            shift += 7
        }
    }

    /// Reads a varint of up to 128 bits in its shortest form.
    @inlinable package mutating func readVarint128() throws(DecodeFailure) -> UInt128 {
        let first = try readByte()
        if first < 0x80 { return UInt128(first) }
        let start = place - 1
        var value = UInt128(first & 0x7F)
        var shift: UInt128 = 7
        while true {
            let byte = try readByte()
            let bits = UInt128(byte & 0x7F)
            if shift == 126 && bits > 3 || shift > 126 { throw .outOfRange(start) }
            value |= bits << shift
            if byte < 0x80 {
                if byte == 0 { throw .nonMinimal(start) }
                return value
            }
            shift += 7
        }
    }

    /// Reads a zigzag number.
    @inlinable package mutating func readZigzag() throws(DecodeFailure) -> Int64 {
        let raw = try readVarint()
        return Int64(bitPattern: (raw >> 1)) ^ -Int64(bitPattern: raw & 1)
    }

    /// Reads a zigzag number of up to 128 bits.
    @inlinable package mutating func readZigzag128() throws(DecodeFailure) -> Int128 {
        let raw = try readVarint128()
        return Int128(bitPattern: raw >> 1) ^ -Int128(bitPattern: raw & 1)
    }

    /// Reads `count` bytes.
    @inlinable @_lifetime(copy self)
    package mutating func read(count: Int) throws(DecodeFailure) -> RawSpan {
        guard count >= 0, remaining >= count else { throw .truncated(place) }
        let part = span.extracting(place..<(place + count))
        place += count
        return part
    }

    /// Reads a varint length and so many bytes.
    @inlinable @_lifetime(copy self)
    package mutating func readPrefixed() throws(DecodeFailure) -> RawSpan {
        let length = try readVarint()
        guard length <= UInt64(remaining) else { throw .truncated(place) }
        return try read(count: Int(length))
    }
}

extension RawSpan {
    /// The byte at `offset`.
    @inlinable @inline(always) package func byte(at offset: Int) -> UInt8 {
        precondition(offset >= 0 && offset < byteCount, "beyond the end")
        return unsafe unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self)
    }

    /// The little-endian integer at `offset`.
    @inlinable package func readInteger<T: FixedWidthInteger & BitwiseCopyable>(
        as type: T.Type, at offset: Int
    ) -> T {
        precondition(offset >= 0 && offset + MemoryLayout<T>.size <= byteCount, "beyond the end")
        return T(littleEndian: unsafe unsafeLoadUnaligned(fromByteOffset: offset, as: type))
    }

    /// Whether both hold the same bytes.
    @inlinable @inline(always) package func isEqual(to other: RawSpan) -> Bool {
        guard byteCount == other.byteCount else { return false }
        return compareBytes(self, other, byteCount) == 0
    }

    /// Whether these bytes come before others: byte by byte, a prefix first.
    @inlinable @inline(always) package func precedes(_ other: RawSpan) -> Bool {
        // Most keys differ in their first byte; only the others are worth a call.
        if byteCount > 0, other.byteCount > 0 {
            let (first, second) = (byte(at: 0), other.byte(at: 0))
            if first != second { return first < second }
        }
        let order = compareBytes(self, other, Swift.min(byteCount, other.byteCount))
        return order == 0 ? byteCount < other.byteCount : order < 0
    }

    /// Whether every byte is zero.
    package var isZero: Bool {
        guard byteCount > 1 else { return byteCount == 0 || byte(at: 0) == 0 }
        // Equal to itself one byte further on, and the first is zero: so all are.
        return byte(at: 0) == 0
            && compareBytes(
                extracting(droppingLast: 1), extracting(droppingFirst: 1), byteCount - 1) == 0
    }

    /// A copy as an array.
    package func makeArray() -> [UInt8] {
        unsafe withUnsafeBytes { unsafe [UInt8]($0) }
    }

    /// The bytes as text; nil if they are not UTF-8.
    package func makeString() -> String? {
        unsafe withUnsafeBytes { unsafe String(validating: $0, as: UTF8.self) }
    }
}

extension [UInt8] {
    /// The bytes as a span.
    @inlinable package var raw: RawSpan {
        @_lifetime(borrow self)
        get {
            let span = unsafe span.bytes
            return unsafe _overrideLifetime(span, borrowing: self)
        }
    }
}

extension String {
    /// Calls `body` with the text's UTF-8.
    ///
    /// A closure, not a span that is handed out: a text of up to 15 bytes lies in the value itself, and
    /// the optimiser may give the place of a temporary value to something else before a span of it
    /// is read.
    @inlinable package func withBytes<Result, Failure: Error>(
        _ body: (RawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        var text = self
        let result: Swift.Result<Result, Failure> = text.withUTF8 { buffer in
            let span = unsafe RawSpan(_unsafeBytes: UnsafeRawBufferPointer(buffer))
            do throws(Failure) { return .success(try body(span)) } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }
}

extension RawSpan {
    /// Whether these are the bytes of a text.
    @inlinable package func isEqual(to text: String) -> Bool {
        text.withBytes { isEqual(to: $0) }
    }
}

extension RawSpan {
    /// Whether these are the bytes of a literal; compared where they stand, without an array.
    @inlinable @inline(always) package func isEqual(to text: StaticString) -> Bool {
        guard text.hasPointerRepresentation, byteCount == text.utf8CodeUnitCount else {
            return false
        }
        for offset in 0..<byteCount where unsafe byte(at: offset) != text.utf8Start[offset] {
            return false
        }
        return true
    }
}
