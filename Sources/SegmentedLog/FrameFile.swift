import Bytes
import Platform

/// A file of frames that this process made and alone appends to: a segment or a manifest.
///
/// Made in its full size with real zeros, because the first write into a hole changes the file
/// system's own records and makes a flush twice as slow; and never grown or cut. Every failure is
/// final: who gets one must not touch the file again.
final class FrameFile {
    private let file: File
    private var isOpen = true
    let header: FileHeader
    /// Bytes that are durable; the next frame starts here.
    private(set) var end = FileHeader.byteCount

    private init(file: File, header: FileHeader) {
        self.file = file
        self.header = header
    }

    /// After a failure nobody closes in order, and there is nothing more to learn from it.
    deinit { if isOpen { try? file.close() } }

    /// Closes the file.
    func close() throws(SystemFailure) {
        isOpen = false
        try file.close()
    }

    /// Makes the file's zeros durable under their name. The caller syncs the directory.
    static func prepare(
        _ path: String, capacity: Int, _ fileSystem: any FileSystem
    ) throws(SystemFailure) -> File {
        precondition(capacity % LogLimits.blockBytes == 0, "whole blocks")
        let file = try File.create(path, fileSystem)
        do throws(SystemFailure) {
            var zeros = ByteBuffer(capacity: min(capacity, LogLimits.pieceBytes))
            zeros.appendZeros(min(capacity, LogLimits.pieceBytes))
            var offset = 0
            while offset < capacity {
                let count = min(zeros.count, capacity - offset)
                try file.writeAll(zeros.bytes(in: 0..<count), at: offset)
                offset += count
            }
            try file.syncAll()
            return file
        } catch {
            // The first failure is the one to report; its descriptor must not stay open for it.
            try? file.close()
            throw error
        }
    }

    /// Writes the header into a prepared file and makes it durable.
    static func begin(_ file: File, _ header: FileHeader) throws(SystemFailure) -> FrameFile {
        let begun = FrameFile(file: file, header: header)
        var block = ByteBuffer(capacity: FileHeader.byteCount)
        header.append(to: &block)
        try file.writeAll(block.bytes, at: 0)
        try file.syncData()
        return begun
    }

    /// Bytes that are left for frames.
    var room: Int { header.capacity - end }

    /// Writes one frame and makes it durable.
    /// - Parameters:
    ///   - buffer: 96 bytes for the header, then the payload; gets header and padding.
    ///   - header: salt, offset, lengths and checksum are set here.
    func append(
        _ header: FrameHeader, _ buffer: inout ByteBuffer
    ) throws(SystemFailure) -> FrameHeader {
        var header = header
        header.salt = self.header.salt
        header.offset = end
        header.payloadBytes = buffer.count - FrameHeader.byteCount
        precondition(header.payloadBytes <= LogLimits.framePayloadBytesMax, "payload within limit")
        precondition(header.frameBytes <= room, "the frame fits its file")
        header.payloadChecksum = CRC32C.masked(
            of: buffer.bytes(in: FrameHeader.byteCount..<buffer.count))
        header.encode(into: &buffer)
        buffer.appendZeros(header.frameBytes - buffer.count)
        try file.writeAll(buffer.bytes, at: end)
        try file.syncData()
        end += header.frameBytes
        return header
    }
}
