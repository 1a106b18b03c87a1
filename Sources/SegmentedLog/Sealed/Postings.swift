import Bytes
import Columns

/// # Postings: where the entries of each account are
///
///     varint accounts | varint length, column of counts | column of steps
///
/// Accounts in the order of their numbers in the dictionary; the entries of one after those of the other.
/// A step is the distance to the account's entry before, less one; for its first entry, the distance to the
/// segment's first position.
enum Postings {
    /// - Parameter positions: of each account, relative to the segment's first, ascending.
    static func append(_ positions: [[UInt32]], to buffer: inout ByteBuffer) {
        buffer.appendVarint(UInt64(positions.count))
        var counts = ByteBuffer(capacity: 1 << 12)
        IntegerColumn.append(positions.map { UInt64($0.count) }, to: &counts)
        buffer.appendPrefixed(counts.bytes)
        var steps: [UInt64] = []
        for list in positions {
            var next: UInt32 = 0
            for position in list {
                steps.append(UInt64(position - next))
                next = position + 1
            }
        }
        IntegerColumn.append(steps, to: &buffer)
    }

    /// The positions of one account.
    static func read(
        _ bytes: RawSpan, account: UInt32, of record: SealedRecord
    ) throws(DecodeFailure) -> [Position] {
        var reader = ByteReader(bytes)
        let accounts = try reader.readVarint()
        let entries = record.nextPosition - record.firstPosition
        guard accounts <= entries, UInt64(account) < accounts else { throw .outOfRange(0) }
        let countBytes = try reader.readPrefixed()
        var counts: [UInt64] = []
        counts.reserveCapacity(Int(accounts))
        let countColumn = try IntegerColumnReader(countBytes, count: Int(accounts))
        try countColumn.append(0..<Int(accounts), to: &counts)
        var total: UInt64 = 0
        var start = 0
        for (number, count) in counts.enumerated() {
            if number == Int(account) { start = Int(total) }
            let (sum, overflow) = total.addingReportingOverflow(count)
            guard !overflow, sum <= entries else { throw .outOfRange(0) }
            total = sum
        }
        var steps: [UInt64] = []
        let stepBytes = try reader.read(count: reader.remaining)
        let stepColumn = try IntegerColumnReader(stepBytes, count: Int(total))
        try stepColumn.append(start..<(start + Int(counts[Int(account)])), to: &steps)
        var positions: [Position] = []
        positions.reserveCapacity(steps.count)
        var next = record.firstPosition
        for step in steps {
            guard step < record.nextPosition - next else { throw .outOfRange(0) }
            positions.append(next + step)
            next += step + 1
        }
        return positions
    }
}

extension Postings {
    /// Whether these bytes are the postings of some entries.
    /// - Parameter positions: of each account, ascending.
    static func isEqual(
        _ bytes: RawSpan, to positions: [[Position]], of record: SealedRecord
    ) throws(DecodeFailure) -> Bool {
        var expected = ByteBuffer(capacity: bytes.byteCount)
        append(
            positions.map { $0.map { UInt32(truncatingIfNeeded: $0 - record.firstPosition) } },
            to: &expected)
        return expected.bytes.isEqual(to: bytes)
    }
}

/// # The section of accounts: for each, in the order of their numbers, its state after the segment
///
///     count u64 | chain, 32 bytes | masked CRC-32C of the account's number u32 and these
///
/// Never compressed: one account's state is read without the others.
enum AccountStates {
    static let byteCount = 8 + Digest.byteCount + 4

    static func append(_ states: [EntryChain], to buffer: inout ByteBuffer) {
        var checked = ByteBuffer(capacity: 64)
        for (number, state) in states.enumerated() {
            checked.clear()
            checked.appendInteger(UInt32(number))
            checked.appendInteger(state.count)
            state.head.append(to: &checked)
            buffer.append(checked.bytes(in: 4..<checked.count))
            buffer.appendInteger(CRC32C.masked(of: checked.bytes))
        }
    }

    /// Reads the state of one account from its bytes.
    static func read(_ bytes: RawSpan, account: UInt32) throws(DecodeFailure) -> EntryChain {
        guard bytes.byteCount == byteCount else { throw .truncated(bytes.byteCount) }
        let state = EntryChain(
            count: bytes.readInteger(as: UInt64.self, at: 0),
            head: Digest(bytes.extracting(8..<(8 + Digest.byteCount))))
        var expected = ByteBuffer(capacity: 64)
        expected.appendInteger(account)
        expected.append(bytes.extracting(0..<(byteCount - 4)))
        guard
            CRC32C.masked(of: expected.bytes)
                == bytes.readInteger(as: UInt32.self, at: byteCount - 4)
        else { throw .invalid("checksum", byteCount - 4) }
        return state
    }
}
