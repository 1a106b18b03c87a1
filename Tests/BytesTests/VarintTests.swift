import Bytes
import Testing

/// Integers in their shortest form, and nothing else accepted for them.
@Suite struct VarintTests {
    /// 0, 1, and the numbers around every place where a varint or a word grows.
    private static let edges: [UInt128] = {
        var edges: [UInt128] = [0, 1, UInt128.max, UInt128.max - 1]
        for shift in 1..<128 {
            let bound = UInt128(1) << shift
            edges += [bound - 1, bound, bound + 1]
        }
        return edges
    }()

    /// Seven bits a byte, computed by division.
    private static func spelled(_ value: UInt128) -> [UInt8] {
        var bytes: [UInt8] = []
        var rest = value
        repeat {
            bytes.append(UInt8(rest % 128) + 128)
            rest /= 128
        } while rest > 0
        bytes[bytes.count - 1] -= 128
        return bytes
    }

    @Test func everyEdgeIsWrittenAndReadBack() throws {
        for value in Self.edges {
            var buffer = ByteBuffer()
            buffer.appendVarint128(value)
            let bytes = buffer.copyBytes(in: 0..<buffer.count)
            #expect(bytes == Self.spelled(value))
            #expect(try read128(bytes) == value)
            if let word = UInt64(exactly: value) {
                buffer.clear()
                buffer.appendVarint(word)
                #expect(buffer.copyBytes(in: 0..<buffer.count) == bytes)
                #expect(try read(bytes) == word)
            } else {
                #expect(throws: DecodeFailure.self) { try read(bytes) }
            }
        }
    }

    @Test func everyTruncationThrows() {
        for value in Self.edges {
            let bytes = Self.spelled(value)
            for length in 0..<bytes.count {
                let part = Array(bytes.prefix(length))
                #expect(throws: DecodeFailure.truncated(length)) { try read128(part) }
                // A tenth byte may say already that 64 bits do not hold it.
                guard length < 10 else { continue }
                #expect(throws: DecodeFailure.truncated(length)) { try read(part) }
            }
        }
    }

    /// A number with a zero behind it is the same number spelled longer.
    @Test func longerSpellingsThrow() {
        for value in Self.edges {
            var bytes = Self.spelled(value)
            guard bytes.count < 19 else { continue }
            bytes[bytes.count - 1] += 128
            bytes.append(0)
            #expect(throws: DecodeFailure.nonMinimal(0)) { try read128(bytes) }
            if bytes.count <= 10 {
                #expect(throws: DecodeFailure.nonMinimal(0)) { try read(bytes) }
            } else {
                #expect(throws: DecodeFailure.self) { try read(bytes) }
            }
        }
    }

    @Test(arguments: [
        [UInt8](repeating: 0xFF, count: 18) + [4], [UInt8](repeating: 0x80, count: 18) + [4],
        [UInt8](repeating: 0xFF, count: 19) + [0], [UInt8](repeating: 0xFF, count: 40),
    ])
    func moreThan128BitsThrows(bytes: [UInt8]) {
        #expect(throws: DecodeFailure.outOfRange(0)) { try read128(bytes) }
        #expect(throws: DecodeFailure.self) { try read(bytes) }
    }

    @Test(
        arguments: [
            (0, 0), (-1, 1), (1, 2), (-2, 3), (2, 4), (63, 126), (-64, 127), (64, 128),
            (.max, UInt64.max - 1), (.min, UInt64.max),
        ] as [(Int64, UInt64)])
    func zigzagKeepsSmallNumbersShort(value: Int64, word: UInt64) throws {
        for wide in [false, true] {
            var buffer = ByteBuffer()
            if wide { buffer.appendZigzag128(Int128(value)) } else { buffer.appendZigzag(value) }
            let bytes = buffer.copyBytes(in: 0..<buffer.count)
            #expect(bytes == Self.spelled(UInt128(word)))
            var reader = ByteReader(bytes.raw)
            let narrow = try reader.readZigzag()
            reader = ByteReader(bytes.raw)
            let back = try reader.readZigzag128()
            #expect(narrow == value && back == Int128(value))
        }
    }

    @Test func zigzagHoldsTheEndsOf128Bits() throws {
        for value in [Int128.min, .min + 1, -(1 << 64), 1 << 64, .max - 1, .max] {
            var buffer = ByteBuffer()
            buffer.appendZigzag128(value)
            var reader = ByteReader(buffer.bytes)
            let back = try reader.readZigzag128()
            #expect(back == value)
        }
    }

    private func read(_ bytes: [UInt8]) throws -> UInt64? {
        var reader = ByteReader(bytes.raw)
        let value = try reader.readVarint()
        return reader.isAtEnd ? value : nil
    }

    private func read128(_ bytes: [UInt8]) throws -> UInt128? {
        var reader = ByteReader(bytes.raw)
        let value = try reader.readVarint128()
        return reader.isAtEnd ? value : nil
    }
}
