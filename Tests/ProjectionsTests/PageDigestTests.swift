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
}
