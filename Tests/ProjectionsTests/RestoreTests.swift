import Bytes
import Projections
import Testing

/// Snapshots under damage: a part is restored to what it was, to something with another digest, or
/// not at all. It never traps, and it never passes for what it is not.
@Suite struct RestoreTests {
    /// Restores one part alone; gives the digest of what came out of it.
    private func digest(_ part: Books.Part, _ bytes: [UInt8]) throws -> String {
        var reader = ByteReader(bytes.raw)
        let digest: Digest
        switch part {
        case .registry:
            var restored = try Registry(key: Sample.key, restoring: &reader)
            digest = restored.digest()
        case .counters:
            var restored = try Counters(key: Sample.key, restoring: &reader)
            digest = restored.digest()
        case .credits:
            var restored = try CreditBalances(restoring: &reader)
            digest = restored.digest()
        case .entitlements:
            var restored = try Entitlements(restoring: &reader)
            digest = restored.digest()
        case .deduplication:
            let restored = try Deduplication(restoring: &reader)
            digest = restored.digest()
        case .producers:
            var restored = try Producers(key: Sample.key, restoring: &reader)
            digest = restored.digest()
        case .redactions:
            var restored = try Redactions(restoring: &reader)
            digest = restored.digest()
        case .retirements:
            let restored = try Retirements(restoring: &reader, [])
            digest = restored.digest()
        case .limits:
            var restored = try LimitUsage(restoring: &reader)
            digest = restored.digest()
        case .corrections:
            var restored = try Corrections(restoring: &reader)
            digest = restored.digest()
        case .invoices:
            var restored = try Invoices(restoring: &reader)
            digest = restored.digest()
        }
        let rest = reader.remaining
        return digest.hex + (rest > 0 ? " and \(rest) bytes" : "")
    }

    @Test func theWholeIsRestored() throws {
        let ledger = try Ledger.filled()
        var books = Books(key: Sample.key)
        for part in Books.Part.allCases {
            let state = ledger.state(of: part)
            try books.restore(part, from: state.raw, at: ledger.books.position)
        }
        let digest = books.digest()
        #expect(digest.hex == ledger.digest)
        for wrong in [ledger.books.position - 1, ledger.books.position + 1] {
            var books = Books(key: Sample.key)
            let state = ledger.state(of: .deduplication)
            #expect(throws: DecodeFailure.self) {
                try books.restore(.deduplication, from: state.raw, at: wrong)
            }
        }
        for part in Books.Part.allCases {
            var books = Books(key: Sample.key)
            let state = ledger.state(of: part) + [0]
            #expect(throws: DecodeFailure.self) {
                try books.restore(part, from: state.raw, at: ledger.books.position)
            }
        }
    }

    /// What is written in pieces is what is written at once.
    @Test(arguments: Books.Part.allCases) func piecesMakeTheWhole(_ part: Books.Part) throws {
        let ledger = try Ledger.filled()
        var piece = ByteBuffer()
        var whole: [UInt8] = []
        var spills = 0
        ledger.books.serialise(part, into: &piece) { piece in
            spills += 1
            whole += piece.copyBytes(in: 0..<piece.count)
            piece.clear()
        }
        whole += piece.copyBytes(in: 0..<piece.count)
        #expect(whole == ledger.state(of: part))
        #expect(spills > 0)
    }

    @Test(arguments: Books.Part.allCases) func aCutPartIsNotBelieved(_ part: Books.Part) throws {
        let state = try Ledger.filled().state(of: part)
        let whole = try digest(part, state)
        for length in 0..<state.count {
            let found = try? digest(part, Array(state[..<length]))
            #expect(found != whole, "\(part) cut at \(length)")
        }
    }

    /// Every bit of every byte, over the whole of each part but the long catalog texts, of which every
    /// seventh byte is tried.
    @Test(arguments: Books.Part.allCases) func aFlippedBitIsNotBelieved(
        _ part: Books.Part
    ) throws {
        let state = try Ledger.filled().state(of: part)
        let whole = try digest(part, state)
        var tried = 0
        for place in state.indices where part != .registry || place % 7 == 0 {
            for bit in 0..<8 {
                var bad = state
                bad[place] ^= 1 << bit
                if (try? digest(part, bad)) == whole {
                    Issue.record("\(part): bit \(bit) of byte \(place) is believed")
                }
                tried += 1
            }
        }
        #expect(tried > 200)
    }

    /// Counts beyond everything that could follow: refused, not allocated and not trapped.
    @Test(
        arguments: [
            (Books.Part.registry, [[], [0], [0, 0], [0, 0, 0, 0, 0, 0]]),
            (.counters, [[], [0], [0, 1]]), (.credits, [[], [1, 1, 0, 0]]),
            (.entitlements, [[], [1]]), (.producers, [[], [1, 0, 1, 0, 0, 0]]),
            (.entitlements, [[], [1]]), (.redactions, [[], [1, 0], [2, 0, 1, 1, 97, 1]]),
            (.retirements, [[]]),
        ] as [(Books.Part, [[UInt8]])])
    func absurdCountsAreRefused(_ part: Books.Part, _ prefixes: [[UInt8]]) {
        for count in [1 << 32, 1 << 40, UInt64(Int64.max), UInt64(Int64.max) + 1, UInt64.max] {
            for prefix in prefixes {
                var bytes = ByteBuffer()
                bytes.append(prefix)
                bytes.appendVarint(count)
                let state = bytes.copyBytes(in: 0..<bytes.count)
                #expect(throws: DecodeFailure.self, "\(count) after \(prefix)") {
                    _ = try digest(part, state)
                }
            }
        }
    }

    @Test func theDigestOfTheWholeIsThatOfItsParts() throws {
        let (left, right) = (try Ledger.filled(), try Ledger.filled())
        for part in Books.Part.allCases {
            #expect(try digest(part, left.state(of: part)) == digest(part, right.state(of: part)))
        }
        #expect(left.digest == right.digest)
    }
}
