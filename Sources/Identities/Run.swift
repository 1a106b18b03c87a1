import Bytes
import Platform

/// Why a run is not believed.
enum RunFault: Error {
    /// A system call failed.
    case system(SystemFailure)
    /// Its bytes are not such a run; what is wrong.
    case damaged(String)

    var text: String {
        switch self {
        case .system(let failure): failure.message
        case .damaged(let text): text
        }
    }
}

/// # Run: the identities of a range of positions, on disk
///
/// Resident are the first lead of each page and the filter; a question that passes the filter reads one
/// page of 4 KiB.
///
/// `@unchecked Sendable`: nothing changes after `init`; reads are positioned.
final class Run: @unchecked Sendable {
    let header: RunHeader
    let file: File
    private let leads: ByteBuffer
    private let parts: ByteBuffer
    private let cells: ByteBuffer

    init(
        header: RunHeader, file: File, leads: consuming ByteBuffer,
        parts: consuming ByteBuffer, cells: consuming ByteBuffer
    ) {
        self.header = header
        self.file = file
        self.leads = leads
        self.parts = parts
        self.cells = cells
    }

    /// Opens a run and reads all but its pages, which are checked when they are read.
    static func open(
        _ path: String, _ fileSystem: any FileSystem, storeID: [UInt8]
    ) throws(RunFault) -> Run {
        let file: File
        do { file = try File.open(path, .reading, fileSystem) } catch { throw .system(error) }
        do throws(RunFault) {
            return try read(file, storeID: storeID)
        } catch {
            try? file.close()
            throw error
        }
    }

    /// Reads all but the pages of an open file.
    static func read(_ file: File, storeID: [UInt8]) throws(RunFault) -> Run {
        let size: Int
        do { size = try file.size() } catch { throw .system(error) }
        guard size >= RunHeader.byteCount else {
            throw .damaged("the file ends inside its header")
        }
        var block = ByteBuffer(capacity: RunHeader.byteCount)
        try file.fill(&block, 0..<RunHeader.byteCount)
        let header: RunHeader
        do { header = try RunHeader(decoding: block.bytes) } catch {
            throw .damaged("its header is damaged: \(error)")
        }
        guard header.storeID == storeID else { throw .damaged("it belongs to another store") }
        guard header.fileBytes == size else {
            throw .damaged("it has \(size) bytes where its header says \(header.fileBytes)")
        }
        var leads = ByteBuffer(capacity: Int(header.pages) * 8)
        var parts = ByteBuffer(capacity: Int(header.parts) * FuseShape.byteCount)
        var cells = ByteBuffer(capacity: Int(header.cellBytes))
        try file.fill(&leads, header.leadsOffset..<header.partsOffset)
        try file.fill(&parts, header.partsOffset..<header.cellsOffset)
        try file.fill(&cells, header.cellsOffset..<header.fileBytes)
        let checksums = RunHeader.Checksums(
            leads: CRC32C.masked(of: leads.bytes), parts: CRC32C.masked(of: parts.bytes),
            cells: CRC32C.masked(of: cells.bytes))
        guard checksums == header.checksums else {
            throw .damaged("its index or its filter is damaged")
        }
        for part in 0..<Int(header.parts) {
            let shape = FuseShape(at: part * FuseShape.byteCount, in: parts.bytes)
            guard shape.fits(cells.count) else { throw .damaged("its filter is impossible") }
        }
        return Run(header: header, file: file, leads: leads, parts: parts, cells: cells)
    }

    /// Which part of the filter answers for a lead.
    @inline(__always) static func part(of lead: UInt64, parts: Int) -> Int {
        let shifted = lead << (64 - UInt64(RunKey.leadBits))
        return Int(shifted.multipliedFullWidth(by: UInt64(parts)).high)
    }

    /// Whether an entry of the run may have this lead; false is certain.
    func mayContain(_ lead: UInt64) -> Bool {
        guard header.parts > 0 else { return false }
        let part = Self.part(of: lead, parts: Int(header.parts))
        let shape = parts.withBytes(in: 0..<parts.count) {
            FuseShape(at: part * FuseShape.byteCount, in: $0)
        }
        return cells.withBytes(in: 0..<cells.count) { shape.mayContain(lead, in: $0) }
    }

    /// Calls `body` with each position whose lead is `lead`, until it returns true.
    /// - Parameter page: memory for a page.
    /// - Throws: `RunFault`, or what `body` throws.
    func first(
        _ lead: UInt64, page: inout ByteBuffer, where body: (UInt64) throws -> Bool
    ) throws -> UInt64? {
        // Equal leads may begin on the page before the first that starts with them.
        var number = max(0, pagesBefore(lead) - 1)
        while number < Int(header.pages), firstLead(number) <= lead {
            let fields = try readPage(number, into: &page)
            var index = fields.lowerBound(lead, in: page.bytes)
            while index < fields.count, fields.lead(index, in: page.bytes) == lead {
                let position = fields.position(index, in: page.bytes)
                if try body(position) { return position }
                index += 1
            }
            if index < fields.count { return nil }
            number += 1
        }
        return nil
    }

    /// Reads and checks a page.
    func readPage(
        _ number: Int, into page: inout ByteBuffer
    ) throws(RunFault) -> RunPageFields {
        page.clear()
        let start = RunHeader.byteCount + number * RunPage.byteCount
        try file.fill(&page, start..<(start + RunPage.byteCount))
        return try fields(number, page.bytes)
    }

    /// Checks a page that was read.
    func fields(_ number: Int, _ bytes: RawSpan) throws(RunFault) -> RunPageFields {
        guard
            let fields = RunPageFields(
                bytes, positions: header.positions, first: firstLead(number))
        else { throw .damaged("page \(number) is damaged") }
        return fields
    }

    /// Pages whose first lead is below `lead`.
    private func pagesBefore(_ lead: UInt64) -> Int {
        var (low, high) = (0, Int(header.pages))
        while low < high {
            let middle = (low + high) / 2
            if firstLead(middle) < lead { low = middle + 1 } else { high = middle }
        }
        return low
    }

    private func firstLead(_ page: Int) -> UInt64 {
        leads.withBytes(in: 0..<leads.count) { $0.readInteger(as: UInt64.self, at: page * 8) }
    }
}

extension File {
    /// Appends exactly the bytes of `range`.
    func fill(_ buffer: inout ByteBuffer, _ range: Range<Int>) throws(RunFault) {
        var failure: SystemFailure?
        let count = buffer.appendFilled(range.count) { span in
            do throws(SystemFailure) {
                return try read(into: &span, at: range.lowerBound)
            } catch {
                failure = error
                return -1
            }
        }
        if let failure { throw .system(failure) }
        guard count == range.count else { throw .damaged("the file ends too early") }
    }
}
