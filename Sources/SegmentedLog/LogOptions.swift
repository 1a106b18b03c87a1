package import Columns
package import Platform

/// What a store may be opened with.
package struct LogOptions: Sendable {
    /// Capacity in bytes of the first segment that this process makes; a multiple of 4,096.
    package var segmentBytesFirst = LogLimits.segmentBytesFirst
    /// Capacity in bytes beyond which segments do not grow; a single frame may exceed it.
    package var segmentBytesMax = LogLimits.segmentBytesMax
    /// Where salts and the store's identity come from.
    package var random: any RandomSource = SystemRandom()
    /// Whether a thread of its own zeroes the next segment. Without, `maintain` does it, so that a
    /// test sees every system call in one order.
    package var preparesInBackground = true

    /// How records become columns. Without one, nothing is sealed, and sealed segments cannot be read.
    package var codec: (any BlockCodec)?
    /// Bytes of closed row segments at which they are sealed.
    package var sealBytes = LogLimits.sealBytes

    /// The options of production, but for the codec.
    package init() {}
}
