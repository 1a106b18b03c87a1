import Bytes
import Platform

/// Walks over the frames of row segments, each checked as it is read: both checksums, place, salt,
/// positions and the hash chain from the cursor's first frame on.
struct RowCursor: ~Copyable {
    private let reader: LogReader
    private var segment: OpenSegment?
    private var window = FrameWindow(ahead: LogLimits.indexSpacingBytes)
    private var chain = Chain()
    private var expected = FrameExpectation(
        salt: 0, position: 0, chain: nil, commitTime: .min, capacity: 0, fileKind: .segment)
    private var offset = 0
    /// Bytes of the segment that are durable.
    private var end = 0
    private var from: Position = 0
    private(set) var current: FrameHeader?

    /// Whether the chain is computed, and compared with the next frame's.
    private let isLinking: Bool

    /// A cursor that is in no segment yet.
    init(_ reader: LogReader, isLinking: Bool) {
        self.reader = reader
        self.isLinking = isLinking
    }

    /// Goes to a place in a segment. Frames that end at or before `position` will be passed over.
    mutating func enter(
        _ place: LogView.Place, _ segment: OpenSegment, at position: Position
    ) {
        self.segment = segment
        window.forget()
        expected = FrameExpectation(place)
        offset = place.start.offset
        end = place.end
        from = position
        current = nil
    }

    /// The chain's head after the frame that the cursor stands on; nil before the first frame.
    var chainAfter: Digest? { expected.chain }

    /// Moves to the next frame of this segment that has entries.
    /// - Returns: false at the end of what is durable of it.
    mutating func next() throws(LogFailure) -> Bool {
        guard let segment else { return false }
        while true {
            if offset >= end {
                let known = reader.view.read { $0.end(ofSegment: segment.id) }
                guard let known, known > end else { return false }
                end = known
            }
            do throws(ReadFault) {
                let header = try window.header(
                    at: offset, of: segment.file, limit: end, expecting: expected)
                // Frames before the asked position are passed over by their headers.
                if header.nextPosition > from || header.count == 0 {
                    try window.body(of: header, in: segment.file, limit: end)
                }
                offset += header.frameBytes
                expected.position = header.nextPosition
                expected.commitTime = header.commitTime
                guard header.count > 0, header.nextPosition > from else { continue }
                if isLinking { link(header) }
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
