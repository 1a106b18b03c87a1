import Bytes

/// Shows what is in a sealed segment, for a person: what is sound and what is not.
enum SealedInspection {
    static func describe(_ bytes: RawSpan, path: String) -> [String] {
        var lines = ["\(path): sealed segment, \(bytes.byteCount) bytes"]
        let storeID =
            bytes.byteCount >= 32 ? bytes.extracting(16..<32).makeArray() : []
        do throws(LogFailure) {
            let head = bytes.extracting(0..<min(bytes.byteCount, SealedHeader.byteCount))
            let first = try SealedHeader.check(head, storeID: storeID, of: path)
            lines.append("header: store \(LogInspection.text(storeID)), first position \(first)")
        } catch { lines.append("header: \(error.message)") }
        let place = max(0, bytes.byteCount - SealedTrailer.byteCount)
        do throws(LogFailure) {
            let trailer = try SealedTrailer.decode(
                bytes.extracting(place...), of: path, at: place)
            lines.append("trailer: \(trailer.record.text), columns version \(trailer.codecVersion)")
            let digest = SHA256.hash(bytes.extracting(0..<place))
            lines.append(
                digest == trailer.record.digest
                    ? "digest: sound" : "digest: DAMAGED: the bytes have \(digest.hex)")
            sections(bytes, trailer, &lines)
        } catch {
            lines.append("trailer: \(error.message)")
            walk(bytes, &lines)
        }
        return lines
    }

    private static func sections(
        _ bytes: RawSpan, _ trailer: SealedTrailer, _ lines: inout [String]
    ) {
        for part in SealedTrailer.Part.allCases {
            let section = trailer.sections[part.rawValue]
            // A piece of the file may be missing in the middle.
            let start = min(bytes.byteCount, section.offset)
            let stored = bytes.extracting(
                start..<min(bytes.byteCount, section.offset + section.storedBytes))
            let isSound =
                stored.byteCount == section.storedBytes
                && CRC32C.masked(of: stored) == section.checksum
            lines.append(
                "\(section.offset): \(part.name), \(section.bytes) bytes in "
                    + "\(section.storedBytes), \(isSound ? "sound" : "DAMAGED: its checksum")")
            guard part == .index, isSound else { continue }
            do throws(DecodeFailure) {
                var plain = ByteBuffer(capacity: section.bytes)
                if section.storedBytes == section.bytes {
                    plain.append(stored)
                } else {
                    try LZ4.append(decompressing: stored, count: section.bytes, to: &plain)
                }
                for entry in try BlockIndex.decode(plain.bytes, of: trailer) {
                    lines.append(block(bytes, entry))
                }
            } catch { lines.append("    the index cannot be read: \(error)") }
        }
    }

    private static func block(_ bytes: RawSpan, _ entry: BlockEntry) -> String {
        let what =
            "    \(entry.offset): block of \(entry.count) entries from position "
            + "\(entry.firstPosition), \(entry.bytes) bytes, root \(entry.root.hex.prefix(16))…"
        return what + "; " + (fault(bytes, at: entry.offset) ?? "sound")
    }

    /// Without an index, the blocks are found one after the other.
    private static func walk(_ bytes: RawSpan, _ lines: inout [String]) {
        var offset = SealedHeader.byteCount
        while offset + BlockHeader.byteCount <= bytes.byteCount {
            let span = bytes.extracting(offset..<(offset + BlockHeader.byteCount))
            guard let header = try? BlockHeader.decode(span), header.offset == offset else {
                lines.append("    \(offset): no block")
                return
            }
            lines.append(
                "    \(offset): block of \(header.count) entries from position "
                    + "\(header.firstPosition), \(header.byteCount) bytes; "
                    + (fault(bytes, at: offset) ?? "sound"))
            offset += header.byteCount
        }
    }

    private static func fault(_ bytes: RawSpan, at offset: Int) -> String? {
        guard offset + BlockHeader.byteCount <= bytes.byteCount else {
            return "DAMAGED: the file ends before it"
        }
        do throws(BlockFault) {
            let header = try BlockHeader.decode(
                bytes.extracting(offset..<(offset + BlockHeader.byteCount)))
            let end = offset + header.byteCount
            guard end <= bytes.byteCount else { return "DAMAGED: the file ends inside it" }
            let body = bytes.extracting((offset + BlockHeader.byteCount)..<end)
            let computed = CRC32C.masked(of: body)
            return computed == header.bodyChecksum
                ? nil : "DAMAGED: its checksum is \(hex(computed))"
        } catch { return "DAMAGED: \(error.text)" }
    }
}

extension SealedRecord {
    /// One line for a person.
    var text: String {
        "segment \(id): positions \(firstPosition)..<\(nextPosition) in \(commits) commits, "
            + "\(fileBytes) bytes, time \(commitTime), chain before \(chainBefore.hex), after "
            + "\(chain.hex), digest \(digest.hex)"
    }
}
