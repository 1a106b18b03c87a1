/// What a start found and did, for the operator.
package struct RecoveryReport: Sendable, Equatable {
    /// One sentence each; empty after an orderly stop.
    package var notes: [String] = []
    /// Whether the store was made by this start.
    package var isNew = false
    /// Whether an unfinished write stood at the end and was left out.
    package var foundTornTail = false
    /// Entries of the last commit that were copied into the new segment, because nothing on the disk
    /// proved yet that they are durable.
    package var copiedEntries = 0
    /// Copies of the superblock that were written again.
    package var repairedCopies = 0
    /// Files that do not belong there, and where they were moved.
    package var quarantined: [String] = []
    /// Commits that were verified.
    package var frames: UInt64 = 0
    /// Bytes of segments that were verified.
    package var bytes = 0
}
