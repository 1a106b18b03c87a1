import Bytes
import Columns
import Platform

/// A codec for the log's own tests: a record is kept as it is, and the account is its first byte.
struct PlainCodec: BlockCodec {
    /// What a codec, or the processor under it, may get wrong.
    enum Fault: CaseIterable {
        /// One bit of one record of a block is turned when it is decoded.
        case decodedRecord
        /// Decoding fails.
        case decoding
        /// A block says the next account of one of its records.
        case accountOfRecord
        /// Names of accounts get each other's numbers.
        case accountNumber
        /// The commitment of one record is another one, once.
        case commitment
    }

    /// What goes wrong from now on.
    final class Faults: Sendable {
        private let current = Monitor<(fault: Fault?, calls: Int)>((nil, 0))

        func set(_ fault: Fault?) { current.withLock { $0 = (fault, 0) } }
        func has(_ fault: Fault) -> Bool { current.read { $0.fault == fault } }
        /// Whether a fault is there now, the third time that it may be.
        func hits(_ fault: Fault) -> Bool {
            current.withLock { current in
                guard current.fault == fault else { return false }
                current.calls += 1
                return current.calls == 3
            }
        }
    }

    let version: UInt16 = 7
    var faults: Faults?
    /// What each dictionary says that it takes in memory, besides its names.
    var dictionaryBytes = 0

    func makeSurvey() -> any BlockSurvey { PlainSurvey(faults) }

    func makeReader(dictionary: RawSpan) throws(DecodeFailure) -> any BlockReader {
        PlainReader(dictionary.makeArray(), faults, dictionaryBytes)
    }

    func account(of record: RawSpan) throws(DecodeFailure) -> Range<Int>? {
        record.byteCount == 0 ? nil : 0..<1
    }

    func commitment(
        of record: RawSpan, _ form: inout ByteBuffer
    ) throws(DecodeFailure) -> Digest {
        form.clear()
        appendForm(of: record, to: &form)
        return SHA256.hash(form.bytes)
    }

    /// A record that begins with two bytes 0xEE keeps a hash of its rest when it is redacted.
    func appendForm(of record: RawSpan, to buffer: inout ByteBuffer) {
        guard record.byteCount > 2, record.byte(at: 0) == 0xEE, record.byte(at: 1) == 0xEE else {
            buffer.append(record)
            if record.byteCount > 0, record.byte(at: 0) == 2, faults?.hits(.commitment) == true {
                buffer.append(1)
            }
            return
        }
        buffer.append(record.extracting(0..<1))
        buffer.append(0xDD)
        SHA256.hash(record.extracting(2...)).append(to: &buffer)
    }

    /// The redacted form of such a record.
    static func redact(_ record: RawSpan, _ buffer: inout ByteBuffer) throws(DecodeFailure) -> Bool
    {
        guard record.byteCount > 2, record.byte(at: 0) == 0xEE, record.byte(at: 1) == 0xEE else {
            return false
        }
        PlainCodec().appendForm(of: record, to: &buffer)
        return true
    }
}

private final class PlainSurvey: BlockSurvey {
    private var seen: Set<UInt8> = []
    private let faults: PlainCodec.Faults?

    init(_ faults: PlainCodec.Faults?) { self.faults = faults }

    func note(_ record: RawSpan) throws(DecodeFailure) {
        if record.byteCount > 0 { seen.insert(record.byte(at: 0)) }
    }

    func finish() -> any BlockWriter { PlainWriter(seen.sorted(), faults) }
}

private final class PlainWriter: BlockWriter {
    private let names: [UInt8]
    private var ends: [UInt64] = []
    private var bytes = ByteBuffer()
    private var accounts: [UInt32] = []
    private let faults: PlainCodec.Faults?

    init(_ names: [UInt8], _ faults: PlainCodec.Faults?) {
        self.names = names
        self.faults = faults
    }

    var accountCount: Int { names.count }

    func withAccount<R>(_ number: UInt32, _ body: (RawSpan) -> R) -> R {
        body([names[Int(number)]].raw)
    }

    func append(_ record: RawSpan) throws(DecodeFailure) {
        bytes.append(record)
        ends.append(UInt64(bytes.count))
        let number = record.byteCount > 0 ? names.firstIndex(of: record.byte(at: 0)) : nil
        accounts.append(number.map { UInt32($0) } ?? BlockSummary.noAccount)
    }

    func finishBlock(into columns: inout BlockColumns) -> BlockSummary {
        let ends = ends
        columns.append(1) { IntegerColumn.append(ends, to: &$0) }
        let all = bytes.copyBytes(in: 0..<bytes.count)
        columns.append(2) { $0.append(all) }
        if faults?.has(.accountOfRecord) == true,
            let place = accounts.firstIndex(where: { $0 != BlockSummary.noAccount })
        {
            accounts[place] = (accounts[place] + 1) % UInt32(names.count)
        }
        defer {
            self.ends = []
            bytes.clear()
            accounts = []
        }
        return BlockSummary(accounts: accounts, times: nil)
    }

    func appendDictionary(to buffer: inout ByteBuffer) { buffer.append(names) }
}

private final class PlainReader: BlockReader {
    private let names: [UInt8]
    private let faults: PlainCodec.Faults?

    init(_ names: [UInt8], _ faults: PlainCodec.Faults?, _ bytes: Int) {
        self.names = names
        self.faults = faults
        byteCount = names.count + bytes
    }

    var accountCount: Int { names.count }
    let byteCount: Int

    func withAccount<R>(_ number: UInt32, _ body: (RawSpan) -> R) -> R {
        body([names[Int(number)]].raw)
    }

    func accountNumber(of name: RawSpan) -> UInt32? {
        guard name.byteCount == 1, let index = names.firstIndex(of: name.byte(at: 0)) else {
            return nil
        }
        let shift = faults?.has(.accountNumber) == true ? 1 : 0
        return UInt32((index + shift) % names.count)
    }

    func decode(
        _ columns: borrowing BlockColumns, count: Int, range: Range<Int>,
        into batch: inout RecordBatch
    ) throws(DecodeFailure) {
        guard let endBytes = columns.column(1), let bytes = columns.column(2),
            faults?.has(.decoding) != true
        else { throw .invalid("a column is missing", 0) }
        let column = try IntegerColumnReader(endBytes, count: count)
        var start = range.lowerBound == 0 ? 0 : try column.value(at: range.lowerBound - 1)
        var ends: [UInt64] = []
        try column.append(range, to: &ends)
        for end in ends {
            guard start <= end, end <= UInt64(bytes.byteCount) else { throw .outOfRange(0) }
            batch.bytes.append(bytes.extracting(Int(start)..<Int(end)))
            batch.ends.append(batch.bytes.count)
            start = end
        }
        if faults?.has(.decodedRecord) == true, batch.bytes.count > 0 {
            let last = batch.bytes.bytes.byte(at: batch.bytes.count - 1)
            batch.bytes.overwriteInteger(last ^ 4, at: batch.bytes.count - 1)
        }
    }
}
