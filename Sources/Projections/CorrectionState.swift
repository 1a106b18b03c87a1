import Billing
import Bytes
import SegmentedLog

/// The snapshot form of corrections.
enum CorrectionState {
    static func append(_ batch: Corrections.Batch, to bytes: inout ByteBuffer) {
        bytes.appendPrefixed(utf8: batch.name)
        bytes.appendVarint(batch.opened)
        bytes.append(
            (batch.isBilled ? 1 : 0) | (batch.closed == nil ? 0 : 2)
                | (batch.reverted == nil ? 0 : 4))
        if let closed = batch.closed { bytes.appendVarint(closed) }
        if let reverted = batch.reverted { bytes.appendVarint(reverted) }
        bytes.appendVarint(batch.events)
    }

    static func batch(_ reader: inout ByteReader) throws(DecodeFailure) -> Corrections.Batch {
        let offset = reader.offset
        guard let name = try reader.readPrefixed().makeString(), !name.isEmpty else {
            throw .invalid("name of a batch", offset)
        }
        let opened = try reader.readVarint()
        let flags = try reader.readByte()
        guard flags < 8 else { throw .invalid("flags of a batch", reader.offset - 1) }
        var batch = Corrections.Batch(name: name, opened: opened, isBilled: flags & 1 != 0)
        if flags & 2 != 0 { batch.closed = try reader.readVarint() }
        if flags & 4 != 0 { batch.reverted = try reader.readVarint() }
        batch.events = try reader.readVarint()
        return batch
    }

    static func append(_ account: Corrections.Account, to bytes: inout ByteBuffer) {
        bytes.appendVarint(UInt64(account.corrected.count))
        for correction in account.corrected {
            bytes.appendVarint(correction.entry)
            bytes.appendVarint(correction.by)
            bytes.append(correction.replaces ? 1 : 0)
        }
        bytes.appendVarint(UInt64(account.stretches.count))
        for stretch in account.stretches {
            bytes.appendVarint(UInt64(stretch.batch))
            bytes.appendVarint(stretch.events)
            bytes.appendInteger(stretch.earliest.nanoseconds)
            bytes.appendInteger(stretch.latest.nanoseconds)
        }
    }

    static func account(
        _ reader: inout ByteReader, batches: Int
    ) throws(DecodeFailure) -> Corrections.Account {
        var account = Corrections.Account()
        for _ in 0..<(try reader.readVarint()) {
            let (entry, by) = (try reader.readVarint(), try reader.readVarint())
            let flag = try reader.readByte()
            let correction = Corrections.Corrected(entry: entry, by: by, replaces: flag == 1)
            guard flag <= 1, account.corrected.last.map({ $0.precedes(correction) }) ?? true
            else { throw .invalid("order of the corrections", reader.offset) }
            account.corrected.append(correction)
        }
        for _ in 0..<(try reader.readVarint()) {
            let offset = reader.offset
            let number = try reader.readVarint()
            guard number < UInt64(batches),
                account.stretches.last.map({ UInt64($0.batch) < number }) ?? true
            else { throw .outOfRange(offset) }
            let events = try reader.readVarint()
            let earliest = Timestamp(nanoseconds: try reader.readInteger(as: Int64.self))
            let latest = Timestamp(nanoseconds: try reader.readInteger(as: Int64.self))
            guard earliest <= latest, events > 0 else { throw .outOfRange(offset) }
            account.stretches.append(
                .init(batch: UInt32(number), events: events, earliest: earliest, latest: latest))
        }
        guard !account.corrected.isEmpty || !account.stretches.isEmpty else {
            throw .invalid("an account without corrections", reader.offset)
        }
        return account
    }
}
