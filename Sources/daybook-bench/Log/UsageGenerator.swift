import Bytes

/// Usage events of one month as an LLM gateway emits them: the shape that the benchmarks of other
/// engines are fed, so that bytes and speeds compare.
///
/// 10,000 accounts by Zipf's law with exponent 1; five types, four models and five regions by fixed
/// shares; four workspaces and fifty users an account; tokens spread evenly over their logarithm; times
/// run over 31 days, one event in ten late by up to ten minutes, one in a hundred by up to a day. One
/// line in a hundred was sent before, mostly among the last 10,000. An event depends on the seed and its
/// number alone.
struct UsageGenerator {
    /// How an event is named at its source.
    enum Identity: Sendable {
        /// A random UUID, version 4.
        case uuid
        /// Epoch and sequence: the source numbers its events.
        case sequence
    }

    /// Different accounts.
    static let accounts = 10_000

    /// The catalog that meters these events, one meter of which burns credits.
    static let catalog = """
        {"catalog":1,"currency":"USD","default_plan":"free","meters":\
        {"tokens-in":{"event":"llm.tokens","aggregate":"sum","value":"input_tokens"},\
        "tokens-out":{"event":"llm.tokens","aggregate":"sum","value":"output_tokens"},\
        "batch-in":{"event":"llm.batch","aggregate":"sum","value":"input_tokens"},\
        "batch-out":{"event":"llm.batch","aggregate":"sum","value":"output_tokens"},\
        "embeddings":{"event":"llm.embed","aggregate":"sum","value":"input_tokens"},\
        "tool-calls":{"event":"llm.tools","aggregate":"count"},\
        "searches":{"event":"search.query","aggregate":"count"}},\
        "credit":{"unit":"credits","burn":{"tool-calls":"0.25"}},\
        "plans":{"free":{"prices":{"in":{"meter":"tokens-in","amount":"0.0000025"}}}}}
        """

    private static let types = Shares([
        ("llm.tokens", 60), ("llm.batch", 15), ("llm.embed", 15), ("llm.tools", 5),
        ("llm.cache", 5),
    ])
    private static let models = Shares([("opus", 15), ("sonnet", 45), ("haiku", 30), ("mini", 10)])
    private static let regions = Shares([
        ("us-east-1", 40), ("us-west-2", 20), ("eu-west-1", 20), ("eu-central-1", 10),
        ("ap-south-1", 10),
    ])
    private static let month: UInt64 = 31 * 86_400_000
    /// The chance of each account or of one before it, of 2³².
    private static let ranks = cumulativeRanks()
    /// 2 to the power of k/64.
    private static let powers = fractionalPowers()

    private let seed: UInt64
    private let identity: Identity
    private let source: String
    private let total: UInt64
    private var number: UInt64 = 0
    private var repeats: Draw

    /// - Parameters:
    ///   - total: events over which the month is spread.
    ///   - source: who sends them.
    init(seed: UInt64, total: Int, identity: Identity = .uuid, source: String = "api") {
        self.seed = seed
        self.source = source
        self.identity = identity
        self.total = UInt64(max(1, total))
        repeats = Draw(seed &* 0xD6E8_FEB8_6659_FD93)
    }

    /// Appends one line: the next event, or one that was sent before.
    mutating func append(to out: inout ByteBuffer) {
        guard number > 1, repeats.below(100) == 0 else {
            append(event: number, to: &out)
            number += 1
            return
        }
        let back = repeats.below(10) > 0 ? min(number, 10_000) : number
        append(event: number - 1 - repeats.below(back), to: &out)
    }

