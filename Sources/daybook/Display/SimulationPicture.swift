import Billing
import Client
import Codec
import Money

/// A simulation as a picture: what each billing period would bring, and which accounts would pay more or
/// less. Plain SVG 1.1, sized in whole pixels.
struct SimulationPicture {
    private static let width = 960
    private static let left = 220
    private static let rowsMax = 24
    private static let barHeight = 16

    private let reply: Reply

    init(_ reply: Reply) { self.reply = reply }

    /// The document.
    var text: String {
        var body = ""
        var y = 30
        body += label(20, y, "What would have been", size: 18)
        y += 24
        for row in reply["revenue"]?.elements ?? [] {
            body += label(
                20, y,
                "\(row["currency"].shown): \(row["before"].grouped) as it is, "
                    + "\(row["after"].grouped) supposed (\(row["delta"].grouped))")
            y += 18
        }
        let sums = reply["decisions"]
        body += label(
            20, y,
            "\(sums?["newly_denied"].grouped ?? "0") newly denied, "
                + "\(sums?["newly_allowed"].grouped ?? "0") newly allowed of "
                + "\(sums?["made"].grouped ?? "0") decisions")
        y += 34
        body += label(20, y, "By billing period: grey as it is, blue supposed", size: 14)
        y += 10
        body += periods(&y)
        y += 34
        body += label(
            20, y, "By account: what it would pay more (red) or less (green)", size: 14)
        y += 10
        body += accounts(&y)
        return """
            <svg xmlns="http://www.w3.org/2000/svg" width="\(Self.width)" height="\(y + 30)" \
            font-family="sans-serif" font-size="12">
            <rect width="100%" height="100%" fill="white"/>
            \(body)</svg>

            """
    }

    private func periods(_ y: inout Int) -> String {
        let rows = (reply["periods"]?.elements ?? []).prefix(Self.rowsMax)
        let amounts = rows.map { (Self.number($0["before"]), Self.number($0["after"])) }
        let most = amounts.flatMap { [abs($0.0), abs($0.1)] }.max() ?? 0
        var body = ""
        for (row, amount) in zip(rows, amounts) {
            body += label(20, y + 20, "\(row["period"].shown) \(row["currency"].shown)")
            body += bar(Self.left, y + 6, amount.0, most, "#9aa0a6", row["before"].grouped)
            body += bar(
                Self.left, y + 6 + Self.barHeight, amount.1, most, "#1a73e8", row["after"].grouped)
            y += 2 * Self.barHeight + 10
        }
        return body
    }

    private func accounts(_ y: inout Int) -> String {
        let rows = (reply["accounts"]?.elements ?? []).flatMap { account in
            (account["sums"]?.elements ?? []).map { (account["account"].shown, $0) }
        }.filter { Self.number($0.1["delta"]) != 0 }.prefix(Self.rowsMax)
        let most = rows.map { abs(Self.number($0.1["delta"])) }.max() ?? 0
        var body = ""
        for (name, sum) in rows {
            let delta = Self.number(sum["delta"])
            body += label(20, y + 18, String(name.prefix(28)))
            body += bar(
                Self.left, y + 6, abs(delta), most, delta > 0 ? "#d93025" : "#188038",
                "\(sum["delta"].grouped) \(sum["currency"].shown)")
            y += Self.barHeight + 6
        }
        return body
    }

    private func bar(
        _ x: Int, _ y: Int, _ amount: Int128, _ most: Int128, _ colour: String, _ text: String
    ) -> String {
        let room = Int128(Self.width - Self.left - 180)
        let width = most > 0 ? Int(max(0, amount) * room / most) : 0
        return """
            <rect x="\(x)" y="\(y)" width="\(width)" height="\(Self.barHeight - 3)" fill="\(colour)"/>

            """ + label(x + width + 6, y + 11, text)
    }

    private func label(_ x: Int, _ y: Int, _ text: String, size: Int = 12) -> String {
        "<text x=\"\(x)\" y=\"\(y)\" font-size=\"\(size)\">\(Self.escaped(text))</text>\n"
    }

    /// An amount in ten thousandths: enough for a bar.
    private static func number(_ value: Value?) -> Int128 {
        guard let text = value?.text, let number = DecimalNumber(text),
            let quantity = Quantity(number)
        else { return 0 }
        return quantity.units / 100_000_000
    }

    private static func escaped(_ text: String) -> String {
        text.replacing("&", with: "&amp;").replacing("<", with: "&lt;")
            .replacing(">", with: "&gt;")
    }
}
