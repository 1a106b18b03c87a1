package import Bytes

/// Texts in one buffer, one behind the other.
package struct TextList: ~Copyable {
    /// The bytes of all texts.
    package private(set) var bytes: ByteBuffer
    /// Where each text ends in `bytes`.
    package private(set) var ends: [Int] = []

    /// No text yet.
    package init() { bytes = ByteBuffer() }

    /// How many texts there are.
    package var count: Int { ends.count }

    /// Adds a text, which may be of any bytes.
    package mutating func append(_ text: RawSpan) {
        bytes.append(text)
        ends.append(bytes.count)
    }

    /// Forgets the texts and keeps the memory.
    package mutating func clear() {
        bytes.clear()
        ends.removeAll(keepingCapacity: true)
    }

    /// A text.
    @_lifetime(borrow self)
    package func text(_ index: Int) -> RawSpan {
        bytes.bytes(in: (index == 0 ? 0 : ends[index - 1])..<ends[index])
    }

    /// Calls `body` with a text: for a list that is a property of a class, as `ByteBuffer.withBytes`.
    package func withText<R>(_ index: Int, _ body: (RawSpan) -> R) -> R {
        bytes.withBytes(in: (index == 0 ? 0 : ends[index - 1])..<ends[index]) { body($0) }
    }
}
