import Billing
import Codec
import Yams

/// What a scalar of a YAML file is.
enum YAMLScalar {
    /// Why a scalar has no value here.
    struct Refusal: Error {
        let message: String
    }

    static func value(_ scalar: Node.Scalar) throws -> Value {
        let tag = scalar.tag.rawValue
        switch tag {
        case "", "!", "tag:yaml.org,2002:null", "tag:yaml.org,2002:bool",
            "tag:yaml.org,2002:int", "tag:yaml.org,2002:float":
            return scalar.style == .plain ? try plain(scalar.string) : .string(scalar.string)
        // Yams gives texts that look like these their old types; they are texts in YAML 1.2.
        case "tag:yaml.org,2002:str", "tag:yaml.org,2002:timestamp",
            "tag:yaml.org,2002:merge", "tag:yaml.org,2002:value":
            return .string(scalar.string)
        default: throw Refusal(message: "the tag \(tag) is not used here")
        }
    }

    /// A scalar without quotes.
    static func plain(_ text: String) throws -> Value {
        switch text {
        case "", "~", "null", "Null", "NULL": return .null
        case "true", "True", "TRUE": return .bool(true)
        case "false", "False", "FALSE": return .bool(false)
        default: break
        }
        let bytes = Array(text.utf8)
        if isOtherNumber(bytes) {
            throw Refusal(
                message: "\(text) is a number in a form that is easily misread; write it in "
                    + "decimal digits, or in quotes if it is a text")
        }
        guard let number = decimal(bytes) else { return .string(text) }
        if number.whole.count > 1, number.whole.first == UInt8(ascii: "0") {
            throw Refusal(
                message: "\(text) begins with a zero: write the number without it, or in quotes "
                    + "if it is a text")
        }
        // The JSON reader's exact number parser needs a whole document.
        let json = Array(#"{"n":"#.utf8) + number.json + Array("}".utf8)
        if let value = try ValueCoder.value(json: json)["n"] { return value }
        return .string(text)
    }

    /// The parts of a decimal number.
    private struct Decimal {
        var isNegative = false
        var whole: [UInt8] = []
        var fraction: [UInt8] = []
        var exponent: [UInt8] = []

        /// The same number in JSON's grammar.
        var json: [UInt8] {
            (isNegative ? [UInt8(ascii: "-")] : []) + (whole.isEmpty ? [48] : whole)
                + (fraction.isEmpty ? [] : [UInt8(ascii: ".")] + fraction)
                + (exponent.isEmpty ? [] : [UInt8(ascii: "e")] + exponent)
        }
    }

    /// YAML 1.2 core: `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`.
    private static func decimal(_ bytes: [UInt8]) -> Decimal? {
        var rest = bytes[...]
        var number = Decimal()
        func digits() -> [UInt8] {
            let found = rest.prefix { (48...57).contains($0) }
            rest = rest.dropFirst(found.count)
            return Array(found)
        }
        if let sign = rest.first, sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") {
            number.isNegative = sign == UInt8(ascii: "-")
            rest = rest.dropFirst()
        }
        number.whole = digits()
        if rest.first == UInt8(ascii: ".") {
            rest = rest.dropFirst()
            number.fraction = digits()
        }
        guard !number.whole.isEmpty || !number.fraction.isEmpty else { return nil }
        if let mark = rest.first, mark == UInt8(ascii: "e") || mark == UInt8(ascii: "E") {
            rest = rest.dropFirst()
            var exponent: [UInt8] = []
            if let sign = rest.first, sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") {
                exponent = [sign]
                rest = rest.dropFirst()
            }
            let power = digits()
            guard !power.isEmpty else { return nil }
            number.exponent = exponent + power
        }
        return rest.isEmpty ? number : nil
    }

    /// Octal, hexadecimal, infinite, no number.
    private static func isOtherNumber(_ bytes: [UInt8]) -> Bool {
        var rest = bytes[...]
        if let sign = rest.first, sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") {
            rest = rest.dropFirst()
        }
        let word = String(decoding: rest, as: UTF8.self).lowercased()
        if word == ".inf" || word == ".nan" { return true }
        guard word.hasPrefix("0x") || word.hasPrefix("0o"), word.utf8.count > 2 else {
            return false
        }
        return word.dropFirst(2).allSatisfy(\.isHexDigit)
    }
}
