import Bytes
package import Platform

/// Shows what is in a file of the log, for a person: sound or not, and without changing it.
package enum LogInspection {
    /// Lines that describe the file at `path`.
    /// - Returns: nil if it is no file of the log.
    package static func describe(
        path: String, fileSystem: any FileSystem
    ) throws(LogFailure) -> [String]? {
        var bytes = ByteBuffer()
        _ = try mapped { () throws(SystemFailure) in
            try File.readWhole(path, into: &bytes, fileSystem)
        }
        return describe(bytes.bytes, path: path)
    }

    /// Lines that describe the bytes of a file.
    /// - Parameter path: is shown, not opened.
    /// - Returns: nil if they are no file of the log.
    package static func describe(_ bytes: RawSpan, path: String) -> [String]? {
        guard bytes.byteCount >= 8 else { return nil }
        let magic = bytes.readInteger(as: UInt64.self, at: 0)
        if magic == Superblock.magic || looksLikeSuperblock(bytes) {
            return superblock(bytes, path)
        }
        if magic == SealedHeader.magic { return SealedInspection.describe(bytes, path: path) }
        for kind in [FrameFileKind.segment, .manifest] where magic == kind.magic {
            return frames(bytes, kind, path)
        }
        return nil
    }

    /// The first copy may be damaged; any of the others tells as well.
    private static func looksLikeSuperblock(_ bytes: RawSpan) -> Bool {
        bytes.byteCount == Superblock.fileBytes
            && (1..<LogLimits.superblockCopies).contains { copy in
                bytes.readInteger(as: UInt64.self, at: copy * LogLimits.blockBytes)
                    == Superblock.magic
            }
    }

    private static func superblock(_ bytes: RawSpan, _ path: String) -> [String] {
        var lines = ["\(path): superblock, \(bytes.byteCount) bytes"]
        for copy in 0..<(bytes.byteCount / LogLimits.blockBytes) {
            let offset = copy * LogLimits.blockBytes
            let block = bytes.extracting(offset..<(offset + LogLimits.blockBytes))
            do throws(LogFailure) {
                let one = try Superblock.decode(block, of: path, at: offset)
                lines.append(
                    "copy \(copy): sequence \(one.sequence), store \(text(one.storeID)), "
                        + "manifest \(one.manifestID) with \(one.manifestBytes) bytes, floor: "
                        + "segment \(one.floor.segmentID) offset \(one.floor.offset) position "
                        + "\(one.floor.nextPosition) time \(one.floor.commitTime) chain "
                        + one.floor.chain.hex)
            } catch { lines.append("copy \(copy): \(error.message)") }
        }
        do throws(LogFailure) {
            let reading = try Superblock.choose(bytes, of: path)
            lines.append("counts: sequence \(reading.chosen.sequence)")
        } catch { lines.append("none counts: \(error.message)") }
        return lines
    }

    private static func frames(
        _ bytes: RawSpan, _ kind: FrameFileKind, _ path: String
    ) -> [String] {
        let what = kind == .segment ? "segment" : "manifest"
        var lines = ["\(path): \(what), \(bytes.byteCount) bytes"]
        let block = bytes.extracting(0..<min(bytes.byteCount, LogLimits.blockBytes))
        var salt: UInt64?
        var chain: Digest?
        do throws(LogFailure) {
            let header = try FileHeader.decode(block, as: kind, of: path)
            salt = header.salt
            chain = header.chain
            lines.append(
                "header: store \(text(header.storeID)), id \(header.id), first position "
                    + "\(header.firstPosition), capacity \(header.capacity), after segment "
                    + "\(header.previousID) with \(header.previousBytes) bytes, chain "
                    + header.chain.hex)
        } catch { lines.append("header: \(error.message)") }
        var walk = Walk(salt: salt, chain: chain)
        var offset = LogLimits.blockBytes
        while offset + LogLimits.blockBytes <= bytes.byteCount {
            offset = walk.line(bytes, at: offset, kind, &lines)
        }
        walk.flush(upTo: bytes.byteCount, &lines)
        return lines
    }

    static func text(_ storeID: [UInt8]) -> String {
        storeID.map { byte in
            let digits = String(byte, radix: 16)
            return digits.count == 1 ? "0" + digits : digits
        }.joined()
    }
}

/// The walk of an inspection: unlike a start, it goes on behind what is wrong.
private struct Walk {
    let salt: UInt64?
    var chain: Digest?
    private var zeros: Int?
    private var calculator = ChainBox()

    init(salt: UInt64?, chain: Digest?) {
        self.salt = salt
        self.chain = chain
    }

