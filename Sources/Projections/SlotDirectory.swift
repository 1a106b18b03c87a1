/// Finds numbers by hash: a hash table that never stops to grow, and whose copy shares everything.
///
/// Linear hashing (Litwin, 1980): the slots are cut into small tables, and when they are full on
/// average, one table is split into two; the others stay. So an insertion moves at most a few
/// hundred slots where one large table would move millions, and a write after a copy copies one
/// small table. Each table probes linearly.
///
/// A slot is 32 bits of hash over a number + 1; 0 is empty. The hash in the slot says which
/// numbers are worth a look and where a slot belongs after a split, without reading what it names.
struct SlotDirectory {
    /// Numbers in a table on average, at most.
    private static let fillMax = 256
    /// Low hash bits that choose the slot; the bits above choose the table.
    private static let slotBits = 10

    private var tables: [[UInt64]] = [Array(repeating: 0, count: 8)]
    private var fills: [UInt16] = [0]
    /// Tables before the round of splits that is under way: a power of two.
    private var base = 1
    private var count = 0

    /// The first number with this hash for which `matches` is true.
    @inline(__always)
    func find(_ hash: UInt64, _ matches: (Int) -> Bool) -> Int? {
        let hash = UInt32(truncatingIfNeeded: hash >> 32)
        let table = tables[table(of: hash)]
        let mask = table.count - 1
        var slot = Int(hash) & mask
        while table[slot] != 0 {
            if UInt32(truncatingIfNeeded: table[slot] >> 32) == hash {
                let number = Int(UInt32(truncatingIfNeeded: table[slot])) - 1
                if matches(number) { return number }
            }
            slot = (slot + 1) & mask
        }
        return nil
    }

    /// Adds a number that is not there yet.
    mutating func insert(_ number: Int, hash: UInt64) {
        precondition(number < UInt32.max, "a directory numbers at most 2^32 - 1")
        let hash = UInt32(truncatingIfNeeded: hash >> 32)
        put(UInt64(hash) << 32 | UInt64(number + 1), in: table(of: hash))
        count += 1
        if count > tables.count * Self.fillMax { split() }
    }

    @inline(__always)
    private func table(of hash: UInt32) -> Int {
        let bits = Int(hash >> UInt32(Self.slotBits))
        let table = bits & (base - 1)
        // Tables before the next one to split are split already: one more bit counts.
        return table < tables.count - base ? bits & (2 * base - 1) : table
    }

    private mutating func put(_ entry: UInt64, in index: Int) {
        fills[index] += 1
        let fill = Int(fills[index])
        precondition(fill < UInt16.max, "the hash spreads numbers over the tables")
        if fill * 8 > tables[index].count * 5 {
            let old = tables[index]
            tables[index] = Array(repeating: 0, count: old.count * 2)
            for entry in old where entry != 0 { Self.place(entry, in: &tables[index]) }
        }
        Self.place(entry, in: &tables[index])
    }

    private static func place(_ entry: UInt64, in table: inout [UInt64]) {
        let mask = table.count - 1
        var slot = Int(entry >> 32) & mask
        while table[slot] != 0 { slot = (slot + 1) & mask }
        table[slot] = entry
    }

    /// Splits the next table of the round.
    private mutating func split() {
        let index = tables.count - base
        let old = tables[index]
        let size = max(8, old.count / 2)
        tables[index] = Array(repeating: 0, count: size)
        tables.append(Array(repeating: 0, count: size))
        fills[index] = 0
        fills.append(0)
        if tables.count == 2 * base { base *= 2 }
        for entry in old where entry != 0 {
            put(entry, in: table(of: UInt32(truncatingIfNeeded: entry >> 32)))
        }
    }
}
