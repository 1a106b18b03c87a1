import Bytes
import Platform

/// Copies a sealed segment in pieces; its digest is computed as it goes by and again from the copy.
enum SealedCopy {
    /// Copies the file, byte for byte but for its number, if it gets another one.
    /// - Parameter id: the copy's number.
    /// - Returns: what a manifest says of the copy; nil if there is no such file any more.
    static func write(
        _ record: SealedRecord, from source: String, as id: UInt64, to paths: StorePaths,
        storeID: [UInt8], _ fileSystem: any FileSystem
    ) throws(LogFailure) -> SealedRecord? {
        let file: File
        do throws(SystemFailure) {
            file = try File.open(source, .reading, fileSystem)
        } catch {
            if error.isMissing { return nil }
            throw LogFailure(error)
        }
        defer { try? file.close() }
        var trailer = try SealedSegment.check(file, record, storeID: storeID)
        trailer.record.id = id
        let path = paths.sealed(id)
        let copy = try mapped { () throws(SystemFailure) in try File.create(path, fileSystem) }
        do throws(LogFailure) {
            try write(trailer, from: file, to: copy)
            try mapped { () throws(SystemFailure) in try copy.close() }
            return trailer.record
        } catch {
            // The first failure is the one to report; neither descriptor nor space may be lost to it.
            try? copy.close()
            try? fileSystem.unlink(path)
            throw error
        }
    }

    private static func write(
        _ trailer: SealedTrailer, from file: File, to copy: File
    ) throws(LogFailure) {
        let record = trailer.record
        let bodyBytes = record.fileBytes - SealedTrailer.byteCount
        let digest = try walk(file, bodyBytes) { (piece, offset) throws(SystemFailure) in
            try copy.writeAll(piece, at: offset)
        }
        guard digest == record.digest else {
            throw .damaged(
                file.path, at: 0, position: record.firstPosition,
                "the digest of its bytes is not what the manifest says")
        }
        var block = ByteBuffer(capacity: SealedTrailer.byteCount)
        trailer.append(to: &block)
        do throws(SystemFailure) {
            try copy.writeAll(block.bytes, at: bodyBytes)
            try copy.syncAll()
        } catch { throw LogFailure(error) }
        copy.dropCache(from: 0)
        guard try self.digest(of: copy, record) == record.digest else {
            throw .damaged(
                copy.path, at: 0, position: record.firstPosition,
                "the device does not give back what was written")
        }
    }

    /// The digest of the bytes before the trailer, as they are now.
    static func digest(of file: File, _ record: SealedRecord) throws(LogFailure) -> Digest {
        try walk(file, record.fileBytes - SealedTrailer.byteCount) { _, _ in }
    }

    private static func walk(
        _ file: File, _ count: Int, _ visit: (RawSpan, Int) throws(SystemFailure) -> Void
    ) throws(LogFailure) -> Digest {
        var hasher = SHA256Hasher()
        var piece = ByteBuffer(capacity: min(count, LogLimits.pieceBytes))
        var offset = 0
        do throws(SystemFailure) {
            while offset < count {
                piece.clear()
                let end = min(count, offset + LogLimits.pieceBytes)
                guard try file.append(offset..<end, to: &piece) == end - offset else { break }
                hasher.update(piece.bytes)
                try visit(piece.bytes, offset)
                offset = end
            }
        } catch { throw LogFailure(error) }
        return hasher.take()
    }
}