    /// Describes what is at `offset`. - Returns: the offset to go on at.
    mutating func line(
        _ bytes: RawSpan, at offset: Int, _ kind: FrameFileKind, _ lines: inout [String]
    ) -> Int {
        let block = bytes.extracting(offset..<(offset + LogLimits.blockBytes))
        if block.isZero {
            zeros = zeros ?? offset
            return offset + LogLimits.blockBytes
        }
        flush(upTo: offset, &lines)
        do throws(FrameFault) {
            let frame = try FrameHeader.decode(
                block.extracting(0..<FrameHeader.byteCount), salt: salt)
            guard frame.offset == offset else { throw .offset(frame.offset) }
            guard offset + frame.frameBytes <= bytes.byteCount else { throw .truncated }
            let whole = bytes.extracting(offset..<(offset + frame.frameBytes))
            lines.append("\(offset): \(describe(frame)); \(check(frame, whole))")
            if kind == .manifest { appendEdits(frame, whole, &lines) }
            return offset + frame.frameBytes
        } catch {
            lines.append("\(offset): no frame: \(error.text)")
            return offset + LogLimits.blockBytes
        }
    }

    /// Ends a run of zeros.
    mutating func flush(upTo end: Int, _ lines: inout [String]) {
        if let zeros { lines.append("\(zeros): \(end - zeros) bytes of zeros") }
        zeros = nil
    }

    private func describe(_ frame: FrameHeader) -> String {
        switch frame.kind {
        case .entries:
            "commit of \(frame.count) \(frame.count == 1 ? "entry" : "entries") from position "
                + "\(frame.firstPosition), "
                + "\(frame.payloadBytes) bytes, time \(frame.commitTime)"
        case .edits: "\(frame.count) edits from \(frame.firstPosition)"
        case .fence: "fence at position \(frame.firstPosition)"
        case .seal: "seal at position \(frame.firstPosition)"
        }
    }

    private mutating func check(_ frame: FrameHeader, _ whole: RawSpan) -> String {
        let payload = whole.extracting(
            FrameHeader.byteCount..<(FrameHeader.byteCount + frame.payloadBytes))
        let computed = CRC32C.masked(of: payload)
        guard computed == frame.payloadChecksum else {
            chain = nil
            return "DAMAGED: "
                + FrameFault.payloadChecksum(expected: frame.payloadChecksum, actual: computed).text
        }
        guard whole.extracting((FrameHeader.byteCount + frame.payloadBytes)...).isZero else {
            return "DAMAGED: its padding is not zero"
        }
        guard Directory.isSound(payload, count: Int(frame.count)) else {
            return "DAMAGED: " + FrameFault.directory.text
        }
        let follows = chain == nil || chain == frame.chainBefore
        chain = frame.chainBefore
        if frame.count > 0 {
            chain = calculator.link(frame, payload)
        }
        return follows
            ? "sound, chain \((chain ?? .zero).hex)" : "DAMAGED: its chain does not follow"
    }

    private func appendEdits(_ frame: FrameHeader, _ whole: RawSpan, _ lines: inout [String]) {
        let payload = whole.extracting(
            FrameHeader.byteCount..<(FrameHeader.byteCount + frame.payloadBytes))
        guard Directory.isSound(payload, count: Int(frame.count)) else { return }
        for index in 0..<Int(frame.count) {
            let range = Directory.range(of: index, in: payload, count: Int(frame.count))
            let edit = try? ManifestEdit.decode(payload.extracting(range))
            lines.append("    " + (edit?.text ?? "an edit that cannot be read"))
        }
    }
}

/// A chain calculator that a copyable walk may own.
private final class ChainBox {
    private var chain = Chain()

    func link(_ frame: FrameHeader, _ payload: RawSpan) -> Digest {
        let hash = SHA256.hash(payload)
        return chain.link(
            after: frame.chainBefore, firstPosition: frame.firstPosition, count: frame.count,
            commitTime: frame.commitTime, payload: hash)
    }
}

extension ManifestEdit {
    /// One line for a person.
    fileprivate var text: String {
        switch self {
        case .added(let segment):
            "segment \(segment.id) added: first position \(segment.firstPosition), capacity "
                + "\(segment.capacity), chain before \(segment.chainBefore.hex)"
        case .closed(let id, let close):
            "segment \(id) \(close.end): \(close.validBytes) bytes count, zeros from "
                + "\(close.writtenBytes), next position \(close.nextPosition), time "
                + "\(close.commitTime), chain \(close.chain.hex)"
        case .sealed(let record): "sealed \(record.text)"
        }
    }
}
