import Billing
import Money
import Seeds
import Testing

/// Catalogs: what a good one means, and what is said of a bad one.
@Suite struct CatalogTests {
    private static func catalog() throws -> Catalog {
        try Catalog.decode(try Trees.value(Trees.catalog)).get()
    }

    @Test func aFullCatalogComesBack() throws {
        let catalog = try Self.catalog()
        let value = catalog.value
        let again = try Catalog.decode(value).get()
        #expect(again == catalog)
        #expect(again.value == value)
    }

    @Test func aFullCatalogMeansWhatItSays() throws {
        let catalog = try Self.catalog()
        #expect(catalog.currency.code == "USD" && catalog.defaultPlan == "free")
        #expect(catalog.meters.map(\.key) == ["calls", "peak", "tokens", "users"])
        let tokens = try #require(catalog.meter("tokens"))
        #expect(tokens.valueProperty == ["usage", "n"])
        #expect(tokens.groupBy == [["model"], ["region", "zone"]])
        #expect(tokens.filter.map(\.path) == [["deep", "flag"], ["kind"]])
        #expect(tokens.filter.map(\.values.count) == [1, 4])
        #expect(catalog.credits.first?.burn.map(\.rate.description) == ["1", "0.001"])
        let free = try #require(catalog.plan("free"))
        #expect(free.currency.code == "USD" && free.name == "Free" && free.prices.isEmpty)
        #expect(
            free.entitlement("chat")?.allowance == .limit(Limit(try #require(Quantity("1000")))))
        var soft = Limit(try #require(Quantity("10.5")))
        soft.isHard = false
        #expect(free.entitlement("api")?.allowance == .limit(soft))
        #expect(free.entitlement("sso")?.allowance == .off)
        let pro = try #require(catalog.plan("pro"))
        #expect(pro.currency.code == "EUR" && pro.name == "pro")
        #expect(pro.entitlements.allSatisfy { $0.allowance == .on })
        #expect(pro.prices.map(\.key) == ["a-unit", "b-per", "c-pack", "d-tier"])
        #expect(pro.prices[1].model == .perUnit(rate: try #require(Quantity("0.0000025"))))
        #expect(pro.prices[0].description == "Calls" && pro.prices[1].description == "b-per")
        #expect(catalog.plan("none") == nil && catalog.feature("sso")?.meterKey == nil)
    }

    /// Every mistake: what to put where in the full catalog, the path that is named, a word of what
    /// is said.
    @Test(
        arguments: [
            (["catalog"], "2", "catalog", "must be 1"),
            (["catalog"], "null", "catalog", "must be 1"),
            (["currency"], "null", "currency", "is missing"),
            (["currency"], "\"XAU\"", "currency", "ISO 4217"),
            (["currency"], "5", "currency", "a text"),
            (["default_plan"], "\"gold\"", "default_plan", "no plan \"gold\""),
            (["default_plan"], "\"\"", "default_plan", "not empty"),
            (["metres"], "{}", "metres", "did you mean \"meters\"? Known here: catalog"),
            (["zzzzzzzz"], "1", "zzzzzzzz", "unknown key. Known here: catalog"),
            (["meters"], "[]", "meters", "a group of named entries"),
            (
                ["meters", "Calls"], "{\"event\":\"e\",\"aggregate\":\"count\"}", "meters.Calls",
                "small letters"
            ),
            (
                ["meters", "-x"], "{\"event\":\"e\",\"aggregate\":\"count\"}", "meters.-x",
                "begins with"
            ),
            (["meters", "calls"], "5", "meters.calls", "a group of keys"),
            (["meters", "calls", "event"], "null", "meters.calls.event", "is missing"),
            (["meters", "calls", "event"], "1", "meters.calls.event", "a text"),
            (["meters", "calls", "aggregate"], "null", "meters.calls.aggregate", "is missing"),
            (
                ["meters", "calls", "aggregate"], "\"avg\"", "meters.calls.aggregate",
                "none of: count, sum"
            ),
            (["meters", "calls", "value"], "\"n\"", "meters.calls.value", "a count has no value"),
            (["meters", "peak", "value"], "null", "meters.peak.value", "is missing"),
            (["meters", "peak", "value"], "\".\"", "meters.peak.value", "names no property"),
            (["meters", "peak", "value"], "\"a..b\"", "meters.peak.value", "names no property"),
            (["meters", "tokens", "filter"], "[]", "meters.tokens.filter", "property: value"),
            (
                ["meters", "tokens", "filter", "kind"], "[]", "meters.tokens.filter.kind",
                "names no value"
            ),
            (
                ["meters", "tokens", "filter", "kind"], "[{}]", "meters.tokens.filter.kind",
                "a text, a number"
            ),
            (
                ["meters", "tokens", "filter", "kind"], "null", "meters.tokens.filter.kind",
                "a text, a number"
            ),
            (
                ["meters", "tokens", "filter", "a."], "1", "meters.tokens.filter.a.",
                "names no property"
            ),
            (
                ["meters", "tokens", "filter", ""], "1", "meters.tokens.filter.",
                "names no property"
            ),
            (["meters", "tokens", "group_by"], "\"a\"", "meters.tokens.group_by", "a list"),
            (
                ["meters", "tokens", "group_by"], "[1]", "meters.tokens.group_by",
                "names a property"
            ),
            (
                ["meters", "tokens", "group_by"], "[\"a\",\"a\"]", "meters.tokens.group_by",
                "stands twice"
            ),
            (
                ["meters", "tokens", "group_by"], "[\".\"]", "meters.tokens.group_by",
                "names no property"
            ),
            (
                ["meters", "tokens", "group_by"], "[1,2,3,4,5,6,7,8,9]", "meters.tokens.group_by",
                "at most 8"
            ),
            (["features", "chat", "meter"], "\"no\"", "features.chat.meter", "no meter \"no\""),
            (["features", "chat", "metre"], "1", "features.chat.metre", "did you mean \"meter\"?"),
            (["features", "sso"], "true", "features.sso", "a group of keys"),
            (["credit"], "5", "credit", "a group of keys"),
            (["credit", "unit"], "null", "credit.unit", "is missing"),
            (["credit", "burn", "peak"], "1", "credit.burn.peak", "event by event"),
            (["credit", "burn", "no"], "1", "credit.burn.no", "no such meter"),
            (["credit", "burn", "calls"], "-1", "credit.burn.calls", "zero or more"),
            (["credit", "burn"], "5", "credit.burn", "a group of keys"),
            (["plans", "free"], "5", "plans.free", "a group of keys"),
            (["plans", "free", "name"], "5", "plans.free.name", "a text"),
            (["plans", "free", "currency"], "\"usd\"", "plans.free.currency", "ISO 4217"),
            (
                ["plans", "free", "entitlements", "no"], "true", "plans.free.entitlements.no",
                "no such feature"
            ),
            (
                ["plans", "free", "entitlements", "sso"], "{\"limit\":1}",
                "plans.free.entitlements.sso", "a switch"
            ),
            (
                ["plans", "free", "entitlements", "chat"], "{}",
                "plans.free.entitlements.chat.limit", "either limit"
            ),
            (
                ["plans", "free", "entitlements", "chat", "unlimited"], "true",
                "plans.free.entitlements.chat.limit", "either limit"
            ),
            (
                ["plans", "free", "entitlements", "chat", "unlimited"], "1",
                "plans.free.entitlements.chat.unlimited", "true or false"
            ),
            (
                ["plans", "free", "entitlements", "chat", "limit"], "\"many\"",
                "plans.free.entitlements.chat.limit", "a number"
            ),
            (
                ["plans", "free", "entitlements", "chat", "limit"], "\"0.0000000000001\"",
                "plans.free.entitlements.chat.limit", "12 decimals"
            ),
            (
                ["plans", "free", "entitlements", "chat", "enforce"], "\"firm\"",
                "plans.free.entitlements.chat.enforce", "neither hard nor soft"
            ),
            (
                ["plans", "free", "entitlements", "chat", "reset"], "\"daily\"",
                "plans.free.entitlements.chat.reset", "no length of time"
            ),
            (
                ["plans", "pro", "prices", "a-unit", "meter"], "\"no\"",
                "plans.pro.prices.a-unit.meter", "no meter"
            ),
            (
                ["plans", "pro", "prices", "a-unit", "meter"], "null",
                "plans.pro.prices.a-unit.meter", "is missing"
            ),
            (
                ["plans", "pro", "prices", "a-unit", "amount"], "null", "plans.pro.prices.a-unit",
                "exactly one of"
            ),
            (
                ["plans", "pro", "prices", "c-pack", "amount"], "1", "plans.pro.prices.c-pack",
                "exactly one of"
            ),
            (
                ["plans", "pro", "prices", "b-per", "per"], "0", "plans.pro.prices.b-per.per",
                "above zero"
            ),
            (
                ["plans", "pro", "prices", "b-per", "per"], "3", "plans.pro.prices.b-per.amount",
                "more than 12 decimals"
            ),
            (
                ["plans", "pro", "prices", "c-pack", "per"], "3", "plans.pro.prices.c-pack.per",
                "belongs to"
            ),
            (
                ["plans", "pro", "prices", "c-pack", "package", "size"], "0",
                "plans.pro.prices.c-pack.package.size", "above zero"
            ),
            (
                ["plans", "pro", "prices", "c-pack", "package", "size"], "null",
                "plans.pro.prices.c-pack.package.size", "above zero"
            ),
            (
                ["plans", "pro", "prices", "c-pack", "package", "amount"], "null",
                "plans.pro.prices.c-pack.package.amount", "is missing"
            ),
            (
                ["plans", "pro", "prices", "d-tier", "graduated"], "[]",
                "plans.pro.prices.d-tier.graduated", "a list of tiers"
            ),
            (
                ["plans", "pro", "prices", "d-tier", "graduated"], "[{\"up_to\":5,\"amount\":1}]",
                "plans.pro.prices.d-tier.graduated[0].up_to", "no end"
            ),
            (
                ["plans", "pro", "prices", "d-tier", "graduated"],
                "[{\"amount\":1},{\"amount\":1}]", "plans.pro.prices.d-tier.graduated[0].up_to",
                "ends above"
            ),
            (
                ["plans", "pro", "prices", "d-tier", "graduated"],
                "[{\"up_to\":5,\"amount\":1},{\"up_to\":5,\"amount\":1},{\"amount\":1}]",
                "plans.pro.prices.d-tier.graduated[1].up_to", "ends above"
            ),
            (
                ["plans", "pro", "prices", "d-tier", "graduated"], "[{}]",
                "plans.pro.prices.d-tier.graduated[0].amount", "flat, or both"
            ),
            (
                ["plans", "pro", "prices", "d-tier", "graduated"], "[{\"amount\":1,\"upto\":2}]",
                "plans.pro.prices.d-tier.graduated[0].upto", "did you mean \"up_to\"?"
            ),
        ] as [([String], String, String, String)])
    func aMistakeIsNamed(
        at place: [String], put json: String, path: String, saying words: String
    ) throws {
        let whole = try Trees.value(Trees.catalog)
        let broken = Self.put(try Trees.value(json), at: place[...], in: whole)
        let problems = Self.problems(broken)
        #expect(
            problems.contains { $0.path == path && $0.message.contains(words) }, "\(problems)")
        // Without meters at all, what names one is at fault too.
        guard place.count > 1 else { return }
        let unrelated = problems.filter {
            !$0.path.hasPrefix(path) && !path.hasPrefix($0.path) && $0.path != "default_plan"
        }
        #expect(unrelated.isEmpty, "\(unrelated)")
    }

    @Test(arguments: ["null", "5", "[]", "\"catalog\""])
    func whatIsNoObjectIsNoCatalog(json: String) throws {
        let problems = Self.problems(try Trees.value(json))
        #expect(problems.contains { $0.path.isEmpty && $0.message.contains("a group of keys") })
        #expect(problems.first?.description == "a group of keys is needed here")
    }

    /// A person sees all mistakes at once.
    @Test func allMistakesAreSaid() throws {
        var value = try Trees.value(Trees.catalog)
        let mistakes: [([String], String)] = [
            (["meters", "calls", "aggregate"], "\"avg\""), (["credit", "unit"], "5"),
            (["plans", "free", "entitlements", "chat", "limit"], "-5"),
            (["plans", "pro", "prices", "c-pack", "package", "size"], "0"),
        ]
        for (place, json) in mistakes {
            value = Self.put(try Trees.value(json), at: place[...], in: value)
        }
        let paths = Self.problems(value).map(\.path)
        #expect(Set(paths) == Set(mistakes.map { $0.0.joined(separator: ".") }))
    }

    /// Whatever decodes comes back from its canonical form: a replay reads what was published.
    @Test(arguments: Seeds.all)
    func whateverDecodesComesBack(seed: UInt64) throws {
        var generator = SeededGenerator(seed)
        let parts = [
            "null", "true", "0", "1.5", "\"x\"", "\"a.b\"", "\".\"", "\"a..b\"", "\"é\"", "[]",
            "[\"e\\u0301\",\"é\"]", "[1,\"1\"]", "{}", "{\"a.b\":1}", "{\"amount\":2}",
            "\"tokens\"",
            "[{\"amount\":1}]", "{\"limit\":\"5\"}",
        ]
        let places: [[String]] = [
            ["default_plan"], ["meters", "tokens", "value"], ["meters", "tokens", "filter"],
            ["meters", "tokens", "filter", "é"], ["meters", "tokens", "group_by"],
            ["meters", "peak", "event"], ["features", "chat"], ["credit"], ["credit", "burn"],
            ["plans", "free", "name"], ["plans", "free", "entitlements"],
            ["plans", "free", "entitlements", "chat"],
            ["plans", "pro", "prices", "a-unit", "amount"],
            ["plans", "pro", "prices", "b-per", "per"],
            ["plans", "pro", "prices", "d-tier", "graduated"],
        ]
        var decoded = 0
        for _ in 0..<400 {
            var value = try Trees.value(Trees.catalog)
            for _ in 0..<Int.random(in: 1...2, using: &generator) {
                let part = try Trees.value(parts.randomElement(using: &generator) ?? "null")
                value = Self.put(
                    part, at: (places.randomElement(using: &generator) ?? [])[...], in: value)
            }
            guard case .success(let catalog) = Catalog.decode(value) else { continue }
            decoded += 1
            #expect(try Catalog.decode(catalog.value).get() == catalog, "\(value)")
        }
        #expect(decoded > 5)
    }

    private static func problems(_ value: Value) -> [CatalogProblem] {
        switch Catalog.decode(value) {
        case .success: []
        case .failure(let problems): problems.list
        }
    }

    private static func put(_ part: Value, at place: ArraySlice<String>, in value: Value) -> Value {
        guard let name = place.first else { return part }
        guard case .object(let members) = value else {
            return .object(of: [(name, put(part, at: place.dropFirst(), in: .object([])))])
        }
        let inner = put(part, at: place.dropFirst(), in: value[name] ?? .object([]))
        return .object(of: members.map { ($0.name, $0.value) } + [(name, inner)])
    }
}
