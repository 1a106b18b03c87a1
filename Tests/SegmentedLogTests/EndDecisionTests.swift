import Bytes
import Testing

@testable import SegmentedLog

/// The table of what the end of a file means, over all combinations of its facts.
struct EndDecisionTests {
    /// The rows once more, as a person would write them: the first that has all its facts decides.
    private static var rows: [(fact: WritableKeyPath<EndFacts, Bool>, decision: EndDecision)] {
        [
            (\.readFailed, .unreadable),
            (\.isClosedBeyond, .damaged(.closedBeyond)),
            (\.isFollowed, .damaged(.followed)),
            (\.isBelowFloor, .damaged(.belowFloor)),
            (\.contradicts, .damaged(.contradiction)),
            (\.isBehindSeal, .damaged(.behindSeal)),
            (\.oneBitExplains, .damaged(.oneBit)),
            (\.laterFrame, .damaged(.laterFrame)),
            (\.strayBytes, .damaged(.strayBytes)),
            (\.restIsZero, .cleanEnd),
        ]
    }

    @Test func everyCombinationHasOneDecision() {
        var counts: [String: Int] = [:]
        for bits in 0..<(1 << Self.rows.count) {
            var facts = EndFacts()
            for (index, row) in Self.rows.enumerated() {
                facts[keyPath: row.fact] = bits >> index & 1 == 1
            }
            let decision = EndDecision.decide(facts)
            let first = Self.rows.first { facts[keyPath: $0.fact] }
            #expect(decision == first?.decision ?? .tornTail)
            counts["\(decision)", default: 0] += 1
        }
        // All eleven answers occur, and only one of 1,024 combinations drops bytes.
        #expect(counts.count == Self.rows.count + 1)
        #expect(counts["\(EndDecision.tornTail)"] == 1)
        #expect(counts["\(EndDecision.cleanEnd)"] == 1)
    }

    /// Nothing that proves a promise may ever be overruled.
    @Test func noProofOfAPromiseIsOverruled() {
        let proofs: [WritableKeyPath<EndFacts, Bool>] = [
            \.isClosedBeyond, \.isFollowed, \.isBelowFloor, \.contradicts, \.isBehindSeal,
            \.oneBitExplains, \.laterFrame, \.strayBytes,
        ]
        for proof in proofs {
            for restIsZero in [true, false] {
                var facts = EndFacts()
                facts[keyPath: proof] = true
                facts.restIsZero = restIsZero
                guard case .damaged = EndDecision.decide(facts) else {
                    Issue.record("\(proof) was overruled")
                    continue
                }
            }
        }
    }

    @Test func aFlippedBitIsFoundWhereverItIs() {
        for length in [1, 7, 92, 4000] {
            var bytes = (0..<length).map { UInt8(truncatingIfNeeded: $0 * 17 + 3) }
            let stored = CRC32C.masked(of: bytes.raw)
            let isWhole = BitFlip.byteOffset(in: bytes.raw, stored: stored) == nil
            #expect(isWhole)
            for offset in stride(from: 0, to: length, by: max(1, length / 23)) {
                for bit in 0..<8 {
                    bytes[offset] ^= 1 << bit
                    let found = BitFlip.byteOffset(in: bytes.raw, stored: stored)
                    #expect(found == offset)
                    bytes[offset] ^= 1 << bit
                }
            }
            for sector in stride(from: 0, to: length - 3, by: 512) {
                var torn = bytes
                for index in sector..<min(length, sector + 512) { torn[index] = 0 }
                let found = BitFlip.byteOffset(in: torn.raw, stored: stored)
                #expect(found == nil)
            }
        }
    }

    @Test func theLimitsFitEachOther() {
        #expect(LogLimits.areConsistent)
        #expect(LogLimits.frameBytesMax == 1_052_672)
    }
}
