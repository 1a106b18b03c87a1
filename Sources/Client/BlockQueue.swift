import Platform

/// Blocks of lines on their way from the thread that reads them to the one that sends them.
///
/// Bounded: the reader waits while `blocksMax` blocks are unsent, so a file of any size needs the
/// memory of a few blocks.
package final class BlockQueue: Sendable {
    /// Blocks that wait at most.
    package static let blocksMax = 4

    /// What the sender finds.
    package enum Next {
        /// Bytes to send.
        case block([UInt8])
        /// Nothing now; `wake` becomes readable when there is.
        case nothingYet
        /// No more will come. The text says what went wrong on the reader's side, if it did.
        case finished(String?)
    }

    private struct State {
        var blocks: [[UInt8]] = []
        var isFinished = false
        var failure: String?
        var isAbandoned = false
    }

    private let state = Monitor(State())
    let wake: WakeUp

    /// An empty queue.
    package init() throws(ClientFailure) {
        do { wake = try WakeUp() } catch { throw .system(error.message) }
    }

    deinit { wake.close() }

    /// Adds a block, waiting for room. The last line of all blocks together must have its end.
    /// - Returns: false if nobody will send it any more.
    package func put(_ block: [UInt8]) -> Bool {
        if block.isEmpty { return true }
        let taken = state.wait { state -> Bool? in
            if state.isAbandoned { return false }
            guard state.blocks.count < Self.blocksMax else { return nil }
            state.blocks.append(block)
            return true
        }
        wake.signal()
        return taken ?? false
    }

    /// Says that no more comes.
    /// - Parameter failure: what went wrong with the source, if something did.
    package func finish(failure: String? = nil) {
        state.withLock { state in
            state.isFinished = true
            state.failure = failure
        }
        wake.signal()
    }

    /// Says that nothing more will be sent, so that the reader stops.
    func abandon() { state.withLock { $0.isAbandoned = true } }

    /// The next block. Whoever was told `nothingYet` finds `wake` readable when that changes.
    func next() -> Next {
        // First cleared, then looked: what comes in between is found, or wakes once more.
        wake.clear()
        return state.withLock { state in
            if !state.blocks.isEmpty { return .block(state.blocks.removeFirst()) }
            return state.isFinished ? .finished(state.failure) : .nothingYet
        }
    }
}
