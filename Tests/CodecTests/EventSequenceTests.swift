import Bytes
import Codec
import Testing

/// Events that are known by epoch and sequence in the place of an id.
struct EventSequenceTests {
    private let key = SipKey(k0: 1, k1: 2)

    private func content(_ members: String) -> Result<[UInt8], Rejection> {
        let tokens = JSONTokenizer()
        let line = #"{"specversion":"1.0","source":"s","type":"t",\#(members)}"#
        #expect(line.withBytes { tokens.parse($0, paddingAvailable: 0) } == nil, "\(line)")
        var arena = ByteBuffer()
        let result = EventEncoder(key: key).encode(tokens, into: &arena)
        return result.map { _ in arena.copyBytes(in: 0..<arena.count) }
    }

    private func sequence(_ members: String) throws -> EventSequence? {
        let content = try content(members).get()
        return try RecordView(content: content.raw).sequence
    }

    @Test func epochAndSequenceStandForTheId() throws {
        let spelled = try content(#""id":"7:12","epoch":7,"sequence":12"#).get()
        let implied = try content(#""epoch":7,"sequence":12"#).get()
        #expect(spelled == implied)
        #expect(try content(#""sequence":12,"epoch":7,"id":null"#).get() == spelled)
        let sequence = try sequence(#""epoch":7,"sequence":12"#)
        #expect(sequence == EventSequence(epoch: 7, number: 12))
    }

    @Test func theLargestNumbersHaveOneForm() throws {
        let most = Int64.max
        let sequence = try sequence(#""epoch":\#(most),"sequence":\#(most)"#)
        #expect(sequence == EventSequence(epoch: UInt64(most), number: UInt64(most)))
        #expect(try self.sequence(#""epoch":0,"sequence":0"#) != nil)
    }

    /// These have an id of their own, and what they say besides is an attribute like any other.
    @Test(arguments: [
        #""id":"7:12""#, #""id":"7:12","epoch":7"#, #""id":"7:12","epoch":7,"sequence":13"#,
        #""id":"7:12","epoch":8,"sequence":12"#, #""id":"07:12","epoch":7,"sequence":12"#,
        #""id":"7:12 ","epoch":7,"sequence":12"#, #""id":"7:","epoch":7,"sequence":0"#,
        #""id":":12","epoch":0,"sequence":12"#, #""id":"7:1:2","epoch":7,"sequence":12"#,
        #""id":"e1","epoch":7,"sequence":12"#, #""id":"7:12","epoch":"7","sequence":"12""#,
        #""id":"7:12","epoch":7,"sequence":12.5"#,
        #""id":"9223372036854775808:0","epoch":9223372036854775808,"sequence":0"#,
        #""id":"99999999999999999999:0","epoch":7,"sequence":0"#,
    ])
    func otherwiseTheIdIsAKey(_ members: String) throws {
        #expect(try sequence(members) == nil, "\(members)")
    }

    @Test(arguments: [
        (#""epoch":1"#, "id"), (#""sequence":1"#, "id"), (#""epoch":-1,"sequence":2"#, "epoch"),
        (#""epoch":1,"sequence":2.0"#, "sequence"), (#""epoch":1e3,"sequence":2"#, "epoch"),
        (#""epoch":"1","sequence":2"#, "epoch"), (#""epoch":true,"sequence":2"#, "epoch"),
        (#""epoch":1,"sequence":9223372036854775808"#, "sequence"),
    ])
    func aSequenceHasOneSpelling(_ members: String, _ field: String) {
        guard case .failure(let rejection) = content(members) else {
            Issue.record("\(members) is taken")
            return
        }
        #expect(rejection.field == field)
    }
}
