import Bytes

/// Deterministic usage events: the same seed gives the same bytes on every machine.
///
/// Accounts follow a Zipf-like law (rank r is drawn about 1/r as often as rank 1), five event types
/// carry six properties each, and one event in a hundred is sent a second time.
struct EventGenerator {
    /// The catalog that meters these events: five counters of tokens, one burns credits.
    static let catalog = """
        {"catalog":1,"currency":"USD","default_plan":"free","meters":\
        {"tokens-in":{"event":"llm.completion","aggregate":"sum","value":"input"},\
        "tokens-out":{"event":"llm.completion","aggregate":"sum","value":"output"},\
        "embeddings":{"event":"llm.embedding","aggregate":"sum","value":"input"},\
        "searches":{"event":"search.query","aggregate":"count"},\
        "gigabytes":{"event":"storage.write","aggregate":"sum","value":"input"},\
        "minutes":{"event":"compute.minute","aggregate":"count"}},\
        "credit":{"unit":"credits","burn":{"searches":"0.25"}},\
        "plans":{"free":{"prices":{"in":{"meter":"tokens-in","amount":"0.0000025"}}}}}
        """

    private static let types = [
        "llm.completion", "llm.embedding", "search.query", "storage.write", "compute.minute",
    ]
    private static let models = ["small", "medium", "large", "embed-2"]
    private static let regions = ["eu-west-1", "us-east-2", "ap-south-1"]

    private var state: UInt64
    private let accounts: Int
    private let source: String
    private var number: UInt64 = 0

    /// A generator of one sender.
    /// - Parameter accounts: number of different subjects.
    init(seed: UInt64, accounts: Int, sender: Int) {
        state = seed &* 0x9E37_79B9_7F4A_7C15 &+ UInt64(sender) &+ 1
        self.accounts = accounts
        source = "bench-\(seed)-\(sender)"
    }

    /// SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators").
    private mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// Appends one event and its line end; sometimes the same line twice.
    /// - Returns: lines appended.
    mutating func append(to out: inout ByteBuffer) -> Int {
        let start = out.count
        number += 1
        let dice = next()
        let day = 1 + Int(dice % 28)
        let second = Int((dice >> 8) % 60)
        out.append(utf8: #"{"specversion":"1.0","id":""#)
        appendID(to: &out)
        out.append(utf8: #"","source":""#)
        out.append(utf8: source)
        out.append(utf8: #"","type":""#)
        out.append(utf8: Self.types[Int((dice >> 16) % 5)])
        out.append(utf8: #"","subject":"account-"#)
        out.append(utf8: String(account()))
        out.append(utf8: #"","time":"2026-03-"#)
        Self.appendTwo(day, to: &out)
        out.append(utf8: "T10:20:")
        Self.appendTwo(second, to: &out)
        out.append(utf8: #".125Z","data":{"model":""#)
        out.append(utf8: Self.models[Int((dice >> 24) % 4)])
        out.append(utf8: #"","region":""#)
        out.append(utf8: Self.regions[Int((dice >> 32) % 3)])
        out.append(utf8: #"","input":"#)
        out.append(utf8: String((dice >> 34) % 4096))
        out.append(utf8: #","output":"#)
        out.append(utf8: String((dice >> 46) % 1024))
        out.append(utf8: #","cached":false,"latency_ms":"#)
        out.append(utf8: String((dice >> 56) + 1))
        out.append(utf8: "}}\n")
        guard dice % 100 == 7 else { return 1 }
        let line = out.copyBytes(in: start..<out.count)
        out.append(line)
        return 2
    }

    private static func appendTwo(_ number: Int, to out: inout ByteBuffer) {
        out.append(UInt8(48 + number / 10))
        out.append(UInt8(48 + number % 10))
    }

    /// 32 hexadecimal digits in the form of a UUID.
    private mutating func appendID(to out: inout ByteBuffer) {
        let digits = Array("0123456789abcdef".utf8)
        var words = (next(), next())
        for index in 0..<32 {
            if index == 8 || index == 12 || index == 16 || index == 20 {
                out.append(UInt8(ascii: "-"))
            }
            out.append(digits[Int(words.0 & 15)])
            words.0 >>= 4
            if index == 15 { words.0 = words.1 }
        }
    }

    /// A rank drawn so that each doubling of the rank is about equally likely.
    private mutating func account() -> Int {
        let bits = UInt64.bitWidth - (UInt64(accounts)).leadingZeroBitCount
        let octave = Int(next() % UInt64(bits))
        let first = 1 << octave
        return min(accounts, first + Int(next() % UInt64(first))) - 1
    }
}
