import Bytes
import Seeds
import Testing

/// Bits, and texts made of numbers.
struct BitsTests {
    @Test(arguments: Seeds.all)
    func bitsComeBack(seed: UInt64) {
        var random = SeededGenerator(seed)
        var buffer = ByteBuffer()
        var writer = BitWriter()
        let values = (0..<500).map { _ in
            let width = Int.random(in: 0...64, using: &random)
            return (value: random.next() & lowBits(width), width: width)
        }
        for (value, width) in values { writer.append(value, width: width, to: &buffer) }
        let count = values.reduce(0) { $0 + $1.width }
        #expect(writer.count == count)
        writer.finish(to: &buffer)
        #expect(buffer.count == (count + 7) / 8)
        var bit = 0
        for (value, width) in values {
            #expect(buffer.bytes.bits(at: bit, width: width) == value)
            bit += width
        }
    }

    @Test func beyondTheEndAreZeros() {
        let bytes: [UInt8] = [0xFF, 0xFF]
        #expect(bytes.raw.bits(at: 12, width: 64) == 15)
        #expect(bytes.raw.bits(at: 16, width: 8) == 0)
        #expect(bytes.raw.bits(at: 1_000, width: 64) == 0)
        #expect([UInt8]().raw.bitWindow(at: 0) == 0)
    }

    @Test func uuidsAreWrittenAndRead() {
        let text = "01234567-89ab-4cde-8f01-23456789abcd"
        let uuid = Array(text.utf8).raw.uuid()
        #expect(uuid?.high == 0x0123_4567_89AB_4CDE && uuid?.low == 0x8F01_2345_6789_ABCD)
        var buffer = ByteBuffer()
        buffer.appendUUID(high: 0x0123_4567_89AB_4CDE, low: 0x8F01_2345_6789_ABCD)
        #expect(buffer.bytes.makeString() == text)
        for other in [
            text.uppercased(), String(text.dropLast()), text + "0",
            text.replacing("-", with: "0"), text.replacing("a", with: "g"),
            text.replacing("0", with: "/"), text.replacing("0", with: ":"),
        ] {
            #expect(Array(other.utf8).raw.uuid() == nil)
        }
    }

    @Test func numbersAreWrittenInDecimal() {
        for (number, width, text): (UInt64, Int, String) in [
            (0, 0, "0"), (0, 3, "000"), (42, 0, "42"), (42, 6, "000042"), (123, 2, "123"),
            (.max, 0, "18446744073709551615"),
        ] {
            var buffer = ByteBuffer()
            buffer.appendDecimal(number, width: width)
            #expect(buffer.bytes.makeString() == text)
        }
    }

    @Test func shortVarintsAreVarints() {
        for value: UInt64 in [0, 1, 127, 128, 300, 16_383, 16_384, .max] {
            var short = ByteBuffer()
            var long = ByteBuffer()
            short.appendShortVarint(value)
            long.appendVarint(value)
            let isEqual = short.bytes.isEqual(to: long.bytes)
            #expect(isEqual)
        }
    }

    @Test func shortCopiesAreExact() {
        let source = [UInt8](0..<100)
        for length in 0...70 {
            for start in [0, 1, 29, 30] {
                var buffer = ByteBuffer()
                buffer.append([7])
                buffer.append(source.raw, from: start, length: length)
                buffer.append([8])
                let expected = [7] + source[start..<(start + length)] + [8]
                #expect(buffer.copyBytes(in: 0..<buffer.count) == Array(expected))
            }
        }
    }
}
