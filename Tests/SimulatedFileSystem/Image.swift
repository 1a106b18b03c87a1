/// The bytes of a file in pages that copies share until one is written: a crash test keeps hundreds of
/// states of one disk.
package struct Image: Sendable {
    /// Bytes of the file.
    package private(set) var size = 0
    /// Nil stands for a page of zeros.
    private var pages: [[UInt8]?] = []

    static let pageBytes = 4096
    /// What a disk writes whole or not at all.
    package static let sectorBytes = 512

    /// An empty file.
    package init() {}

    /// A file with these bytes.
    package init(_ bytes: [UInt8]) { write(bytes[...], at: 0) }

    /// All bytes.
    package var bytes: [UInt8] { read(0..<size) }

    /// The bytes of a range inside the file.
    package func read(_ range: Range<Int>) -> [UInt8] {
        unsafe [UInt8](unsafeUninitializedCapacity: range.count) { buffer, count in
            unsafe read(range, into: UnsafeMutableRawBufferPointer(buffer))
            count = range.count
        }
    }

    /// Copies the bytes of a range inside the file.
    package func read(_ range: Range<Int>, into target: UnsafeMutableRawBufferPointer) {
        var offset = range.lowerBound
        while offset < range.upperBound {
            let within = offset % Self.pageBytes
            let count = min(Self.pageBytes - within, range.upperBound - offset)
            let place = offset - range.lowerBound
            let part = unsafe UnsafeMutableRawBufferPointer(
                rebasing: target[place..<(place + count)])
            if let page = pages[offset / Self.pageBytes] {
                unsafe page.withUnsafeBytes {
                    unsafe part.copyMemory(
                        from: UnsafeRawBufferPointer(rebasing: $0[within..<(within + count)]))
                }
            } else {
                _ = unsafe part.initializeMemory(as: UInt8.self, repeating: 0)
            }
            offset += count
        }
    }

    /// Writes, growing the file as needed.
    package mutating func write(_ bytes: ArraySlice<UInt8>, at start: Int) {
        resize(to: max(size, start + bytes.count))
        var offset = start
        var rest = bytes
        while !rest.isEmpty {
            let within = offset % Self.pageBytes
            let count = min(Self.pageBytes - within, rest.count)
            let index = offset / Self.pageBytes
            let part = rest.prefix(count)
            if count == Self.pageBytes {
                pages[index] = Array(part)
            } else {
                var page = pages[index] ?? [UInt8](repeating: 0, count: Self.pageBytes)
                pages[index] = nil
                page.replaceSubrange(within..<(within + count), with: part)
                pages[index] = page
            }
            rest = rest.dropFirst(count)
            offset += count
        }
    }

    /// Grows with zeros, or cuts.
    package mutating func resize(to newSize: Int) {
        let count = (newSize + Self.pageBytes - 1) / Self.pageBytes
        if count < pages.count { pages.removeLast(pages.count - count) }
        while pages.count < count { pages.append(nil) }
        if newSize < size, newSize % Self.pageBytes != 0, var page = pages[count - 1] {
            for index in (newSize % Self.pageBytes)..<Self.pageBytes { page[index] = 0 }
            pages[count - 1] = page
        }
        size = newSize
    }
}
