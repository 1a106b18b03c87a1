import CDaybook
import Glibc

/// What the process knows of itself and its surroundings.
package enum Process {
    /// CPU time and memory so far.
    package struct Usage: Sendable {
        /// Nanoseconds of CPU in this program.
        package let userNanoseconds: Int64
        /// Nanoseconds of CPU in the kernel on its behalf.
        package let systemNanoseconds: Int64
        /// Bytes in memory now.
        package let residentBytes: Int64
        /// Bytes in memory at most so far.
        package let residentBytesMax: Int64
    }

    /// Ends the process at once: no handlers run, nothing buffered is written.
    package static func exit(_ code: Int32) -> Never { daybook_exit(code) }

    /// CPU time and memory so far.
    package static func usage() -> Usage {
        var user: Int64 = 0
        var system: Int64 = 0
        var resident: Int64 = 0
        var residentMax: Int64 = 0
        unsafe daybook_usage(&user, &system, &resident, &residentMax)
        return Usage(
            userNanoseconds: user, systemNanoseconds: system, residentBytes: resident,
            residentBytesMax: residentMax)
    }

    /// The value of an environment variable.
    package static func environment(_ name: String) -> String? {
        guard let value = unsafe daybook_environment(name) else { return nil }
        return unsafe String(cString: value)
    }

    /// This process.
    package static var identifier: Int32 { daybook_process_id() }

    /// Processors that are on.
    package static var processorCount: Int { Int(daybook_cpu_count()) }

    /// The user on whose behalf it runs.
    package static var userID: UInt32 { daybook_user_id() }

    /// Descriptors that it may have open at once; 0 if the kernel does not say.
    package static var descriptorLimit: Int { Int(max(0, daybook_descriptor_limit())) }
}

/// Standard input, output and error.
package enum StandardStream: Int32, Sendable {
    /// Input.
    case input = 0
    /// Output.
    case output = 1
    /// Errors and progress.
    case error = 2

    /// Whether a person is likely to be at the other end.
    package var isTerminal: Bool { daybook_is_terminal(rawValue) == 1 }

    /// Characters in one line of the terminal; nil if it is none.
    package var columns: Int? {
        let answer = daybook_terminal_columns(rawValue)
        return answer > 0 ? Int(answer) : nil
    }

    /// Reads what is there, waiting for at least one byte. - Returns: 0 at the end.
    package func read(into bytes: inout MutableRawSpan) throws(SystemFailure) -> Int {
        while true {
            let count = unsafe bytes.withUnsafeMutableBytes { buffer in
                unsafe daybook_stream_read(rawValue, buffer.baseAddress, buffer.count)
            }
            if count != -Int64(EINTR) {
                return Int(try checked(.read, "standard input", count))
            }
        }
    }

    /// Writes everything.
    package func write(_ bytes: RawSpan) throws(SystemFailure) {
        var done = 0
        while done < bytes.byteCount {
            let rest = bytes.extracting(droppingFirst: done)
            let count = unsafe rest.withUnsafeBytes { buffer in
                unsafe daybook_stream_write(rawValue, buffer.baseAddress, buffer.count)
            }
            if count == -Int64(EINTR) { continue }
            done += Int(try checked(.write, "standard stream \(rawValue)", count))
        }
    }

    /// Writes text.
    package func write(_ text: String) throws(SystemFailure) {
        try text.withRawUTF8 { bytes throws(SystemFailure) in try write(bytes) }
    }
}

extension String {
    /// Calls `body` with the text's UTF-8. A closure, because a short text lies in the value itself and
    /// a span of it must not outlive the place where it stands.
    func withRawUTF8(
        _ body: (RawSpan) throws(SystemFailure) -> Void
    ) throws(SystemFailure) {
        var text = self
        let failure: SystemFailure? = text.withUTF8 { buffer in
            let span = unsafe RawSpan(_unsafeBytes: UnsafeRawBufferPointer(buffer))
            do throws(SystemFailure) { try body(span) } catch { return error }
            return nil
        }
        if let failure { throw failure }
    }
}
