import Bytes

/// # Filter of one part of a run
///
/// A binary fuse filter (Graf and Lemire, "Binary Fuse Filters: Fast and Smaller Than Xor Filters",
/// 2022): a static set in 16-bit cells. Each key has one cell in each of three neighbouring
/// segments; the three cells of a key in the set xor to 16 bits of the key's hash. Another key does
/// so by chance with probability 2^-16, so four runs together let fewer than one in 16,000 foreign
/// keys pass. It costs about 19 bits a key for parts of 65,536 keys, three memory reads a question,
/// and no key of the set is ever denied.
///
/// Built by peeling: a cell that only one key uses is set last for that key, which takes the key
/// out of its other two cells. It fails for few seeds; then the next seed is tried.
struct FuseShape: Equatable {
    /// Where the cells begin in the filter's bytes.
    var offset: UInt64
    /// Mixed into each key.
    var seed: UInt64
    /// Segments in which a key's first cell may lie; two more follow. 0: no key.
    var segments: UInt32
    /// A segment has this power of two of cells.
    var segmentBits: UInt32

    static let byteCount = 24
    private static let segmentBitsMax: UInt32 = 18

    /// Cells of the filter.
    var cells: Int { segments == 0 ? 0 : (Int(segments) + 2) << Int(segmentBits) }

    /// Bytes of the cells.
    var cellBytes: Int { cells * 2 }

    /// Whether the cells lie inside `count` bytes.
    func fits(_ count: Int) -> Bool {
        segmentBits <= Self.segmentBitsMax && offset <= UInt64(count)
            && cellBytes <= count - Int(offset)
    }

    /// The shape for a number of distinct keys; `slack` widens it after failures.
    init(keys: Int, offset: Int, slack: Int) {
        self.offset = UInt64(offset)
        seed = 0
        guard keys > 0 else {
            (segments, segmentBits) = (0, 0)
            return
        }
        // The paper's segment length 2^(log 3.33 n + 2.25), here with log 3.33 2 = 0.576.
        let log2 = Int.bitWidth - keys.leadingZeroBitCount
        segmentBits = UInt32(min(Int(Self.segmentBitsMax), max(2, (log2 * 576 + 1675) / 1000)))
        // And its size factor, 0.875 + 0.25 ln 10^6 / ln n but 1.125 at least; +1 % a failure.
        let percent = max(113, 88 + 498 / log2) + slack
        let wanted = ((keys * percent / 100) >> Int(segmentBits)) + 1
        segments = UInt32(max(1, wanted - 2))
    }

    init(at offset: Int, in directory: RawSpan) {
        self.offset = directory.readInteger(as: UInt64.self, at: offset)
        seed = directory.readInteger(as: UInt64.self, at: offset + 8)
        segments = directory.readInteger(as: UInt32.self, at: offset + 16)
        segmentBits = directory.readInteger(as: UInt32.self, at: offset + 20)
    }

    func append(to directory: inout ByteBuffer) {
        directory.appendInteger(offset)
        directory.appendInteger(seed)
        directory.appendInteger(segments)
        directory.appendInteger(segmentBits)
    }

    /// Mixes a key; different keys have different hashes (the finaliser of MurmurHash3).
    @inline(__always) func hash(_ key: UInt64) -> UInt64 {
        var word = key &+ seed
        word = (word ^ (word >> 33)) &* 0xFF51_AFD7_ED55_8CCD
        word = (word ^ (word >> 33)) &* 0xC4CE_B9FE_1A85_EC53
        return word ^ (word >> 33)
    }

    /// The three cells of a hash, each in a segment of its own.
    @inline(__always) func places(_ hash: UInt64) -> (Int, Int, Int) {
        let mask = (UInt64(1) << UInt64(segmentBits)) - 1
        let range = UInt64(segments) << UInt64(segmentBits)
        let first = hash.multipliedFullWidth(by: range).high
        let second = (first + mask + 1) ^ (hash >> 18 & mask)
        let third = (first + 2 * (mask + 1)) ^ (hash & mask)
        return (Int(first), Int(second), Int(third))
    }

    /// The bits that the cells of a key xor to.
    @inline(__always) static func mark(_ hash: UInt64) -> UInt16 {
        UInt16(truncatingIfNeeded: hash ^ hash >> 32)
    }

    /// Whether a key may be in the set whose cells stand in `filter`.
    func mayContain(_ key: UInt64, in filter: RawSpan) -> Bool {
        guard segments > 0 else { return false }
        let hash = hash(key)
        let (first, second, third) = places(hash)
        let start = Int(offset)
        let cells =
            filter.readInteger(as: UInt16.self, at: start + 2 * first)
            ^ filter.readInteger(as: UInt16.self, at: start + 2 * second)
            ^ filter.readInteger(as: UInt16.self, at: start + 2 * third)
        return cells == Self.mark(hash)
    }
}

/// Builds filters one after the other in memory that it keeps.
struct FuseBuilder {
    private var counts: [UInt32] = []
    private var sums: [UInt64] = []
    private var peeled: [(hash: UInt64, cell: Int)] = []
    private var cells: [UInt16] = []

    /// Appends the cells of a filter over distinct `keys`.
    /// - Returns: its shape.
    mutating func append(_ keys: [UInt64], to filter: inout ByteBuffer) -> FuseShape {
        var slack = 0
        while true {
            var shape = FuseShape(keys: keys.count, offset: filter.count, slack: slack)
            if keys.isEmpty { return shape }
            // Few seeds fail, and each failure widens the filter: this ends.
            shape.seed = (UInt64(slack) + 1) &* 0x9E37_79B9_7F4A_7C15
            if peel(keys, shape) {
                fill(shape)
                for cell in cells[..<shape.cells] { filter.appendInteger(cell) }
                return shape
            }
            slack += 1
        }
    }

    private mutating func peel(_ keys: [UInt64], _ shape: FuseShape) -> Bool {
        counts = Array(repeating: 0, count: shape.cells)
        sums = Array(repeating: 0, count: shape.cells)
        for key in keys {
            let hash = shape.hash(key)
            let (first, second, third) = shape.places(hash)
            change(first, hash, by: 1)
            change(second, hash, by: 1)
            change(third, hash, by: 1)
        }
        peeled.removeAll(keepingCapacity: true)
        var waiting = counts.indices.filter { counts[$0] == 1 }
        while let cell = waiting.popLast() {
            guard counts[cell] == 1 else { continue }
            let hash = sums[cell]
            peeled.append((hash, cell))
            let (first, second, third) = shape.places(hash)
            for place in [first, second, third] {
                change(place, hash, by: .max)
                if counts[place] == 1 { waiting.append(place) }
            }
        }
        return peeled.count == keys.count
    }

    /// Adds a key to a cell, or takes it out with -1 as it wraps.
    @inline(__always) private mutating func change(
        _ cell: Int, _ hash: UInt64, by count: UInt32
    ) {
        counts[cell] &+= count
        sums[cell] ^= hash
    }

    private mutating func fill(_ shape: FuseShape) {
        cells = Array(repeating: 0, count: shape.cells)
        for (hash, cell) in peeled.reversed() {
            let (first, second, third) = shape.places(hash)
            cells[cell] = FuseShape.mark(hash) ^ cells[first] ^ cells[second] ^ cells[third]
        }
    }
}
