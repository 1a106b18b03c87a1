/// The position of an entry in the log: 0-based, dense, never a byte offset.
package typealias Position = UInt64

/// Every limit of the log, and how they depend on each other.
package enum LogLimits {
    /// Bytes of one block: what a device writes at once. Frames start and end on these, so that a
    /// block that holds acknowledged bytes is never written again.
    package static let blockBytes = 4096

    /// Bytes of a frame's header.
    package static let frameHeaderBytes = 96

    /// Bytes of a frame's payload: its records and their directory.
    package static let framePayloadBytesMax = 1 << 20

    /// Bytes of a whole frame with header and padding.
    package static let frameBytesMax = framePayloadBytesMax + blockBytes

    /// Bytes of one record that an empty frame has room for, whatever else happens.
    package static let recordBytesMax = 600 << 10

    /// Records in one frame.
    package static let recordsPerFrameMax = 65_536

    /// Capacity in bytes of the first segment of a process; each roll doubles it.
    package static let segmentBytesFirst = 1 << 20

    /// Capacity in bytes beyond which segments do not grow.
    package static let segmentBytesMax = 32 << 20

    /// Bytes of frames for which the reader keeps one entry of its index.
    package static let indexSpacingBytes = 256 << 10

    /// Commits after which the superblock's floor is brought up to date, however busy the log is.
    package static let commitsPerFloorMax = 1024

    /// Positions that a block of a sealed segment covers: an aligned subtree of the proof tree.
    package static let blockEntries = 4096

    /// Bytes of one column of a block, unpacked.
    static let columnBytesMax = 1 << 30

    /// Bytes of a section behind the blocks, unpacked.
    static let sectionBytesMax = 1 << 30

    /// Nanoseconds after which a wish that stands is looked at again.
    static let wishInterval: Int64 = 10_000_000

    /// Bytes of row segments, closed, at which they are sealed.
    package static let sealBytes = 8 << 20

    /// Nanoseconds after which closed row segments are sealed, however few they are.
    package static let sealAfter: Int64 = 600_000_000_000

    /// Bytes of row segments that one sealed segment is made of at most.
    package static let sealBytesMax = 64 << 20

    /// Entries that a sealed segment has at most, and so accounts: a codec counts on it.
    package static let sealedEntriesMax: UInt64 = 1 << 20

    /// Bytes of sealed segments that are merged into one at most.
    package static let compactedBytesMax = 64 << 20

    /// Neighbouring sealed segments, at least, that are merged as soon as they are together of the next size.
    package static let compactionFanIn = 4

    /// Segments that a reader keeps open for random access.
    package static let openSegmentsMax = 64

    /// Bytes of memory that the dictionaries and indexes of the sealed segments among them take, about; one
    /// alone may take more.
    package static let openSealedBytesMax = 256 << 20

    /// Bytes that are zeroed, or searched, in one system call.
    package static let pieceBytes = 1 << 20

    /// Copies of the superblock; two of them are written at a time.
    package static let superblockCopies = 4

    /// Rolls that a manifest file has room for before it is written anew.
    package static let manifestRollsMax = 32

    /// Bytes rounded up to whole blocks.
    static func blocks(_ bytes: Int) -> Int { (bytes + blockBytes - 1) / blockBytes * blockBytes }

    /// Whether the limits fit each other; a test demands it.
    package static var areConsistent: Bool {
        frameBytesMax == blocks(frameHeaderBytes + framePayloadBytesMax)
            && recordBytesMax + 4 <= framePayloadBytesMax
            && recordsPerFrameMax * 4 < framePayloadBytesMax
            && segmentBytesFirst <= segmentBytesMax
            && segmentBytesMax % blockBytes == 0
            && blockBytes + frameBytesMax + blockBytes <= segmentBytesMax
            && indexSpacingBytes <= pieceBytes
            && segmentBytesMax / 32 <= sealedEntriesMax
    }
}
