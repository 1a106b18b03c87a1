import Foundation
import Money

/// A price as a billing person writes it in `Fixtures/pricing`, and the rows of such a file.
enum PriceSheet {
    struct Row: CustomStringConvertible, Sendable {
        let name: String
        let price: Price
        /// What was used, and what it is to cost, as written.
        let usage: String
        let expected: String
        var description: String { name }
    }

    /// A model and what the modifiers behind it say.
    struct Price: Sendable {
        let model: PriceModel
        let creditsCorrections: Bool
    }

    enum Fault: Error { case line(String) }

    /// The rows of a sheet of four columns: case, price, usage, what it costs.
    static func rows(_ file: String) throws -> [Row] {
        let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("Fixtures/pricing").appendingPathComponent(file)
        let text = try String(contentsOf: path, encoding: .utf8)
        let lines = text.split(separator: "\n").filter { !$0.hasPrefix("#") }
        guard lines.first?.hasPrefix("case,price,") == true else { throw Fault.line(file) }
        let rows = try lines.dropFirst().map { line in
            let cells = line.split(separator: ",", omittingEmptySubsequences: false).map(
                String.init)
            guard cells.count == 4, let price = price(cells[1]) else {
                throw Fault.line(String(line))
            }
            return Row(name: cells[0], price: price, usage: cells[2], expected: cells[3])
        }
        guard Set(rows.map(\.name)).count == rows.count else { throw Fault.line("a case twice") }
        return rows
    }

    /// A model, of one part or more, with `; nothing at zero` and `; credits corrections` behind it.
    static func price(_ text: String) -> Price? {
        var parts = text.split(separator: ";").map {
            $0.split(separator: " ").map(String.init)
        }
        let credits = take(["credits", "corrections"], from: &parts)
        let flatAtZero = !take(["nothing", "at", "zero"], from: &parts)
        return model(parts, flatAtZero).map { Price(model: $0, creditsCorrections: credits) }
    }

    private static func take(_ words: [String], from parts: inout [[String]]) -> Bool {
        guard let index = parts.firstIndex(of: words) else { return false }
        parts.remove(at: index)
        return true
    }

    private static func model(_ parts: [[String]], _ flatAtZero: Bool) -> PriceModel? {
        guard let words = parts.first, let kind = words.first else { return nil }
        switch kind {
        case "per", "times", "fee":
            guard parts.count == 1, let number = words.last.flatMap({ Quantity($0) }) else {
                return nil
            }
            if words.count == 3, kind == "per" { return .perUnit(rate: number) }
            guard words.count == 2 else { return nil }
            return kind == "fee" ? .fee(number) : .dynamic(multiplier: number)
        case "package":
            guard parts.count == 1, words.count == 5, let size = value("of", words),
                let price = value("at", words)
            else { return nil }
            return .package(size: size, price: price)
        case "tiers": return tiers(parts, skip: 1).map { .graduated($0, flatAtZero: flatAtZero) }
        case "volume": return tiers(parts, skip: 1).map { .volume($0, flatAtZero: flatAtZero) }
        case "steps":
            return tiers(parts, skip: 1).map { tiers in
                .stairstep(
                    tiers.map { PriceModel.Step(upTo: $0.upTo, amount: $0.rate) },
                    flatAtZero: flatAtZero)
            }
        case "percent" where words.dropFirst().first == "tiers":
            return tiers(parts, skip: 2).map { .graduatedPercentage($0, flatAtZero: flatAtZero) }
        case "percent": return percentage(parts)
        default: return nil
        }
    }

    /// `to B at R flat F`, with `rest` instead of `to B` in the last.
    private static func tiers(_ parts: [[String]], skip: Int) -> [PriceModel.Tier]? {
        var tiers: [PriceModel.Tier] = []
        for (index, part) in parts.enumerated() {
            let words = index == 0 ? Array(part.dropFirst(skip)) : part
            let isRest = words.first == "rest"
            let bound = isRest ? nil : value("to", words)
            guard isRest == (index == parts.count - 1), isRest || bound != nil else { return nil }
            tiers.append(
                PriceModel.Tier(
                    upTo: bound, rate: value("at", words) ?? .zero,
                    flat: value("flat", words) ?? .zero))
        }
        return tiers
    }

    /// `percent R plus F`, then any of `least M`, `most M`, `free events N`, `free units U`.
    private static func percentage(_ parts: [[String]]) -> PriceModel? {
        guard let words = parts.first, let rate = value("percent", words) else { return nil }
        func term(_ key: String) -> Quantity? {
            parts.dropFirst().compactMap { value(key, $0) }.first
        }
        let known: Set = ["least", "most", "free"]
        guard parts.dropFirst().allSatisfy({ known.contains($0.first ?? "") }) else { return nil }
        return .percentage(
            PriceModel.Percentage(
                rate: rate, fixed: value("plus", words) ?? .zero,
                freeEvents: term("events").map { Int($0.units / Quantity.one.units) },
                freeUnits: term("units"), minimum: term("least"), maximum: term("most")))
    }

    private static func value(_ word: String, _ words: [String]) -> Quantity? {
        guard let at = words.firstIndex(of: word), at + 1 < words.count else { return nil }
        return Quantity(words[at + 1])
    }
}
