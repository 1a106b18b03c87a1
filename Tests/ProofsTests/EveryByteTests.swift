import Testing

@testable import Proofs

/// Every byte of a proof counts.
@Suite struct EveryByteTests {
    @Test func aProofWithOneByteChangedIsRefused() throws {
        let book = try Book()
        try book.record(
            #"{"request":"publish","id":"c","catalog":{"catalog":1,"currency":"USD","#
                + #""default_plan":"p","meters":{"m":{"event":"t","aggregate":"count"}},"#
                + #""plans":{"p":{"prices":{"m":{"meter":"m","amount":"1"}}}}}}"#)
        try book.event("e", "t", "acme", "{}")
        try book.event("f", "t", "bolt", "{}")
        let file = try book.proof("acme")
        let key = try book.key()
        #expect(refusal(file, key) == nil)
        var unnoticed: [Int] = []
        for index in file.indices {
            for bit: UInt8 in [0x01, 0x20, 0x80] {
                var changed = file
                changed[index] ^= bit
                if refusal(changed) == nil { unnoticed.append(index) }
            }
        }
        #expect(unnoticed == [])
        for end in 0..<file.count where refusal(Array(file[..<end])) == nil {
            Issue.record("cut at \(end)")
        }
    }
}
