import Billing
import Bytes
import Codec
import Engine
import Foundation
import Platform
import SegmentedLog
import Testing

@testable import Proofs

/// An engine with a desk for proofs, on a folder of its own.
final class Book {
    let folder: String
    private(set) var engine: Engine

    private let clock: any Clock

    init(_ clock: any Clock = FixedClock()) throws {
        self.clock = clock
        folder = NSTemporaryDirectory() + "daybook-proofs-" + UUID().uuidString
        engine = try Engine.open(Self.options(folder, clock))
    }

    private static func options(_ folder: String, _ clock: any Clock) -> Engine.Options {
        var options = Engine.Options(directory: folder, clock: clock)
        options.log.segmentBytesFirst = 256 << 10
        options.proofs = ProofDesk(directory: folder)
        return options
    }

    deinit {
        engine.close()
        try? FileManager.default.removeItem(atPath: folder)
    }

    @discardableResult func send(_ line: String) throws -> Value {
        try ValueCoder.value(json: engine.reply(to: line))
    }

    func record(_ line: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
        let reply = try send(line)
        #expect(
            reply["outcome"]?.text == "recorded", "\(line): \(reply)",
            sourceLocation: sourceLocation)
    }

    /// Records many lines at once.
    func recordMany(_ lines: [String]) throws {
        let replies = Replies()
        let batch = PreparedBatch(replyTo: replies, arenaBytes: 1 << 20)
        let decoder = RequestDecoder(for: engine)
        for (index, line) in lines.enumerated() {
            let request = line.withBytes {
                decoder.decode($0, paddingAvailable: 0, into: &batch.arena)
            }
            guard case .record(let record) = request else {
                Issue.record("\(line) is no record")
                return
            }
            batch.records.append(record)
            batch.tokens.append(UInt64(index))
        }
        #expect(engine.submit(batch))
        replies.wait(for: lines.count)
    }

    func event(_ id: String, _ type: String, _ account: String, _ data: String) throws {
        try record(
            #"{"specversion":"1.0","id":"\#(id)","source":"test","type":"\#(type)","#
                + #""subject":"\#(account)","time":"2026-03-04T05:06:07.000000001Z","data":\#(data)}"#
        )
    }

    func consume(_ id: String, _ account: String, _ feature: String, _ quantity: Int) throws {
        try record(
            #"{"request":"consume","id":"\#(id)","account":"\#(account)","#
                + #""feature":"\#(feature)","quantity":\#(quantity)}"#)
    }

    /// The proof of an account's invoice, as a file.
    func proof(_ account: String, _ period: String = "2026-03") throws -> [UInt8] {
        let reply = try send(
            #"{"request":"prove","account":"\#(account)","period":"\#(period)"}"#)
        return Array(try #require(reply["proof"]?.text, "\(reply)").utf8)
    }

    /// The signer's key.
    func key() throws -> VerifierKey {
        try VerifierKey(try #require(try send(#"{"request":"key"}"#)["key"]?.text))
    }

    /// A newest signed checkpoint.
    func checkpoint() throws -> SignedNote {
        try SignedNote(
            try #require(try send(#"{"request":"checkpoint"}"#)["checkpoint"]?.text))
    }

    func restart() throws {
        engine.close()
        engine = try Engine.open(Self.options(folder, clock))
    }

    /// Two catalogs, three accounts, usage, a plan change inside the month, credits, denials.
    func fill() throws {
        try record(#"{"request":"publish","id":"c1","catalog":\#(Self.catalog)}"#)
        for number in 0..<12 {
            try event("a\(number)", "llm.call", "acme", #"{"tokens":\#(number * 1000)}"#)
            try event("b\(number)", "llm.call", "bolt", #"{"tokens":7}"#)
        }
        try record(
            #"{"request":"grant","id":"g1","account":"acme","amount":"10","priority":1}"#)
        for number in 0..<6 { try consume("i\(number)", "acme", "images", 1) }
        for number in 0..<7 { try consume("p\(number)", "cone", "api", 1) }
        try record(
            #"{"request":"subscribe","id":"s","account":"acme","plan":"pro","#
                + #""effective":"2026-03-02T00:00:00Z"}"#)
        try record(
            #"{"request":"publish","id":"c2","catalog":"#
                + Self.catalog.replacingOccurrences(of: "2.50", with: "2.75") + "}")
        try event("x", "llm.call", "acme", #"{"tokens":1}"#)
    }

    static let catalog = """
        {"catalog":1,"currency":"USD","default_plan":"free",
         "meters":{"tokens":{"event":"llm.call","aggregate":"sum","value":"tokens"},
           "calls":{"event":"llm.call","aggregate":"count"},
           "api":{"event":"api.call","aggregate":"count"},
           "images":{"event":"image.made","aggregate":"count"}},
         "features":{"api":{"meter":"api"},"images":{"meter":"images"}},
         "credit":{"unit":"credits","burn":{"images":"2.5"}},
         "plans":{
           "free":{"entitlements":{"api":{"limit":5},"images":{"unlimited":true}},
             "prices":{"tokens":{"meter":"tokens","amount":"2.50","per":"1000"}}},
           "pro":{"entitlements":{"api":{"limit":9},"images":{"unlimited":true}},
             "prices":{"calls":{"meter":"calls","amount":"0.10"},
               "tokens":{"meter":"tokens","amount":"2.50","per":"1000"}}}}}
        """.replacingOccurrences(of: "\n", with: " ")
}

/// A clock that stands in March 2026.
struct FixedClock: Clock {
    func wallNanoseconds() -> Int64 { 1_772_800_000_123_456_789 }
}

/// What checking a file says: nil if it is proven.
func refusal(_ file: [UInt8], _ key: VerifierKey? = nil) -> ProofFailure? {
    do throws(ProofFailure) {
        _ = try ProvenInvoice(file: file, key: key)
        return nil
    } catch {
        return error
    }
}

/// Counts replies.
private final class Replies: ReplySink {
    private let count = Monitor(0)

    func deliver(_ replies: borrowing ReplyBatch) {
        let more = replies.replies.count
        count.withLock { $0 += more }
    }

    func wait(for expected: Int) {
        let _: Bool? = count.wait { $0 >= expected ? true : nil }
    }
}
