import Bytes
import Platform

/// Finds the position of an upload's first entry.
///
/// An acknowledgement names the newest position of its lines only. So the first line with something
/// in it is sent alone: the answer then speaks of that line. If it was refused the next one is
/// tried, a few times. This costs one flush of the disk at the start of an upload and nothing later.
/// A server that says nothing for a while is not waited for; the position stays unknown then.
struct Probe {
    private static let linesMax = 8
    private static let patience: Int64 = 2_000_000_000

    private(set) var firstPosition: Int?
    private var isOver = false
    /// Lines sent so far, the stream request not counted: it is line 0.
    private var linesSent = -1
    private var isWaiting = false
    private var tries = 0
    private var deadline: Int64 = .max
    /// Where the scan of the present block stands.
    private var scanned = 0
    private var lineHasContent = false

    /// Says that a block begins, of which nothing was looked at.
    mutating func beginBlock() { scanned = 0 }

    /// How far a block may be sent now.
    mutating func sendableEnd(of block: [UInt8], from start: Int) -> Int {
        if isOver { return block.count }
        precondition(start <= scanned, "what was not looked at was not sent")
        if isWaiting { return scanned }
        while scanned < block.count {
            let byte = block[scanned]
            scanned += 1
            if byte == UInt8(ascii: "\n") {
                linesSent += 1
                let isProbe = lineHasContent && linesSent > 0
                lineHasContent = false
                if isProbe {
                    isWaiting = true
                    deadline = MonotonicClock.nanoseconds() + Self.patience
                    return scanned
                }
            } else if byte != UInt8(ascii: "\r") {
                lineHasContent = true
            }
        }
        return block.count
    }

    /// Takes an acknowledgement.
    mutating func acknowledged(_ tally: Tally) {
        guard !isOver else { return }
        if tally.recorded + tally.duplicate > 0 {
            if tally.recorded + tally.duplicate == 1 { firstPosition = tally.lastPosition }
            isOver = true
        } else if isWaiting, tally.ackedLines >= linesSent {
            tryNext()
        }
    }

    /// Looks at the clock.
    mutating func tick() {
        if !isOver, isWaiting, MonotonicClock.nanoseconds() > deadline { isOver = true }
    }

    private mutating func tryNext() {
        isWaiting = false
        tries += 1
        if tries == Self.linesMax { isOver = true }
    }
}
