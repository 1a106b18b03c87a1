import Bytes

/// Base64 of RFC 4648, section 4, with padding, and one spelling for each sequence of bytes.
enum Base64 {
    private static let alphabet = Array(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    private static let padding = UInt8(ascii: "=")

    /// The sextet of each character; 0xFF for all that are none.
    private static let sextets: [UInt8] = {
        var table = [UInt8](repeating: 0xFF, count: 256)
        for (index, character) in alphabet.enumerated() { table[Int(character)] = UInt8(index) }
        return table
    }()

    /// The text of bytes.
    static func text(_ bytes: [UInt8]) -> String {
        var out: [UInt8] = []
        out.reserveCapacity((bytes.count + 2) / 3 * 4)
        var start = 0
        while start < bytes.count {
            let count = min(3, bytes.count - start)
            var group: UInt32 = 0
            for index in 0..<3 {
                group = group << 8 | (index < count ? UInt32(bytes[start + index]) : 0)
            }
            for index in 0..<4 {
                let sextet = Int(group >> UInt32(18 - 6 * index) & 63)
                out.append(index <= count ? alphabet[sextet] : padding)
            }
            start += 3
        }
        return String(decoding: out, as: UTF8.self)
    }

    /// The bytes of a text; nil if it is not their one spelling.
    static func bytes(_ text: String) -> [UInt8]? {
        let characters = Array(text.utf8)
        guard characters.count % 4 == 0 else { return nil }
        let padded = characters.suffix(2).count { $0 == padding }
        var out: [UInt8] = []
        out.reserveCapacity(characters.count / 4 * 3)
        var group: UInt32 = 0
        for (index, character) in characters.enumerated() {
            let isPadding = index >= characters.count - padded
            let sextet = isPadding ? 0 : sextets[Int(character)]
            guard sextet < 64, !isPadding || character == padding else { return nil }
            group = group << 6 | UInt32(sextet)
            if index % 4 == 3 {
                out += [UInt8(group >> 16 & 255), UInt8(group >> 8 & 255), UInt8(group & 255)]
                group = 0
            }
        }
        // The bits behind the last byte must be zero, or there would be two spellings.
        guard out.suffix(padded).allSatisfy({ $0 == 0 }) else { return nil }
        out.removeLast(padded)
        return out
    }

    /// The text of a digest.
    static func text(_ digest: Digest) -> String {
        var buffer = ByteBuffer(capacity: Digest.byteCount)
        digest.append(to: &buffer)
        return text(buffer.copyBytes(in: 0..<buffer.count))
    }

    /// The digest of a text; nil if it is not the one spelling of 32 bytes.
    static func digest(_ text: String) -> Digest? {
        guard let bytes = bytes(text), bytes.count == Digest.byteCount else { return nil }
        return Digest(bytes.raw)
    }
}
