import Bytes
import Platform

/// Writes a run from keys that come sorted, in memory that the filter's size bounds.
struct RunWriter: ~Copyable {
    /// Keys for which one part of the filter is made.
    static let partKeys = 65_536
    private static let flushBytes = 1 << 20

    private var header: RunHeader
    private let file: File
    private let positionBits: Int
    private let partCount: Int

    /// The open page.
    private var leads: [UInt64] = []
    private var positions: [UInt64] = []
    /// Finished pages that are not written yet.
    private var pages = ByteBuffer(capacity: Self.flushBytes + RunPage.byteCount)
    private var written = RunHeader.byteCount

    /// Sections after the pages.
    private var firstLeads: ByteBuffer
    private var parts: ByteBuffer
    private var cells: ByteBuffer

    /// Distinct leads of the open part of the filter.
    private var part: [UInt64] = []
    private var partNumber = 0
    private var builder = FuseBuilder()

    /// Begins a run.
    /// - Parameters:
    ///   - header: with store, positions and chain.
    ///   - entriesMax: keys that will come at most.
    ///   - file: a new file.
    init(_ header: RunHeader, entriesMax: Int, file: File) {
        self.header = header
        self.file = file
        positionBits = RunPage.width(UInt64(header.positions.count - 1))
        partCount = max(1, entriesMax / Self.partKeys)
        leads.reserveCapacity(1024)
        positions.reserveCapacity(1024)
        part.reserveCapacity(Self.partKeys * 9 / 8)
        // Room for 20 bits a key: growing would copy. Memory that is not used is not taken.
        firstLeads = ByteBuffer(capacity: entriesMax / 50)
        parts = ByteBuffer(capacity: partCount * FuseShape.byteCount)
        cells = ByteBuffer(capacity: entriesMax / 2 * 5 + 4096)
    }

    /// Adds the next key: not before the last one.
    mutating func add(_ key: RunKey) throws(SystemFailure) {
        if let first = leads.first {
            let width = RunPage.width(key.lead - first) + positionBits
            if (leads.count + 1) * width > RunPage.payloadBits { try closePage() }
        }
        leads.append(key.lead)
        positions.append(key.position)
        let number = Run.part(of: key.lead, parts: partCount)
        while partNumber < number { closePart() }
        if part.last != key.lead { part.append(key.lead) }
        header.entries += 1
    }

    /// Writes what is left, the header last, and makes the file durable.
    consuming func finish() throws(SystemFailure) -> Run {
        try closePage()
        while partNumber < partCount { closePart() }
        try flush()
        precondition(written == header.leadsOffset, "one place for each page")
        header.parts = UInt64(partCount)
        header.cellBytes = UInt64(cells.count)
        header.checksums = RunHeader.Checksums(
            leads: CRC32C.masked(of: firstLeads.bytes), parts: CRC32C.masked(of: parts.bytes),
            cells: CRC32C.masked(of: cells.bytes))
        try file.writeAll(firstLeads.bytes, at: header.leadsOffset)
        try file.writeAll(parts.bytes, at: header.partsOffset)
        try file.writeAll(cells.bytes, at: header.cellsOffset)
        pages.clear()
        header.append(to: &pages)
        try file.writeAll(pages.bytes, at: 0)
        try file.syncAll()
        return Run(header: header, file: file, leads: firstLeads, parts: parts, cells: cells)
    }

    private mutating func closePage() throws(SystemFailure) {
        guard let first = leads.first else { return }
        RunPage.append(
            leads: leads, positions: positions, base: header.positions.lowerBound,
            positionBits: positionBits, to: &pages)
        firstLeads.appendInteger(first)
        header.pages += 1
        leads.removeAll(keepingCapacity: true)
        positions.removeAll(keepingCapacity: true)
        if pages.count >= Self.flushBytes { try flush() }
    }

    private mutating func flush() throws(SystemFailure) {
        try file.writeAll(pages.bytes, at: written)
        written += pages.count
        pages.clear()
    }

    private mutating func closePart() {
        builder.append(part, to: &cells).append(to: &parts)
        part.removeAll(keepingCapacity: true)
        partNumber += 1
    }
}
