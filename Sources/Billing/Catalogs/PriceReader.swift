import Money

/// Reads one price: its meter, its model, and its terms.
struct PriceReader {
    let plan: String
    let meters: [Meter]

    private static let models = [
        "amount", "package", "graduated", "volume", "stairstep", "percentage",
        "graduated_percentage", "dynamic", "matrix", "fee",
    ]
    private static let terms = [
        "free", "prorate", "minimum", "maximum", "commitment", "discounts", "negative",
        "tax_exempt", "charged",
    ]

    func read(_ member: Value.Member, _ parent: inout CatalogReader) -> Price? {
        var reader = CatalogReader(
            member.value, path: "plans.\(plan).prices.\(member.name)",
            known: ["meter", "description"] + Self.models + ["per", "flat_at_zero"] + Self.terms)
        defer { parent.add(contentsOf: reader.problems) }
        let given = Self.models.filter { reader[$0] != nil }
        guard given.count == 1 else {
            reader.add("", "give exactly one of: \(Self.models.joined(separator: ", "))")
            return nil
        }
        let key = reader.text("meter")
        let meter = key.flatMap { key in meters.first { $0.key == key } }
        if let key, meter == nil {
            reader.add("meter", "there is no meter \"\(key)\" under meters")
        }
        if given[0] == "fee", key != nil {
            reader.add("meter", "a fee is charged whatever is used; leave the meter out")
        } else if given[0] != "fee", key == nil, reader["meter"] == nil {
            reader.add("meter", "is missing")
        }
        if given[0] != "amount", reader["per"] != nil {
            reader.add("per", "belongs to a price with an amount for each unit")
        }
        let tiered = ["graduated", "volume", "stairstep", "graduated_percentage"]
        if !tiered.contains(given[0]), reader["flat_at_zero"] != nil {
            reader.add("flat_at_zero", "belongs to prices with tiers")
        }
        var models = ModelReader()
        guard let model = models.read(given[0], &reader) else { return nil }
        var price = Price(
            key: member.name, meter: key, description: reader.text("description") ?? member.name,
            model: model, per: models.per)
        price.matrix = models.matrix
        price.terms = terms(of: price, &reader)
        if let meter { check(price, meter, &reader) }
        return price
    }

    private func terms(of price: Price, _ reader: inout CatalogReader) -> PriceTerms {
        var terms = PriceTerms()
        terms.free = reader.quantity("free") ?? .zero
        let isFee = price.model.isFee
        terms.proration = reader.word("prorate") ?? (isFee ? .second : .none)
        terms.minimum = reader.quantity("minimum")
        terms.maximum = reader.quantity("maximum")
        TermsReader.checkBounds(terms.minimum, terms.maximum, &reader)
        terms.commitment = commitment(&reader)
        if terms.commitment != nil, terms.minimum != nil || terms.maximum != nil {
            reader.add("commitment", "stands for minimum and maximum; give one or the other")
        }
        terms.discounts = TermsReader.discounts(&reader)
        terms.allowsNegative = reader.flag("negative") ?? false
        terms.isTaxExempt = reader.flag("tax_exempt") ?? false
        if let charged: Charged = reader.word("charged") {
            terms.isInAdvance = charged == .advance
            if !isFee { reader.add("charged", "only a fee is charged in advance") }
        }
        if isFee {
            for name in ["free", "minimum", "maximum", "commitment", "negative"]
            where reader[name] != nil {
                reader.add(name, "belongs to prices of usage, not to a fee")
            }
        }
        return terms
    }

    enum Charged: String, CaseIterable { case arrears, advance }

    private func commitment(_ parent: inout CatalogReader) -> Commitment? {
        guard parent["commitment"] != nil else { return nil }
        var reader = CatalogReader(
            parent["commitment"], path: "\(parent.path).commitment",
            known: ["amount", "quantity", "overage", "true_up"])
        defer { parent.add(contentsOf: reader.problems) }
        let amount = reader.quantity("amount")
        let quantity = reader.quantity("quantity")
        if (reader["amount"] == nil) == (reader["quantity"] == nil) {
            reader.add("", "give either amount or quantity")
        }
        let overage = reader.quantity("overage") ?? .one
        let trueUp = reader.flag("true_up") ?? true
        if let amount { return Commitment(.amount(amount), overage: overage, trueUp: trueUp) }
        return quantity.map { Commitment(.quantity($0), overage: overage, trueUp: trueUp) }
    }

    /// What a price cannot be, given what its meter measures.
    private func check(_ price: Price, _ meter: Meter, _ reader: inout CatalogReader) {
        let isPlain = meter.terms == MeterTerms() || onlyConverts(meter)
        switch price.model {
        case .percentage:
            if meter.aggregation != .sum || !isPlain || meter.terms.conversion != nil {
                reader.add("percentage", "is of each event's value: a plain sum meter is needed")
            }
        case .matrix:
            if !isPlain || (meter.aggregation != .sum && meter.aggregation != .count) {
                reader.add("matrix", "prices each event: a plain count or sum meter is needed")
            }
        case .perUnit, .package, .graduated, .volume, .stairstep, .graduatedPercentage, .dynamic,
            .fee:
            break
        }
        if price.terms.free != .zero || price.terms.commitment != nil {
            switch price.model {
            case .percentage, .matrix:
                if price.terms.free != .zero {
                    reader.add("free", "percentage and matrix have no free units of this kind")
                }
                if case .quantity? = price.terms.commitment?.size {
                    reader.add("commitment", "percentage and matrix prices commit to an amount")
                }
            default: break
            }
        }
        guard price.terms.proration != .none else {
            // A running sum that never ends has a price only over time.
            if meter.terms.carries, meter.aggregation == .sum {
                reader.add(
                    "prorate", "a sum that carries over is a level; give prorate: day or second")
            }
            return
        }
        if !price.model.isProratable {
            reader.add("prorate", "only amount, graduated and volume prices are taken over time")
        }
        let hasLevel = [.sum, .count, .unique, .timeWeighted].contains(meter.aggregation)
        if !hasLevel || meter.terms.window != nil || meter.terms.conversion != nil {
            reader.add(
                "prorate",
                "needs a meter with a level: count, sum, unique or time_weighted, without window "
                    + "and convert")
        }
        if case .quantity? = price.terms.commitment?.size {
            reader.add("commitment", "a price taken over time commits to an amount")
        }
    }

    private func onlyConverts(_ meter: Meter) -> Bool {
        var terms = meter.terms
        terms.conversion = nil
        return terms == MeterTerms()
    }
}

extension PriceModel {
    /// Whether it is a fee.
    package var isFee: Bool {
        if case .fee = self { return true }
        return false
    }
}
