import CDaybook

/// Growable bytes that one owner fills and that others read as spans.
///
/// The memory is aligned to a page, so that a buffer can be handed to the disk as it is. Clearing
/// keeps the memory: in steady state a reused buffer allocates nothing.
@safe
@usableFromInline
package struct ByteBuffer: ~Copyable {
    @usableFromInline var base: UnsafeMutableRawPointer
    @usableFromInline var filled: Int
    @usableFromInline var capacityBytes: Int

    /// An empty buffer.
    /// - Parameter capacity: bytes to reserve at once.
    package init(capacity: Int = 0) {
        capacityBytes = max(capacity, 64)
        unsafe base = .allocate(byteCount: capacityBytes, alignment: 4096)
        filled = 0
    }

    deinit { unsafe base.deallocate() }

    /// Bytes that are filled.
    @inlinable package var count: Int { filled }

    /// Bytes that fit without growing.
    @inlinable package var capacity: Int { capacityBytes }

    /// Forgets the bytes and keeps the memory.
    @inlinable package mutating func clear() { filled = 0 }

    /// Shortens to `count` bytes.
    @inlinable package mutating func truncate(to count: Int) {
        precondition(count >= 0 && count <= filled, "truncate beyond the end")
        filled = count
    }

    /// The filled bytes.
    @inlinable package var bytes: RawSpan {
        @_lifetime(borrow self)
        get {
            let span = unsafe RawSpan(_unsafeStart: base, byteCount: filled)
            return unsafe _overrideLifetime(span, borrowing: self)
        }
    }

    /// A part of the filled bytes.
    @inlinable @_lifetime(borrow self)
    package func bytes(in range: Range<Int>) -> RawSpan {
        precondition(range.lowerBound >= 0 && range.upperBound <= filled, "range beyond the end")
        let span = unsafe RawSpan(_unsafeStart: base + range.lowerBound, byteCount: range.count)
        return unsafe _overrideLifetime(span, borrowing: self)
    }

    /// Calls `body` with a part of the filled bytes: for a buffer that is a property of a class,
    /// whose spans may not outlive one expression.
    @inlinable package func withBytes<Result: ~Copyable, Failure: Error>(
        in range: Range<Int>, _ body: (RawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(bytes(in: range))
    }

    /// The filled bytes, to be changed in place.
    @inlinable package var mutableBytes: MutableRawSpan {
        @_lifetime(&self)
        mutating get {
            let span = unsafe MutableRawSpan(_unsafeStart: base, byteCount: filled)
            return unsafe _overrideLifetime(span, mutating: &self)
        }
    }

    /// A copy of a part of the filled bytes.
    package func copyBytes(in range: Range<Int>) -> [UInt8] { bytes(in: range).makeArray() }

    /// Makes room for `more` bytes.
    @inlinable @inline(always) package mutating func reserve(_ more: Int) {
        if filled + more > capacityBytes { grow(to: filled + more) }
    }

    @usableFromInline mutating func grow(to needed: Int) {
        let size = max(needed, capacityBytes * 2)
        let larger = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 4096)
        unsafe larger.copyMemory(from: base, byteCount: filled)
        unsafe base.deallocate()
        unsafe base = larger
        capacityBytes = size
    }

    /// Appends one byte.
    @inlinable @inline(always) package mutating func append(_ byte: UInt8) {
        reserve(1)
        unsafe base.storeBytes(of: byte, toByteOffset: filled, as: UInt8.self)
        filled += 1
    }

    /// Appends bytes; they must not be this buffer's own.
    @inlinable @inline(always) package mutating func append(_ span: RawSpan) {
        reserve(span.byteCount)
        let target = unsafe base + filled
        unsafe span.withUnsafeBytes { source in
            guard let from = source.baseAddress else { return }
            unsafe target.copyMemory(from: from, byteCount: source.count)
        }
        filled += span.byteCount
    }

    /// Appends bytes.
    @inlinable package mutating func append(_ array: [UInt8]) { unsafe append(array.span.bytes) }

    /// Appends a text's UTF-8.
    @inlinable package mutating func append(utf8 text: String) {
        text.withBytes { append($0) }
    }

    /// Appends zeros.
    package mutating func appendZeros(_ count: Int) {
        reserve(count)
        unsafe daybook_zero(base + filled, count)
        filled += count
    }

    /// Appends an integer, little endian.
    @inlinable package mutating func appendInteger<T: FixedWidthInteger & BitwiseCopyable>(
        _ value: T
    ) {
        reserve(MemoryLayout<T>.size)
        unsafe base.storeBytes(of: value.littleEndian, toByteOffset: filled, as: T.self)
        filled += MemoryLayout<T>.size
    }

    /// Overwrites an integer, little endian.
    @inlinable package mutating func overwriteInteger<T: FixedWidthInteger & BitwiseCopyable>(
        _ value: T, at offset: Int
    ) {
        precondition(offset >= 0 && offset + MemoryLayout<T>.size <= filled, "beyond the end")
        unsafe base.storeBytes(of: value.littleEndian, toByteOffset: offset, as: T.self)
    }

    /// Overwrites bytes from `offset` on.
    package mutating func overwrite(_ span: RawSpan, at offset: Int) {
        precondition(offset >= 0 && offset + span.byteCount <= filled, "beyond the end")
        let target = unsafe base + offset
        unsafe span.withUnsafeBytes { source in
            guard let from = source.baseAddress else { return }
            unsafe target.copyMemory(from: from, byteCount: source.count)
        }
    }

    /// Moves `count` bytes inside the buffer; the ranges may overlap.
    package mutating func move(from source: Int, to target: Int, count: Int) {
        precondition(source >= 0 && source + count <= filled, "source beyond the end")
        precondition(target >= 0 && target + count <= filled, "target beyond the end")
        unsafe (base + target).copyMemory(from: base + source, byteCount: count)
    }

    /// Appends 7 bits a byte, low bits first, the high bit set on all bytes but the last.
    @inlinable @inline(always) package mutating func appendVarint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        append(UInt8(truncatingIfNeeded: rest))
    }

    /// Appends as `appendVarint`, up to 128 bits.
    @inlinable package mutating func appendVarint128(_ value: UInt128) {
        if value <= UInt128(UInt64.max) { return appendVarint(UInt64(truncatingIfNeeded: value)) }
        var rest = value
        while rest >= 0x80 {
            append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        append(UInt8(truncatingIfNeeded: rest))
    }

    /// Appends a signed number: 0, −1, 1, −2 … become 0, 1, 2, 3 …
    @inlinable package mutating func appendZigzag(_ value: Int64) {
        appendVarint(UInt64(bitPattern: (value << 1) ^ (value >> 63)))
    }

    /// Appends as `appendZigzag`, up to 128 bits.
    @inlinable package mutating func appendZigzag128(_ value: Int128) {
        appendVarint128(UInt128(bitPattern: (value << 1) ^ (value >> 127)))
    }

    /// Appends the length of a text's UTF-8 as a varint, then the bytes.
    @inlinable package mutating func appendPrefixed(utf8 text: String) {
        text.withBytes { appendPrefixed($0) }
    }

    /// Appends the length as a varint, then the bytes.
    @inlinable @inline(always) package mutating func appendPrefixed(_ span: RawSpan) {
        appendVarint(UInt64(span.byteCount))
        append(span)
    }

    /// Appends up to `count` bytes that `fill` writes into fresh memory.
    /// - Returns: what `fill` returned: the bytes it wrote, or a negative number for none.
    package mutating func appendFilled(
        _ count: Int, _ fill: (inout MutableRawSpan) -> Int
    ) -> Int {
        reserve(count)
        var span = unsafe MutableRawSpan(_unsafeStart: base + filled, byteCount: count)
        let written = fill(&span)
        precondition(written <= count, "wrote beyond the room")
        if written > 0 { filled += written }
        return written
    }
}
