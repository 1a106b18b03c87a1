/// The newest identities, in memory: an open table that leads from a fingerprint to positions.
///
/// Slots hold ordinals, not positions, in 32 bits. At most half of them are taken, so a question
/// about a new identity looks at two slots on average.
///
/// `@unchecked Sendable`: it belongs to the index until it is frozen and nobody changes it after.
final class HotTable: @unchecked Sendable {
    /// Position of the first entry.
    private(set) var first: UInt64
    /// Fingerprints in position order; 0 for an entry without a key.
    private(set) var fingerprints: [UInt64] = []
    private var slots: [UInt32]

    /// An empty table.
    /// - Parameter capacity: entries that fit without growing.
    init(first: UInt64, capacity: Int) {
        self.first = first
        var size = 64
        while size < capacity * 2 { size *= 2 }
        slots = Array(repeating: 0, count: size)
        fingerprints.reserveCapacity(capacity)
    }

    /// The position after the last entry.
    var next: UInt64 { first + UInt64(fingerprints.count) }

    /// Forgets everything and keeps the memory.
    func restart(at first: UInt64) {
        self.first = first
        fingerprints.removeAll(keepingCapacity: true)
        for slot in slots.indices { slots[slot] = 0 }
    }

    /// 0 stands for "no key"; a fingerprint that is 0 becomes 1, here and in questions.
    @inline(__always) private static func stored(_ fingerprint: UInt64) -> UInt64 {
        fingerprint == 0 ? 1 : fingerprint
    }

    /// Adds the entry at the next position.
    func append(_ fingerprint: UInt64) {
        precondition(fingerprints.count < Int(UInt32.max) - 1, "ordinals have 32 bits")
        fingerprints.append(Self.stored(fingerprint))
        if fingerprints.count * 2 > slots.count {
            grow()
        } else {
            place(fingerprints.count - 1)
        }
    }

    /// Adds an entry that no question is about.
    func appendWithoutKey() { fingerprints.append(0) }

    /// Calls `body` with each position below `end` that has the fingerprint, until it returns true.
    func first(
        _ fingerprint: UInt64, below end: UInt64, where body: (UInt64) throws -> Bool
    ) rethrows -> UInt64? {
        let wanted = Self.stored(fingerprint)
        let mask = slots.count - 1
        var slot = Int(truncatingIfNeeded: wanted) & mask
        while slots[slot] != 0 {
            let ordinal = Int(slots[slot]) - 1
            if fingerprints[ordinal] == wanted {
                let position = first + UInt64(ordinal)
                if position < end, try body(position) { return position }
            }
            slot = (slot + 1) & mask
        }
        return nil
    }

    /// The keys of the entries below `end`, sorted by lead and position.
    func sorted(below end: UInt64) -> [RunKey] {
        var keys: [RunKey] = []
        keys.reserveCapacity(Int(end - first))
        for ordinal in 0..<Int(end - first) where fingerprints[ordinal] != 0 {
            keys.append(
                RunKey(
                    lead: RunKey.lead(fingerprints[ordinal]), position: first + UInt64(ordinal)))
        }
        keys.sort { ($0.lead, $0.position) < ($1.lead, $1.position) }
        return keys
    }

    private func place(_ ordinal: Int) {
        let mask = slots.count - 1
        var slot = Int(truncatingIfNeeded: fingerprints[ordinal]) & mask
        while slots[slot] != 0 { slot = (slot + 1) & mask }
        slots[slot] = UInt32(ordinal + 1)
    }

    private func grow() {
        slots = Array(repeating: 0, count: slots.count * 2)
        for ordinal in fingerprints.indices where fingerprints[ordinal] != 0 { place(ordinal) }
    }
}
