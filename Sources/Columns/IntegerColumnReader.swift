package import Bytes

/// Reads any part of an `IntegerColumn`. Nothing in its bytes is trusted: they decode to some numbers,
/// or fail.
package struct IntegerColumnReader: ~Escapable {
    /// The number of values.
    package let count: Int
    private let base: UInt64
    private var scale: UInt64 = 1
    private var kind = TransformKind.plain
    private var slope: Int64 = 0
    private var low: Int64 = 0
    private var entryWidth = 0
    private var entries: RawSpan
    private var packing = Packing.constant
    private var least: UInt64 = 0
    private var width = 0
    private var table: SymbolTable?
    private var lengths: RawSpan
    private var stream: RawSpan

    /// Reads the head of a column of `count` values.
    /// - Throws: `DecodeFailure` where the bytes cannot be one.
    @_lifetime(copy bytes)
    package init(_ bytes: RawSpan, count: Int) throws(DecodeFailure) {
        guard count >= 0 else { throw .outOfRange(0) }
        self.count = count
        let nothing = bytes.extracting(0..<0)
        (entries, lengths, stream) = (nothing, nothing, nothing)
        var reader = ByteReader(bytes)
        let form = try reader.readByte()
        base = try reader.readVarint()
        guard let kind = TransformKind(rawValue: form & 15),
            let packing = Packing(rawValue: form >> 4)
        else { throw .invalid("form of an integer column", 0) }
        self.kind = kind
        self.packing = packing
        if packing == .constant {
            guard kind == .plain, reader.isAtEnd else { throw .invalid("constant column", 0) }
            return
        }
        scale = try reader.readVarint()
        let intervals = IntegerColumn.intervals(count)
        if kind != .plain {
            slope = try reader.readZigzag()
            low = try reader.readZigzag()
            entryWidth = Int(try reader.readByte())
            guard entryWidth <= 8 else { throw .outOfRange(reader.offset - 1) }
            entries = try reader.read(count: intervals * entryWidth)
        }
        if packing == .fixed {
            least = try reader.readVarint()
            width = Int(try reader.readByte())
            guard width <= 64 else { throw .outOfRange(reader.offset - 1) }
        } else {
            let symbols = Int(try reader.readByte())
            table = try SymbolTable(try reader.read(count: (symbols + 1) / 2), count: symbols)
            lengths = try reader.read(count: 2 * max(0, intervals - 1))
        }
        stream = try reader.read(count: reader.remaining)
        guard packing != .fixed || stream.byteCount == (width * count + 7) / 8 else {
            throw .truncated(bytes.byteCount)
        }
    }

    /// The value of all places, where the column says only that.
    package var constant: UInt64? { packing == .constant ? base : nil }

    /// The value at a place.
    /// - Throws: `DecodeFailure` where the bytes are damaged.
    package func value(at place: Int) throws(DecodeFailure) -> UInt64 {
        var values: [UInt64] = []
        try append(place..<(place + 1), to: &values)
        return values[0]
    }

    /// Appends the values of a range.
    /// - Throws: `DecodeFailure` where the bytes are damaged; what was appended then means nothing.
    package func append(
        _ range: Range<Int>, to values: inout [UInt64]
    ) throws(DecodeFailure) {
        precondition(range.lowerBound >= 0 && range.upperBound <= count, "beyond the column")
        let before = values.count
        if packing == .constant {
            values.append(contentsOf: repeatElement(base, count: range.count))
            return
        }
        if packing == .fixed, kind == .plain {
            values.append(contentsOf: repeatElement(0, count: range.count))
            var target = values.mutableSpan
            let places = before..<target.count
            readFixed(from: range.lowerBound, into: &target, places)
            finish(&target, places)
            return
        }
        guard !range.isEmpty else { return }
        let size = IntegerColumn.interval
        let (first, last) = (range.lowerBound / size, (range.upperBound - 1) / size)
        var bit = 0
        if packing == .symbols {
            for interval in 0..<first { bit += length(of: interval) }
        }
        // Whole intervals up to the end of the range: what stands before it is dropped at the end.
        values.append(contentsOf: repeatElement(0, count: range.upperBound - first * size))
        var interval = first
        while interval <= last {
            let start = before + (interval - first) * size
            var target = values.mutableSpan
            if packing == .symbols, interval + 3 < last {
                bit = try readFour(interval, from: bit, into: &target, at: start)
                for lane in 0..<4 {
                    let places = (start + lane * size)..<(start + (lane + 1) * size)
                    undoTransform(interval + lane, &target, places)
                    finish(&target, places)
                }
                interval += 4
                continue
            }
            let places = start..<min(start + size, target.count)
            if packing == .fixed {
                readFixed(from: interval * size, into: &target, places)
            } else {
                bit = try readSymbols(interval, from: bit, into: &target, places)
            }
            undoTransform(interval, &target, places)
            finish(&target, places)
            interval += 1
        }
        values.removeSubrange(before..<(before + range.lowerBound - first * size))
    }

    private func length(of interval: Int) -> Int {
        Int(lengths.readInteger(as: UInt16.self, at: 2 * interval))
    }

    private func readFixed(
        from place: Int, into target: inout MutableSpan<UInt64>, _ places: Range<Int>
    ) {
        var bit = place * width
        for index in places {
            target[index] = least &+ stream.bits(at: bit, width: width)
            bit += width
        }
    }

    /// Reads the symbols of an interval, of the last one of a range up to its end only.
    /// - Returns: where the next interval starts.
    private func readSymbols(
        _ interval: Int, from start: Int, into target: inout MutableSpan<UInt64>,
        _ places: Range<Int>
    ) throws(DecodeFailure) -> Int {
        guard let table else { throw .invalid("symbol table", 0) }
        let bit = table.read(stream, from: start, into: &target, places)
        let isLast = interval == IntegerColumn.intervals(count) - 1
        let end = isLast ? stream.byteCount * 8 : start + length(of: interval)
        let isWhole = interval * IntegerColumn.interval + places.count == count
        let isFull = places.count == IntegerColumn.interval
        let fits = isLast && isWhole ? bit <= end && end - bit < 8 : bit <= end
        guard fits, !isFull || isLast || bit == end, end <= stream.byteCount * 8 else {
            throw .invalid("length of an interval", interval)
        }
        return end
    }

    /// Reads four whole intervals at once: they do not wait for each other, as the symbols of one do.
    /// - Returns: where the next interval starts.
    private func readFour(
        _ interval: Int, from start: Int, into target: inout MutableSpan<UInt64>, at place: Int
    ) throws(DecodeFailure) -> Int {
        guard let table else { throw .invalid("symbol table", 0) }
        var ends = (0, 0, 0, 0)
        ends.0 = start + length(of: interval)
        ends.1 = ends.0 + length(of: interval + 1)
        ends.2 = ends.1 + length(of: interval + 2)
        ends.3 = ends.2 + length(of: interval + 3)
        let read = table.readFour(
            stream, from: (start, ends.0, ends.1, ends.2), into: &target, at: place)
        guard read == ends, ends.3 <= stream.byteCount * 8 else {
            throw .invalid("length of an interval", interval)
        }
        return ends.3
    }

    private func undoTransform(
        _ interval: Int, _ target: inout MutableSpan<UInt64>, _ places: Range<Int>
    ) {
        guard kind != .plain else { return }
        var entry: UInt64 = 0
        for byte in 0..<entryWidth {
            entry |= UInt64(entries.byte(at: interval * entryWidth + byte)) << UInt64(8 * byte)
        }
        let line = RestTransform.line(slope, interval * IntegerColumn.interval)
        let start = line &+ UInt64(bitPattern: low) &+ entry
        var sum = start
        var rise: Int64 = 0
        switch kind {
        case .plain: return
        case .rise:
            for index in places {
                sum &+= target[index]
                target[index] = sum
            }
        case .step:
            for index in places {
                sum &+= UInt64(bitPattern: IntegerColumn.unzigzag(target[index]))
                target[index] = sum
            }
        case .below:
            for index in places {
                target[index] = start &+ UInt64(bitPattern: rise >> 16) &- target[index]
                rise &+= slope
            }
        case .above:
            for index in places {
                target[index] = start &+ UInt64(bitPattern: rise >> 16) &+ target[index]
                rise &+= slope
            }
        }
    }

    private func finish(_ target: inout MutableSpan<UInt64>, _ places: Range<Int>) {
        for index in places { target[index] = base &+ target[index] &* scale }
    }
}
