import Foundation
import Money

/// A price as a billing person writes it in `Fixtures/pricing`, and the rows of such a file.
enum PriceSheet {
    struct Row: CustomStringConvertible, Sendable {
        let name: String
        let model: PriceModel
        let quantity: Quantity
        let total: Quantity
        var description: String { name }
    }

    enum Fault: Error { case line(String) }

    /// The rows of a sheet: `case,price,quantity,total`.
    static func rows(_ file: String) throws -> [Row] {
        let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("Fixtures/pricing").appendingPathComponent(file)
        let text = try String(contentsOf: path, encoding: .utf8)
        let lines = text.split(separator: "\n").filter { !$0.hasPrefix("#") }
        guard lines.first == "case,price,quantity,total" else { throw Fault.line(file) }
        return try lines.dropFirst().map { line in
            let cells = line.split(separator: ",").map(String.init)
            guard cells.count == 4, let model = model(cells[1]), let used = Quantity(cells[2]),
                let total = Quantity(cells[3])
            else { throw Fault.line(String(line)) }
            return Row(name: cells[0], model: model, quantity: used, total: total)
        }
    }

    /// `per unit R`, `package of S at P` or `tiers to B at R flat F; …; rest at R`.
    static func model(_ text: String) -> PriceModel? {
        let words = text.split(separator: " ").map(String.init)
        if words.starts(with: ["per", "unit"]), words.count == 3 {
            return Quantity(words[2]).map { .perUnit(rate: $0) }
        }
        if words.starts(with: ["package", "of"]), words.count == 5, words[3] == "at" {
            guard let size = Quantity(words[2]), let price = Quantity(words[4]) else { return nil }
            return .package(size: size, price: price)
        }
        guard words.first == "tiers" else { return nil }
        var tiers: [PriceModel.Tier] = []
        for part in text.dropFirst("tiers ".count).split(separator: ";") {
            guard let tier = tier(part.split(separator: " ").map(String.init)) else { return nil }
            tiers.append(tier)
        }
        return .graduated(tiers)
    }

    private static func tier(_ words: [String]) -> PriceModel.Tier? {
        let isRest = words.first == "rest"
        let bound = isRest ? nil : value("to", words)
        guard isRest || bound != nil else { return nil }
        return PriceModel.Tier(
            upTo: bound, rate: value("at", words) ?? .zero, flat: value("flat", words) ?? .zero)
    }

    private static func value(_ word: String, _ words: [String]) -> Quantity? {
        guard let at = words.firstIndex(of: word), at + 1 < words.count else { return nil }
        return Quantity(words[at + 1])
    }
}
