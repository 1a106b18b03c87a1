import Bytes
import Engine
import Foundation
import SegmentedLog
import Testing

/// What a log says it takes on the disk is what its files take.
@Suite struct StorageTests {
    private func bytes(_ book: Book, _ folder: String) throws -> Int {
        let files = FileManager.default
        return try files.contentsOfDirectory(atPath: book.folder + "/" + folder).reduce(0) {
            let path = "\(book.folder)/\(folder)/\($1)"
            return $0 + (try files.attributesOfItem(atPath: path)[.size] as? Int ?? 0)
        }
    }

    private func fill(_ book: Book, _ numbers: Range<Int>) throws {
        for number in numbers {
            try book.event("e\(number)", "t", "account-\(number % 7)", #"{"n":\#(number)}"#)
        }
    }

    @Test func rowsAreCountedUpToTheirDurableEnd() throws {
        let book = try Book()
        try fill(book, 0..<20)
        let storage = try book.engine.reader.storage()
        #expect(storage.rowEntries == 20)
        #expect(storage.sealedEntries == 0 && storage.segmentBytes == 0)
        // A block each commit, and the segment's header.
        #expect(storage.rowBytes == 21 * LogLimits.blockBytes)
        let files = try bytes(book, "wal")
        #expect(storage.rowBytes < files)
    }

    @Test func thePartsOfSealedSegmentsAreWholeFiles() throws {
        let book = try Book()
        try fill(book, 0..<40)
        _ = try book.engine.compact()
        try fill(book, 40..<50)
        let storage = try book.engine.reader.storage()
        #expect(storage.sealedEntries == 40 && storage.rowEntries == 10)
        #expect(storage.sealedSegments == 1)
        let parts = storage.segmentBytes + storage.postingBytes + storage.accountBytes
        let files = try bytes(book, "seg")
        #expect(parts == files)
        for part in [
            storage.blockBytes, storage.dictionaryBytes, storage.indexBytes, storage.postingBytes,
            storage.accountBytes,
        ] {
            #expect(part > 0)
        }
        #expect(storage.frameworkBytes == 2 * LogLimits.blockBytes)
    }

    /// The entries of one account come from postings and from rows: the same as of all entries, filtered, from
    /// wherever one begins, however little is taken at a time.
    @Test func theEntriesOfOneAccountAreThoseOfAllFiltered() throws {
        let book = try Book()
        try fill(book, 0..<40)
        _ = try book.engine.compact()
        try fill(book, 40..<60)
        try fill(book, 60..<75)
        let all = try lines(book, account: nil, from: 0)
        for account in ["account-0", "account-3", "account-6", "nobody"] {
            let expected = all.filter { $0.contains("\"subject\":\"\(account)\"") }
            #expect(expected.isEmpty == (account == "nobody"))
            for from in [0, 1, 17, 39, 40, 41, 60, 75] as [Position] {
                let wanted = expected.filter { line in
                    let digits = line.dropFirst("{\"position\":".count).prefix { $0.isNumber }
                    return (Position(digits) ?? 0) >= from
                }
                #expect(try lines(book, account: account, from: from) == wanted)
            }
        }
    }

    private func lines(_ book: Book, account: String?, from: Position) throws -> [String] {
        var request = FollowRequest()
        request.from = from
        request.account = account
        var feed = try EntryFeed(book.engine, request)
        var out = ByteBuffer()
        while try feed.fill(&out, byteLimit: out.count + 150) == .full {}
        #expect(feed.next == book.engine.durablePosition)
        let text = String(decoding: out.copyBytes(in: 0..<out.count), as: UTF8.self)
        return text.split(separator: "\n").map(String.init)
    }
}