    /// Appends the line of one event.
    /// - Parameter event: its number, from 0.
    func append(event: UInt64, to out: inout ByteBuffer) {
        var draw = Draw(Draw.mix(seed) ^ Draw.mix(event))
        let account = draw.rank(Self.ranks)
        switch identity {
        case .uuid:
            out.append(utf8: #"{"specversion":"1.0","id":""#)
            draw.appendUUID(to: &out)
            out.append(UInt8(ascii: "\""))
        case .sequence:
            out.append(utf8: #"{"specversion":"1.0","epoch":0,"sequence":"#)
            out.append(utf8: String(event))
        }
        out.append(utf8: #","source":""#)
        out.append(utf8: source)
        out.append(utf8: #"","type":""#)
        out.append(utf8: Self.types.pick(draw.below(100)))
        out.append(utf8: #"","subject":"acct_"#)
        out.appendDigits(account, 6)
        out.append(utf8: #"","time":""#)
        appendTime(of: event, &draw, to: &out)
        out.append(utf8: #"","data":{"workspace":"ws_"#)
        out.append(utf8: String((account * 29 + draw.below(4)) % 400))
        out.append(utf8: #"","user":"u_"#)
        out.append(utf8: String((account * 13 + draw.below(50)) % 5_000))
        out.append(utf8: #"","model":""#)
        out.append(utf8: Self.models.pick(draw.below(100)))
        out.append(utf8: #"","region":""#)
        out.append(utf8: Self.regions.pick(draw.below(100)))
        out.append(utf8: #"","input_tokens":"#)
        out.append(utf8: String(draw.power(from: 3, octaves: 11, Self.powers)))
        out.append(utf8: #","output_tokens":"#)
        out.append(utf8: String(draw.power(from: 2, octaves: 10, Self.powers)))
        out.append(utf8: "}}\n")
    }

    private func appendTime(of event: UInt64, _ draw: inout Draw, to out: inout ByteBuffer) {
        let onTime = Self.month / total * event + Self.month % total * event / total
        let late =
            switch draw.below(100) {
            case 0..<90: draw.below(2_000)
            case 90..<99: draw.below(600_000)
            default: draw.below(86_400_000)
            }
        let time = min(onTime > late ? onTime - late : 0, Self.month - 1)
        out.append(utf8: "2026-03-")
        out.appendDigits(time / 86_400_000 + 1, 2)
        out.append(UInt8(ascii: "T"))
        out.appendDigits(time / 3_600_000 % 24, 2)
        out.append(UInt8(ascii: ":"))
        out.appendDigits(time / 60_000 % 60, 2)
        out.append(UInt8(ascii: ":"))
        out.appendDigits(time / 1_000 % 60, 2)
        out.append(UInt8(ascii: "."))
        out.appendDigits(time % 1_000, 3)
        out.append(UInt8(ascii: "Z"))
    }

    private static func cumulativeRanks() -> [UInt64] {
        let sum = (1...accounts).reduce(0.0) { $0 + 1 / Double($1) }
        var part = 0.0
        return (1...accounts).map { rank in
            part += 1 / Double(rank) / sum
            return UInt64(part * 4_294_967_296)
        }
    }

    private static func fractionalPowers() -> [Double] {
        let root = (0..<6).reduce(2.0) { root, _ in root.squareRoot() }
        var powers = [1.0]
        while powers.count < 64 { powers.append(powers[powers.count - 1] * root) }
        return powers
    }
}

/// Words and how many of a hundred draws give each.
private struct Shares: Sendable {
    private let words: [String]

    init(_ shares: [(String, Int)]) {
        words = shares.flatMap { Array(repeating: $0.0, count: $0.1) }
        precondition(words.count == 100, "shares are of a hundred")
    }

    func pick(_ number: UInt64) -> String { words[Int(number)] }
}

/// Random numbers: SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators").
private struct Draw {
    private var state: UInt64

    init(_ state: UInt64) { self.state = state }

    static func mix(_ number: UInt64) -> UInt64 {
        var z = number &+ 0x9E37_79B9_7F4A_7C15
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    private mutating func next() -> UInt64 {
        defer { state &+= 0x9E37_79B9_7F4A_7C15 }
        return Self.mix(state)
    }

    mutating func below(_ limit: UInt64) -> UInt64 { next() % limit }

    /// The place in a cumulative table of chances of 2³².
    mutating func rank(_ ranks: [UInt64]) -> UInt64 {
        let chance = next() >> 32
        var (lower, upper) = (0, ranks.count - 1)
        while lower < upper {
            let middle = (lower + upper) / 2
            if ranks[middle] > chance { upper = middle } else { lower = middle + 1 }
        }
        return UInt64(lower)
    }

    /// An integer whose logarithm to base 2 is even over some octaves.
    mutating func power(from first: UInt64, octaves: UInt64, _ powers: [Double]) -> UInt64 {
        let whole = first + below(octaves)
        return UInt64(Double(UInt64(1) << whole) * powers[Int(below(64))])
    }

    /// The text of a random UUID, version 4 (RFC 9562).
    mutating func appendUUID(to out: inout ByteBuffer) {
        let high = next() & ~0xF000 | 0x4000
        let low = next() & ~(3 << 62) | (2 << 62)
        for index in 0..<32 {
            if index == 8 || index == 12 || index == 16 || index == 20 {
                out.append(UInt8(ascii: "-"))
            }
            let word = index < 16 ? high : low
            let digit = UInt8(truncatingIfNeeded: word >> UInt64(60 - index % 16 * 4) & 15)
            out.append(digit < 10 ? 48 + digit : 87 + digit)
        }
    }
}

extension ByteBuffer {
    /// Appends the last digits of a number, with zeros in front.
    fileprivate mutating func appendDigits(_ number: UInt64, _ digits: Int) {
        var unit: UInt64 = 1
        for _ in 1..<digits { unit *= 10 }
        while unit > 0 {
            append(UInt8(truncatingIfNeeded: 48 + number / unit % 10))
            unit /= 10
        }
    }
}
