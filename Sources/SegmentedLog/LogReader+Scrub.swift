import Bytes
import Platform

/// Verifying everything again.
extension LogReader {
    /// Reads and verifies every frame of every segment up to the durable end, from the device: both
    /// checksums, padding, positions, times and the chain, and that free space is zero.
    /// - Parameter progress: is given bytes done and bytes in all, now and then.
    /// - Returns: the number of frames.
    package func scrub(
        progress: (_ done: Int, _ total: Int) -> Void
    ) throws(LogFailure) -> UInt64 {
        let (views, chain) = view.read { ($0.segments, $0.chain) }
        let total = views.reduce(0) { $0 + $1.end }
        var scan = FrameScan()
        var frames: UInt64 = 0
        var done = 0
        var last: (position: Position, chain: Digest) = (0, .zero)
        progress(0, total)
        for view in views {
            let file = try segments.segment(view.id, view.path).file
            file.dropCache(from: 0)
            let header = try scan.header(of: file, as: .segment, storeID: storeID)
            guard header.id == view.id, header.salt == view.salt,
                header.firstPosition == last.position, header.chain == last.chain
            else { throw .damaged(view.path, at: 32, "its header is not what the manifest says") }
            var limits = FrameScan.Limits()
            if let writtenBytes = view.writtenBytes {
                limits.closed = (view.end, writtenBytes)
            } else {
                limits.liveEnd = view.end
            }
            let result = try scan.frames(
                of: file, header: header, commitTime: view.timeBefore, limits: limits
            ) { _, _ in }
            frames += result.frames
            done += view.end
            last = (result.nextPosition, result.chain)
            progress(done, total)
        }
        guard last.chain == chain else {
            throw LogFailure(
                .damaged, "the chain of all commits is \(last.chain.hex), expected was \(chain.hex)"
            )
        }
        return frames
    }
}
