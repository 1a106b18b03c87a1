package import Bytes

/// # How records become columns and come back
///
/// A log seals its records in blocks of columns without knowing what a record says; who knows hands it
/// a codec. Writing takes two passes over the records of a segment, so that the dictionaries which
/// all its blocks share are complete, and ordered by how often a text is used, before the first block
/// is written:
///
///     survey = codec.makeSurvey();  survey.note(record) for each;  writer = survey.finish()
///     for each block: writer.append(record) for each;  writer.finishBlock(into: &columns)
///     writer.appendDictionary(to: &bytes)
///
/// Reading needs the dictionary and a block's columns, and gives any range of its records, byte for
/// byte as they were.
package protocol BlockCodec: Sendable {
    /// Version of the columns. It stands in each sealed segment; a reader of another one refuses it.
    var version: UInt16 { get }

    /// Begins a segment.
    func makeSurvey() -> any BlockSurvey

    /// Opens the dictionary of a sealed segment.
    func makeReader(dictionary: RawSpan) throws(DecodeFailure) -> any BlockReader

    /// Where the name of a record's account stands in it; nil if it has none.
    func account(of record: RawSpan) throws(DecodeFailure) -> Range<Int>?

    /// What a record is to the proof tree: the SHA-256 of the record with each property that may be
    /// erased one day in the form that it has after that; of a record without such properties, of its own
    /// bytes. A record whose body was dropped says what it was.
    /// - Parameter form: working memory; emptied.
    func commitment(
        of record: RawSpan, _ form: inout ByteBuffer
    ) throws(DecodeFailure) -> Digest
}

/// The first pass over the records of a segment. One owner at a time.
package protocol BlockSurvey: AnyObject {
    /// Takes notice of the next record.
    func note(_ record: RawSpan) throws(DecodeFailure)
    /// Ends the pass; no `note` after it.
    func finish() -> any BlockWriter
}

/// The second pass, over the same records in the same order. One owner at a time.
package protocol BlockWriter: AnyObject {
    /// Adds a record to the block at hand.
    func append(_ record: RawSpan) throws(DecodeFailure)
    /// Appends the columns of the block at hand to `columns`, and begins the next block.
    func finishBlock(into columns: inout BlockColumns) -> BlockSummary
    /// Appends what all blocks share. The same bytes whenever it is called.
    func appendDictionary(to buffer: inout ByteBuffer)
    /// How many accounts there are; their numbers are 0 ..< accountCount.
    var accountCount: Int { get }
    /// The name of an account.
    func withAccount<R>(_ number: UInt32, _ body: (RawSpan) -> R) -> R
}

/// What is known of a block besides its columns.
package struct BlockSummary: Sendable {
    /// The number of the account of each record; `noAccount` where it has none.
    package var accounts: [UInt32]
    /// The earliest and the latest time that the records give themselves, nanoseconds UTC; nil if none
    /// does.
    package var times: ClosedRange<Int64>?

    /// The number that means that a record has no account.
    package static let noAccount = UInt32.max

    /// A summary; see the properties.
    package init(accounts: [UInt32], times: ClosedRange<Int64>?) {
        self.accounts = accounts
        self.times = times
    }
}

/// The dictionary of one sealed segment. Immutable, so any thread may use it.
package protocol BlockReader: AnyObject, Sendable {
    /// How many accounts there are; their numbers are 0 ..< accountCount.
    var accountCount: Int { get }
    /// The name of an account.
    func withAccount<R>(_ number: UInt32, _ body: (RawSpan) -> R) -> R
    /// The number of an account; nil if no record of the segment is of it.
    func accountNumber(of name: RawSpan) -> UInt32?

    /// Appends the records `range` of a block.
    /// - Parameters:
    ///   - columns: all columns of the block.
    ///   - count: the records of the block.
    /// - Throws: `DecodeFailure` where the bytes are not such columns. Nothing of them is trusted.
    func decode(
        _ columns: borrowing BlockColumns, count: Int, range: Range<Int>,
        into batch: inout RecordBatch
    ) throws(DecodeFailure)

    /// Memory that holds in all, bytes, about: what a cache of readers counts.
    var byteCount: Int { get }
}

/// Records in one buffer, one behind the other, and the working memory of who decodes them. Owned by one
/// thread; reused, it allocates nothing in steady state.
package struct RecordBatch: ~Copyable {
    /// The bytes of all records.
    package var bytes: ByteBuffer
    /// Where each record ends in `bytes`.
    package var ends: [Int] = []
    /// Working memory of the codec: whatever it left there.
    package var integers: [UInt64] = []
    /// Working memory of the codec: whatever it left there.
    package var texts: ByteBuffer

    /// No record yet.
    package init() {
        bytes = ByteBuffer(capacity: 1 << 16)
        texts = ByteBuffer()
    }

    /// How many records there are.
    package var count: Int { ends.count }

    /// Forgets the records and keeps the memory.
    package mutating func clear() {
        bytes.clear()
        ends.removeAll(keepingCapacity: true)
    }

    /// The bytes of a record.
    @_lifetime(borrow self)
    package func record(_ index: Int) -> RawSpan { bytes.bytes(in: range(of: index)) }

    /// Where a record stands in `bytes`.
    package func range(of index: Int) -> Range<Int> {
        (index == 0 ? 0 : ends[index - 1])..<ends[index]
    }
}
