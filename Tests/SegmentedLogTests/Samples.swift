import Foundation
import SegmentedLog

/// Entries whose bytes follow from their position, so that a test knows what must come back.
enum Sample {
    static func bytes(of position: Position) -> [UInt8] {
        let seed = position &* 0x9E37_79B9_7F4A_7C15
        let length = Int(seed >> 56) * 7 % 700
        return (0..<length).map { UInt8(truncatingIfNeeded: seed >> UInt64($0 % 8 * 8)) }
    }
}

/// A folder of one test.
struct TemporaryFolder {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.path + "/log-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    func remove() { try? FileManager.default.removeItem(atPath: path) }
}
