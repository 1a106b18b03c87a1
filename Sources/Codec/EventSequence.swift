import Bytes

/// Where an event stands at its producer: the count of the producer's lives, and the count of events in
/// this life. It is the event's identity at its source, written `<epoch>:<sequence>`.
package struct EventSequence: Hashable, Comparable, Sendable, BitwiseCopyable {
    /// From 0; higher with each life of the producer.
    package let epoch: UInt64
    /// From 0 or more; one more with each event.
    package let number: UInt64

    /// Both are at most this, so that they are integers everywhere.
    package static let max = UInt64(Int64.max)

    /// A place; both numbers are at most `max`.
    package init(epoch: UInt64, number: UInt64) {
        precondition(epoch <= Self.max && number <= Self.max, "within 63 bits")
        self.epoch = epoch
        self.number = number
    }

    /// Reads `<epoch>:<sequence>`; nil for every other text, leading zeros included.
    init?(id: RawSpan) {
        var numbers: (UInt64, UInt64) = (0, 0)
        var digits = 0
        var isSecond = false
        for offset in 0..<id.byteCount {
            let byte = id.byte(at: offset)
            if byte == UInt8(ascii: ":"), !isSecond, digits > 0 {
                numbers.0 = numbers.1
                (numbers.1, digits, isSecond) = (0, 0, true)
                continue
            }
            guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9"), digits < 19,
                digits == 0 || numbers.1 > 0
            else { return nil }
            numbers.1 = numbers.1 * 10 + UInt64(byte - UInt8(ascii: "0"))
            digits += 1
        }
        guard isSecond, digits > 0, numbers.0 <= Self.max, numbers.1 <= Self.max else {
            return nil
        }
        self.init(epoch: numbers.0, number: numbers.1)
    }

    /// The canonical id.
    package var id: String { "\(epoch):\(number)" }

    /// By epoch, then number.
    package static func < (left: EventSequence, right: EventSequence) -> Bool {
        (left.epoch, left.number) < (right.epoch, right.number)
    }
}

extension RecordView {
    /// The sequence that is this event's identity; nil if its identity is a key.
    ///
    /// It is one where the id is `<epoch>:<sequence>` and the attributes `epoch` and `sequence`
    /// say the same.
    package var sequence: EventSequence? {
        guard kind == .event, let attributes, let sequence = EventSequence(id: id),
            Self.integer(Self.epochKey, in: attributes) == Int128(sequence.epoch),
            Self.integer(Self.sequenceKey, in: attributes) == Int128(sequence.number)
        else { return nil }
        return sequence
    }

    private static let epochKey = [Array("epoch".utf8)]
    private static let sequenceKey = [Array("sequence".utf8)]

    private static func integer(_ key: [[UInt8]], in attributes: RawSpan) -> Int128? {
        guard let range = NodeReader.find(key, in: attributes) else { return nil }
        var reader = ByteReader(attributes.extracting(range))
        guard (try? reader.readByte()) == NodeTag.integer else { return nil }
        return try? reader.readZigzag128()
    }
}
