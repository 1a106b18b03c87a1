/// What can be wrong in a price's model.
extension CatalogMistakes {
    static let models: [Row] = [
        (.price, #""meter":"s","volume":[]"#, "plans.p.prices.x.volume", #"a list of tiers"#),
        (
            .price, #""meter":"s","volume":[{"up_to":5,"amount":1}]"#,
            "plans.p.prices.x.volume[0].up_to", #"no end"#
        ),
        (
            .price, #""meter":"s","stairstep":[{"up_to":5,"amount":1},{"amount":1,"flat":1}]"#,
            "plans.p.prices.x.stairstep[1].flat", #"unknown key"#
        ),
        (
            .price, #""meter":"s","stairstep":[{"up_to":5},{"amount":1}]"#,
            "plans.p.prices.x.stairstep[0].amount", #"is missing"#
        ),
        (
            .price, #""meter":"s","stairstep":[{"amount":5},{"amount":1}]"#,
            "plans.p.prices.x.stairstep[0].up_to", #"each step but the last"#
        ),
        (
            .price, #""meter":"s","graduated_percentage":[{"amount":5,"rate":1}]"#,
            "plans.p.prices.x.graduated_percentage[0].amount", #"unknown key"#
        ),
        (
            .price, #""meter":"s","graduated_percentage":[{}]"#,
            "plans.p.prices.x.graduated_percentage[0].rate", #"in percent"#
        ),
        (
            .price, #""meter":"s","percentage":{}"#,
            "plans.p.prices.x.percentage.rate", #"is missing"#
        ),
        (
            .price, #""meter":"s","percentage":{"rate":1,"minimum":2,"maximum":1}"#,
            "plans.p.prices.x.percentage.minimum", #"above maximum"#
        ),
        (
            .price, #""meter":"s","percentage":{"rate":1,"free_events":-1}"#,
            "plans.p.prices.x.percentage.free_events", #"from 0 to"#
        ),
        (
            .price, #""meter":"c","percentage":{"rate":1}"#,
            "plans.p.prices.x.percentage", #"needs a sum meter"#
        ),
        (
            .price, #""meter":"k","percentage":{"rate":1}"#,
            "plans.p.prices.x.percentage", #"without window"#
        ),
        (
            .price, #""meter":"s","percentage":{"rate":1},"free":1"#,
            "plans.p.prices.x.free", #"use free_units"#
        ),
        (
            .price, #""meter":"s","percentage":{"rate":1},"commitment":{"quantity":1}"#,
            "plans.p.prices.x.commitment.quantity", #"give an amount"#
        ),
        (
            .price, #""meter":"s","dynamic":{"multiplier":-1}"#,
            "plans.p.prices.x.dynamic.multiplier", #"zero or more"#
        ),
        (.price, #""meter":"s","dynamic":1"#, "plans.p.prices.x.dynamic", #"a group of keys"#),
        (
            .price, #""meter":"u","matrix":{"by":["x"],"rows":{"r":{"x":1,"amount":1}}}"#,
            "plans.p.prices.x.matrix", #"needs a sum or count meter"#
        ),
        (
            .price, #""meter":"s","free":1,"matrix":{"by":["x"],"rows":{"r":{"x":1,"amount":1}}}"#,
            "plans.p.prices.x.free", #"does not fit a matrix"#
        ),
        (
            .price, #""meter":"s","matrix":{"by":["x"]}"#,
            "plans.p.prices.x.matrix.rows", #"is missing"#
        ),
        (
            .price, #""meter":"s","matrix":{"by":["x"],"rows":{}}"#,
            "plans.p.prices.x.matrix.rows", #"names no row"#
        ),
        (
            .price, #""meter":"s","matrix":{"rows":{"r":{"x":1,"amount":1}}}"#,
            "plans.p.prices.x.matrix.by", #"is missing"#
        ),
        (
            .price, #""meter":"s","matrix":{"by":[],"rows":{"r":{"x":1,"amount":1}}}"#,
            "plans.p.prices.x.matrix.by", #"1 to 8"#
        ),
        (
            .price, #""meter":"s","matrix":{"by":["x","x"],"rows":{"r":{"x":1,"amount":1}}}"#,
            "plans.p.prices.x.matrix.by", #"stands twice"#
        ),
        (
            .price, #""meter":"s","matrix":{"by":["x","per"],"rows":{"r":{"x":1,"amount":1}}}"#,
            "plans.p.prices.x.matrix.by", #"cannot have the name"#
        ),
        (
            .price,
            #""meter":"s","matrix":{"by":["region"],"rows":{"r":{"regoin":1,"region":2,"amount":1}}}"#,
            "plans.p.prices.x.matrix.rows.r.regoin", #"did you mean "region"?"#
        ),
        (
            .price, #""meter":"s","matrix":{"by":["x"],"rows":{"r":{"amount":1}}}"#,
            "plans.p.prices.x.matrix.rows.r", #"names no dimension"#
        ),
        (
            .price, #""meter":"s","matrix":{"by":["x"],"rows":{"r":{"x":1}}}"#,
            "plans.p.prices.x.matrix.rows.r.amount", #"is missing"#
        ),
        (
            .price, #""meter":"s","matrix":{"by":["x"],"rows":{"r":{"x":[1],"amount":1}}}"#,
            "plans.p.prices.x.matrix.rows.r.x", #"a text, a number"#
        ),
        (
            .price, #""meter":"s","matrix":{"by":["x"],"rows":{"r":{"x":1,"amount":1,"per":3}}}"#,
            "plans.p.prices.x.matrix.rows.r.amount", #"12 decimals"#
        ),
        (
            .price, #""meter":"s","matrix":{"by":["x"],"rows":{"R":{"x":1,"amount":1}}}"#,
            "plans.p.prices.x.matrix.rows.R", #"small letters"#
        ),
        (
            .price,
            #""meter":"s","matrix":{"by":["x"],"rows":{"q":{"x":1,"amount":1},"r":{"x":1,"amount":2}}}"#,
            "plans.p.prices.x.matrix.rows.r", #"as well as to "q""#
        ),
        (
            .price,
            #""meter":"s","matrix":{"by":["x","y"],"rows":{"q":{"x":1,"amount":1},"r":{"y":1,"amount":2}}}"#,
            "plans.p.prices.x.matrix.rows.r", #"as well as to "q""#
        ),
        (
            .price,
            #""meter":"s","matrix":{"by":["x"],"rows":{"other":{"x":1,"amount":1}},"other":1}"#,
            "plans.p.prices.x.matrix.rows.other", #"choose another name"#
        ),
    ]
}
