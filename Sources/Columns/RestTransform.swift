import Bytes

/// What leaves rests of the values; see `IntegerColumn`. j is the place in the interval, line(i) is
/// slope × i / 65,536, rounded down.
enum TransformKind: UInt8 {
    /// r = u.
    case plain = 0
    /// r = u − the u before; 0 for the first of an interval, which is the interval's base.
    case rise = 1
    /// As `rise`, with small steps down as short as small steps up (zigzag).
    case step = 2
    /// r = base + line(j) − u.
    case below = 3
    /// r = u − base − line(j).
    case above = 4

    var isLine: Bool { self == .below || self == .above }
}

/// A transform of one column: the bases of its intervals. Base k is line(256 × k) + low + entry k, so
/// the bases of an exact line are equal entries of no bytes.
struct RestTransform {
    let kind: TransformKind
    private let slope: Int64
    private let low: Int64
    private let entries: [UInt64]
    private let width: Int

    /// slope × place / 65,536, rounded down.
    @inline(__always) static func line(_ slope: Int64, _ place: Int) -> UInt64 {
        UInt64(bitPattern: (slope &* Int64(place)) >> 16)
    }

    static func plain(_ scaled: [UInt64]) -> RestTransform {
        RestTransform(.plain, slope: 0, bases: [])
    }

    /// A transform and its rests; nil where the values are not such.
    static func make(
        _ kind: TransformKind, _ scaled: [UInt64]
    ) -> (RestTransform, [UInt64])? {
        guard scaled.count > 2, let first = scaled.first, let last = scaled.last else { return nil }
        // Beyond 2^46 a line has no room for its fraction.
        guard let top = scaled.max(), top < 1 << 46 else { return nil }
        let rise = Int64(bitPattern: last &- first)
        let slope = (rise << 16) / Int64(scaled.count - 1)
        var bases: [UInt64] = []
        var rests: [UInt64] = []
        rests.reserveCapacity(scaled.count)
        for start in stride(from: 0, to: scaled.count, by: IntegerColumn.interval) {
            let end = min(start + IntegerColumn.interval, scaled.count)
            bases.append(
                kind.isLine
                    ? appendDistances(kind, scaled, start..<end, slope, &rests)
                    : appendSteps(kind, scaled, start..<end, &rests))
        }
        return (RestTransform(kind, slope: slope, bases: bases), rests)
    }

    private static func appendSteps(
        _ kind: TransformKind, _ scaled: [UInt64], _ range: Range<Int>, _ rests: inout [UInt64]
    ) -> UInt64 {
        var before = scaled[range.lowerBound]
        for place in range {
            let step = scaled[place] &- before
            before = scaled[place]
            rests.append(
                kind == .step ? IntegerColumn.zigzag(Int64(bitPattern: step)) : step)
        }
        return scaled[range.lowerBound]
    }

    private static func appendDistances(
        _ kind: TransformKind, _ scaled: [UInt64], _ range: Range<Int>, _ slope: Int64,
        _ rests: inout [UInt64]
    ) -> UInt64 {
        func distance(_ place: Int) -> Int64 {
            Int64(bitPattern: scaled[place] &- line(slope, place - range.lowerBound))
        }
        var base = distance(range.lowerBound)
        for place in range {
            base = kind == .below ? max(base, distance(place)) : min(base, distance(place))
        }
        for place in range {
            let rest = kind == .below ? base - distance(place) : distance(place) - base
            rests.append(UInt64(rest))
        }
        return UInt64(bitPattern: base)
    }

    private init(_ kind: TransformKind, slope: Int64, bases: [UInt64]) {
        self.kind = kind
        self.slope = slope
        let above = bases.enumerated().map { index, base in
            Int64(bitPattern: base &- Self.line(slope, index * IntegerColumn.interval))
        }
        let low = above.min() ?? 0
        self.low = low
        entries = above.map { UInt64($0 - low) }
        let bits = 64 - (entries.max() ?? 0).leadingZeroBitCount
        width = (bits + 7) / 8
    }

    /// Bits that it takes, about.
    var bits: Int { kind == .plain ? 0 : 8 * (10 + entries.count * width) }

    func append(to buffer: inout ByteBuffer) {
        buffer.appendZigzag(slope)
        buffer.appendZigzag(low)
        buffer.append(UInt8(width))
        for entry in entries {
            for byte in 0..<width { buffer.append(UInt8(truncatingIfNeeded: entry >> (8 * byte))) }
        }
    }
}
