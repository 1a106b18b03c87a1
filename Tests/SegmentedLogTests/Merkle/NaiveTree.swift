import Bytes
import SegmentedLog

/// RFC 6962, section 2.1, word for word and slow: what the real tree is compared with.
enum NaiveTree {
    static func node(_ left: Digest, _ right: Digest) -> Digest {
        hash([0x01] + bytes(left) + bytes(right))
    }

    static func hash(_ bytes: [UInt8]) -> Digest { SHA256.hash(bytes.raw) }

    static func bytes(_ digest: Digest) -> [UInt8] {
        var buffer = ByteBuffer(capacity: 32)
        digest.append(to: &buffer)
        return buffer.copyBytes(in: 0..<32)
    }

    static func split(_ count: Int) -> Int {
        var half = 1
        while half * 2 < count { half *= 2 }
        return half
    }

    static func root(_ leaves: ArraySlice<Digest>) -> Digest {
        guard let first = leaves.first else { return hash([]) }
        if leaves.count == 1 { return first }
        let cut = leaves.startIndex + split(leaves.count)
        return node(root(leaves[..<cut]), root(leaves[cut...]))
    }

    /// PATH(m, D[n]).
    static func path(_ index: Int, _ leaves: ArraySlice<Digest>) -> [Digest] {
        if leaves.count == 1 { return [] }
        let half = split(leaves.count)
        let cut = leaves.startIndex + half
        return index < half
            ? path(index, leaves[..<cut]) + [root(leaves[cut...])]
            : path(index - half, leaves[cut...]) + [root(leaves[..<cut])]
    }

    /// SUBPROOF(m, D[n], b).
    static func subproof(_ old: Int, _ leaves: ArraySlice<Digest>, _ isWhole: Bool) -> [Digest] {
        if old == leaves.count { return isWhole ? [] : [root(leaves)] }
        let half = split(leaves.count)
        let cut = leaves.startIndex + half
        return old <= half
            ? subproof(old, leaves[..<cut], isWhole) + [root(leaves[cut...])]
            : subproof(old - half, leaves[cut...], false) + [root(leaves[..<cut])]
    }

    /// Leaves that differ.
    static func leaves(_ count: Int) -> [Digest] {
        (0..<count).map { hash([0x00, UInt8($0 & 255), UInt8($0 >> 8 & 255), UInt8($0 >> 16)]) }
    }
}

extension Digest {
    /// The digest with one bit turned.
    func flipped(_ bit: Int) -> Digest {
        var bytes = NaiveTree.bytes(self)
        bytes[bit / 8] ^= 1 << UInt8(bit % 8)
        return Digest(bytes.raw)
    }
}

extension MerkleProver {
    /// The proofs of a tree over leaves in memory.
    init(_ leaves: [Digest]) { self.init(MerkleLeaves(leaves), size: UInt64(leaves.count)) }
}
