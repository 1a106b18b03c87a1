import CDaybook

extension RawSpan {
    /// The offset of the first such byte at or behind `start`; nil if there is none.
    package func firstIndex(of byte: UInt8, from start: Int = 0) -> Int? {
        precondition(start >= 0 && start <= byteCount, "beyond the end")
        let found = unsafe withUnsafeBytes { bytes -> Int in
            guard let base = bytes.baseAddress else { return -1 }
            return Int(unsafe daybook_find(base + start, bytes.count - start, byte))
        }
        return found < 0 ? nil : start + found
    }
}
