package import Bytes

/// The columns of one block of records: each some bytes under a number, all in one buffer.
package struct BlockColumns: ~Copyable {
    /// Where a column stands in `bytes`.
    package struct Part: Equatable, Sendable {
        /// What the column is; its meaning is the codec's.
        package var id: UInt16
        /// Its bytes.
        package var range: Range<Int>

        /// A part; see the properties.
        package init(id: UInt16, range: Range<Int>) {
            self.id = id
            self.range = range
        }
    }

    /// The bytes of all columns. Who loads columns from a file may hold other bytes between them.
    package var bytes: ByteBuffer
    /// The columns, in the order in which they were added.
    package private(set) var parts: [Part] = []

    /// No column yet.
    package init() { bytes = ByteBuffer(capacity: 1 << 16) }

    /// Forgets all columns and keeps the memory.
    package mutating func clear() {
        bytes.clear()
        parts.removeAll(keepingCapacity: true)
    }

    /// Adds a column: what `write` appends to the buffer. It must only append.
    package mutating func append(_ id: UInt16, _ write: (inout ByteBuffer) -> Void) {
        let start = bytes.count
        write(&bytes)
        add(Part(id: id, range: start..<bytes.count))
    }

    /// Adds a column whose bytes are in the buffer already.
    package mutating func add(_ part: Part) {
        precondition(part.range.upperBound <= bytes.count, "a column beyond its buffer")
        parts.append(part)
    }

    /// The bytes of a column; nil if there is none of this number.
    @_lifetime(borrow self)
    package func column(_ id: UInt16) -> RawSpan? {
        for part in parts where part.id == id { return bytes.bytes(in: part.range) }
        return nil
    }
}
