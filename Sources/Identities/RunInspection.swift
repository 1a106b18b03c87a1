import Bytes
package import Platform

/// Shows what is in a run, for a person: sound or not, and without changing it.
package enum RunInspection {
    /// Lines that describe the file at `path`.
    /// - Returns: nil if it is no run.
    /// - Throws: `SystemFailure` if it cannot be read.
    package static func describe(
        path: String, fileSystem: any FileSystem
    ) throws(SystemFailure) -> [String]? {
        let file = try File.open(path, .reading, fileSystem)
        do throws(RunFault) {
            let lines = try describe(file)
            try? file.close()
            return lines
        } catch {
            try? file.close()
            if case .system(let failure) = error { throw failure }
            return nil
        }
    }

    private static func describe(_ file: File) throws(RunFault) -> [String]? {
        var block = ByteBuffer(capacity: RunHeader.byteCount)
        try file.fill(&block, 0..<RunHeader.byteCount)
        guard block.copyBytes(in: 0..<8) == RunHeader.magic else { return nil }
        var lines = ["\(file.path): run of identities"]
        do {
            let header = try RunHeader(decoding: block.bytes)
            lines += describe(header)
            let run = try Run.read(file, storeID: header.storeID)
            lines.append("index and filter: sound")
            lines.append(pages(of: run))
        } catch let fault as RunFault {
            lines.append("DAMAGED: \(fault.text)")
        } catch {
            lines.append("DAMAGED header: \(error)")
        }
        lines.append("it may be deleted while the server is stopped: it is made from the log again")
        return lines
    }

    private static func describe(_ header: RunHeader) -> [String] {
        let positions = header.positions
        return [
            "header: version \(RunHeader.version), store \(hex(header.storeID)), checksum right",
            "positions \(positions.lowerBound) to \(positions.upperBound - 1), chain "
                + header.chain.hex,
            "\(header.entries) entries with a key on \(header.pages) pages; filter of "
                + "\(header.parts) parts, \(header.cellBytes) bytes",
        ]
    }

    private static func pages(of run: Run) -> String {
        var page = ByteBuffer(capacity: RunPage.byteCount)
        for number in 0..<Int(run.header.pages) {
            do { _ = try run.readPage(number, into: &page) } catch {
                return "pages: DAMAGED: \(error.text)"
            }
        }
        return "pages: sound"
    }

    private static func hex(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef")
        return String(bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
    }
}
