import Billing
import Bytes
import Codec
import Foundation

/// Short ways into the codec for tests.
enum Encoding {
    static let key = SipKey(k0: 1, k1: 2)

    /// The content of an event line, or why there is none.
    static func content(_ line: String) throws -> [UInt8] {
        try content(Array(line.utf8))
    }

    static func content(_ line: [UInt8]) throws -> [UInt8] {
        let tokens = JSONTokenizer()
        if let problem = tokens.parse(line.raw, paddingAvailable: 0) { throw problem }
        var arena = ByteBuffer()
        arena.append([9, 9, 9])
        switch EventEncoder(key: key).encode(tokens, into: &arena) {
        case .success(let record):
            let bytes = arena.copyBytes(in: 3..<arena.count)
            guard record.contentStart == 3, record.contentLength == bytes.count,
                record.kind == .event
            else { throw Odd.place }
            return bytes
        case .failure(let rejection):
            guard arena.count == 3 else { throw Odd.leftover }
            throw rejection
        }
    }

    enum Odd: Error { case place, leftover, shape }

    /// The content of an event with this `data`, given as JSON.
    static func content(data: String) throws -> [UInt8] {
        try content(
            "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"s\",\"type\":\"t\",\"data\":\(data)}"
        )
    }

    static func time(_ text: String) -> EventTime? { EventTime(text) }

    /// A content with its length and an outcome, as it stands in the log.
    static func record(_ content: [UInt8], _ outcome: Outcome = .recorded) -> [UInt8] {
        var buffer = ByteBuffer()
        buffer.appendPrefixed(content.raw)
        outcome.append(to: &buffer)
        return buffer.copyBytes(in: 0..<buffer.count)
    }

    /// The line of `tail`.
    static func tail(_ record: [UInt8]) throws -> String {
        var json = JSONWriter()
        try EntryJSON.write(
            try RecordView(record: record.raw), position: 7, recordedAt: 1_000_000_000, to: &json)
        return String(decoding: json.finish(), as: UTF8.self)
    }

    /// The event inside a line of `tail`, as JSON.
    static func event(inTail line: String) throws -> String {
        guard let start = line.range(of: "\"event\":"),
            let end = line.range(of: ",\"outcome\":", options: .backwards)
        else { throw Odd.shape }
        return String(line[start.upperBound..<end.lowerBound])
    }

    /// Everything that a record says; throws where it is none.
    static func everything(_ record: [UInt8]) throws -> String {
        let view = try RecordView(record: record.raw)
        return "\(view.time ?? -1) \(try tail(record))"
    }
}
