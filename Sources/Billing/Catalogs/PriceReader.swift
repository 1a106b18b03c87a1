import Money

/// Reads one price of a plan.
struct PriceReader {
    let path: String
    let meters: [Meter]

    /// Keys that say how quantity becomes money: a price has exactly one.
    static let models = [
        "amount", "package", "graduated", "volume", "stairstep", "percentage",
        "graduated_percentage", "dynamic", "matrix", "fee",
    ]
    private static let keys =
        ["meter", "description", "per", "flat_at_zero", "charged"] + models + [
            "free", "prorate", "minimum", "maximum", "commitment", "discounts", "negative",
            "tax_exempt",
        ]
    private static let tiered: Set = ["graduated", "volume", "stairstep", "graduated_percentage"]

    func read(_ member: Value.Member, _ parent: inout CatalogReader) -> Price? {
        var reader = CatalogReader(member.value, path: path, known: Self.keys)
        defer { parent.add(contentsOf: reader.problems) }
        let kinds = Self.models.filter { reader[$0] != nil }
        let isFee = kinds == ["fee"]
        let meter = meter(isFee: isFee, &reader)
        let description = reader.text("description") ?? member.name
        let terms = terms(isFee: isFee, &reader)
        guard kinds.count == 1, let kind = kinds.first else {
            reader.add("", "give exactly one of: \(Self.models.joined(separator: ", "))")
            return nil
        }
        if kind != "amount", reader["per"] != nil {
            reader.add("per", "belongs to a price with an amount for each unit")
        }
        if !Self.tiered.contains(kind), reader["flat_at_zero"] != nil {
            reader.add(
                "flat_at_zero",
                "belongs to a price with tiers or steps; leave it out")
        }
        var models = PriceModelReader()
        let model = models.read(kind, &reader)
        let measured = meters.first { $0.key == meter }
        if isFee {
            checkFee(&reader)
        } else {
            checkFit(kind, measured, terms, &reader)
        }
        return model.map {
            Price(
                key: member.name, meter: isFee ? nil : meter, description: description, model: $0,
                per: models.per, matrix: models.matrix, terms: terms)
        }
    }

    private func meter(isFee: Bool, _ reader: inout CatalogReader) -> String? {
        guard let key = reader.text("meter") else {
            if !isFee, reader["meter"] == nil { reader.add("meter", "is missing") }
            return nil
        }
        if isFee {
            reader.add("meter", "a fee does not depend on usage; leave it out")
        } else if !meters.contains(where: { $0.key == key }) {
            reader.add("meter", "there is no meter \"\(key)\" under meters")
        }
        return key
    }

    private func terms(isFee: Bool, _ reader: inout CatalogReader) -> PriceTerms {
        var terms = PriceTerms()
        terms.free = reader.quantity("free") ?? .zero
        terms.proration = reader.word("prorate", Proration.self) ?? (isFee ? .second : .none)
        terms.minimum = reader.quantity("minimum")
        terms.maximum = reader.quantity("maximum")
        reader.checkBounds(terms.minimum, terms.maximum)
        terms.commitment = reader.group(
            "commitment", known: ["amount", "quantity", "overage", "true_up"], commitment)
        if reader["commitment"] != nil {
            for bound in ["minimum", "maximum"] where reader[bound] != nil {
                reader.add(bound, "does not stand beside a commitment; leave one of the two out")
            }
        }
        terms.discounts = Discount.list(&reader)
        terms.allowsNegative = reader.flag("negative") ?? false
        terms.isTaxExempt = reader.flag("tax_exempt") ?? false
        if let charged = reader.word("charged", Charged.self) {
            terms.isInAdvance = charged == .advance
            if !isFee {
                reader.add("charged", "belongs to a fee; usage is charged in arrears, leave it out")
            }
        }
        return terms
    }

    private func commitment(_ reader: inout CatalogReader) -> Commitment? {
        let amount = reader.quantity("amount")
        let quantity = reader.quantity("quantity")
        let overage = reader.quantity("overage") ?? .one
        let trueUp = reader.flag("true_up") ?? true
        guard (reader["amount"] == nil) != (reader["quantity"] == nil) else {
            reader.add("", "give exactly one of: amount, quantity")
            return nil
        }
        let size = amount.map { Commitment.Size.amount($0) } ?? quantity.map { .quantity($0) }
        return size.map { Commitment($0, overage: overage, trueUp: trueUp) }
    }

    private func checkFee(_ reader: inout CatalogReader) {
        for key in ["free", "minimum", "maximum", "commitment", "negative"]
        where reader[key] != nil {
            reader.add(key, "does not fit a fee, which does not depend on usage; leave it out")
        }
    }

    private func checkFit(
        _ kind: String, _ meter: Meter?, _ terms: PriceTerms, _ reader: inout CatalogReader
    ) {
        if kind == "percentage" || kind == "matrix" {
            if reader["free"] != nil {
                let hint = kind == "percentage" ? "; use free_units inside it" : ""
                reader.add("free", "does not fit a \(kind)\(hint)")
            }
            if case .quantity? = terms.commitment?.size {
                reader.add(
                    "commitment.quantity",
                    "does not fit a \(kind), whose price depends on each event; give an amount")
            }
        }
        guard let meter else { return }
        let isSum = meter.aggregation == .sum
        if kind == "percentage" {
            if !isSum {
                reader.add(
                    kind,
                    "is taken of each event's value, so it needs a sum meter; "
                        + "\"\(meter.key)\" is \(meter.aggregation.rawValue)")
            } else if meter.terms != MeterTerms() {
                reader.add(
                    kind,
                    "is taken of each event's value, so it needs a meter without window, "
                        + "carry and convert")
            }
        }
        if kind == "matrix", !isSum, meter.aggregation != .count {
            reader.add(
                kind,
                "tells events apart, so it needs a sum or count meter; "
                    + "\"\(meter.key)\" is \(meter.aggregation.rawValue)")
        }
        guard terms.proration != .none else { return }
        checkProration(kind, meter, &reader)
    }

    private func checkProration(
        _ kind: String, _ meter: Meter, _ reader: inout CatalogReader
    ) {
        if !["amount", "graduated", "volume"].contains(kind) {
            reader.add(
                "prorate", "fits only amount, graduated, volume and fee; leave it out")
        }
        switch meter.aggregation {
        case .timeWeighted, .unique, .sum, .count:
            if meter.terms.window != nil || meter.terms.conversion != nil {
                reader.add(
                    "prorate",
                    "follows the meter's level, and a meter with window or convert has none")
            }
        case .max, .min, .average, .latest:
            reader.add(
                "prorate",
                "needs a meter that has a level at any time: time_weighted, unique, sum or count; "
                    + "\"\(meter.key)\" is \(meter.aggregation.rawValue)")
        }
    }
}

/// When a fee is charged.
enum Charged: String, CaseIterable {
    case arrears, advance
}
