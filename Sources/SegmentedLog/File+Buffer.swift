package import Bytes
package import Platform

/// Reading into a `ByteBuffer`, which `Platform` does not know.
extension File {
    /// Appends a whole file to `buffer`: opens, reads and closes it.
    /// - Returns: bytes appended.
    package static func readWhole(
        _ path: String, into buffer: inout ByteBuffer, _ fileSystem: any FileSystem
    ) throws(SystemFailure) -> Int {
        let file = try open(path, .reading, fileSystem)
        do throws(SystemFailure) {
            let count = try file.append(0..<file.size(), to: &buffer)
            try file.close()
            return count
        } catch {
            // The first failure is the one to report; its descriptor must not stay open for it.
            try? file.close()
            throw error
        }
    }

    /// Appends the bytes of `range` to `buffer`.
    /// - Returns: bytes appended; fewer than asked only at the end of the file.
    package func append(
        _ range: Range<Int>, to buffer: inout ByteBuffer
    ) throws(SystemFailure) -> Int {
        var failure: SystemFailure?
        let count = buffer.appendFilled(range.count) { span in
            do throws(SystemFailure) {
                return try read(into: &span, at: range.lowerBound)
            } catch {
                failure = error
                return -1
            }
        }
        if let failure { throw failure }
        return count
    }
}
