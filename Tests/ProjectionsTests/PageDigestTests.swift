import Bytes
import Projections
import Testing

/// Digests by page: only what changed is hashed again, and the result does not depend on that.
@Suite struct PageDigestTests {
    /// One number a page, and how often each page was written.
    private final class Pages {
        var values: [Int: UInt64] = [:]
        var written: [Int] = []
        var digests = PageDigests()

        func set(_ page: Int, _ value: UInt64) {
            values[page] = value
            digests.touch(page: page)
        }

        func copy() -> Pages {
            let copy = Pages()
            copy.values = values
            copy.digests = digests.copy()
            return copy
        }

        func digest() -> String {
            written = []
            let digest = digests.digest { page, bytes in
                written.append(page)
                bytes.appendInteger(values[page] ?? 0)
            }
            return digest.hex
        }
    }

    @Test func accountsFallIntoPages() {
        #expect(PageDigests.page(of: 0) == 0)
        #expect(PageDigests.page(of: 255) == 0)
        #expect(PageDigests.page(of: 256) == 1)
        #expect(PageDigests.page(of: .max) == 16_777_215)
    }

    @Test func onlyChangedPagesAreHashedAgain() {
        let pages = Pages()
        pages.set(2, 5)
        _ = pages.digest()
        #expect(pages.written.sorted() == [0, 1, 2])
        let before = pages.digest()
        #expect(pages.written == [])
        pages.set(1, 9)
        pages.set(1, 10)
        let after = pages.digest()
        #expect(pages.written == [1])
        #expect(after != before)
        pages.set(1, 0)
        #expect(pages.digest() == before)
    }

    @Test func theWayThereDoesNotMatter() {
        let (left, right) = (Pages(), Pages())
        for page in 0..<5 {
            left.set(page, UInt64(page))
            _ = left.digest()
        }
        for page in (0..<5).reversed() { right.set(page, UInt64(page)) }
        #expect(left.digest() == right.digest())
    }

    @Test func thePlaceOfAPageMatters() {
        let (left, right, longer) = (Pages(), Pages(), Pages())
        left.set(0, 1)
        left.set(1, 2)
        right.set(0, 2)
        right.set(1, 1)
        longer.set(2, 0)
        longer.set(0, 1)
        longer.set(1, 2)
        #expect(Set([left.digest(), right.digest(), longer.digest()]).count == 3)
    }

    /// A copy hashes; the original takes over what it did not change since, and hashes the rest.
    @Test func aCopyHashesForTheOriginal() {
        let pages = Pages()
        for page in 0..<6 { pages.set(page, UInt64(page)) }
        let copy = pages.copy()
        _ = copy.digest()
        #expect(copy.written.sorted() == [0, 1, 2, 3, 4, 5])
        pages.set(4, 40)
        pages.set(6, 60)
        pages.digests.accept(copy.digests)
        #expect(pages.digests.markedCount == 2)
        let digest = pages.digest()
        #expect(pages.written.sorted() == [4, 6])
        let fresh = Pages()
        for (page, value) in pages.values { fresh.set(page, value) }
        #expect(fresh.digest() == digest)
    }

    /// A copy that has hashed nothing gives nothing, and one that comes late gives nothing wrong.
    @Test func whatIsGivenBackLateIsNotBelieved() {
        let pages = Pages()
        pages.set(0, 1)
        pages.set(1, 1)
        let (early, late) = (pages.copy(), pages.copy())
        pages.digests.accept(early.digests)
        #expect(pages.digests.markedCount == 2)
        _ = late.digest()
        _ = pages.digest()
        pages.set(1, 2)
        pages.digests.accept(late.digests)
        #expect(pages.digests.markedCount == 1)
        let fresh = Pages()
        fresh.set(0, 1)
        fresh.set(1, 2)
        #expect(pages.digest() == fresh.digest())
    }
}
