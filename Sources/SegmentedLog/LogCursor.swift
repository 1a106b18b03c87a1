package import Bytes
import Platform

/// Walks over the durable commits in order, each checked as it is read: both checksums, place, salt,
/// positions and the hash chain from the cursor's first commit on.
///
/// Owned by one thread. It stays valid while the log grows and after the log is closed.
package struct LogCursor: ~Copyable {
    private let reader: LogReader
    private var place: LogView.Place
    private var segment: OpenSegment
    private var window = FrameWindow(ahead: LogLimits.indexSpacingBytes)
    private var chain = Chain()
    private var expected: FrameExpectation
    private var offset: Int
    private let from: Position
    private var current: FrameHeader?

    init(_ reader: LogReader, _ place: LogView.Place, from: Position) throws(LogFailure) {
        self.reader = reader
        self.place = place
        self.from = from
        segment = try reader.segments.segment(place.id, place.path)
        expected = FrameExpectation(place)
        offset = place.start.offset
    }

    /// Moves to the next commit.
    /// - Returns: false at the durable end; more may come, so it may be called again.
    package mutating func next() throws(LogFailure) -> Bool {
        while true {
            if offset >= place.end, try !advance() { return false }
            let path = segment.file.path
            do throws(ReadFault) {
                let header = try window.header(
                    at: offset, of: segment.file, limit: place.end, expecting: expected)
                // Frames before the asked position are passed over by their headers.
                if header.nextPosition > from || header.count == 0 {
                    try window.body(of: header, in: segment.file, limit: place.end)
                }
                offset += header.frameBytes
                expected.position = header.nextPosition
                expected.commitTime = header.commitTime
                guard header.count > 0, header.nextPosition > from else { continue }
                link(header)
                current = header
                return true
            } catch {
                throw error.failure(path, at: offset, position: expected.position)
            }
        }
    }

    /// The commit that the cursor stands on: after `next` answered true.
    package var header: FrameInfo {
        guard let current else { preconditionFailure("next() has not found a commit") }
        return FrameInfo(current)
    }

    /// The chain's head after the commit that the cursor stands on.
    package var chainAfter: Digest { expected.chain ?? .zero }

    /// The bytes of an entry of that commit, from 0; valid until `next`.
    @_lifetime(borrow self)
    package func record(_ index: Int) -> RawSpan {
        guard let current else { preconditionFailure("next() has not found a commit") }
        return window.bytes(window.recordRange(index, of: current))
    }

    private mutating func link(_ header: FrameHeader) {
        let start = header.offset + FrameHeader.byteCount
        let payload = SHA256.hash(window.bytes(start..<(start + header.payloadBytes)))
        expected.chain = chain.link(
            after: header.chainBefore, firstPosition: header.firstPosition, count: header.count,
            commitTime: header.commitTime, payload: payload)
    }

    /// Looks for more durable bytes here, then in the next segment.
    private mutating func advance() throws(LogFailure) -> Bool {
        while offset >= place.end {
            let known = place.segment
            let (here, next) = reader.view.read {
                ($0.place(ofSegment: known), $0.place(ofSegment: known + 1))
            }
            if let here, here.end > place.end {
                place.end = here.end
            } else if let next {
                place = next
                segment = try reader.segments.segment(next.id, next.path)
                window.forget()
                offset = next.start.offset
                expected.salt = next.salt
                expected.capacity = next.capacity
            } else {
                return false
            }
        }
        return true
    }
}
