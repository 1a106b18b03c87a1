/// Names in a store's directory.
struct StorePaths: Sendable {
    let directory: String

    static let unfinishedName = "UNFINISHED"

    var lock: String { directory + "/LOCK" }
    var superblock: String { directory + "/SUPER" }
    /// Marks the directory of a backup until it is whole.
    var unfinished: String { directory + "/" + Self.unfinishedName }
    /// The superblock while a store is made.
    var newSuperblock: String { directory + "/SUPER.new" }
    var segments: String { directory + "/wal" }
    var sealedSegments: String { directory + "/seg" }
    var manifests: String { directory + "/manifest" }
    var quarantine: String { directory + "/quarantine" }

    func segment(_ id: UInt64) -> String { segments + "/W-" + Self.sixteen(id) }
    func sealed(_ id: UInt64) -> String { sealedSegments + "/S-" + Self.sixteen(id) }
    func manifest(_ id: UInt64) -> String { manifests + "/M-" + Self.sixteen(id) }

    /// The id in a name such as `W-00000000000000a1`; nil for every other name.
    static func id(of name: String, prefix: String) -> UInt64? {
        guard name.hasPrefix(prefix) else { return nil }
        let digits = name.dropFirst(prefix.count)
        guard let id = UInt64(digits, radix: 16), sixteen(id) == digits else { return nil }
        return id
    }

    private static func sixteen(_ id: UInt64) -> String {
        let digits = String(id, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
