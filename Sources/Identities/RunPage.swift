import Bytes

/// One entry of a run: the lead of an identity's fingerprint and the position that has it.
struct RunKey: Equatable {
    /// The top 48 bits of the fingerprint.
    var lead: UInt64
    /// Position of the entry.
    var position: UInt64

    /// Bits of a fingerprint that a run keeps. Among ten thousand million entries one question in
    /// 28,000 then meets an entry of another identity, which the entry itself tells apart.
    static let leadBits = 48

    /// The lead of a fingerprint.
    static func lead(_ fingerprint: UInt64) -> UInt64 { fingerprint >> (64 - UInt64(leadBits)) }
}

/// # Page of a run, 4,096 bytes
///
///     leads      bit-packed, each minus the page's first
///     positions  bit-packed, each minus the run's first, after the leads without a gap
///     zeros
///     4080  first lead (48 bits), then count (16 bits)
///     4088  bits of a lead u8, bits of a position u8, zero u16
///     4092  masked CRC-32C of the rest
///
/// Sorted by lead, then position. The fields stand last, so that eight bytes may be read at the place
/// of any packed number.
enum RunPage {
    static let byteCount = 4096
    static let payloadBits = 4080 * 8

    /// Bits that a number needs.
    @inline(__always) static func width(_ value: UInt64) -> Int {
        UInt64.bitWidth - value.leadingZeroBitCount
    }

    /// Appends a page with these sorted keys.
    /// - Parameter base: the run's first position.
    static func append(
        leads: [UInt64], positions: [UInt64], base: UInt64, positionBits: Int,
        to file: inout ByteBuffer
    ) {
        guard let first = leads.first, let last = leads.last else { return }
        let leadBits = width(last - first)
        precondition(leads.count * (leadBits + positionBits) <= payloadBits, "fits the page")
        let start = file.count
        file.appendZeros(byteCount)
        var bit = start * 8
        for lead in leads {
            put(lead - first, at: bit, in: &file)
            bit += leadBits
        }
        for position in positions {
            put(position - base, at: bit, in: &file)
            bit += positionBits
        }
        file.overwriteInteger(first | UInt64(leads.count) << 48, at: start + 4080)
        file.overwriteInteger(UInt8(leadBits), at: start + 4088)
        file.overwriteInteger(UInt8(positionBits), at: start + 4089)
        let crc = CRC32C.masked(of: file.bytes(in: start..<(start + 4092)))
        file.overwriteInteger(crc, at: start + 4092)
    }

    @inline(__always) private static func put(
        _ value: UInt64, at bit: Int, in file: inout ByteBuffer
    ) {
        let offset = bit >> 3
        let word = file.bytes.readInteger(as: UInt64.self, at: offset)
        file.overwriteInteger(word | value << UInt64(bit & 7), at: offset)
    }
}

/// A page that was read and checked.
struct RunPageFields {
    let first: UInt64
    let count: Int
    let base: UInt64
    private let leadBits: Int
    private let positionBits: Int

    /// Checks the page in `bytes`.
    /// - Parameters:
    ///   - positions: the run's range.
    ///   - first: what the run's index has as this page's first lead.
    /// - Returns: nil if it is damaged or another page.
    init?(_ bytes: RawSpan, positions: Range<UInt64>, first: UInt64) {
        guard bytes.byteCount == RunPage.byteCount,
            bytes.readInteger(as: UInt32.self, at: 4092)
                == CRC32C.masked(of: bytes.extracting(0..<4092))
        else { return nil }
        let word = bytes.readInteger(as: UInt64.self, at: 4080)
        self.first = word & ((1 << 48) - 1)
        count = Int(word >> 48)
        base = positions.lowerBound
        leadBits = Int(bytes.byte(at: 4088))
        positionBits = Int(bytes.byte(at: 4089))
        guard self.first == first, count > 0, leadBits <= RunKey.leadBits, positionBits <= 40,
            count * (leadBits + positionBits) <= RunPage.payloadBits
        else { return nil }
    }

    /// The lead of the entry at `index`.
    @inline(__always) func lead(_ index: Int, in bytes: RawSpan) -> UInt64 {
        first &+ number(index * leadBits, leadBits, in: bytes)
    }

    /// The position of the entry at `index`.
    @inline(__always) func position(_ index: Int, in bytes: RawSpan) -> UInt64 {
        base &+ number(count * leadBits + index * positionBits, positionBits, in: bytes)
    }

    @inline(__always) private func number(_ bit: Int, _ width: Int, in bytes: RawSpan) -> UInt64 {
        let word = bytes.readInteger(as: UInt64.self, at: bit >> 3)
        return word >> UInt64(bit & 7) & ((1 << UInt64(width)) - 1)
    }

    /// The first entry whose lead is not below `lead`.
    func lowerBound(_ lead: UInt64, in bytes: RawSpan) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if self.lead(middle, in: bytes) < lead { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
