import Bytes

/// Finds texts of a dictionary that does not change any more. They lie in one buffer, each behind its
/// length as a varint, at places as `TextPlace` has them.
package struct TextIndex: Sendable {
    /// Number + 1 of a text, 0 where there is none; as long as a power of two.
    private let slots: [UInt32]
    private let key: SipKey

    /// The index of some of the texts at `places`. Hashes are keyed at random, so that no sender can
    /// make texts collide.
    package init(_ buffer: RawSpan, _ places: [UInt64], _ texts: Range<Int>) {
        var random = SystemRandomNumberGenerator()
        key = SipKey(k0: random.next(), k1: random.next())
        var size = 16
        while size < 2 * texts.count { size *= 2 }
        var slots = [UInt32](repeating: 0, count: size)
        for text in texts {
            let hash = siphash(Self.text(buffer, places[text]), key: key)
            var slot = Int(truncatingIfNeeded: hash) & (size - 1)
            while slots[slot] != 0 { slot = (slot + 1) & (size - 1) }
            slots[slot] = UInt32(text + 1)
        }
        self.slots = slots
    }

    /// Memory that it holds, bytes.
    package var byteCount: Int { 4 * slots.count }

    /// The number of a text: its place in `places`; nil if it is not there. Buffer and places are those
    /// that the index was made of.
    package func find(_ text: RawSpan, _ buffer: RawSpan, _ places: [UInt64]) -> UInt32? {
        let mask = slots.count - 1
        var slot = Int(truncatingIfNeeded: siphash(text, key: key)) & mask
        while slots[slot] != 0 {
            let number = slots[slot] - 1
            if Self.text(buffer, places[Int(number)]).isEqual(to: text) { return number }
            slot = (slot + 1) & mask
        }
        return nil
    }

    /// The text at a place, without its length.
    @_lifetime(copy buffer)
    package static func text(_ buffer: RawSpan, _ place: UInt64) -> RawSpan {
        var start = TextPlace.start(place)
        let end = start + TextPlace.length(place)
        while buffer.byte(at: start) >= 0x80 { start += 1 }
        return buffer.extracting((start + 1)..<end)
    }
}
