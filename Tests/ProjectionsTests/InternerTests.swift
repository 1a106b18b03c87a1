import Bytes
import Projections
import Testing

/// Names get dense numbers in the order of their first sight, whatever their hashes are.
@Suite struct InternerTests {
    private func interned(_ names: [String], key: SipKey = Sample.key) -> [UInt32] {
        var interner = Interner(key: key)
        return names.map { interner.intern($0) }
    }

    @Test func numbersFollowTheFirstSight() {
        // The two spellings of é are different bytes, so different names.
        let names = ["b", "a", "", "b", "\u{E9}", "e\u{301}", "a", "\0", ""]
        #expect(interned(names) == [0, 1, 2, 0, 3, 4, 1, 5, 2])
    }

    @Test func namesComeBackAsTheyWere() {
        var interner = Interner(key: Sample.key)
        let names = ["", "acme", "\u{E9}", String(repeating: "x", count: 10_000)]
        for name in names { _ = interner.intern(name) }
        for (number, name) in names.enumerated() {
            let text = interner.text(UInt32(number))
            let bytes = interner.withName(UInt32(number)) { $0.makeArray() }
            #expect(text == name)
            #expect(bytes == Array(name.utf8))
        }
        let unknown = interner.number(of: "nobody")
        let count = interner.count
        #expect(unknown == nil)
        #expect(count == names.count)
    }

    @Test func growthKeepsAllNumbers() {
        var interner = Interner(key: Sample.key)
        for number in 0..<5000 { _ = interner.intern("account-\(number)") }
        for number in 0..<5000 {
            let found = interner.number(of: "account-\(number)")
            #expect(found == UInt32(number))
        }
        let count = interner.count
        #expect(count == 5000)
    }

    /// Names that all want one slot of the table.
    @Test func namesWithCollidingHashesAreKeptApart() {
        var names: [String] = []
        var number = 0
        while names.count < 60 {
            let name = "n\(number)"
            if name.withBytes({ siphash($0, key: Sample.key) }) & 1023 == 7 { names.append(name) }
            number += 1
        }
        #expect(interned(names + names.reversed()) == Array(0..<60) + Array((0..<60).reversed()))
    }

    @Test func theKeyDecidesNoNumber() {
        let names = (0..<2000).map { "n\($0 * 7919 % 997)" }
        #expect(interned(names) == interned(names, key: SipKey(k0: 1, k1: 2)))
    }
}
