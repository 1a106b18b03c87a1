import CDaybook
import Glibc

/// Who is at the other end of a Unix socket, as the kernel says.
package struct PeerCredentials: Hashable, Sendable {
    /// Process.
    package let processID: Int32
    /// User.
    package let userID: UInt32
    /// Group.
    package let groupID: UInt32
}

/// What one transfer on a nonblocking socket came to.
package enum Transfer: Hashable, Sendable {
    /// So many bytes, at least one.
    case bytes(Int)
    /// Nothing now; wait for readiness.
    case wouldBlock
    /// The other end is gone, or sends no more.
    case ended
}

/// One end of a connected Unix socket. Its owner closes it, once.
package struct UnixSocket: Hashable, Sendable {
    /// The descriptor, for a `Poller`.
    package let descriptor: Int32

    init(descriptor: Int32) { self.descriptor = descriptor }

    /// Connects, blocking.
    package static func connect(to path: String) throws(SystemFailure) -> UnixSocket {
        while true {
            do {
                let descriptor = try checked(.connect, path, unsafe daybook_socket_connect(path))
                return UnixSocket(descriptor: descriptor)
            } catch {
                if !error.isInterrupted { throw error }
            }
        }
    }

    /// Two connected ends, blocking.
    package static func pair() throws(SystemFailure) -> (UnixSocket, UnixSocket) {
        var descriptors: (Int32, Int32) = (-1, -1)
        let answer = unsafe withUnsafeMutablePointer(to: &descriptors) { pointer in
            unsafe pointer.withMemoryRebound(to: Int32.self, capacity: 2) {
                unsafe daybook_socket_pair($0)
            }
        }
        _ = try checked(.connect, "socket pair", answer)
        return (UnixSocket(descriptor: descriptors.0), UnixSocket(descriptor: descriptors.1))
    }

    /// Chooses whether reads and writes wait. Accepted sockets do not, connected ones do.
    package func setBlocking(_ blocking: Bool) throws(SystemFailure) {
        let answer = daybook_socket_set_blocking(descriptor, blocking ? 1 : 0)
        _ = try checked(.setBlocking, "socket", answer)
    }

    /// The process at the other end.
    package func peer() throws(SystemFailure) -> PeerCredentials {
        var process: Int32 = 0
        var user: UInt32 = 0
        var group: UInt32 = 0
        let answer = unsafe daybook_socket_peer(descriptor, &process, &user, &group)
        _ = try checked(.peerCredentials, "socket", answer)
        return PeerCredentials(processID: process, userID: user, groupID: group)
    }

    /// Reads what is there, at most as much as fits.
    package func read(into bytes: inout MutableRawSpan) throws(SystemFailure) -> Transfer {
        precondition(bytes.byteCount > 0, "reading nothing would look like the end")
        let count = unsafe bytes.withUnsafeMutableBytes { buffer in
            repeating {
                unsafe daybook_socket_read(descriptor, buffer.baseAddress, buffer.count)
            }
        }
        return try transfer(.read, count)
    }

    /// Writes what is taken. Never raises SIGPIPE.
    package func write(_ bytes: RawSpan) throws(SystemFailure) -> Transfer {
        precondition(bytes.byteCount > 0, "nothing to write")
        let count = unsafe bytes.withUnsafeBytes { buffer in
            repeating {
                unsafe daybook_socket_write(descriptor, buffer.baseAddress, buffer.count)
            }
        }
        return try transfer(.write, count)
    }

    /// Writes everything on a blocking socket.
    /// - Throws: EPIPE if the other end is gone.
    package func writeAll(_ bytes: RawSpan) throws(SystemFailure) {
        var done = 0
        while done < bytes.byteCount {
            switch try write(bytes.extracting(droppingFirst: done)) {
            case .bytes(let count): done += count
            case .ended: throw SystemFailure(.write, "socket", errno: EPIPE)
            case .wouldBlock: throw SystemFailure(.write, "socket", errno: EAGAIN)
            }
        }
    }

    /// Writes a text's UTF-8 on a blocking socket.
    /// - Throws: EPIPE if the other end is gone.
    package func writeAll(_ text: String) throws(SystemFailure) {
        try text.withRawUTF8 { bytes throws(SystemFailure) in try writeAll(bytes) }
    }

    /// Ends one or both directions; the other side sees the end of what was sent.
    package func shutdown(reading: Bool, writing: Bool) {
        precondition(reading || writing, "shuts something down")
        // A peer that is gone already is what was wanted.
        _ = daybook_socket_shutdown(descriptor, reading ? 1 : 0, writing ? 1 : 0)
    }

    /// Closes the descriptor. An error means nothing to a socket.
    package func close() { _ = daybook_close(descriptor) }

    private func repeating(_ call: () -> Int64) -> Int64 {
        while true {
            let count = call()
            if count != -Int64(EINTR) { return count }
        }
    }

    private func transfer(_ call: SystemCall, _ answer: Int64) throws(SystemFailure) -> Transfer {
        switch answer {
        case 1...: return .bytes(Int(answer))
        case 0, -Int64(EPIPE), -Int64(ECONNRESET): return .ended
        case -Int64(EAGAIN): return .wouldBlock
        default: throw SystemFailure(call, "socket", errno: Int32(-answer))
        }
    }
}

