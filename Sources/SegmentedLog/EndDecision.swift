/// # Where a file of frames ends
///
/// After a crash the newest segment, and the manifest, may end in the middle of a frame. The question
/// is always the same: did the last write not finish, or did bytes change that were promised? The
/// answer is a pure function of a few facts, so that all of their combinations can be tested.
///
/// One commit is in flight at a time. So whatever follows a bad frame proves that the bad one was
/// durable once, and only the very last write can be torn. `X` below is the offset of the first bad frame.
struct EndFacts: Equatable, Sendable {
    /// The device could not read somewhere from X on.
    var readFailed = false
    /// The manifest closed this file, and at more than X bytes.
    var isClosedBeyond = false
    /// A file follows this one and the manifest does not say where this one ends.
    var isFollowed = false
    /// X, or the position there, is less than the superblock promises.
    var isBelowFloor = false
    /// The checksums at X hold, but what they cover contradicts the frames before it.
    var contradicts = false
    /// A seal stands before X, and behind it not all is zero.
    var isBehindSeal = false
    /// Flipping one bit at X makes the checksum hold.
    var oneBitExplains = false
    /// A later block holds a header of this file.
    var laterFrame = false
    /// Bytes that are not zero lie further from X than one frame reaches.
    var strayBytes = false
    /// Everything from X to the end of the file is zero.
    var restIsZero = false
}

/// What the facts mean.
enum EndDecision: Equatable, Sendable {
    /// Refuse: the device cannot read. Nothing is known about the bytes.
    case unreadable
    /// Refuse: promised bytes changed.
    case damaged(EndReason)
    /// The file was not written beyond X.
    case cleanEnd
    /// The write at X did not finish, so nobody was told that it did.
    case tornTail

    /// The table. The first row that matches decides.
    static func decide(_ facts: EndFacts) -> EndDecision {
        if facts.readFailed { return .unreadable }
        if facts.isClosedBeyond { return .damaged(.closedBeyond) }
        if facts.isFollowed { return .damaged(.followed) }
        if facts.isBelowFloor { return .damaged(.belowFloor) }
        if facts.contradicts { return .damaged(.contradiction) }
        if facts.isBehindSeal { return .damaged(.behindSeal) }
        if facts.oneBitExplains { return .damaged(.oneBit) }
        if facts.laterFrame { return .damaged(.laterFrame) }
        if facts.strayBytes { return .damaged(.strayBytes) }
        if facts.restIsZero { return .cleanEnd }
        return .tornTail
    }
}

/// Why an end is damage and not a torn tail.
enum EndReason: String, Equatable, Sendable, CaseIterable {
    case closedBeyond = "the manifest says that the file is longer"
    case followed = "another file follows it"
    case belowFloor = "the superblock promises more than this"
    case contradiction = "its checksums hold, so it was written like this or moved here"
    case behindSeal = "nothing is ever written behind a seal"
    case oneBit = "one flipped bit explains it"
    case laterFrame = "a later frame proves that it was whole once"
    case strayBytes = "there are bytes further away than one write reaches"
}
