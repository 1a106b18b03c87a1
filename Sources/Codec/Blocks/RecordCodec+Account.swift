package import Bytes

extension RecordCodec {
    /// Where a record's account stands in it: its subject; nil if it has none, or is no canonical record.
    package func account(of record: RawSpan) throws(DecodeFailure) -> Range<Int>? {
        guard let view = try? RecordView(record: record) else { return nil }
        return view.subjectPlace
    }
}
