/// # One disk at one moment
///
/// Of every file there are the bytes that are durable, and the writes since that may or may not be; of
/// every directory the same with names. Reading sees all of them; a crash decides. It is a value:
/// copies are cheap, and crashing one does not touch the other.
package struct SimulatedDisk: Sendable {
    struct Inode: Sendable {
        /// What reading sees.
        var seen = Image()
        /// What a power cut leaves at least.
        var durable = Image()
        /// Writes since the last flush, in order.
        var pending: [(offset: Int, bytes: [UInt8])] = []
    }

    enum Node: Sendable, Equatable {
        case file(Int)
        case directory
    }

    enum NameChange: Sendable {
        case add(String, Node)
        case remove(String)
        case rename(String, to: String, Node)
    }

    struct Directory: Sendable {
        var seen: [String: Node] = [:]
        var durable: [String: Node] = [:]
        var pending: [NameChange] = []

        mutating func change(_ change: NameChange) {
            Self.apply(change, to: &seen)
            pending.append(change)
        }

        static func apply(_ change: NameChange, to names: inout [String: Node]) {
            switch change {
            case .add(let name, let node): names[name] = node
            case .remove(let name): names[name] = nil
            case .rename(let name, let target, let node):
                names[name] = nil
                names[target] = node
            }
        }
    }

    var inodes: [Int: Inode] = [:]
    var directories: [String: Directory] = [:]
    var nextInode = 1

    /// An empty disk with one durable directory.
    package init(root: String) { directories[root] = Directory() }

    static func split(_ path: String) -> (parent: String, name: String) {
        guard let slash = path.lastIndex(of: "/") else { return ("", path) }
        return (String(path[..<slash]), String(path[path.index(after: slash)...]))
    }

    func node(_ path: String) -> Node? {
        if directories[path] != nil, Self.split(path).parent.isEmpty { return .directory }
        let (parent, name) = Self.split(path)
        return directories[parent]?.seen[name]
    }

    func inode(_ path: String) -> Int? {
        if case .file(let inode) = node(path) { inode } else { nil }
    }

    // MARK: For tests

    /// The directory of a path.
    package static func parent(of path: String) -> String { split(path).parent }

    /// The paths of all files, sorted.
    package var files: [String] {
        directories.flatMap { path, directory in
            directory.seen.compactMap { name, node in
                node == .directory ? nil : path + "/" + name
            }
        }.sorted()
    }

    /// What reading the file sees; nil if there is none.
    package func contents(of path: String) -> [UInt8]? {
        inode(path).flatMap { inodes[$0]?.seen.bytes }
    }

    /// Bytes of a file.
    package func size(of path: String) -> Int? { inode(path).flatMap { inodes[$0]?.seen.size } }

    /// Changes what is durable and what is seen: damage, not a write.
    package mutating func damage(_ path: String, at offset: Int, _ bytes: [UInt8]) {
        guard let inode = inode(path) else { return }
        inodes[inode]?.seen.write(bytes[...], at: offset)
        inodes[inode]?.durable.write(bytes[...], at: offset)
    }

    /// Flips one bit of what is durable and what is seen.
    package mutating func flip(_ path: String, at offset: Int, bit: Int) {
        guard let inode = inode(path), let image = inodes[inode]?.seen, offset < image.size else {
            return
        }
        damage(path, at: offset, [image.read(offset..<(offset + 1))[0] ^ (1 << UInt8(bit))])
    }

    /// Cuts or lengthens a file, durably.
    package mutating func resize(_ path: String, to size: Int) {
        guard let inode = inode(path) else { return }
        inodes[inode]?.seen.resize(to: size)
        inodes[inode]?.durable.resize(to: size)
    }

    /// Takes a file away, durably.
    package mutating func remove(_ path: String) {
        let (parent, name) = Self.split(path)
        directories[parent]?.seen[name] = nil
        directories[parent]?.durable[name] = nil
    }

    /// Puts a file there, durably.
    package mutating func put(_ path: String, _ bytes: [UInt8]) {
        let (parent, name) = Self.split(path)
        let image = Image(bytes)
        inodes[nextInode] = Inode(seen: image, durable: image)
        directories[parent]?.seen[name] = .file(nextInode)
        directories[parent]?.durable[name] = .file(nextInode)
        nextInode += 1
    }
}
