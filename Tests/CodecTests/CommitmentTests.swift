import Bytes
import Seeds
import Testing

@testable import Codec

/// What of a record is in the proof tree, before and after a value is erased.
@Suite struct CommitmentTests {
    private func commitment(_ record: [UInt8]) throws -> [UInt8] {
        var buffer = ByteBuffer()
        buffer.append(5)
        RecordCommitment.append(record.raw, to: &buffer)
        #expect(buffer.bytes.byte(at: 0) == 5)
        return buffer.copyBytes(in: 1..<buffer.count)
    }

    private func redacted(_ salt: [UInt8], _ node: [UInt8]) -> [UInt8] {
        var hash = ByteBuffer()
        SHA256.hash(([9] + salt + node).raw).append(to: &hash)
        return [10] + hash.copyBytes(in: 0..<32)
    }

    private func record(_ node: [UInt8]) throws -> [UInt8] {
        let content = try Encoding.content(data: "0")
        return Encoding.record(Array(content.dropLast(2)) + node)
    }

    @Test func anErasedValueLeavesTheCommitmentAsItWas() throws {
        let salt = [UInt8](1...16)
        for inner: [UInt8] in [[0], [3, 40], [6, 2, 104, 105], [7, 2, 1, 2], [8, 1, 1, 97, 9]] {
            guard inner.last != 9 else { continue }
            let object: (_ node: [UInt8]) -> [UInt8] = { [8, 2, 1, 97] + $0 + [1, 98, 7, 1] + $0 }
            let before = try record(object([9] + salt + inner))
            let after = try record(object(redacted(salt, inner)))
            #expect(try commitment(before) == after)
            #expect(try commitment(after) == after)
        }
    }

    @Test func aSaltInsideASaltIsHashedFirst() throws {
        let (outer, inner) = ([UInt8](1...16), [UInt8](101...116))
        let whole = try record([9] + outer + [7, 1, 9] + inner + [6, 1, 120])
        let half = try record([9] + outer + [7, 1] + redacted(inner, [6, 1, 120]))
        #expect(try commitment(whole) == commitment(half))
        #expect(
            try commitment(half)
                == record(redacted(outer, [7, 1] + redacted(inner, [6, 1, 120]))))
    }

    @Test(arguments: Seeds.all)
    func recordsWithoutSaltsAreThemselves(seed: UInt64) throws {
        var source = RandomRecords(seed: seed, isRegular: true)
        for record in source.records(300) { #expect(try commitment(record) == record) }
    }

    @Test(arguments: Seeds.all)
    func theCommitmentOfACommitmentIsItself(seed: UInt64) throws {
        var source = RandomRecords(seed: seed, isRegular: false)
        for record in source.records(300) {
            let once = try commitment(record)
            #expect(try commitment(once) == once)
        }
    }

    @Test func bytesThatAreNoRecordAreThemselves() throws {
        let record = try record([9] + [UInt8](1...16) + [0])
        for bytes in [[], [9], Array(record.dropLast(3)), [200] + record] {
            #expect(try commitment(bytes) == bytes)
        }
    }
}
