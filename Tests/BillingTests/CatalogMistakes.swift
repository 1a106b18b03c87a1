import Billing

/// A part of a catalog with one thing wrong in it.
struct CatalogMistake {
    /// Where the part stands.
    enum Place { case meter, plan, price, root }

    let place: Place
    let part: String
    let path: String
    let words: String

    init(_ place: Place, _ part: String, _ path: String, _ words: String) {
        self.place = place
        self.part = part
        self.path = path
        self.words = words
    }

    /// The part in a catalog that has nothing else wrong.
    func catalog() throws -> Value {
        let meters = #"""
            "s":{"event":"e","aggregate":"sum","value":"v"},"c":{"event":"e","aggregate":"count"},
            "a":{"event":"e","aggregate":"average","value":"v"},
            "l":{"event":"e","aggregate":"latest","value":"v"},
            "u":{"event":"e","aggregate":"unique","value":"v"},
            "o":{"event":"e","aggregate":"unique","value":"v","operation":"op"},
            "t":{"event":"e","aggregate":"time_weighted","value":"v"},
            "k":{"event":"e","aggregate":"sum","value":"v","convert":{"divide":2}},
            "w":{"event":"e","aggregate":"count","window":"day"},
            "r":{"event":"e","aggregate":"sum","value":"v","carry":true}
            """#
        let plans = #"""
            "z":{"prices":{"r":{"meter":"r","amount":1,"prorate":"day"},
             "d":{"meter":"s","matrix":{"by":["dim"],"rows":{"x":{"dim":1,"amount":1}}}}}}
            """#
        var more = (meter: "", plan: "", root: "")
        switch place {
        case .meter: more.meter = #","m":{"event":"e",\#(part)}"#
        case .plan: more.plan = #","p":{\#(part)}"#
        case .price: more.plan = #","p":{"prices":{"x":{\#(part)}}}"#
        case .root: more.root = ",\(part)"
        }
        return try Trees.value(
            #"{"catalog":1,"currency":"USD","meters":{\#(meters)\#(more.meter)},"#
                + #""plans":{\#(plans)\#(more.plan)}\#(more.root)}"#)
    }
}

/// What can be wrong in a catalog beyond the first form of the language.
enum CatalogMistakes {
    static let all: [CatalogMistake] = (meters + plans + prices + models + roots).map {
        CatalogMistake($0, $1, $2, $3)
    }

    typealias Row = (CatalogMistake.Place, String, String, String)

    private static let meters: [Row] = [
        (
            .meter, #""aggregate":"latets","value":"v""#,
            "meters.m.aggregate", #"did you mean "latest"?"#
        ),
        (.meter, #""aggregate":"average""#, "meters.m.value", #"is missing"#),
        (
            .meter, #""aggregate":"sum","value":"v","operation":"o""#,
            "meters.m.operation", #"only the values of a unique meter"#
        ),
        (
            .meter, #""aggregate":"unique","value":"v","operation":"o..""#,
            "meters.m.operation", #"names no property"#
        ),
        (
            .meter, #""aggregate":"average","value":"v","window":"day""#,
            "meters.m.window", #"does not fit aggregate: average"#
        ),
        (
            .meter, #""aggregate":"latest","value":"v","window":"day""#,
            "meters.m.window", #"does not fit aggregate: latest"#
        ),
        (
            .meter, #""aggregate":"time_weighted","value":"v","window":"hour""#,
            "meters.m.window", #"does not fit aggregate: time_weighted"#
        ),
        (
            .meter, #""aggregate":"unique","value":"v","operation":"o","window":"day""#,
            "meters.m.window", #"does not fit operation"#
        ),
        (
            .meter, #""aggregate":"sum","value":"v","carry":true,"window":"day""#,
            "meters.m.window", #"does not fit carry"#
        ),
        (
            .meter, #""aggregate":"sum","value":"v","window":"week""#,
            "meters.m.window", #"none of: hour, day"#
        ),
        (
            .meter, #""aggregate":"sum","value":"v","across":"max""#,
            "meters.m.across", #"combines windows"#
        ),
        (
            .meter, #""aggregate":"sum","value":"v","window":"day","across":"min""#,
            "meters.m.across", #"none of: sum, max"#
        ),
        (
            .meter, #""aggregate":"max","value":"v","carry":true"#,
            "meters.m.carry", #"only a level goes on"#
        ),
        (
            .meter, #""aggregate":"unique","value":"v","carry":true"#,
            "meters.m.carry", #"only a level goes on"#
        ),
        (
            .meter, #""aggregate":"sum","value":"v","carry":true"#,
            "meters.m.carry", #"no price has this meter"#
        ),
        (.meter, #""aggregate":"count","carry":1"#, "meters.m.carry", #"true or false"#),
        (.meter, #""aggregate":"count","convert":{}"#, "meters.m.convert", #"changes nothing"#),
        (
            .meter, #""aggregate":"count","convert":{"divide":0}"#,
            "meters.m.convert.divide", #"above zero"#
        ),
        (
            .meter, #""aggregate":"count","convert":{"multiply":0}"#,
            "meters.m.convert.multiply", #"above zero"#
        ),
        (
            .meter, #""aggregate":"count","convert":{"divide":2,"decimals":2}"#,
            "meters.m.convert.decimals", #"belongs to a rounding"#
        ),
        (
            .meter, #""aggregate":"count","convert":{"round":"floor","decimals":13}"#,
            "meters.m.convert.decimals", #"from 0 to 12"#
        ),
        (
            .meter, #""aggregate":"count","convert":{"round":"floor","decimals":1.5}"#,
            "meters.m.convert.decimals", #"from 0 to 12"#
        ),
        (
            .meter, #""aggregate":"count","convert":{"round":"up"}"#,
            "meters.m.convert.round", #"none of: none, ceiling"#
        ),
    ]

    private static let plans: [Row] = [
        (.plan, #""billing":5"#, "plans.p.billing", #"a group of keys"#),
        (
            .plan, #""billing":{"every":"0 days"}"#,
            "plans.p.billing.every", #"no length of a period"#
        ),
        (
            .plan, #""billing":{"every":"1001 days"}"#,
            "plans.p.billing.every", #"no length of a period"#
        ),
        (
            .plan, #""billing":{"every":"months"}"#,
            "plans.p.billing.every", #"no length of a period"#
        ),
        (
            .plan, #""billing":{"every":"3  months"}"#,
            "plans.p.billing.every", #"no length of a period"#
        ),
        (
            .plan, #""billing":{"every":"3 month s"}"#,
            "plans.p.billing.every", #"no length of a period"#
        ),
        (
            .plan, #""billing":{"every":"03 days"}"#,
            "plans.p.billing.every", #"no length of a period"#
        ),
        (.plan, #""billing":{"every":"3"}"#, "plans.p.billing.every", #"no length of a period"#),
        (
            .plan, #""billing":{"every":"fortnight"}"#,
            "plans.p.billing.every", #"no length of a period"#
        ),
        (
            .plan, #""billing":{"every":"-1 days"}"#,
            "plans.p.billing.every", #"no length of a period"#
        ),
        (.plan, #""billing":{"every":""}"#, "plans.p.billing.every", #"not empty"#),
        (
            .plan, #""billing":{"anchor":"signup"}"#,
            "plans.p.billing.anchor", #"none of: calendar, subscription"#
        ),
        (
            .plan, #""billing":{"timezone":"Europe/Rome"}"#,
            "plans.p.billing.timezone", #"no time zone "Europe/Rome""#
        ),
        (.plan, #""minimum":2,"maximum":1"#, "plans.p.minimum", #"above maximum"#),
        (.plan, #""minimum":-1"#, "plans.p.minimum", #"zero or more"#),
        (.plan, #""discounts":{}"#, "plans.p.discounts", #"a list of discounts"#),
        (.plan, #""discounts":[{}]"#, "plans.p.discounts[0]", #"exactly one of: percent, amount"#),
        (
            .plan, #""discounts":[{"percent":5},{"percent":5,"amount":1}]"#,
            "plans.p.discounts[1]", #"exactly one of: percent, amount"#
        ),
        (
            .plan, #""discounts":[{"percent":100.1}]"#,
            "plans.p.discounts[0].percent", #"from 0 to 100"#
        ),
        (
            .plan, #""discounts":[{"percent":1,"nmae":"x"}]"#,
            "plans.p.discounts[0].nmae", #"did you mean "name"?"#
        ),
        (.plan, #""tax":{}"#, "plans.p.tax.rate", #"is missing"#),
        (.plan, #""tax":{"rate":-1}"#, "plans.p.tax.rate", #"zero or more"#),
        (.plan, #""order":"tax""#, "plans.p.order", #"a list of steps"#),
        (.plan, #""order":["tax","taxes"]"#, "plans.p.order", #"did you mean "tax"?"#),
        (.plan, #""order":["tax","tax"]"#, "plans.p.order", #"stands twice"#),
        (
            .plan, #""minimum":1,"prices":{"minimum":{"fee":1}}"#,
            "plans.p.prices.minimum", #"the plan's minimum"#
        ),
        (
            .plan, #""maximum":1,"prices":{"maximum":{"fee":1}}"#,
            "plans.p.prices.maximum", #"the plan's maximum"#
        ),
        (
            .plan, #""discounts":[{"amount":1}],"prices":{"discount.1":{"fee":1}}"#,
            "plans.p.prices.discount.1", #"a discount"#
        ),
        (
            .plan, #""tax":{"rate":1},"prices":{"tax.2":{"fee":1}}"#,
            "plans.p.prices.tax.2", #"a tax"#
        ),
        (
            .plan,
            #""prices":{"a":{"meter":"s","matrix":{"by":["x"],"rows":{"r":{"x":1,"amount":1}}}},"a.r":{"fee":1}}"#,
            "plans.p.prices.a.r", #"a row of"#
        ),
    ]

    private static let prices: [Row] = [
        (
            .price, #""fee":1,"amount":1,"meter":"s""#,
            "plans.p.prices.x", #"exactly one of: amount, package"#
        ),
        (.price, #""fee":1,"meter":"s""#, "plans.p.prices.x.meter", #"a fee does not depend"#),
        (.price, #""fee":-1"#, "plans.p.prices.x.fee", #"zero or more"#),
        (.price, #""amount":1"#, "plans.p.prices.x.meter", #"is missing"#),
        (
            .price, #""fee":1,"charged":"never""#,
            "plans.p.prices.x.charged", #"none of: arrears, advance"#
        ),
        (
            .price, #""meter":"s","amount":1,"charged":"advance""#,
            "plans.p.prices.x.charged", #"belongs to a fee"#
        ),
        (
            .price, #""meter":"s","amount":1,"flat_at_zero":false"#,
            "plans.p.prices.x.flat_at_zero", #"tiers or steps"#
        ),
        (
            .price, #""meter":"s","amount":1,"prorate":"hour""#,
            "plans.p.prices.x.prorate", #"none of: none, day, second"#
        ),
        (
            .price, #""meter":"a","amount":1,"prorate":"day""#,
            "plans.p.prices.x.prorate", #"has a level at any time"#
        ),
        (
            .price, #""meter":"k","amount":1,"prorate":"day""#,
            "plans.p.prices.x.prorate", #"window or convert has none"#
        ),
        (
            .price, #""meter":"s","package":{"size":1,"amount":1},"prorate":"day""#,
            "plans.p.prices.x.prorate", #"fits only amount"#
        ),
        (.price, #""meter":"r","amount":1"#, "plans.p.prices.x.prorate", #"must be day or second"#),
        (
            .price, #""meter":"s","amount":1,"minimum":2,"maximum":1"#,
            "plans.p.prices.x.minimum", #"above maximum"#
        ),
        (
            .price, #""meter":"s","amount":1,"minimum":2,"commitment":{"amount":1}"#,
            "plans.p.prices.x.minimum", #"beside a commitment"#
        ),
        (
            .price, #""meter":"s","amount":1,"maximum":2,"commitment":{"amount":1}"#,
            "plans.p.prices.x.maximum", #"beside a commitment"#
        ),
        (
            .price, #""meter":"s","amount":1,"commitment":{}"#,
            "plans.p.prices.x.commitment", #"exactly one of: amount, quantity"#
        ),
        (
            .price, #""meter":"s","amount":1,"commitment":{"amount":1,"quantity":1}"#,
            "plans.p.prices.x.commitment", #"exactly one of: amount, quantity"#
        ),
        (
            .price, #""meter":"s","amount":1,"discounts":[{"percent":101}]"#,
            "plans.p.prices.x.discounts[0].percent", #"from 0 to 100"#
        ),
        (
            .price, #""meter":"s","amount":1,"negative":"yes""#,
            "plans.p.prices.x.negative", #"true or false"#
        ),
        (.price, #""fee":1,"free":1"#, "plans.p.prices.x.free", #"does not fit a fee"#),
        (.price, #""fee":1,"minimum":1"#, "plans.p.prices.x.minimum", #"does not fit a fee"#),
        (.price, #""fee":1,"maximum":1"#, "plans.p.prices.x.maximum", #"does not fit a fee"#),
        (.price, #""fee":1,"negative":true"#, "plans.p.prices.x.negative", #"does not fit a fee"#),
        (
            .price, #""fee":1,"commitment":{"amount":1}"#,
            "plans.p.prices.x.commitment", #"does not fit a fee"#
        ),
    ]

    private static let roots: [Row] = [
        (
            .root, #""timezones":["Europe/Rome"]"#,
            "timezones", #"publish through daybook, which adds it"#
        ),
        (.root, #""timezones":{"UTC":[]}"#, "timezones.UTC", #"always there"#),
        (.root, #""timezones":{"../x":[]}"#, "timezones.../x", #"is no name"#),
        (.root, #""timezones":{"A//B":[]}"#, "timezones.A//B", #"is no name"#),
        (.root, #""timezones":{"Z":5}"#, "timezones.Z", #"[from, offset]"#),
        (.root, #""timezones":{"Z":[[0,0],[0,60]]}"#, "timezones.Z[1]", #"after the one before"#),
        (.root, #""timezones":{"Z":[[0]]}"#, "timezones.Z[0]", #"[from, offset] is needed"#),
        (.root, #""timezones":{"Z":[[0,86400]]}"#, "timezones.Z[0]", #"less than a day"#),
        (.root, #""timezones":{"Z":[[0,-86400]]}"#, "timezones.Z[0]", #"less than a day"#),
        (.root, #""timezones":{"Z":[[0,0.5]]}"#, "timezones.Z[0]", #"[from, offset] is needed"#),
        (.root, #""events":{"max_age":"35 dais"}"#, "events.max_age", #"is no duration"#),
        (.root, #""events":{"max_age":"36526 days"}"#, "events.max_age", #"up to 100 years"#),
        (.root, #""events":{"max_age":"9999999999 days"}"#, "events.max_age", #"up to 100 years"#),
        (.root, #""events":{"max_ahead":"-5 minutes"}"#, "events.max_ahead", #"is no duration"#),
        (.root, #""events":{"max_ahead":"5minutes"}"#, "events.max_ahead", #"is no duration"#),
        (.root, #""events":{"late":"refuse"}"#, "events.late", #"none of: next_invoice, ignore"#),
        (.root, #""personal":["op.x"]"#, "personal", #"reads "op""#),
        (.root, #""personal":["dim"]"#, "personal", #"depends on "dim""#),
        (.root, #""features":{"f":{"meter":"l"}}"#, "features.f.meter", #"known at once"#),
        (.root, #""features":{"f":{"meter":"o"}}"#, "features.f.meter", #"known at once"#),
        (.root, #""features":{"f":{"meter":"w"}}"#, "features.f.meter", #"known at once"#),
        (.root, #""features":{"f":{"meter":"t"}}"#, "features.f.meter", #"known at once"#),
        (
            .root, #""credit":{"unit":"c","burn":{"k":1}}"#,
            "credit.burn.k", #"with window, carry or convert"#
        ),
        (
            .root, #""credit":{"unit":"c","burn":{"w":1}}"#,
            "credit.burn.w", #"with window, carry or convert"#
        ),
        (
            .root,
            #""credit":{"unit":"c","burn":{"s":{"by":["x"],"rows":{"y":{"x":1,"amount":2}}}}}"#,
            "credit.burn.s.other", #"0 if nothing"#
        ),
        (
            .root, #""credit":{"unit":"c","burn":{"s":{"rows":{},"other":1}}}"#,
            "credit.burn.s.by", #"is missing"#
        ),
        (
            .root,
            #""credit":{"unit":"c","burn":{"s":{"by":["x"],"rows":{"y":{"x":1,"amount":1,"per":3}},"other":1}}}"#,
            "credit.burn.s.rows.y.amount", #"more than 12 decimals"#
        ),
        (
            .root,
            #""personal":["x"],"credit":{"unit":"c","burn":{"s":{"by":["x.a"],"rows":{"y":{"x.a":1,"amount":2}},"other":1}}}"#,
            "personal", #"the credits that "s" burns depend on "x.a""#
        ),
        (
            .root,
            #""credit":{"unit":"c","top_up":{"below":1,"amount":1,"per_month":1,"paid":"later"}}"#,
            "credit.top_up.paid", #"invoice, outside"#
        ),
    ]
}
