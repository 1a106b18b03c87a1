import Bytes
import Platform

/// Walks over the frames of row segments, each checked as it is read: both checksums, place, salt,
/// positions and the hash chain from the cursor's first frame on.
struct RowCursor: ~Copyable {
    private let reader: LogReader
    private var place: LogView.Place
    private var segment: OpenSegment
    private var window = FrameWindow(ahead: LogLimits.indexSpacingBytes)
    private var chain = Chain()
    private var expected: FrameExpectation
    private var offset: Int
    private let from: Position
    private(set) var current: FrameHeader?

    init(_ reader: LogReader, _ place: LogView.Place, _ segment: OpenSegment, from: Position) {
        self.reader = reader
        self.place = place
        self.segment = segment
        self.from = from
        expected = FrameExpectation(place)
        offset = place.start.offset
    }

    /// The position after the frames that were walked over.
    var position: Position { expected.position }

    /// The chain's head there; nil before the first frame.
    var chainAfter: Digest? { expected.chain }

    /// Moves to the next frame of this segment that has entries.
    /// - Returns: false at the end of what is durable of it.
    mutating func next() throws(LogFailure) -> Bool {
        while true {
            if offset >= place.end {
                let id = place.id
                guard let end = reader.view.read({ $0.end(ofSegment: id) }), end > place.end
                else { return false }
                place.end = end
            }
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
                throw error.failure(segment.file.path, at: offset, position: expected.position)
            }
        }
    }

    /// The bytes of an entry of the frame that the cursor stands on, from 0; valid until `next`.
    @_lifetime(borrow self)
    func record(_ index: Int) -> RawSpan {
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
}
