import Bytes
import Engine
import Platform

/// Why a measurement could not be made.
struct BenchFailure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// Time that a piece of work takes.
enum Stopwatch {
    static func seconds(_ body: () throws -> Void) rethrows -> Double {
        let start = MonotonicClock.nanoseconds()
        try body()
        return Double(MonotonicClock.nanoseconds() - start) / 1e9
    }

    /// A number with two decimals.
    static func two(_ number: Double) -> String {
        let hundredths = Int((number * 100).rounded())
        let rest = hundredths % 100
        return "\(hundredths / 100).\(rest < 10 ? "0" : "")\(rest)"
    }
}

/// The folder of one run.
struct Scratch {
    let folder: String
    var data: String { folder + "/data" }
    var socket: String { folder + "/socket" }
    var rawFile: String { folder + "/raw" }

    func make() throws { try SystemFileSystem().makeDirectory(folder) }

    /// Removes what a run made. A folder that holds something else stays.
    func remove() { Self.remove(folder) }

    private static func remove(_ path: String) {
        let files = SystemFileSystem()
        guard let names = try? files.list(path) else {
            try? files.unlink(path)
            return
        }
        for name in names { remove(path + "/" + name) }
        try? files.removeDirectory(path)
    }
}

/// What the disk can do: pieces written and flushed one after the other into a file of zeros.
enum RawDisk {
    static func seconds(_ path: String, bytes: Int, piece: Int) throws -> Double {
        let pieces = max(1, bytes / piece)
        let extent = min(pieces, max(1, (256 << 20) / piece))
        let file = try File.create(path, SystemFileSystem())
        var buffer = ByteBuffer(capacity: piece)
        buffer.appendZeros(piece)
        for index in 0..<extent { try file.writeAll(buffer.bytes, at: index * piece) }
        try file.syncAll()
        buffer.clear()
        while buffer.count < piece { buffer.append(UInt8(truncatingIfNeeded: buffer.count | 1)) }
        let seconds = try Stopwatch.seconds {
            for index in 0..<pieces {
                try file.writeAll(buffer.bytes, at: index % extent * piece)
                try file.syncData()
            }
        }
        try file.close()
        return seconds
    }
}
