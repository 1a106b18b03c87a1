import Bytes
import Codec
import SegmentedLog

/// One producer: its fold and its bytes.
extension Producers.Producer {
    /// Whether an event may follow the newest one.
    func isNext(_ sequence: EventSequence) -> Bool {
        guard let newest = epochs.last else { return true }
        return sequence.epoch > newest.epoch
            || sequence.epoch == newest.epoch && sequence.number == newest.last + 1
    }

    /// Takes in the next event.
    mutating func add(_ sequence: EventSequence, at position: Position) {
        precondition(isNext(sequence), "a producer's events come in order")
        if let newest = epochs.last, newest.epoch == sequence.epoch {
            epochs[epochs.count - 1].last = sequence.number
        } else {
            if epochs.count == Producers.epochsMax {
                epochs.removeFirst()
                hasForgotten = true
            }
            epochs.append(
                .init(epoch: sequence.epoch, first: sequence.number, last: sequence.number))
        }
        mark(sequence, position)
    }

    private mutating func mark(_ sequence: EventSequence, _ position: Position) {
        if let last = marks.last {
            unmarked += 1
            guard
                unmarked >= Producers.entriesPerMark << UInt64(doublings)
                    || position - last.position >= Producers.positionsPerMark << UInt64(doublings)
            else { return }
        }
        if marks.count == Producers.marksMax {
            marks = marks.indices.filter { $0 % 2 == 0 }.map { marks[$0] }
            doublings += 1
        }
        marks.append(.init(sequence: sequence, position: position))
        unmarked = 0
    }

    /// Writes the producer: epochs, then marks, each relative to the one before.
    func append(to bytes: inout ByteBuffer) {
        bytes.append(hasForgotten ? 1 : 0)
        bytes.append(doublings)
        bytes.appendVarint(unmarked)
        bytes.appendVarint(UInt64(epochs.count))
        for epoch in epochs {
            bytes.appendVarint(epoch.epoch)
            bytes.appendVarint(epoch.first)
            bytes.appendVarint(epoch.last)
        }
        bytes.appendVarint(UInt64(marks.count))
        for mark in marks {
            bytes.appendVarint(mark.sequence.epoch)
            bytes.appendVarint(mark.sequence.number)
            bytes.appendVarint(mark.position)
        }
    }

    /// Reads what `append(to:)` wrote.
    init(from reader: inout ByteReader) throws(DecodeFailure) {
        self.init()
        switch try reader.readByte() {
        case 0: hasForgotten = false
        case 1: hasForgotten = true
        default: throw .invalid("flags of a producer", reader.offset - 1)
        }
        doublings = try reader.readByte()
        unmarked = try reader.readVarint()
        guard doublings < 40, unmarked < 1 << 62 else { throw .outOfRange(reader.offset) }
        for _ in 0..<(try Self.count(&reader, max: Producers.epochsMax)) {
            let epoch = Producers.Epoch(
                epoch: try Self.number(&reader), first: try Self.number(&reader),
                last: try Self.number(&reader))
            guard epoch.first <= epoch.last, epochs.last.map({ $0.epoch < epoch.epoch }) ?? true
            else { throw .invalid("epochs of a producer", reader.offset) }
            epochs.append(epoch)
        }
        for _ in 0..<(try Self.count(&reader, max: Producers.marksMax)) {
            let sequence = EventSequence(
                epoch: try Self.number(&reader), number: try Self.number(&reader))
            let mark = Producers.Mark(sequence: sequence, position: try Self.number(&reader))
            guard
                marks.last.map({ $0.sequence < sequence && $0.position < mark.position }) ?? true
            else { throw .invalid("marks of a producer", reader.offset) }
            marks.append(mark)
        }
    }

    /// At least one, at most `max`.
    private static func count(
        _ reader: inout ByteReader, max: Int
    ) throws(DecodeFailure) -> Int {
        let offset = reader.offset
        let count = try reader.readVarint()
        guard count > 0, count <= UInt64(max) else { throw .outOfRange(offset) }
        return Int(count)
    }

    private static func number(_ reader: inout ByteReader) throws(DecodeFailure) -> UInt64 {
        let offset = reader.offset
        let number = try reader.readVarint()
        guard number <= EventSequence.max else { throw .outOfRange(offset) }
        return number
    }
}
