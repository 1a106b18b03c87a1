import CDaybook
import Glibc

/// A system call, as named in failures and in fault plans of tests.
package enum SystemCall: String, Sendable, CaseIterable {
    case open, create, read, write, fdatasync, fsync, syncDirectory, rename, unlink, mkdir, list
    case size, lock, close, random
    case listen, connect, accept, peerCredentials, setBlocking, shutdown
    case epoll, eventfd, signal, thread, spawn, kill, wait
}

/// A system call failed: which, on what, and why.
package struct SystemFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// The call.
    package let call: SystemCall
    /// The path of its file, or what stands for one.
    package let path: String
    /// The reason as the kernel gave it, a positive errno.
    package let errno: Int32

    /// Makes a failure, as the simulator does.
    package init(_ call: SystemCall, _ path: String, errno: Int32) {
        precondition(errno > 0, "an errno is positive")
        self.call = call
        self.path = path
        self.errno = errno
    }

    /// The sentence of the C library for this errno.
    package var reason: String { unsafe String(cString: daybook_error_text(errno)) }

    /// Call, path and reason in one line.
    package var message: String { "\(call.rawValue) \(path): \(reason)" }

    package var description: String { message }

    /// The file or directory is not there.
    package var isMissing: Bool { errno == ENOENT }
    /// The name is taken.
    package var isExisting: Bool { errno == EEXIST }
    /// A signal came first; nothing was done.
    package var isInterrupted: Bool { errno == EINTR }
    /// Nothing can be done now without waiting.
    package var wouldBlock: Bool { errno == EAGAIN }
    /// The disk, the quota or the process's file size limit is used up.
    package var isOutOfSpace: Bool { errno == ENOSPC || errno == EDQUOT || errno == EFBIG }
    /// The process or the system has no descriptor left.
    package var isOutOfDescriptors: Bool { errno == EMFILE || errno == ENFILE }
    /// Somebody listens on the socket file already.
    package var isAddressInUse: Bool { errno == EADDRINUSE }
    /// Nobody listens on the socket file.
    package var isRefused: Bool { errno == ECONNREFUSED }
    /// The reader of a pipe or the peer of a socket is gone.
    package var isBrokenPipe: Bool { errno == EPIPE }
    /// The device could not read or write.
    package var isDeviceError: Bool { errno == EIO }

    /// Errno values that callers and tests name, so that only this module needs the C library.
    package enum Code {
        /// The device failed.
        package static let inputOutput = EIO
        /// No space is left.
        package static let noSpace = ENOSPC
        /// A signal interrupted the call.
        package static let interrupted = EINTR
        /// The name is taken.
        package static let exists = EEXIST
        /// There is no such file or directory.
        package static let missing = ENOENT
        /// The file system is read-only.
        package static let readOnly = EROFS
        /// The process has too many open files.
        package static let tooManyFiles = EMFILE
        /// The caller may not do this.
        package static let denied = EACCES
    }
}

/// Turns the answer of a shim, a value >= 0 or minus errno, into a value or a failure.
@inline(__always)
func checked<T: SignedInteger>(
    _ call: SystemCall, _ path: @autoclosure () -> String, _ answer: T
) throws(SystemFailure) -> T {
    if answer < 0 { throw SystemFailure(call, path(), errno: Int32(-answer)) }
    return answer
}
