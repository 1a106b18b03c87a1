import CDaybook
import Glibc

/// Signals as values that a thread waits for; no code runs in a handler.
package enum Signals {
    /// Lets a write to a closed pipe (SIGPIPE) or beyond a file size limit (SIGXFSZ) fail with an
    /// errno instead of killing the process.
    package static func ignoreBrokenPipes() throws(SystemFailure) {
        _ = try checked(.signal, "SIGPIPE, SIGXFSZ", daybook_ignore_broken_pipes())
    }

    /// Blocks SIGTERM and SIGINT, for this thread and all it starts later. Call first in `main`.
    package static func blockTermination() throws(SystemFailure) {
        _ = try checked(.signal, "SIGTERM, SIGINT", daybook_block_termination())
    }

    /// Waits for SIGTERM or SIGINT, which must be blocked. - Returns: the signal's number.
    package static func waitForTermination() throws(SystemFailure) -> Int32 {
        let descriptor = try terminationDescriptor()
        defer { _ = daybook_close(descriptor) }
        while true {
            let answer = daybook_termination_read(descriptor)
            if answer != -EINTR { return try checked(.signal, "signalfd", answer) }
        }
    }

    /// A descriptor that is readable when SIGTERM or SIGINT, which must be blocked, has come.
    package static func terminationDescriptor() throws(SystemFailure) -> Int32 {
        try checked(.signal, "signalfd", daybook_termination_fd())
    }
}
