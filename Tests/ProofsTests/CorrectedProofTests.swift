import Billing
import Codec
import Engine
import Foundation
import Proofs
import Testing

/// Bills with corrections and batches are proved from the account's entries, the catalogs and what became of batches.
@Suite struct CorrectedProofTests {
    private func book() throws -> Book {
        let book = try Book()
        try book.fill()
        try book.record(#"{"request":"backfill","id":"o","action":"create","batch":"b"}"#)
        for number in 0..<4 {
            try book.record(
                #"{"specversion":"1.0","id":"late\#(number)","source":"s","type":"llm.call","subject":"acme","#
                    + #""daybookbatch":"b","data":{"tokens":\#(number + 1)00000,"model":"small"}}"#)
        }
        return book
    }

    private func check(_ book: Book) throws -> String? {
        let proven = try ProvenInvoice(file: book.proof("acme"), key: book.key())
        let live = try book.send(#"{"request":"invoice","account":"acme","period":"2026-03"}"#)
        #expect(proven.invoice["total"]?.text == live["total"]?.text)
        return proven.invoice["total"]?.text
    }

    @Test func correctionsAndBatchesAreProved() throws {
        let book = try book()
        let open = try check(book)
        try book.record(#"{"request":"backfill","id":"c","action":"close","batch":"b"}"#)
        let closed = try check(book)
        #expect(open != closed)
        let last = book.engine.durablePosition - 2
        try book.record(
            #"{"request":"correct","id":"k","account":"acme","reason":"r","entries":[{"entry":\#(last),"action":"amend","data":{"tokens":90000000,"model":"small"}}]}"#
        )
        let corrected = try check(book)
        #expect(corrected != closed)
        try book.restart()
        #expect(try check(book) == corrected)
        try book.record(#"{"request":"backfill","id":"v","action":"revert","batch":"b"}"#)
        #expect(try check(book) == open)
        // Whoever leaves out what became of the batch has another bill, and another checkpoint.
        #expect(try book.send(#"{"request":"compact"}"#)["ok"] == .bool(true))
        #expect(try check(book) == open)
    }
}
