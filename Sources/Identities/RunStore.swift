import Bytes
import Platform

/// The files of an index: names, order, and what a start makes of them.
///
///     dedupe/R-<first position, 20 digits>-<next position, 20 digits>
///     dedupe/R-….tmp                         being written; removed at a start
struct RunStore: Sendable {
    let directory: String
    let fileSystem: any FileSystem
    let storeID: [UInt8]

    // MARK: Names

    static func name(_ positions: Range<UInt64>) -> String {
        "R-\(digits(positions.lowerBound))-\(digits(positions.upperBound))"
    }

    private static func digits(_ position: UInt64) -> String {
        let text = String(position)
        return String(repeating: "0", count: max(0, 20 - text.utf8.count)) + text
    }

    static func positions(of name: String) -> Range<UInt64>? {
        let bytes = Array(name.utf8)
        guard bytes.count == 43, bytes[0] == UInt8(ascii: "R"), bytes[1] == UInt8(ascii: "-"),
            bytes[22] == UInt8(ascii: "-"),
            let first = UInt64(String(decoding: bytes[2..<22], as: UTF8.self)),
            let next = UInt64(String(decoding: bytes[23..<43], as: UTF8.self)), first < next,
            Self.name(first..<next) == name
        else { return nil }
        return first..<next
    }

    func path(_ positions: Range<UInt64>) -> String { "\(directory)/\(Self.name(positions))" }

    // MARK: Writing

    /// Writes a run of `merged` and `newest` under its name, then removes the files of `merged`.
    func write(
        _ positions: Range<UInt64>, chain: Digest, merging merged: [Run], newest: [RunKey]
    ) throws(RunFault) -> Run {
        let path = path(positions)
        let temporary = path + ".tmp"
        do throws(SystemFailure) {
            if try fileSystem.makeDirectoryIfMissing(directory) {
                try fileSystem.syncDirectory(parent)
            }
            try fileSystem.unlinkIfPresent(temporary)
        } catch { throw .system(error) }
        let file: File
        do { file = try File.create(temporary, fileSystem) } catch { throw .system(error) }
        let run: Run
        do throws(RunFault) {
            run = try fill(file, positions, chain, merged, newest)
            try publish(temporary, as: path)
        } catch {
            // A full disk is met again and again: neither descriptors nor space may be lost to it.
            try? file.close()
            try? fileSystem.unlink(temporary)
            throw error
        }
        // What is left of these covers less than the new run: a start would remove it.
        for run in merged { try? fileSystem.unlinkIfPresent(self.path(run.header.positions)) }
        return run
    }

    private func fill(
        _ file: File, _ positions: Range<UInt64>, _ chain: Digest, _ merged: [Run],
        _ newest: [RunKey]
    ) throws(RunFault) -> Run {
        let header = RunHeader(storeID: storeID, positions: positions, chain: chain)
        let count = merged.reduce(newest.count) { $0 + Int($1.header.entries) }
        var writer = RunWriter(header, entriesMax: count, file: file)
        var merge = try RunMerge(merged, newest)
        while let key = try merge.next() {
            do throws(SystemFailure) { try writer.add(key) } catch { throw .system(error) }
        }
        do throws(SystemFailure) { return try writer.finish() } catch { throw .system(error) }
    }

    private func publish(_ temporary: String, as path: String) throws(RunFault) {
        do throws(SystemFailure) {
            try fileSystem.unlinkIfPresent(path)
            try fileSystem.rename(temporary, to: path)
            try fileSystem.syncDirectory(directory)
        } catch { throw .system(error) }
    }

    private var parent: String {
        guard let slash = directory.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
        return String(directory[..<slash])
    }

    // MARK: Opening

    /// Opens the runs that cover the log from its first entry on; removes every other file of an index.
    ///
    /// A crash may have left a merged run beside those that it was made of: of runs with one beginning
    /// the one that covers most is taken, the next one if that is not to be believed.
    /// - Parameter chainAt: the log's chain at a position; nil if no commit ends there.
    /// - Returns: the runs in order, and lines for the operator.
    func open<Failure: Error>(
        chainAt: (UInt64) throws(Failure) -> Digest?
    ) throws(Failure) -> (runs: [Run], notes: [String]) {
        var notes: [String] = []
        var names: [String] = []
        do { names = try fileSystem.listIfPresent(directory) } catch {
            notes.append("identity runs passed over: \(error.message)")
        }
        var ranges = names.compactMap { Self.positions(of: $0) }
        ranges.sort { ($0.lowerBound, $1.upperBound) < ($1.lowerBound, $0.upperBound) }
        var runs: [Run] = []
        var end: UInt64 = 0
        for range in ranges where range.lowerBound == end {
            do throws(RunFault) {
                let run = try Run.open(path(range), fileSystem, storeID: storeID)
                guard run.header.positions == range else {
                    try? run.file.close()
                    throw RunFault.damaged("its header names other positions")
                }
                runs.append(run)
                end = range.upperBound
            } catch {
                notes.append("identity run \(Self.name(range)) passed over: \(error.text)")
                continue
            }
            guard let last = runs.last, try chainAt(end) != last.header.chain else { continue }
            notes.append(
                "identity run \(Self.name(range)) passed over: its chain hash is not the log's")
            try? last.file.close()
            runs.removeLast()
            end = range.lowerBound
        }
        remove(names, keeping: Set(runs.map { Self.name($0.header.positions) }), &notes)
        return (runs, notes)
    }

    private func remove(_ names: [String], keeping kept: Set<String>, _ notes: inout [String]) {
        for name in names where !kept.contains(name) {
            let bare = name.hasSuffix(".tmp") ? String(name.dropLast(4)) : name
            guard Self.positions(of: bare) != nil else { continue }
            do { try fileSystem.unlinkIfPresent("\(directory)/\(name)") } catch {
                notes.append("a leftover of identity runs stays: \(error.message)")
            }
        }
    }
}
