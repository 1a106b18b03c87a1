import Bytes
import Projections
import Testing

/// From a fingerprint to the positions that have it, all of them, for ever.
@Suite struct DeduplicationTests {
    private func table(_ fingerprints: [UInt64], indexed: Bool = true) -> Deduplication {
        var table = Deduplication(indexed: indexed)
        for fingerprint in fingerprints { table.append(fingerprint) }
        return table
    }

    private func candidates(_ table: borrowing Deduplication, _ fingerprint: UInt64) -> [UInt64] {
        var found: [UInt64] = []
        _ = table.first(fingerprint) { position in
            found.append(position)
            return false
        }
        return found
    }

    /// Two identities may have one fingerprint: both are candidates, in order, and the caller chooses.
    @Test func identitiesWithOneFingerprintAreBothKept() {
        let table = table([7, 9, 7, 7])
        #expect(candidates(table, 7) == [0, 2, 3])
        #expect(candidates(table, 9) == [1])
        #expect(candidates(table, 8) == [])
        let second = table.first(7) { $0 == 2 }
        let none = table.first(7) { $0 == 1 }
        #expect(second == 2)
        #expect(none == nil)
    }

    /// Fingerprints that share a slot, a tag, or both, are not each other's candidates.
    @Test func nearbyFingerprintsAreTold() {
        let list: [UInt64] = [
            0x1234_5600_0000_0001, 0x1234_5600_0000_1001, 0x1234_5600_0100_0001,
            0x1234_57FF_FFFF_F001, 0, .max, 0x1234_5600_0000_0002,
        ]
        let table = table(list)
        for (position, fingerprint) in list.enumerated() {
            #expect(candidates(table, fingerprint) == [UInt64(position)])
        }
        #expect(candidates(table, 0x1234_5600_0000_2001) == [])
    }

    @Test func growthLosesNothing() {
        // Few low bits: long probe runs before and after each growth.
        let list = (0..<9000).map { UInt64($0 % 64) | UInt64($0 &* 2_654_435_761) << 20 }
        let table = table(list)
        for (position, fingerprint) in list.enumerated() where position % 7 == 0 {
            #expect(candidates(table, fingerprint).contains(UInt64(position)))
        }
        let count = table.count
        #expect(count == 9000)
    }

    @Test(arguments: [0, 1, 4095, 4096, 4097, 8192, 8193])
    func theDigestDoesNotKnowWhetherThereIsAnIndex(_ count: Int) {
        let list = (0..<count).map { UInt64($0) &* 0x9E37_79B9_7F4A_7C15 }
        let with = table(list).digest()
        let without = table(list, indexed: false).digest()
        #expect(with == without)
    }

    /// Each fingerprint and its place are in the digest, whichever page it stands in.
    @Test func everyFingerprintIsInTheDigest() {
        let list = (0..<8200).map { UInt64($0) }
        let digest = table(list).digest()
        for place in [0, 1, 4095, 4096, 8191, 8192, 8199] {
            var other = list
            other[place] ^= 1 << 63
            let changed = table(other).digest()
            #expect(changed != digest, "place \(place)")
        }
        let shorter = table(Array(list.dropLast())).digest()
        let swapped = table([1, 0] + list.dropFirst(2)).digest()
        #expect(shorter != digest)
        #expect(swapped != digest)
    }

    @Test func rangesAreSerialisedAsTheyStand() {
        let table = table([1, 2, 3, 4], indexed: false)
        var bytes = ByteBuffer()
        table.serialise(1..<3, into: &bytes)
        #expect(
            bytes.copyBytes(in: 0..<bytes.count)
                == [2, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0])
    }
}
