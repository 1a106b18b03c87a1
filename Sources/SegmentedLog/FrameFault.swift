import Bytes

/// What is wrong with the bytes where a frame should be.
enum FrameFault: Error, Equatable, Sendable {
    /// Zeros: no frame was ever begun here.
    case empty
    /// The file ends inside the frame.
    case truncated
    /// The header's checksum does not hold.
    case headerChecksum(expected: UInt32, actual: UInt32)
    /// The salt is another file's.
    case salt(UInt64)
    /// The payload's checksum does not hold.
    case payloadChecksum(expected: UInt32, actual: UInt32)
    // From here on the checksums hold, so a torn write cannot be the cause.
    case magic
    case unknown(String)
    case length(Int)
    case offset(Int)
    case promise(UInt64)
    case padding(Int)
    case directory
    case position(expected: Position, actual: Position)
    case chain(expected: Digest, actual: Digest)
    case time(expected: Int64, actual: Int64)
    case misplaced(FrameKind)

    /// Whether a write that did not reach the disk in full can look like this.
    var canBeTorn: Bool {
        switch self {
        case .empty, .headerChecksum, .salt, .payloadChecksum: true
        case .truncated, .magic, .unknown, .length, .offset, .promise, .padding, .directory,
            .position, .chain, .time, .misplaced:
            false
        }
    }

    /// One clause for a person.
    var text: String {
        switch self {
        case .empty: "there are zeros where a frame should be"
        case .truncated: "the file ends inside a frame"
        case .headerChecksum(let expected, let actual):
            "the frame header's checksum is \(hex(actual)), stored is \(hex(expected))"
        case .salt(let actual): "the frame belongs to another file (salt \(hex(actual)))"
        case .payloadChecksum(let expected, let actual):
            "the payload's checksum is \(hex(actual)), the header says \(hex(expected))"
        case .magic: "the frame does not start with DBK1"
        case .unknown(let what): "a frame with unknown \(what)"
        case .length(let bytes): "a frame with an impossible length of \(bytes) bytes"
        case .offset(let actual): "the frame was written for offset \(actual)"
        case .promise(let end): "the frame's durable end \(end) is not its offset"
        case .padding(let at): "byte \(at) of the frame's padding is not zero"
        case .directory: "the directory of records contradicts itself"
        case .position(let expected, let actual):
            "the frame's first position is \(actual), expected was \(expected)"
        case .chain(let expected, let actual):
            "the frame follows chain \(actual.hex), expected was \(expected.hex)"
        case .time(let expected, let actual):
            "the commit time \(actual) is before the previous one, \(expected)"
        case .misplaced(let kind): "a frame of kind \(kind) cannot stand here"
        }
    }
}

/// A checksum or salt as a person compares it.
func hex<T: BinaryInteger>(_ value: T) -> String { "0x" + String(value, radix: 16) }
