package import Bytes

/// Byte strings numbered densely in the order in which they were first seen.
///
/// The order is the log's, so the number of a name is the same in every replay and may stand in
/// digests and snapshots. Lookup is by a keyed hash: names come from outside, and a plain hash
/// would let a client choose names that all collide.
package struct Interner: ~Copyable {
    /// Names whose bytes stand in one array. At most 2^32 bytes do: a record is below 2^25.
    private static let blockNames = 128

    private let key: SipKey
    /// The bytes of each 128 names; only the last block is ever written.
    private var blocks: [[UInt8]] = []
    /// Where each name ends in its block.
    private var ends = Chunked<7, UInt32>()
    private var slots = SlotDirectory()
    /// How many names are known.
    package var count: Int { ends.count }

    /// An empty interner.
    /// - Parameter key: secret of the hash; it decides no number, only the probing order.
    package init(key: SipKey) { self.key = key }

    /// The same names, sharing their memory until one of both learns more.
    package func copy() -> Interner {
        var copy = Interner(key: key)
        copy.blocks = blocks
        copy.ends = ends
        copy.slots = slots
        return copy
    }

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
        let number = count
        let block = number / Self.blockNames
        if block == blocks.count { blocks.append([]) }
        blocks[block].append(contentsOf: name.makeArray())
        ends.append(UInt32(blocks[block].count))
        slots.insert(number, hash: hash)
        return UInt32(number)
    }

    /// The bytes of the name with this number.
    package func withName<R>(_ number: UInt32, _ body: (RawSpan) -> R) -> R {
        let index = Int(number)
        let start = index % Self.blockNames == 0 ? 0 : Int(ends[index - 1])
        let block = blocks[index / Self.blockNames]
        return body(block.raw.extracting(start..<Int(ends[index])))
    }

    /// The name with this number as text; names are UTF-8 by construction.
    package func text(_ number: UInt32) -> String {
        withName(number) { String(decoding: $0.makeArray(), as: UTF8.self) }
    }

    private func find(_ name: RawSpan, hash: UInt64) -> UInt32? {
        slots.find(hash) { number in
            withName(UInt32(number)) { $0.isEqual(to: name) }
        }.map { UInt32($0) }
    }
}
