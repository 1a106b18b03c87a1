/// The distinct values that a unique meter has counted in one cell, as 128-bit keys.
///
/// A large set is cut into shards by the low byte of the keys, which are hashes: a copy shares
/// them all, and the first write after a copy, or the growth of a shard, moves a 256th of the set.
struct UniqueKeys {
    /// Keys above which a set is cut.
    private static let wholeMax = 1_024
    private static let shardCount = 256

    private var shards: [Set<UInt128>] = [[]]
    /// How many keys there are.
    private(set) var count = 0

    /// Adds a key, if it is not there.
    mutating func insert(_ key: UInt128) {
        if shards.count == 1, count == Self.wholeMax { cut() }
        if shards[shard(of: key)].insert(key).inserted { count += 1 }
    }

    /// Whether a key is there.
    func contains(_ key: UInt128) -> Bool { shards[shard(of: key)].contains(key) }

    /// All keys, ascending.
    func sorted() -> [UInt128] {
        var keys: [UInt128] = []
        keys.reserveCapacity(count)
        for shard in shards { keys.append(contentsOf: shard) }
        keys.sort()
        return keys
    }

    private func shard(of key: UInt128) -> Int {
        Int(truncatingIfNeeded: key) & (shards.count - 1)
    }

    private mutating func cut() {
        let whole = shards[0]
        shards = Array(repeating: [], count: Self.shardCount)
        for key in whole { shards[shard(of: key)].insert(key) }
    }
}
