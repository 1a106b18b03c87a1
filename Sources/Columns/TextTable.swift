import Bytes

/// Texts by number and numbers by text: each text once, numbered in the order of arrival. One owner at a
/// time while it grows.
package final class TextTable {
    /// In one struct, so that each call checks once that nobody else is at it.
    private var table = Table()

    /// An empty table.
    package init() {}

    /// How many texts there are.
    package var count: Int { table.texts.count }

    /// Bytes of all texts.
    package var textBytes: Int { table.texts.bytes.count }

    /// Calls `body` with a text.
    package func withText<R>(_ number: Int, _ body: (RawSpan) -> R) -> R {
        table.withText(number, body)
    }

    /// The number of a text; nil if it is not there.
    package func number(of text: RawSpan) -> Int? { table.number(of: text) }

    /// The number of a text, which is added if it is not there.
    package func add(_ text: RawSpan) -> Int { table.add(text) }

    private struct Table: ~Copyable {
        var texts = TextList()
        private var hashes: [UInt32] = []
        /// Number + 1 of a text, 0 where there is none; as long as a power of two.
        private var slots = [UInt32](repeating: 0, count: 64)
        private let key: SipKey

        /// Hashes are keyed at random, so that no sender of texts can make them collide.
        init() {
            var random = SystemRandomNumberGenerator()
            key = SipKey(k0: random.next(), k1: random.next())
        }

        func withText<R>(_ number: Int, _ body: (RawSpan) -> R) -> R {
            texts.withText(number, body)
        }

        func number(of text: RawSpan) -> Int? {
            let found = slots[slot(of: text, hash(text))]
            return found == 0 ? nil : Int(found) - 1
        }

        mutating func add(_ text: RawSpan) -> Int {
            let hash = hash(text)
            let slot = slot(of: text, hash)
            if slots[slot] != 0 { return Int(slots[slot]) - 1 }
            texts.append(text)
            hashes.append(hash)
            slots[slot] = UInt32(texts.count)
            if texts.count * 2 > slots.count { grow() }
            return texts.count - 1
        }

        private func hash(_ text: RawSpan) -> UInt32 {
            UInt32(truncatingIfNeeded: siphash(text, key: key))
        }

        /// Where a text is, or the free place for it.
        private func slot(of text: RawSpan, _ hash: UInt32) -> Int {
            let mask = slots.count - 1
            var slot = Int(hash) & mask
            while slots[slot] != 0 {
                let number = Int(slots[slot]) - 1
                if hashes[number] == hash, texts.text(number).isEqual(to: text) { return slot }
                slot = (slot + 1) & mask
            }
            return slot
        }

        private mutating func grow() {
            slots = [UInt32](repeating: 0, count: slots.count * 2)
            let mask = slots.count - 1
            for (number, hash) in hashes.enumerated() {
                var slot = Int(hash) & mask
                while slots[slot] != 0 { slot = (slot + 1) & mask }
                slots[slot] = UInt32(number + 1)
            }
        }
    }
}
