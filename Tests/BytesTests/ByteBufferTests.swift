import Bytes
import Seeds
import Testing

/// A growable buffer against an array that is told the same things.
@Suite struct ByteBufferTests {
    @Test(arguments: Seeds.all)
    func doesWhatAnArrayDoes(seed: UInt64) {
        var generator = SeededGenerator(seed)
        var buffer = ByteBuffer(capacity: Int.random(in: 0...100, using: &generator))
        var model: [UInt8] = []
        for _ in 0..<2000 {
            step(&buffer, &model, &generator)
            #expect(buffer.count == model.count)
            #expect(buffer.capacity >= buffer.count)
        }
        #expect(buffer.copyBytes(in: 0..<buffer.count) == model)
        #expect(buffer.bytes.makeArray() == model)
    }

    private func step(
        _ buffer: inout ByteBuffer, _ model: inout [UInt8], _ generator: inout SeededGenerator
    ) {
        let some = (0..<Int.random(in: 0...300, using: &generator)).map { _ in
            UInt8.random(in: 0...255, using: &generator)
        }
        let place = Int.random(in: 0...model.count, using: &generator)
        switch Int.random(in: 0..<9, using: &generator) {
        case 0:
            buffer.append(7)
            model.append(7)
        case 1:
            buffer.append(some)
            model += some
        case 2:
            buffer.append(some.raw)
            model += some
        case 3:
            buffer.append(utf8: "Grüße 🙂")
            model += Array("Grüße 🙂".utf8)
        case 4:
            buffer.appendZeros(some.count)
            model += [UInt8](repeating: 0, count: some.count)
        case 5:
            let part = Array(some.prefix(model.count - place))
            buffer.overwrite(part.raw, at: place)
            model.replaceSubrange(place..<(place + part.count), with: part)
        case 6:
            let target = Int.random(in: 0...model.count, using: &generator)
            let count = min(model.count - place, model.count - target)
            buffer.move(from: place, to: target, count: count)
            model.replaceSubrange(target..<(target + count), with: model[place..<(place + count)])
        case 7:
            let written = buffer.appendFilled(some.count) { span in
                for index in 0..<(some.count / 2) {
                    span.storeBytes(of: some[index], toByteOffset: index, as: UInt8.self)
                }
                return some.count / 2
            }
            #expect(written == some.count / 2)
            model += some.prefix(some.count / 2)
        default:
            buffer.truncate(to: place)
            model.removeLast(model.count - place)
        }
    }

    @Test func integersAreLittleEndian() {
        var buffer = ByteBuffer()
        buffer.appendInteger(UInt32(0x0102_0304))
        buffer.appendInteger(Int64(-2))
        #expect(
            buffer.copyBytes(in: 0..<buffer.count)
                == [4, 3, 2, 1, 0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF])
        buffer.overwriteInteger(UInt16(0xABCD), at: 1)
        #expect(buffer.bytes.readInteger(as: UInt32.self, at: 0) == 0x01AB_CD04)
        #expect(buffer.bytes.readInteger(as: Int64.self, at: 4) == -2)
    }

    @Test func clearingKeepsTheMemory() {
        var buffer = ByteBuffer()
        buffer.appendZeros(10_000)
        let capacity = buffer.capacity
        buffer.clear()
        #expect(buffer.count == 0)
        #expect(buffer.capacity == capacity)
    }

    @Test func nothingIsAFillThatFailed() {
        var buffer = ByteBuffer()
        buffer.append(1)
        #expect(buffer.appendFilled(8) { _ in -5 } == -5)
        #expect(buffer.count == 1)
    }

    @Test func readsCheckWhatIsLeft() throws {
        let bytes: [UInt8] = [3, 1, 2, 3, 9]
        var reader = ByteReader(bytes.raw)
        let text = try reader.readPrefixed().makeArray()
        let (offset, remaining, isAtEnd) = (reader.offset, reader.remaining, reader.isAtEnd)
        #expect(text == [1, 2, 3])
        #expect(offset == 4 && remaining == 1 && !isAtEnd)
        #expect(throws: DecodeFailure.truncated(4)) { try readWord([3, 1, 2, 3, 9], skipping: 4) }
        #expect(throws: DecodeFailure.truncated(1)) { try readText([4, 1, 2, 3]) }
        #expect(throws: DecodeFailure.truncated(9)) {
            try readText([0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F])
        }
        #expect(throws: DecodeFailure.truncated(0)) { try readText([]) }
    }

    private func readWord(_ bytes: [UInt8], skipping: Int) throws -> UInt32 {
        var reader = ByteReader(bytes.raw)
        _ = try reader.read(count: skipping)
        return try reader.readInteger(as: UInt32.self)
    }

    private func readText(_ bytes: [UInt8]) throws -> [UInt8] {
        var reader = ByteReader(bytes.raw)
        return try reader.readPrefixed().makeArray()
    }

    @Test(arguments: [
        ("", "", false), ("", "a", true), ("a", "", false), ("a", "b", true), ("b", "a", false),
        ("a", "a", false), ("a", "aa", true), ("ab", "b", true), ("\u{7F}", "\u{80}", true),
        ("Z", "a", true), ("é", "z", false),
    ])
    func bytesHaveAnOrder(left: String, right: String, isBefore: Bool) {
        left.withBytes { left in
            right.withBytes { right in
                #expect(left.precedes(right) == isBefore)
                #expect(left.isEqual(to: right) == (left.makeArray() == right.makeArray()))
            }
        }
    }

    @Test func onlyUTF8IsText() {
        #expect(Array("aé🙂".utf8).raw.makeString() == "aé🙂")
        #expect([UInt8]([0x61, 0xC3]).raw.makeString() == nil)
        #expect([UInt8]([0xED, 0xA0, 0x80]).raw.makeString() == nil)
        #expect([UInt8]().raw.makeString()?.isEmpty == true)
    }
}
