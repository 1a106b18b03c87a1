import Billing
import Bytes
import Codec
import Engine
import Foundation
import Money
import Platform
import Projections
import SegmentedLog
import Testing

/// An engine on a folder of its own, spoken to in lines of the protocol.
final class Book {
    let folder: String
    private(set) var engine: Engine
    let clock: SettableClock
    private let options: Engine.Options

    /// - Parameter isPrepared: whether history is metered beside the commits, however short it is, and commits
    ///   wait for five entries of it, if that can be had.
    init(
        entriesPerSnapshot: UInt64 = 1_000_000, entriesPerRun: Int = 250_000,
        isPrepared: Bool = false
    ) throws {
        folder = NSTemporaryDirectory() + "daybook-engine-" + UUID().uuidString
        clock = SettableClock()
        var options = Engine.Options(
            directory: folder, clock: clock, entriesPerSnapshot: entriesPerSnapshot,
            entriesPerRun: entriesPerRun)
        options.log.segmentBytesFirst = 256 << 10
        if isPrepared {
            options.preparedEntriesMin = 0
            options.preparedLag = 5
        }
        self.options = options
        engine = try Engine.open(options)
    }

    deinit {
        engine.close()
        try? FileManager.default.removeItem(atPath: folder)
    }

    /// Sends a line, waits for its reply.
    @discardableResult func send(_ line: String) throws -> Value {
        try ValueCoder.value(json: engine.reply(to: line))
    }

    /// Sends a line that must become an entry.
    @discardableResult func record(
        _ line: String, sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> Value {
        let reply = try send(line)
        #expect(
            reply["outcome"]?.text == "recorded", "\(line): \(reply)",
            sourceLocation: sourceLocation)
        return reply
    }

    /// Closes the engine in good order and opens the folder again.
    func restart() throws {
        engine.close()
        engine = try Engine.open(options)
    }

    /// Publishes a catalog, given as JSON.
    func publish(_ catalog: String, id: String = UUID().uuidString) throws {
        try record(#"{"request":"publish","id":"\#(id)","catalog":\#(catalog)}"#)
    }

    /// Sends an event without a meaning of its own.
    @discardableResult func event(
        _ id: String, _ type: String, _ account: String, _ data: String = "{}",
        time: String? = nil
    ) throws -> Value {
        let time = time.map { #","time":"\#($0)""# } ?? ""
        return try record(
            #"{"specversion":"1.0","id":"\#(id)","source":"test","type":"\#(type)","#
                + #""subject":"\#(account)"\#(time),"data":\#(data)}"#)
    }

    /// The digest of the durable books.
    var digest: String { engine.durableState().digest.hex }

    /// Whether a full replay gives the live books.
    func verifies() throws -> Bool { try engine.verify().isEqual }
}

/// A clock that stands where it was put.
final class SettableClock: Clock {
    private let now = Monitor<Int64>(1_772_366_400_000_000_000)

    func wallNanoseconds() -> Int64 { now.read { $0 } }

    /// Puts the clock to an RFC 3339 instant.
    func set(_ text: String) {
        let time = Timestamp(rfc3339: text)
        now.withLock { $0 = time?.nanoseconds ?? $0 }
    }
}

extension Value {
    /// A member as text, number or boolean, printed; nil if it is absent or null.
    func printed(_ name: String) -> String? {
        switch self[name] {
        case .string(let text)?: text
        case .number(let number)?: number.description
        case .bool(let flag)?: flag ? "true" : "false"
        case nil, .null?, .numberText?, .array?, .object?, .redacted?: nil
        }
    }

    /// The elements of a list member.
    func list(_ name: String) -> [Value] {
        guard case .array(let list)? = self[name] else { return [] }
        return list
    }
}

/// The catalog of most tests.
let testCatalog = """
    {"catalog":1,"currency":"USD","default_plan":"free",
     "meters":{
       "tokens":{"event":"llm.call","aggregate":"sum","value":"tokens","group_by":["model"]},
       "calls":{"event":"llm.call","aggregate":"count"},
       "peak":{"event":"gauge","aggregate":"max","value":"level"},
       "people":{"event":"login","aggregate":"unique","value":"person"},
       "api":{"event":"api.call","aggregate":"count"},
       "images":{"event":"image.made","aggregate":"count"}},
     "features":{"api":{"meter":"api"},"images":{"meter":"images"},"tokens":{"meter":"tokens"},
       "sso":{}},
     "credit":{"unit":"credits","burn":{"images":"2.5"}},
     "plans":{
       "free":{"entitlements":{"api":{"limit":5},"images":{"unlimited":true},"sso":false},
         "prices":{"tokens":{"meter":"tokens","amount":"2.50","per":"1000000"}}},
       "pro":{"entitlements":{"api":{"limit":10,"enforce":"soft"},"images":{"unlimited":true},
           "sso":true,"tokens":{"unlimited":true}},
         "prices":{"calls":{"meter":"calls","package":{"size":10,"amount":"1"}},
           "tokens":{"meter":"tokens","graduated":[{"up_to":100,"amount":"0.01"},
             {"amount":"0.005"}]}}}}}
    """
