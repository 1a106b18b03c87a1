import Bytes
import Platform

/// Bytes from a socket, cut into lines.
///
/// `next` never looks at a byte twice: a reply of many megabytes that arrives in small pieces would
/// otherwise be searched from its start for each of them.
struct LineBuffer: ~Copyable {
    private static let readBytes = 64 << 10

    private var bytes = ByteBuffer(capacity: 2 * LineBuffer.readBytes)
    private var start = 0
    private var searched = 0

    /// The next whole line without its end; nil until more was read.
    mutating func next() -> [UInt8]? {
        while searched < bytes.count {
            if bytes.bytes.byte(at: searched) == UInt8(ascii: "\n") {
                let line = bytes.copyBytes(in: start..<searched)
                searched += 1
                start = searched
                return line
            }
            searched += 1
        }
        return nil
    }

    /// Reads once from a socket, behind what is there.
    mutating func fill(from socket: UnixSocket) throws(SystemFailure) -> Transfer {
        dropRead()
        var answer: Transfer = .ended
        var failure: SystemFailure?
        _ = bytes.appendFilled(Self.readBytes) { room in
            do throws(SystemFailure) {
                answer = try socket.read(into: &room)
            } catch {
                failure = error
            }
            if case .bytes(let count) = answer, failure == nil { return count }
            return 0
        }
        if let failure { throw failure }
        return answer
    }

    /// Moves what is not yet read to the front, so that the memory does not grow with history.
    private mutating func dropRead() {
        guard start > 0 else { return }
        let rest = bytes.count - start
        bytes.move(from: start, to: 0, count: rest)
        bytes.truncate(to: rest)
        searched -= start
        start = 0
    }
}
