import Bytes
import Engine
import SegmentedLog

/// What became of the lines of a stream so far: the contents of its acknowledgements.
struct StreamProgress {
    let ackEvery: UInt64
    /// Lines that have their final outcome, all of them up to this number.
    private(set) var lines: UInt64 = 0
    private(set) var recorded: UInt64 = 0
    private(set) var duplicate: UInt64 = 0
    private(set) var rejected: UInt64 = 0
    private(set) var blank: UInt64 = 0
    /// The first position that was given to a line of this stream.
    private(set) var firstPosition: Position?
    /// The newest position that holds an entry of these lines.
    private(set) var position: Position?
    /// The log's chain head when the newest of these lines became durable.
    var chain: Digest?
    /// `lines` as the client knows it.
    private(set) var reportedLines: UInt64 = 0

    init(ackEvery: Int) { self.ackEvery = UInt64(ackEvery) }

    /// Counts the reply to the next line.
    mutating func count(_ status: Reply.Status, _ replyPosition: Position) {
        lines += 1
        switch status {
        case .recorded:
            recorded += 1
            if firstPosition == nil { firstPosition = replyPosition }
            position = max(position ?? 0, replyPosition)
        case .duplicate:
            duplicate += 1
            position = max(position ?? 0, replyPosition)
        case .conflict, .refused, .unknown: rejected += 1
        }
    }

    mutating func countRejected() {
        lines += 1
        rejected += 1
    }

    mutating func countBlank(_ count: Int) {
        lines += UInt64(count)
        blank += UInt64(count)
    }

    /// Whether it is time to tell the client.
    /// - Parameter isIdle: no line is on its way.
    func mustReport(isIdle: Bool) -> Bool {
        lines > reportedLines && (isIdle || lines - reportedLines >= ackEvery)
    }

    mutating func markReported() { reportedLines = lines }
}
