/// Which unflushed changes a power cut leaves behind.
package enum Survival: Sendable, Hashable, CustomStringConvertible {
    /// None.
    case nothing
    /// All.
    case everything
    /// Names but no bytes: a rename before the data that it publishes.
    case namesOnly
    /// Bytes but no names: a new file that was flushed and is not there.
    case bytesOnly
    /// Each sector of each write, and each name, by the throw of a coin; the file's size as well.
    case random(UInt64)

    package var description: String {
        switch self {
        case .nothing: "nothing"
        case .everything: "everything"
        case .namesOnly: "names only"
        case .bytesOnly: "bytes only"
        case .random(let seed): "seed \(seed)"
        }
    }
}

extension SimulatedDisk {
    /// The disk after a power cut now.
    package func afterPowerCut(_ survival: Survival) -> SimulatedDisk {
        var coin = Coin(survival)
        var disk = self
        for number in inodes.keys.sorted() {
            guard var inode = inodes[number] else { continue }
            if !inode.pending.isEmpty { inode.durable = Self.survivors(of: inode, &coin) }
            inode.pending = []
            // Bytes that were called clean after a failed flush are gone as well.
            inode.seen = inode.durable
            disk.inodes[number] = inode
        }
        for path in directories.keys.sorted() {
            guard var directory = directories[path] else { continue }
            for change in directory.pending where coin.keepsName() {
                Directory.apply(change, to: &directory.durable)
            }
            directory.pending = []
            directory.seen = directory.durable
            disk.directories[path] = directory
        }
        return disk.withoutUnreachable()
    }

    /// Applies some sectors of some pending writes, in order.
    private static func survivors(of inode: Inode, _ coin: inout Coin) -> Image {
        var image = inode.durable
        let size = coin.size(between: image.size, and: inode.seen.size)
        for write in inode.pending {
            var offset = write.offset
            let end = write.offset + write.bytes.count
            while offset < end {
                let sectorEnd = (offset / Image.sectorBytes + 1) * Image.sectorBytes
                let next = min(end, sectorEnd)
                if coin.keepsBytes() {
                    let part = write.bytes[(offset - write.offset)..<(next - write.offset)]
                    image.write(part, at: offset)
                }
                offset = next
            }
        }
        image.resize(to: size)
        return image
    }

    /// Directories whose own name did not survive take their content with them.
    private func withoutUnreachable() -> SimulatedDisk {
        var disk = self
        var lost = true
        while lost {
            lost = false
            for path in disk.directories.keys {
                let (parent, name) = Self.split(path)
                if parent.isEmpty || disk.directories[parent]?.durable[name] == .directory {
                    continue
                }
                disk.directories[path] = nil
                lost = true
            }
        }
        return disk
    }

    private struct Coin {
        let survival: Survival
        var random: SeededRandom
        /// Of 256: some runs keep nearly all, some nearly nothing.
        let odds: UInt64

        init(_ survival: Survival) {
            self.survival = survival
            if case .random(let seed) = survival {
                random = SeededRandom(seed)
                odds = [16, 64, 128, 192, 240][Int(random.next() % 5)]
            } else {
                random = SeededRandom(0)
                odds = 0
            }
        }

        mutating func keepsBytes() -> Bool {
            switch survival {
            case .nothing, .namesOnly: false
            case .everything, .bytesOnly: true
            case .random: random.next() >> 56 < odds
            }
        }

        mutating func keepsName() -> Bool {
            switch survival {
            case .nothing, .bytesOnly: false
            case .everything, .namesOnly: true
            case .random: random.next() >> 56 < odds
            }
        }

        mutating func size(between durable: Int, and seen: Int) -> Int {
            switch survival {
            case .nothing, .namesOnly: return durable
            case .everything, .bytesOnly: return seen
            case .random:
                switch random.next() % 3 {
                case 0: return durable
                case 1: return seen
                default:
                    let sectors = (seen - durable) / Image.sectorBytes
                    let kept = sectors > 0 ? Int(random.next() % UInt64(sectors + 1)) : 0
                    return durable + kept * Image.sectorBytes
                }
            }
        }
    }
}
