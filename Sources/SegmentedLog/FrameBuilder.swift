package import Bytes

/// The entries of one commit, built in place in the bytes that go to the disk.
///
///     +--------+---------+---------+- … -+------------------------+---------+
///     | header | record  | record  |     | ends: count × u32      | padding |
///     +--------+---------+---------+- … -+------------------------+---------+
///
/// The directory of ends stands behind the records, because it is complete only when they are: in
/// front of them it would have to be copied in, or guessed.
///
/// `@unchecked Sendable`: the value is unique, so whichever thread holds it is its only owner.
package struct FrameBuilder: ~Copyable, @unchecked Sendable {
    /// Header, records and, once the frame is finished, directory and padding.
    var buffer: ByteBuffer
    private var ends: [UInt32]
    private var recordsEnd: Int

    /// An empty frame with room for `capacity` bytes before its memory grows.
    package init(capacity: Int = 64 << 10) {
        buffer = ByteBuffer(capacity: FrameHeader.byteCount + capacity + LogLimits.blockBytes)
        buffer.appendZeros(FrameHeader.byteCount)
        ends = []
        recordsEnd = FrameHeader.byteCount
    }

    /// Records appended.
    package var count: Int { ends.count }

    /// Bytes of all records.
    package var byteCount: Int { recordsEnd - FrameHeader.byteCount }

    /// Whether a record of `bytes` more bytes fits. An empty frame always has room for
    /// `LogLimits.recordBytesMax`.
    package func hasRoom(for bytes: Int) -> Bool {
        ends.count < LogLimits.recordsPerFrameMax
            && byteCount + bytes + 4 * (ends.count + 1) <= LogLimits.framePayloadBytesMax
    }

    /// Appends one record: what `write` appends to the buffer. It must only append, and no more than
    /// `hasRoom(for:)` allows.
    package mutating func append(_ write: (inout ByteBuffer) -> Void) {
        precondition(buffer.count == recordsEnd, "a finished frame takes no more records")
        write(&buffer)
        precondition(buffer.count >= recordsEnd, "a record does not take bytes away")
        let bytes = buffer.count - recordsEnd
        precondition(hasRoom(for: bytes), "a record beyond the room of its frame")
        recordsEnd = buffer.count
        ends.append(UInt32(byteCount))
    }

    /// The bytes of a record, from 0.
    @_lifetime(borrow self)
    package func record(_ index: Int) -> RawSpan {
        precondition(index >= 0 && index < ends.count, "no such record")
        let lower = index == 0 ? 0 : Int(ends[index - 1])
        let start = FrameHeader.byteCount
        return buffer.bytes(in: (start + lower)..<(start + Int(ends[index])))
    }

    /// Forgets the records and keeps the memory.
    package mutating func reset() {
        buffer.truncate(to: FrameHeader.byteCount)
        ends.removeAll(keepingCapacity: true)
        recordsEnd = FrameHeader.byteCount
    }

    /// Records and directory of a finished frame that has no padding yet.
    var payload: RawSpan {
        @_lifetime(borrow self)
        get { buffer.bytes(in: FrameHeader.byteCount..<buffer.count) }
    }

    /// Appends the directory. Idempotent, so that a frame may be offered again after a refusal.
    mutating func finish() {
        buffer.truncate(to: recordsEnd)
        for end in ends { buffer.appendInteger(end) }
    }
}
