/// A growing array whose copy shares everything and whose first write after a copy copies one
/// chunk of 2^`shift` elements, not the whole.
///
/// That is what lets a snapshot take the books in microseconds and lets commits go on: an array
/// of arrays, each copied by Swift's own rule when it is written while somebody else holds it.
/// The outer array, 8 bytes a chunk, is copied by the first write as well.
struct Chunked<let shift: Int, Element> {
    private var chunks: [[Element]] = []
    /// How many elements there are.
    private(set) var count = 0

    private static var mask: Int { (1 << shift) - 1 }

    /// The element at an index from 0 to `count`.
    @inline(__always)
    subscript(_ index: Int) -> Element {
        get { chunks[index >> shift][index & Self.mask] }
        _modify { yield &chunks[index >> shift][index & Self.mask] }
    }

    /// Adds an element at the end.
    mutating func append(_ element: Element) {
        if count & Self.mask == 0 {
            chunks.append([])
            // The first chunk grows as an array does: most books are small.
            if count > 0 { chunks[chunks.count - 1].reserveCapacity(1 << shift) }
        }
        chunks[count >> shift].append(element)
        count += 1
    }

    /// Appends copies of `element` until there are `count` elements.
    mutating func grow(to count: Int, with element: Element) {
        while self.count < count { append(element) }
    }

    /// How many chunks there are, and how many of them are not the same memory as the chunk at
    /// the same place in `other`: what writes since a copy have cost.
    func chunksApart(from other: Self) -> (all: Int, apart: Int) {
        var apart = max(0, chunks.count - other.chunks.count)
        for (left, right) in zip(chunks, other.chunks)
        where !left.span.isIdentical(to: right.span) { apart += 1 }
        return (chunks.count, apart)
    }
}
