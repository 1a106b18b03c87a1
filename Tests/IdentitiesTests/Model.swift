import Bytes
import Identities
import Platform
import SimulatedFileSystem
import Testing

/// An index on a simulated disk beside a dictionary that knows the truth.
final class Model {
    static let directory = "/data/dedupe"
    static let storeID: [UInt8] = Array(1...16)

    let system: SimulatedFileSystem
    private(set) var index: IdentityIndex
    /// Fingerprint of each position; nil for an entry without a key.
    private(set) var fingerprints: [UInt64?] = []
    private let cutEntries: Int

    init(
        _ system: SimulatedFileSystem = SimulatedFileSystem(SimulatedDisk(root: "/data")),
        cutEntries: Int = 64, fingerprints: [UInt64?] = []
    ) {
        self.system = system
        self.cutEntries = cutEntries
        self.fingerprints = fingerprints
        index = Self.open(system, cutEntries)
        feed()
    }

    /// The log of these tests: a commit ends after each entry, and this is the chain there.
    static func chain(_ position: UInt64) -> Digest {
        var bytes = ByteBuffer()
        bytes.appendInteger(position)
        return SHA256.hash(bytes.bytes)
    }

    static func open(
        _ system: SimulatedFileSystem, _ cutEntries: Int, storeID: [UInt8] = storeID
    ) -> IdentityIndex {
        IdentityIndex.open(
            directory: directory, fileSystem: system, storeID: storeID, cutEntries: cutEntries
        ) { chain($0) }
    }

    /// What a start does: entries after the runs are added again.
    private func feed() {
        for fingerprint in fingerprints.dropFirst(Int(index.runEnd)) {
            add(fingerprint)
            if index.wantsCut { cut() }
        }
    }

    private func add(_ fingerprint: UInt64?) {
        if let fingerprint { index.append(fingerprint) } else { index.appendWithoutKey() }
    }

    func append(_ fingerprint: UInt64?) {
        fingerprints.append(fingerprint)
        add(fingerprint)
    }

    /// Cuts all but the newest `behind` entries.
    func cut(behind: UInt64 = 0) {
        let position = index.next - behind
        index.cutAndWait(at: position, chain: Self.chain(position))
    }

    func reopen() {
        index.close()
        index = Self.open(system, cutEntries)
        feed()
    }

    /// Every position of a fingerprint that the index names.
    func positions(_ fingerprint: UInt64) throws -> [UInt64] {
        var found: [UInt64] = []
        _ = try index.first(fingerprint) {
            found.append($0)
            return false
        }
        return found.sorted()
    }

    /// Every fingerprint that was ever added is found at all its positions, and nowhere else.
    func check(_ comment: Comment = "") throws {
        var truth: [UInt64: [UInt64]] = [:]
        for (position, fingerprint) in fingerprints.enumerated() {
            if let fingerprint { truth[fingerprint, default: []].append(UInt64(position)) }
        }
        for (fingerprint, expected) in truth {
            let found = try positions(fingerprint)
            if found != expected {
                Issue.record("\(fingerprint): \(found) instead of \(expected) \(comment)")
                return
            }
        }
        #expect(index.next == UInt64(fingerprints.count), comment)
        var end: UInt64 = 0
        for range in index.runRanges {
            #expect(range.lowerBound == end, comment)
            end = range.upperBound
        }
        #expect(index.runRanges.count <= IdentityIndex.runsMax, comment)
    }

    /// Names in the index's directory.
    var files: [String] { (try? system.listIfPresent(Self.directory).sorted()) ?? [] }
}

/// A fingerprint with this lead (48 bits): what a run tells apart, the hot table does too.
func fingerprint(_ lead: UInt64) -> UInt64 { lead << 16 | (lead &* 0x9E37_79B9_7F4A_7C15) >> 48 }

/// Fingerprints of a log with some identities many times, as an adversary with luck would have it.
func someFingerprint(_ random: inout some RandomNumberGenerator) -> UInt64? {
    switch UInt64.random(in: 0..<20, using: &random) {
    case 0: nil
    case 1...2: fingerprint(UInt64.random(in: 0..<4, using: &random))
    case 3...4: fingerprint((1 << 48) - 1 - UInt64.random(in: 0..<3, using: &random))
    default: fingerprint(UInt64.random(in: 0..<(1 << 48), using: &random))
    }
}
