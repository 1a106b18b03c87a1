import Billing
import Testing

/// What a catalog may mark personal.
@Suite struct PersonalTests {
    private func decode(_ personal: String) throws -> Result<Catalog, CatalogProblems> {
        try Catalog.decode(
            Trees.value(
                """
                {"catalog":1,"currency":"USD","personal":\(personal),"meters":{
                  "m":{"event":"e","aggregate":"sum","value":"usage.n","group_by":["region.zone"],
                       "filter":{"kind":"a"}}}}
                """))
    }

    @Test func pathsComeBackInOneOrder() throws {
        let catalog = try decode(#"["user.name","ip","user.email","usage.who","region.x"]"#).get()
        #expect(
            catalog.personal == [
                ["ip"], ["region", "x"], ["usage", "who"], ["user", "email"], ["user", "name"],
            ])
        let again = try Catalog.decode(catalog.value).get()
        #expect(again == catalog && again.value == catalog.value)
    }

    /// A catalog without personal properties has the canonical form that it had before there were any.
    @Test func nothingPersonalLeavesNoTrace() throws {
        for none in ["[]", "null"] {
            let catalog = try decode(none).get()
            #expect(catalog.personal.isEmpty && catalog.value["personal"] == nil)
        }
    }

    @Test(
        arguments: [
            (#"["usage.n"]"#, "reads \"usage.n\""), (#"["usage"]"#, "reads \"usage.n\""),
            (#"["usage.n.deep"]"#, "reads \"usage.n\""), (#"["kind"]"#, "reads \"kind\""),
            (#"["region.zone"]"#, "reads \"region.zone\""),
            (#"["a","a"]"#, "named already"), (#"["a","a.b"]"#, "named already"),
            (#"["a.b","a"]"#, "named already"), (#"["a..b"]"#, "names no property"),
            (#"[""]"#, "names a property"), (#"[5]"#, "names a property"),
            (#""a""#, "a list of at most 64"), (#"{"a":1}"#, "a list of at most 64"),
            ("[\((0...64).map { "\"p\($0)\"" }.joined(separator: ","))]", "a list of at most 64"),
        ])
    func whatCannotBePersonalIsSaid(_ personal: String, _ words: String) throws {
        guard case .failure(let problems) = try decode(personal) else {
            Issue.record("\(personal) was taken")
            return
        }
        #expect(problems.list.allSatisfy { $0.path == "personal" })
        #expect(problems.list.contains { $0.message.contains(words) }, "\(problems.list)")
    }

    @Test func theMetersOfEarlierCatalogsCountUnlessRedefined() throws {
        let old = try decode("[]").get()
        let new = try Catalog.decode(
            Trees.value(#"{"catalog":1,"currency":"USD","personal":["kind"]}"#)
        ).get()
        #expect(new.personalProblems(with: old.meters, plans: []).count == 1)
        let redefined = try Catalog.decode(
            Trees.value(
                """
                {"catalog":1,"currency":"USD","personal":["kind"],
                 "meters":{"m":{"event":"e","aggregate":"count"}}}
                """)
        ).get()
        #expect(redefined.personalProblems(with: old.meters, plans: []).isEmpty)
    }
}
