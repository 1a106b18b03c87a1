import Billing
import Client
import Money

extension Value {
    /// A whole number.
    static func whole(_ number: Int) -> Value {
        .number(DecimalNumber(mantissa: Int128(number), scale: 0))
    }
}

extension Value? {
    /// What a person reads in a table's cell: texts and numbers as they are, `-` for what is absent.
    var shown: String {
        switch self {
        case nil, .null: "-"
        case .string(let text): text
        case .number(let number): "\(number)"
        case .numberText(let text): text
        case .bool(let flag): flag ? "yes" : "no"
        case .array(let values): values.map { Optional($0).shown }.joined(separator: ", ")
        case .object(let members):
            members.map { "\($0.name)=\(Optional($0.value).shown)" }.joined(separator: " ")
        case .redacted: "(redacted)"
        }
    }

    /// As `shown`, with the thousands of a decimal text set apart.
    var grouped: String { Digits.grouped(shown) }

    /// The day of an instant that is a day's start, else the whole instant.
    var day: String {
        let text = shown
        return text.hasSuffix("T00:00:00Z") ? String(text.dropLast(10)) : text
    }
}

extension Reply {
    /// A member as text for people.
    func shown(_ name: String) -> String { self[name].shown }

    /// The period of an answer: `2023-11-01 to 2023-12-01`.
    var periodShown: String {
        let period = self["period"]
        return "\((period?["start"]).day) to \((period?["end"]).day)"
    }
}
