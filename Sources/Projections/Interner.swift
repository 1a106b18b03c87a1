package import Bytes

/// Byte strings numbered densely in the order in which they were first seen.
///
/// The order is the log's, so the number of a name is the same in every replay and may stand in
/// digests and snapshots. Lookup is an open-addressing table over a keyed hash: names come from
/// outside, and a plain hash would let a client choose names that all collide.
package struct Interner: ~Copyable {
    private let key: SipKey
    private var arena: ByteBuffer
    private var ends: [Int] = []
    private var hashes: [UInt64] = []
    /// Slot → number + 1; 0 is empty. The size is a power of two, at most half full.
    private var slots: [UInt32]

    /// An empty interner.
    /// - Parameter key: secret of the hash; it decides no number, only the probing order.
    package init(key: SipKey) {
        self.key = key
        arena = ByteBuffer(capacity: 4096)
        slots = Array(repeating: 0, count: 1024)
    }

    /// How many names are known.
    package var count: Int { ends.count }

    /// The number of `name`, if it is known.
    package func number(of name: RawSpan) -> UInt32? {
        find(name, hash: siphash(name, key: key))
    }

    /// The number of a text, if it is known.
    package func number(of name: String) -> UInt32? { name.withBytes { number(of: $0) } }

    /// The number of a text, which becomes known if it was not.
    package mutating func intern(_ name: String) -> UInt32 { name.withBytes { intern($0) } }

    /// The number of `name`, which becomes known if it was not.
    package mutating func intern(_ name: RawSpan) -> UInt32 {
        let hash = siphash(name, key: key)
        if let number = find(name, hash: hash) { return number }
        if (ends.count + 1) * 2 > slots.count { grow() }
        let number = UInt32(ends.count)
        arena.append(name)
        ends.append(arena.count)
        hashes.append(hash)
        place(number, hash: hash)
        return number
    }

    /// The bytes of the name with this number.
    package func withName<R>(_ number: UInt32, _ body: (RawSpan) -> R) -> R {
        body(arena.bytes(in: range(of: number)))
    }

    /// The name with this number as text; names are UTF-8 by construction.
    package func text(_ number: UInt32) -> String {
        String(decoding: arena.copyBytes(in: range(of: number)), as: UTF8.self)
    }

    private func range(of number: UInt32) -> Range<Int> {
        let index = Int(number)
        precondition(index < ends.count, "unknown interned number")
        return (index == 0 ? 0 : ends[index - 1])..<ends[index]
    }

    private func find(_ name: RawSpan, hash: UInt64) -> UInt32? {
        let mask = slots.count - 1
        var slot = Int(truncatingIfNeeded: hash) & mask
        while slots[slot] != 0 {
            let number = slots[slot] - 1
            if hashes[Int(number)] == hash, arena.bytes(in: range(of: number)).isEqual(to: name) {
                return number
            }
            slot = (slot + 1) & mask
        }
        return nil
    }

    private mutating func place(_ number: UInt32, hash: UInt64) {
        let mask = slots.count - 1
        var slot = Int(truncatingIfNeeded: hash) & mask
        while slots[slot] != 0 { slot = (slot + 1) & mask }
        slots[slot] = number + 1
    }

    private mutating func grow() {
        slots = Array(repeating: 0, count: slots.count * 2)
        for number in 0..<UInt32(hashes.count) { place(number, hash: hashes[Int(number)]) }
    }
}
