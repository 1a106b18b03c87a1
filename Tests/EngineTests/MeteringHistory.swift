import Foundation
import Testing

/// A random life of a book whose catalogs and overrides have history metered again now and then.
struct MeteringHistory {
    var dice: FoldTests.Dice
    private var minutes = 0
    private var number = 0

    private let corrects: Bool
    private var batches = 0

    /// - Parameter corrects: whether entries are corrected, and events are of batches.
    init(seed: UInt64, corrects: Bool = false) {
        dice = FoldTests.Dice(state: seed)
        self.corrects = corrects
    }

    private mutating func pick(_ choices: [String]) -> String { choices[dice.roll(choices.count)] }

    private mutating func time(around days: Int) -> String {
        let minute = max(0, minutes + dice.roll(days * 1_440) - days * 1_200)
        let (day, rest) = (minute / 1_440, minute % 1_440)
        let month = 3 + day / 28
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "2026-\(two(month))-\(two(1 + day % 28))T\(two(rest / 60)):\(two(rest % 60)):00Z"
    }

    /// A limit of some window.
    private mutating func limit() -> String {
        let reset = pick(["hour", "day", "week", "month", "3 days", "2 months", "never"])
        let anchor = pick(["", "", #","anchor":"subscription""#])
        let by = pick(["", "", #","by":"team""#])
        let warnings = pick(["", #","warn":[50,90]"#])
        return
            #"{"limit":\#(20 + dice.roll(50)),"reset":"\#(reset)"\#(reset == "never" ? "" : anchor)\#(by)\#(warnings)}"#
    }

    /// A publication of some catalog.
    mutating func publish() -> String {
        number += 1
        let group = pick(["", #","group_by":["model"]"#, #","group_by":["team","model"]"#])
        let value = pick(["n", "n", "m"])
        let counted = pick(["sum", "sum", "max"])
        let filter = pick(["", #","filter":{"model":["m1","m2"]}"#])
        let zones = pick(["", #","timezones":{"Europe/Berlin":[[0,3600]],"A/B":[[0,-18000]]}"#])
        let billing =
            zones.isEmpty
            ? "" : #""billing":{"every":"month","timezone":"\#(pick(["A/B", "UTC"]))"},"#
        let existing = pick(["", "", #","existing":"at_once""#, #","existing":"next_period""#])
        let second = pick(["calls", "gauge"])
        return """
            {"request":"publish","id":"v\(number)"\(existing),"catalog":{"catalog":1,"currency":"USD",
            "default_plan":"d","meters":{
            "calls":{"event":"call","aggregate":"sum","value":"\(value)"\(group)\(filter)},
            "gauge":{"event":"call","aggregate":"\(counted)","value":"m"},
            "people":{"event":"seen","aggregate":"unique","value":"who"\(group)}},
            "features":{"calls":{"meter":"calls"},"other":{"meter":"\(second)"},
            "people":{"meter":"people"}},
            "plans":{"d":{\(billing)"entitlements":{"calls":\(limit())}},
            "p":{\(billing)"entitlements":{"calls":\(limit()),"people":\(limit())}},
            "q":{"entitlements":{"other":\(limit()),"calls":{"unlimited":true}}}}\(zones)}}
            """.replacing("\n", with: "")
    }

    /// How far the clock is.
    mutating func clock() -> String {
        minutes += dice.roll(40) == 0 ? dice.roll(4_000) : dice.roll(30)
        let (day, rest) = (minutes / 1_440, minutes % 1_440)
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return
            "2026-\(two(3 + day / 28))-\(two(1 + day % 28))T\(two(rest / 60)):\(two(rest % 60)):00Z"
    }

    /// A correction of some entries, mostly of others' and refused, or an order about a batch.
    private mutating func correction(_ common: String) -> String {
        switch dice.roll(10) {
        case 0, 1:
            batches += 1
            return
                #"{"request":"backfill","id":"x\#(number)","action":"create","batch":"b\#(batches)","bill":\#(dice.roll(5) > 0)}"#
        case 2 where batches > 0:
            return
                #"{"request":"backfill","id":"x\#(number)","action":"\#(pick(["close", "close", "revert"]))","batch":"b\#(1 + dice.roll(batches))"}"#
        default:
            let entry = dice.roll(max(1, number))
            let change = pick([
                #""action":"retract""#,
                #""action":"amend","time":"\#(time(around: 5))""#,
                #""action":"amend","data":{"n":\#(dice.roll(9)),"m":\#(dice.roll(7)),"model":"m1","who":"w1","team":"t\#(dice.roll(3))"}"#,
            ])
            return
                #"{"request":"correct",\#(common),"reason":"r","entries":[{"entry":\#(entry),\#(change)}]}"#
        }
    }

    /// Anything but a publication, allowed or not.
    mutating func line() -> String {
        number += 1
        let account = "a\(dice.roll(4))"
        let common = #""id":"x\#(number)","account":"\#(account)""#
        if corrects, dice.roll(7) == 0 { return correction(common) }
        switch dice.roll(24) {
        case 0:
            let zone = pick(["", "", #","timezone":"Europe/Berlin""#])
            let from = pick(["", #","effective":"\#(time(around: 6))""#])
            return
                #"{"request":"subscribe",\#(common),"plan":"\#(pick(["p", "q"]))"\#(zone)\#(from)}"#
        case 1: return #"{"request":"\#(pick(["cancel", "pause", "resume"]))",\#(common)}"#
        case 2:
            return
                #"{"request":"override",\#(common),"feature":"\#(pick(["calls", "other", "people"]))","entitlement":\#(limit())}"#
        case 3:
            return
                #"{"request":"reset",\#(common),"feature":"\#(pick(["calls", "other"]))","anchor":"\#(pick(["keep", "keep", "move"]))"}"#
        case 4, 5, 6:
            return
                #"{"request":"consume",\#(common),"feature":"\#(pick(["calls", "people"]))","quantity":\#(1 + dice.roll(3)),"data":{"who":"w\#(dice.roll(9))","team":"t\#(dice.roll(3))"}}"#
        case 7, 8, 9:
            return
                #"{"specversion":"1.0","id":"x\#(number)","source":"s","type":"seen","subject":"\#(account)","time":"\#(time(around: 5))","data":{"who":"w\#(dice.roll(30))","team":"t\#(dice.roll(3))"}}"#
        default:
            let batch =
                corrects && batches > 0 && dice.roll(4) == 0
                ? #","daybookbatch":"b\#(1 + dice.roll(batches))""# : ""
            let n = dice.roll(20) == 0 ? #""none""# : "\(dice.roll(9) - 1)"
            return
                #"{"specversion":"1.0","id":"x\#(number)","source":"s","type":"call","subject":"\#(account)","time":"\#(time(around: 5))"\#(batch),"data":{"n":\#(n),"m":\#(dice.roll(7)),"model":"m\#(dice.roll(4))","team":"t\#(dice.roll(3))"}}"#
        }
    }
}
