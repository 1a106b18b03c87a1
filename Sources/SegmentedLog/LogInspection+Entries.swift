import Bytes
package import Columns
package import Platform

/// One file's entries, and the bytes near a place in it.
extension LogInspection {
    /// Gives every entry of a row segment or a sealed segment that can still be read, in the file's order.
    /// - Parameters:
    ///   - codec: reads sealed segments.
    ///   - visit: is given position, commit time (nanoseconds since 1970 UTC) and bytes.
    /// - Returns: what is damaged, a sentence each; nil if the file has no entries by its kind.
    /// - Throws: `LogFailure` if the file cannot be read, or what `visit` throws.
    package static func entries(
        path: String, fileSystem: any FileSystem, codec: any BlockCodec,
        _ visit: (Position, Int64, RawSpan) throws -> Void
    ) throws -> [String]? {
        var head = ByteBuffer(capacity: 32)
        let file = try mapped { () throws(SystemFailure) in
            try File.open(path, .reading, fileSystem)
        }
        defer { try? file.close() }
        try mapped { () throws(SystemFailure) in _ = try file.append(0..<32, to: &head) }
        guard head.count == 32 else { return nil }
        let storeID = head.copyBytes(in: 16..<32)
        switch head.bytes.readInteger(as: UInt64.self, at: 0) {
        case FrameFileKind.segment.magic:
            let findings = FileFindings.rows(path, storeID: storeID, fileSystem)
            try commits(findings.stretches, in: file, visit)
            return findings.damage.map { [$0.message] } ?? []
        case SealedHeader.magic:
            let record = try FileFindings.trailer(of: file).record
            let segment = try SealedSegment.open(
                record, path, storeID: storeID, codec: codec, fileSystem)
            return try blocks(of: segment, visit)
        default: return nil
        }
    }

    private static func commits(
        _ stretches: [Stretch], in file: File, _ visit: (Position, Int64, RawSpan) throws -> Void
    ) throws {
        var window = FrameWindow(ahead: LogLimits.pieceBytes)
        for stretch in stretches {
            guard case .commit(let frame) = stretch.form else { continue }
            let end = frame.offset + frame.frameBytes
            try window.body(of: frame, in: file, limit: end)
            for index in 0..<Int(frame.count) {
                try window.withRecord(index, of: frame) {
                    try visit(frame.firstPosition + Position(index), frame.commitTime, $0)
                }
            }
        }
    }

    private static func blocks(
        of segment: SealedSegment, _ visit: (Position, Int64, RawSpan) throws -> Void
    ) throws -> [String] {
        var damages: [String] = []
        var memory = BlockMemory()
        for (number, entry) in segment.index.enumerated() {
            do throws(LogFailure) {
                try segment.load(number, into: &memory)
                try segment.decode(0..<entry.count, in: &memory)
            } catch {
                damages.append(error.message)
                continue
            }
            for index in 0..<entry.count {
                let position = entry.firstPosition + Position(index)
                let time = memory.commit(of: position).commitTime
                try memory.withRecord(index) { try visit(position, time, $0) }
            }
        }
        return damages
    }

    /// Bytes shown on each side of a place, at least.
    private static let aroundBytes = 32
    private static let rowBytes = 16

    /// The bytes near a place as hexadecimal rows, and what they belong to.
    /// - Parameter lines: what `describe` says of the file.
    /// - Returns: nil if the file ends before `offset`.
    package static func around(
        _ offset: Int, in bytes: RawSpan, described lines: [String]
    ) -> [String]? {
        guard offset >= 0, offset < bytes.byteCount else { return nil }
        var shown = ["offset \(offset) is in: \(structure(at: offset, lines))"]
        let first = max(0, offset - aroundBytes) / rowBytes * rowBytes
        let last = min(bytes.byteCount, offset + aroundBytes)
        for start in stride(from: first, to: last, by: rowBytes) {
            let row = start..<min(bytes.byteCount, start + rowBytes)
            shown.append((row.contains(offset) ? "> " : "  ") + text(bytes, row))
        }
        return shown
    }

    private static func text(_ bytes: RawSpan, _ row: Range<Int>) -> String {
        let place = String(row.lowerBound)
        let values = row.map { bytes.byte(at: $0) }
        let letters = values.map { (32..<127).contains($0) ? Character(Unicode.Scalar($0)) : "." }
        let digits = text(values)
        var pairs = ""
        for (index, digit) in digits.enumerated() {
            pairs.append(digit)
            if index % 2 == 1 { pairs += " " }
        }
        let padding = String(repeating: " ", count: 3 * (rowBytes - values.count))
        return String(repeating: " ", count: max(0, 10 - place.count)) + place + "  " + pairs
            + padding + " |" + String(letters) + "|"
    }

    /// The line of a description that begins last at or before a place.
    private static func structure(at offset: Int, _ lines: [String]) -> String {
        var best = (offset: -1, text: lines.first ?? "a file")
        for line in lines {
            let text = line.drop { $0 == " " }
            let start: Int?
            if text.hasPrefix("copy ") {
                start = Int(text.dropFirst(5).prefix { $0.isNumber }).map {
                    $0 * LogLimits.blockBytes
                }
            } else if text.hasPrefix("header: ") {
                start = 0
            } else if let colon = text.firstIndex(of: ":") {
                start = Int(text[..<colon])
            } else {
                start = nil
            }
            if let start, start <= offset, start > best.offset { best = (start, String(text)) }
        }
        return best.text
    }
}