/// A listening Unix socket. Its file has mode 0600: only the owner's processes may connect.
package struct UnixListener: Sendable {
    /// Longest path of a socket file, bytes: what fits in the kernel's address.
    package static let pathBytesMax = Int(daybook_socket_path_max)

    /// The socket file.
    package let path: String
    /// The descriptor, for a `Poller`.
    package let descriptor: Int32

    /// Binds and listens, nonblocking. A socket file that nobody listens on is left over from a
    /// process that was killed: it is replaced. One that answers is not, nor is any other file.
    /// - Throws: EADDRINUSE if another process serves this path; ENAMETOOLONG beyond
    ///   `pathBytesMax`; EEXIST if something that is not a socket has the name.
    package static func listen(
        at path: String, backlog: Int32 = 512
    ) throws(SystemFailure) -> UnixListener {
        do {
            return try bind(path, backlog)
        } catch {
            guard error.errno == EADDRINUSE else { throw error }
        }
        guard unsafe daybook_is_socket(path) == 1 else {
            throw SystemFailure(.listen, path, errno: EEXIST)
        }
        guard try isAbandoned(path) else {
            throw SystemFailure(.listen, path, errno: EADDRINUSE)
        }
        try SystemFileSystem().unlinkIfPresent(path)
        return try bind(path, backlog)
    }

    private static func isAbandoned(_ path: String) throws(SystemFailure) -> Bool {
        do {
            try UnixSocket.connect(to: path).close()
            return false
        } catch {
            if error.isRefused { return true }
            throw error
        }
    }

    private static func bind(
        _ path: String, _ backlog: Int32
    ) throws(SystemFailure) -> UnixListener {
        guard (1...pathBytesMax).contains(path.utf8.count) else {
            throw SystemFailure(.listen, path, errno: ENAMETOOLONG)
        }
        let descriptor = try checked(.listen, path, unsafe daybook_socket_listen(path, backlog))
        return UnixListener(path: path, descriptor: descriptor)
    }

    /// The next waiting connection, nonblocking; nil if there is none.
    /// - Throws: a failure with `isOutOfDescriptors` when the process is full.
    package func accept() throws(SystemFailure) -> UnixSocket? {
        while true {
            let answer = daybook_socket_accept(descriptor)
            switch answer {
            case 0...: return UnixSocket(descriptor: answer)
            case -EAGAIN: return nil
            // The client gave up while it waited; the next may be there.
            case -EINTR, -ECONNABORTED: continue
            default: throw SystemFailure(.accept, path, errno: -answer)
            }
        }
    }

    /// Stops listening and removes the socket file.
    package func close() {
        _ = daybook_close(descriptor)
        _ = unsafe daybook_unlink(path)
    }
}
