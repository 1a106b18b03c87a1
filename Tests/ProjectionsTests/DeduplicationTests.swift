import Bytes
import Projections
import Testing

/// The digest of all identities in order, in a state that does not grow with them.
@Suite struct DeduplicationTests {
    private func state(_ fingerprints: [UInt64]) -> Deduplication {
        var state = Deduplication()
        for fingerprint in fingerprints { state.append(fingerprint) }
        return state
    }

    private func bytes(_ state: borrowing Deduplication) -> [UInt8] {
        var bytes = ByteBuffer()
        state.serialise(into: &bytes)
        return bytes.copyBytes(in: 0..<bytes.count)
    }

    private func some(_ count: Int) -> [UInt64] {
        (0..<count).map { UInt64($0) &* 0x9E37_79B9_7F4A_7C15 }
    }

    /// Each fingerprint and its place are in the digest, whichever page it stands in.
    @Test func everyFingerprintIsInTheDigest() {
        let list = (0..<8200).map { UInt64($0) }
        let digest = state(list).digest()
        for place in [0, 1, 4095, 4096, 8191, 8192, 8199] {
            var other = list
            other[place] ^= 1 << 63
            let changed = state(other).digest()
            #expect(changed != digest, "place \(place)")
        }
        let shorter = state(Array(list.dropLast())).digest()
        let swapped = state([1, 0] + list.dropFirst(2)).digest()
        #expect(shorter != digest)
        #expect(swapped != digest)
    }

    @Test(arguments: [0, 1, 4095, 4096, 4097, 8192, 8193])
    func aRestoredStateGoesOnAsTheOriginal(_ count: Int) throws {
        let list = some(20_000)
        let original = bytes(state(Array(list[..<count])))
        var reader = ByteReader(original.raw)
        var restored = try Deduplication(restoring: &reader)
        let (rest, restoredCount) = (reader.remaining, restored.count)
        #expect(rest == 0)
        #expect(restoredCount == UInt64(count))
        #expect(bytes(restored) == original)
        for fingerprint in list[count...] { restored.append(fingerprint) }
        let (went, whole) = (restored.digest(), state(list).digest())
        #expect(went == whole)
    }

    @Test func theStateIsSmallHoweverManyThereAre() {
        for count in [4095, 4096, 40_959] {
            #expect(bytes(state(some(count))).count < 33 << 10)
        }
    }
}
