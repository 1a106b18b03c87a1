import Billing
import Codec
import Money
import Projections
import Seeds

/// Random lives of one account, with everything that a decision can depend on.
struct RandomHistory {
    static let catalog = """
        {"catalog":1,"currency":"USD",
         "meters":{
           "calls":{"event":"call","aggregate":"sum","value":"n","group_by":["team"]},
           "images":{"event":"image","aggregate":"count"},
           "people":{"event":"seen","aggregate":"unique","value":"who"},
           "peak":{"event":"call","aggregate":"max","value":"n","filter":{"team":"x"}},
           "mean":{"event":"call","aggregate":"average","value":"n"},
           "level":{"event":"call","aggregate":"time_weighted","value":"n"}},
         "features":{"calls":{"meter":"calls"},"images":{"meter":"images"},
           "people":{"meter":"people"},"sso":{},"days":{"value":"number"},
           "region":{"value":"text"}},
         "credit":{"unit":"credits","burn":{"images":"2.5"}},
         "plans":{
           "small":{"entitlements":{"calls":{"limit":5,"reset":"day"},"images":{"limit":4},
             "days":{"value":30},"region":{"value":"eu"}}},
           "soft":{"entitlements":{"calls":{"limit":6,"enforce":"soft","overage":3,"reset":"week"},
             "images":{"unlimited":true},"people":{"limit":2},"sso":true,"days":{"value":90},
             "region":{"values":["eu","us"]}}},
           "apart":{"entitlements":{"calls":{"limit":3,"by":"team","reset":"day"},"sso":true}},
           "capped":{"entitlements":{"calls":{"unlimited":true},"images":{"limit":2}},
             "prices":{"calls":{"meter":"calls","amount":"0.5"}},"spend_cap":4}},
         "subscriptions":{"past_due":"deny"}}
        """

    var generator: SeededGenerator
    var now: Int64 = Sample.now
    private var number = 0

    init(_ seed: UInt64) { generator = SeededGenerator(seed) }

    /// A ledger after some steps.
    mutating func ledger(_ steps: Int) throws -> Ledger {
        let ledger = Ledger()
        try ledger.record(
            Sample.command(.publish, "v1", nil, #"{"catalog":\#(Self.catalog)}"#), at: now)
        for _ in 0..<steps {
            now += Int64.random(in: 0...40_000, using: &generator) * 1_000_000_000
            // What is refused is no entry.
            _ = try ledger.send(try step(), at: now)
        }
        return ledger
    }

    private mutating func pick<Element>(_ list: [Element]) -> Element {
        list[Int.random(in: list.indices, using: &generator)]
    }

    private mutating func id() -> String {
        number += 1
        return "r\(number)"
    }

    private mutating func amount() -> String {
        pick(["1", "1", "2", "3", "0.5", "4", "2.25", "7", "0"])
    }

    private mutating func step() throws -> [UInt8] {
        let id = id()
        func command(_ kind: RecordKind, _ data: String, _ at: String? = nil) throws -> [UInt8] {
            try Sample.command(kind, id, "acme", data, effective: at)
        }
        switch Int.random(in: 0...20, using: &generator) {
        case 0...2: return try event(id)
        case 3...9: return try command(.consume, request())
        case 10, 11: return try command(.hold, request())
        case 12:
            let hold = Int.random(in: 0...max(number - 2, 1), using: &generator)
            return try command(
                .settle,
                #"{"hold":"\#(pick(["calls", "images"]))/\#(hold)","quantity":\#(amount())}"#)
        case 13, 14:
            return try command(.grant, #"{"amount":\#(pick(["3", "7.5", "2", "1.25"]))}"#)
        case 15, 16:
            return try command(
                .subscribe, #"{"plan":"\#(pick(["small", "soft", "apart", "capped"]))"}"#)
        case 17:
            return try command(pick([.pause, .resume, .cancel]), "{}")
        case 18:
            return try command(
                .override,
                pick([
                    #"{"feature":"sso","entitlement":false}"#,
                    #"{"feature":"sso","remove":true}"#,
                    #"{"feature":"calls","entitlement":{"limit":4,"reset":"day"}}"#,
                    #"{"feature":"calls","remove":true}"#,
                    #"{"feature":"images","entitlement":false}"#,
                    #"{"feature":"images","remove":true}"#,
                ]))
        case 19:
            return try command(
                .subscription,
                #"{"subscription":"sub_1","started":"2026-02-01T00:00:00Z","plan":"soft","status":"\#(pick(["active", "past_due", "paused", "canceled"]))"}"#,
                Timestamp(nanoseconds: now).description)
        default: return try command(.account, #"{"action":"\#(pick(["archive", "restore"]))"}"#)
        }
    }

    private mutating func event(_ id: String) throws -> [UInt8] {
        let time = Timestamp(
            nanoseconds: now - Int64.random(in: 0...3_000_000, using: &generator) * 1_000_000_000)
        switch Int.random(in: 0...3, using: &generator) {
        case 0:
            return try Sample.event(id, "image", "acme", time: time.description)
        case 1:
            return try Sample.event(
                id, "seen", "acme", #"{"who":\#(Int.random(in: 0...4, using: &generator))}"#,
                time: time.description)
        default:
            let n = pick(["1", "2.5", "-1", "3", "\"many\"", "0"])
            return try Sample.event(
                id, "call", "acme", #"{"n":\#(n),"team":"\#(pick(["x", "y"]))"}"#,
                time: time.description)
        }
    }

    private mutating func request() -> String {
        switch Int.random(in: 0...9, using: &generator) {
        case 0...3:
            return
                #"{"feature":"calls","quantity":\#(amount()),"data":{"team":"\#(pick(["x", "y"]))"}}"#
        case 4...5: return #"{"feature":"images","quantity":\#(amount())}"#
        case 6:
            return
                #"{"feature":"people","data":{"who":\#(Int.random(in: 0...4, using: &generator))}}"#
        case 7: return #"{"feature":"\#(pick(["sso", "sso", "telepathy"]))"}"#
        case 8: return #"{"feature":"days","value":\#(pick(["10", "45", "90", "91"]))}"#
        default:
            return
                #"{"feature":"region","value":\#(pick(["\"eu\"", "[\"us\",\"eu\"]", "\"cn\""]))}"#
        }
    }
}
