package import Platform

/// Why the log cannot do what was asked: what is wrong, where, and what to do next.
package struct LogFailure: Error, Sendable, CustomStringConvertible {
    /// The kinds that callers tell apart.
    package enum Kind: Sendable, Equatable {
        /// Another process has the directory.
        case locked
        /// A system call failed. After a write or a flush the outcome is unknown.
        case system(SystemFailure)
        /// Bytes that were promised are not what they were.
        case damaged
        /// A later version of the format wrote this.
        case unsupported
        /// There is no store in the directory.
        case missing
        /// An earlier failure ended the log; nothing was written.
        case poisoned
        /// The position is beyond the durable ones.
        case outOfRange
        /// What was asked for cannot be done as it was asked; nothing was changed.
        case refused
        /// Work in the background was asked to stop; nothing is wrong.
        case interrupted
    }

    /// The kind.
    package var kind: Kind
    /// One sentence or more for a person.
    package var message: String
    /// The file that it is about, if one.
    package var file: String?
    /// The byte in that file, if one.
    package var offset: Int?
    /// The first position that cannot be read, if known.
    package var position: Position?

    /// Whether another process has the directory.
    package var isLocked: Bool { kind == .locked }

    package var description: String { message }

    init(
        _ kind: Kind, _ message: String, file: String? = nil, offset: Int? = nil,
        position: Position? = nil
    ) {
        self.kind = kind
        self.message = message
        self.file = file
        self.offset = offset
        self.position = position
    }

    /// A system call failed.
    init(_ failure: SystemFailure) {
        let advice =
            if failure.isOutOfSpace {
                "the disk is full; free space, then start again"
            } else if failure
                .isOutOfDescriptors
            {
                "raise the limit of open files, then start again"
            } else if failure.isDeviceError {
                "the device failed; look at the kernel's log before starting again"
            } else { "repair this, then start again" }
        self.init(.system(failure), "\(failure.message); \(advice)", file: failure.path)
    }

    /// Promised bytes are not what they were.
    static func damaged(
        _ file: String, at offset: Int, position: Position? = nil, _ what: String
    ) -> LogFailure {
        let place = position.map { " (position \($0))" } ?? ""
        return LogFailure(
            .damaged,
            "\(file) is damaged at offset \(offset)\(place): \(what). Nothing was changed. "
                + "`daybook inspect \(file)` shows the file",
            file: file, offset: offset, position: position)
    }

    /// The bytes are sound but of a version that this program does not know.
    static func unsupported(_ file: String, at offset: Int, _ what: String) -> LogFailure {
        LogFailure(
            .unsupported,
            "\(file) at offset \(offset): \(what). A newer daybook wrote it; use that one",
            file: file, offset: offset)
    }
}

/// Runs `body` and gives its system failure as a failure of the log.
func mapped<Result: ~Copyable>(
    _ body: () throws(SystemFailure) -> Result
) throws(LogFailure) -> Result {
    do { return try body() } catch { throw LogFailure(error) }
}
