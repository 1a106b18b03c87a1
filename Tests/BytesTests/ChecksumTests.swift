import Bytes
import Foundation
import Seeds
import Testing

/// Checksums against published vectors and against a bit-by-bit computation.
@Suite struct ChecksumTests {
    /// RFC 3720, appendix B.4, and the check value of the CRC catalogues.
    @Test(
        arguments: [
            ([UInt8](repeating: 0, count: 32), 0x8A91_36AA),
            ([UInt8](repeating: 0xFF, count: 32), 0x62A8_AB43),
            (Array(0..<32), 0x46DD_794E), (Array((0..<32).reversed()), 0x113F_DB5C),
            (Array("123456789".utf8), 0xE306_9283), ([], 0),
        ] as [([UInt8], UInt32)])
    func crcHasItsPublishedValues(bytes: [UInt8], crc: UInt32) {
        #expect(CRC32C.unmasked(of: bytes.raw) == crc)
        let rotated = (crc >> 15) | (crc << 17)
        #expect(CRC32C.masked(of: bytes.raw) == rotated &+ 0xA282_EAD8)
    }

    @Test(arguments: Seeds.all)
    func crcAgreesWithItsDefinition(seed: UInt64) {
        var generator = SeededGenerator(seed)
        for length in [1, 7, 8, 9, 15, 16, 17, 63, 64, 65, 200, 1000] {
            let bytes = (0..<length).map { _ in UInt8.random(in: 0...255, using: &generator) }
            var crc = UInt32.max
            for byte in bytes {
                crc ^= UInt32(byte)
                for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0x82F6_3B78 : crc >> 1 }
            }
            #expect(CRC32C.unmasked(of: bytes.raw) == ~crc)
            let cut = Int.random(in: 0...length, using: &generator)
            let first = CRC32C.unmasked(of: Array(bytes[..<cut]).raw)
            #expect(CRC32C.extend(first, with: Array(bytes[cut...]).raw) == ~crc)
        }
    }

    /// FIPS 180-4 examples.
    @Test(arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
        (
            String(repeating: "a", count: 1_000_000),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
        ),
    ])
    func sha256HasItsPublishedValues(text: String, hex: String) {
        #expect(text.withBytes { SHA256.hash($0) }.hex == hex)
    }

    @Test(arguments: Seeds.all)
    func sha256InPiecesIsTheSame(seed: UInt64) {
        var generator = SeededGenerator(seed)
        let bytes = (0..<1000).map { _ in UInt8.random(in: 0...255, using: &generator) }
        var hasher = SHA256Hasher()
        var place = 0
        while place < bytes.count {
            let end = min(place + Int.random(in: 0...130, using: &generator), bytes.count)
            hasher.update(Array(bytes[place..<end]).raw)
            place = end
        }
        #expect(hasher.finish() == SHA256.hash(bytes.raw))
    }

    @Test func digestsAreWrittenAndReadBack() throws {
        let digest = SHA256.hash([1, 2, 3].raw)
        var buffer = ByteBuffer()
        digest.append(to: &buffer)
        #expect(buffer.count == Digest.byteCount)
        var reader = ByteReader(buffer.bytes)
        let back = try Digest(from: &reader)
        #expect(back == digest)
        #expect(Digest(buffer.bytes) == digest)
        #expect(Digest.zero.hex == String(repeating: "0", count: 64))
        #expect(digest.leadingUInt128 == buffer.bytes.readInteger(as: UInt128.self, at: 0))
    }

    /// SipHash-1-3 with key 00 01 … 0f over 00 01 … (n − 1), computed below by its definition; the
    /// definition itself is checked against the published SipHash-2-4 vector.
    @Test func siphashAgreesWithItsDefinition() {
        let key = SipKey(k0: 0x0706_0504_0302_0100, k1: 0x0F0E_0D0C_0B0A_0908)
        #expect(Self.onPaper(Array(0..<15), 2, 4) == 0xA129_CA61_49BE_45E5)
        for length in 0..<100 {
            let bytes = (0..<length).map { UInt8($0) }
            #expect(siphash(bytes.raw, key: key) == Self.onPaper(bytes, 1, 3))
        }
        #expect(siphash([1].raw, key: SipKey(k0: 0, k1: 0)) != siphash([1].raw, key: key))
    }

    private static func onPaper(_ bytes: [UInt8], _ rounds: Int, _ finals: Int) -> UInt64 {
        let key: [UInt64] = [0x0706_0504_0302_0100, 0x0F0E_0D0C_0B0A_0908]
        let words: [UInt64] = [
            0x736F_6D65_7073_6575, 0x646F_7261_6E64_6F6D, 0x6C79_6765_6E65_7261,
            0x7465_6462_7974_6573,
        ]
        var state = [key[0] ^ words[0], key[1] ^ words[1], key[0] ^ words[2], key[1] ^ words[3]]
        func left(_ word: UInt64, _ bits: UInt64) -> UInt64 { word << bits | word >> (64 - bits) }
        func round() {
            state[0] &+= state[1]
            state[2] &+= state[3]
            state[1] = left(state[1], 13) ^ state[0]
            state[3] = left(state[3], 16) ^ state[2]
            state[0] = left(state[0], 32)
            state[2] &+= state[1]
            state[0] &+= state[3]
            state[1] = left(state[1], 17) ^ state[2]
            state[3] = left(state[3], 21) ^ state[0]
            state[2] = left(state[2], 32)
        }
        var padded = bytes
        while padded.count % 8 != 7 { padded.append(0) }
        padded.append(UInt8(truncatingIfNeeded: bytes.count))
        for start in stride(from: 0, to: padded.count, by: 8) {
            let word = (0..<8).reduce(UInt64(0)) { $0 | UInt64(padded[start + $1]) << (8 * $1) }
            state[3] ^= word
            for _ in 0..<rounds { round() }
            state[0] ^= word
        }
        state[2] ^= 0xFF
        for _ in 0..<finals { round() }
        return state[0] ^ state[1] ^ state[2] ^ state[3]
    }
}
