package import Bytes
package import Columns

/// # Canonical records as columns
///
/// Most records of a producer differ only in their values. The bytes around those (tags, keys, lengths of
/// arrays, the version) are the record's *shape*, which stands once in the segment's dictionary; a
/// block says which shape each record has, and holds the values by *field*: what stands at one path,
/// whatever the shape, is one column. `RecordWalk` says what a value is, and `docs/format-columns.md` is
/// the format to the byte.
///
/// - Texts that come again and again are numbers of a dictionary of their field, the most frequent
///   the smallest; others make a `TextColumn`. Numbers, flags and times are `IntegerColumn`s.
/// - The accounts are always a dictionary: their numbers are what a log makes its postings of.
/// - A record of a rare shape, a large one, or bytes that are no record at all are kept as they are.
package struct RecordCodec: BlockCodec {
    /// Version of the columns; see `BlockCodec`.
    package let version: UInt16 = 1

    /// The codec.
    package init() {}

    /// Begins a segment.
    package func makeSurvey() -> any BlockSurvey { RecordSurvey() }

    /// Opens a segment's dictionary.
    package func makeReader(
        dictionary: RawSpan
    ) throws(DecodeFailure) -> any BlockReader {
        try RecordBlockReader(dictionary)
    }

    /// The hash of the record as the proof tree has it; see `RecordCommitment`.
    package func commitment(
        of record: RawSpan, _ form: inout ByteBuffer
    ) throws(DecodeFailure) -> Digest {
        Self.commitment(of: record, &form)
    }

    /// The hash of any bytes; what is no canonical record is hashed as it is.
    package static func commitment(of record: RawSpan, _ form: inout ByteBuffer) -> Digest {
        RecordCommitment.digest(of: record, &form)
    }
}
