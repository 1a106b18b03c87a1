import Bytes
import Codec
import Platform

/// From replies to bytes on the socket.
extension Edge {
    /// Writes the line that `json` holds.
    func emit(_ connection: Connection) {
        guard !connection.isDeaf else { return }
        let output = output(of: connection)
        output.bytes.append(json.bytes)
        output.bytes.append(UInt8(ascii: "\n"))
        touch(connection)
    }

    /// Writes a line.
    func emit(_ line: [UInt8], to connection: Connection) {
        guard !connection.isDeaf else { return }
        let output = output(of: connection)
        output.bytes.append(line)
        output.bytes.append(UInt8(ascii: "\n"))
        touch(connection)
    }

    func output(of connection: Connection) -> OutputBuffer {
        if let output = connection.output { return output }
        let output = spareOutputs.popLast() ?? OutputBuffer()
        connection.output = output
        outputsInUse += 1
        return output
    }

    /// Gives the socket what it takes.
    func flush(_ connection: Connection) {
        if let output = connection.output, output.unwrittenBytes > 0 {
            guard write(output, to: connection) else { return }
        }
        releaseOutput(connection)
        if connection.isClosing { close(connection) }
    }

    /// - Returns: whether there is nothing left to write.
    private func write(_ output: OutputBuffer, to connection: Connection) -> Bool {
        let isFirstTry = !connection.isBlocked
        var hasProgress = false
        while output.unwrittenBytes > 0 {
            do {
                switch try output.write(to: connection.socket) {
                case .bytes: hasProgress = true
                case .wouldBlock:
                    if hasProgress || isFirstTry {
                        connection.lastProgress = MonotonicClock.nanoseconds()
                    }
                    output.compact()
                    return false
                case .ended:
                    connection.isDeaf = true
                    return true
                }
            } catch {
                Complaint.write(error.message)
                close(connection)
                return false
            }
        }
        return true
    }

    func releaseOutput(_ connection: Connection) {
        guard let output = connection.output else { return }
        connection.output = nil
        outputsInUse -= 1
        guard spareOutputs.count < 16, output.bytes.capacity <= 256 << 10 else { return }
        output.clear()
        spareOutputs.append(output)
    }
}
