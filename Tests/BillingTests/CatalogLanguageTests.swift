import Billing
import Money
import Seeds
import Testing

/// Every option of the language is read, and written as it was read; what does not fit is named.
@Suite struct CatalogLanguageTests {
    /// What a canonical catalog says is what its decoded form says: no option is lost on the way, on
    /// either side.
    @Test(arguments: Seeds.all)
    func everyOptionComesBack(seed: UInt64) throws {
        var random = RandomCatalog(seed)
        for _ in 0..<60 {
            let tree = random.catalog()
            let catalog = try Catalog.decode(tree).get()
            #expect(catalog.value == tree)
            #expect(try Catalog.decode(catalog.value).get() == catalog)
        }
    }

    /// Exactly one problem is found where one thing is wrong, and it says what and where.
    @Test(arguments: CatalogMistakes.all.indices)
    func aMistakeIsNamedOnce(index: Int) throws {
        let mistake = CatalogMistakes.all[index]
        guard case .failure(let found) = Catalog.decode(try mistake.catalog()) else {
            Issue.record("was taken: \(mistake.part)")
            return
        }
        let isOne = found.list.count == 1 && found.list[0].path == mistake.path
        #expect(isOne && found.list[0].message.contains(mistake.words), "\(found.list)")
    }

    /// Forms that mean the same have one canonical form, in which what says nothing is left out.
    @Test(arguments: [
        (#""billing":{}"#, #""name":"p""#),
        (#""billing":{"every":"1 months","timezone":"UTC"}"#, #""billing":{"anchor":"calendar"}"#),
        (#""order":[]"#, #""order":["minimum","maximum","discounts","tax"]"#),
        (#""order":["tax"]"#, #""order":["tax","minimum","maximum","discounts"]"#),
        (#""discounts":[]"#, #""discounts":null"#),
        (#""billing":{"every":"3 month"}"#, #""billing":{"every":"3 months"}"#),
        (
            #""prices":{"x":{"fee":1,"prorate":"second","charged":"arrears"}}"#,
            #""prices":{"x":{"fee":"1.0"}}"#
        ),
        (
            #""prices":{"x":{"meter":"s","amount":1,"free":0,"prorate":"none","negative":false}}"#,
            #""prices":{"x":{"meter":"s","amount":1,"tax_exempt":false}}"#
        ),
        (
            #""prices":{"x":{"meter":"s","dynamic":{}}}"#,
            #""prices":{"x":{"meter":"s","dynamic":{"multiplier":1}}}"#
        ),
    ])
    func whatSaysNothingIsLeftOut(_ left: String, _ right: String) throws {
        let values = try [left, right].map { text in
            try Catalog.decode(CatalogMistake(.plan, text, "", "").catalog()).get().value
        }
        #expect(values[0] == values[1])
    }

    /// A catalog without the newer keys has the form that it had before there were any: nothing
    /// published changes its meaning or its bytes.
    @Test func anOldCatalogKeepsItsForm() throws {
        let value = try Catalog.decode(Trees.value(Trees.catalog)).get().value
        let plain = try Trees.value(
            """
            {"catalog":1,"currency":"USD","default_plan":"free","credit":{"unit":"credits",
             "burn":{"calls":"1","tokens":"0.001"}},
             "features":{"api":{"meter":"calls"},"chat":{"meter":"tokens"},"sso":{}},
             "meters":{"calls":{"aggregate":"count","event":"api.call"},
              "peak":{"aggregate":"max","event":"seats","value":"n"},
              "tokens":{"aggregate":"sum","event":"tokens.used","value":"usage.n",
               "filter":{"deep.flag":[false],"kind":["a","b",1,true]},
               "group_by":["model","region.zone"]},
              "users":{"aggregate":"unique","event":"seen","value":"user"}},
             "plans":{"free":{"name":"Free","currency":"USD","prices":{},"entitlements":{
               "api":{"limit":"10.5","enforce":"soft","reset":"month"},
               "chat":{"limit":"1000","enforce":"hard","reset":"month"},"sso":false}},
              "pro":{"name":"pro","currency":"EUR",
               "entitlements":{"api":true,"chat":true,"sso":true},"prices":{
                "a-unit":{"amount":"0.25","description":"Calls","meter":"calls"},
                "b-per":{"amount":"2.5","description":"b-per","meter":"tokens","per":"1000000"},
                "c-pack":{"description":"c-pack","meter":"peak",
                 "package":{"amount":"2.95","size":"100"}},
                "d-tier":{"description":"d-tier","meter":"users","graduated":[
                 {"amount":"0","flat":"100","up_to":"5"},{"amount":"3","flat":"50","up_to":"10"},
                 {"amount":"1"}]}}}}}
            """)
        #expect(value == plain)
    }

    @Test(arguments: [
        ("90 seconds", 90), ("1 minute", 60), ("5 minutes", 300), ("2 hours", 7200),
        ("1 day", 86_400), ("35 days", 3_024_000), ("0 seconds", 0),
    ])
    func durationsAreExact(_ text: String, seconds: Int64) throws {
        let part = #""events":{"max_age":"\#(text)","max_ahead":"\#(text)"}"#
        let events = try Catalog.decode(CatalogMistake(.root, part, "", "").catalog()).get().events
        #expect(events.maxAge == seconds * 1_000_000_000 && events.maxAhead == events.maxAge)
    }
}
