import Bytes
import Columns

/// A codec for the log's own tests: a record is kept as it is, and the account is its first byte.
struct PlainCodec: BlockCodec {
    let version: UInt16 = 7

    func makeSurvey() -> any BlockSurvey { PlainSurvey() }

    func makeReader(dictionary: RawSpan) throws(DecodeFailure) -> any BlockReader {
        PlainReader(dictionary.makeArray())
    }

    func account(of record: RawSpan) throws(DecodeFailure) -> Range<Int>? {
        record.byteCount == 0 ? nil : 0..<1
    }

    /// A record that begins with two bytes 0xEE keeps a hash of its rest when it is redacted.
    func appendCommitment(of record: RawSpan, to buffer: inout ByteBuffer) throws(DecodeFailure) {
        guard record.byteCount > 2, record.byte(at: 0) == 0xEE, record.byte(at: 1) == 0xEE else {
            buffer.append(record)
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
        try PlainCodec().appendCommitment(of: record, to: &buffer)
        return true
    }
}

private final class PlainSurvey: BlockSurvey {
    private var seen: Set<UInt8> = []

    func note(_ record: RawSpan) throws(DecodeFailure) {
        if record.byteCount > 0 { seen.insert(record.byte(at: 0)) }
    }

    func finish() -> any BlockWriter { PlainWriter(seen.sorted()) }
}

private final class PlainWriter: BlockWriter {
    private let names: [UInt8]
    private var ends: [UInt64] = []
    private var bytes = ByteBuffer()
    private var accounts: [UInt32] = []

    init(_ names: [UInt8]) { self.names = names }

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

    init(_ names: [UInt8]) { self.names = names }

    var accountCount: Int { names.count }
    var byteCount: Int { names.count }

    func withAccount<R>(_ number: UInt32, _ body: (RawSpan) -> R) -> R {
        body([names[Int(number)]].raw)
    }

    func accountNumber(of name: RawSpan) -> UInt32? {
        name.byteCount == 1 ? names.firstIndex(of: name.byte(at: 0)).map { UInt32($0) } : nil
    }

    func decode(
        _ columns: borrowing BlockColumns, count: Int, range: Range<Int>,
        into batch: inout RecordBatch
    ) throws(DecodeFailure) {
        guard let endBytes = columns.column(1), let bytes = columns.column(2) else {
            throw .invalid("a column is missing", 0)
        }
        var ends: [UInt64] = []
        try IntegerColumnReader(endBytes, count: count).append(0..<count, to: &ends)
        for index in range {
            let start = index == 0 ? 0 : ends[index - 1]
            guard start <= ends[index], ends[index] <= UInt64(bytes.byteCount) else {
                throw .outOfRange(index)
            }
            batch.bytes.append(bytes.extracting(Int(start)..<Int(ends[index])))
            batch.ends.append(batch.bytes.count)
        }
    }
}
