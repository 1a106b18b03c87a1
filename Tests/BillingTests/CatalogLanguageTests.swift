import Billing
import Money
import Seeds
import Testing

/// Every option of the language is read, and written as it was read.
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
}
