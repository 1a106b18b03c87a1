import ArgumentParser
import Bytes
import Engine
import Identities
import Platform

/// Known or new: the index of identities by itself, and through the engine.
struct LogDedupe: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dedupe",
        abstract:
            "How long it takes to tell a new identity from a known one, and the memory for it.",
        discussion: """
            Fills an index with random fingerprints, cut into runs on the disk as the engine cuts, and \
            asks for some that it has and some that it has not. Then sends old events again, one after \
            the other, through an engine that has --events lines: each is found, read and compared.
            """)

    @OptionGroup var place: StoreChoice
    @Option(help: "Fingerprints in the index by itself.") var keys = 10_000_000
    @Option(help: "Questions of each kind.") var questions = 100_000
    @Option(help: "Old events that are sent again.") var repeats = 5_000

    func run() throws {
        try place.run { data, files in
            print("dedupe: \(keys) keys in the index, \(questions) questions")
            try measureIndex(files.folder + "/runs")
            try measureEngine(data)
        }
    }

    private func open(_ directory: String) -> IdentityIndex {
        IdentityIndex.open(
            directory: directory, fileSystem: SystemFileSystem(),
            storeID: [UInt8](repeating: 7, count: 16)
        ) { (_: UInt64) throws(Never) -> Digest? in .zero }
    }

    /// Fills an index and closes it. - Returns: keys a second.
    private func fill(_ directory: String) throws -> Double {
        let index = open(directory)
        defer { index.close() }
        let seconds = try Stopwatch.seconds {
            for number in 0..<UInt64(keys) {
                index.append(Self.fingerprint(number))
                guard index.wantsCut || number + 1 == keys else { continue }
                index.cutAndWait(at: index.next, chain: .zero)
                if let failure = index.cutFailure { throw BenchFailure(failure) }
            }
        }
        return Double(keys) / seconds
    }

    private func measureIndex(_ directory: String) throws {
        let filling = try fill(directory)
        var answered = 0
        let effort = Effort()
        let index = open(directory)
        guard index.next == UInt64(keys) else { throw BenchFailure("runs were passed over") }
        let memory = Double(effort.residentBytes) / Double(keys)
        let disk = Double(try Scratch.bytes(in: directory)) / Double(keys)
        let stride = max(1, UInt64(keys / questions)) | 1
        func ask(_ first: UInt64, _ limit: UInt64, _ expected: Bool) throws -> Times {
            try Times.of(questions) { run in
                let number = first + UInt64(run) &* stride % limit
                let found = try index.first(Self.fingerprint(number)) { $0 == number }
                if (found != nil) == expected { answered += 1 }
            }
        }
        let new = try ask(UInt64(keys), .max, false)
        let known = try ask(0, UInt64(keys), true)
        let runs = index.runRanges.count
        index.close()
        guard answered == 2 * questions else { throw BenchFailure("the index answered wrongly") }
        print("  new               \(new.text)")
        print("  known             \(known.text)")
        print("  runs              \(runs), \(Stopwatch.two(disk)) bytes a key on the disk")
        print("  memory            \(Stopwatch.two(memory)) bytes a key for runs, opened")
        print("  filling           \(Int(filling)) keys/s, with all cuts")
    }

    /// A different one for each number, spread evenly: a step of a Weyl sequence, mixed.
    private static func fingerprint(_ number: UInt64) -> UInt64 {
        var z = (number &+ 1) &* 0x9E37_79B9_7F4A_7C15
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        return z ^ (z >> 27)
    }

    private func measureEngine(_ data: String) throws {
        let engine = try Engine.open(.init(directory: data))
        defer { engine.close() }
        let entries = engine.durablePosition
        let lines = try place.choice.sample(of: place.events, count: repeats)
        var wrong: String?
        let times = Times.of(lines.count) { run in
            let reply = String(decoding: engine.reply(to: lines[run]), as: UTF8.self)
            if !reply.contains(#""outcome":"duplicate""#) { wrong = reply }
        }
        if let wrong { throw BenchFailure("an old event was answered \(wrong)") }
        print("  sent again        \(times.text), among \(entries) entries")
    }
}

extension EventChoice {
    /// Some of the generated events that a store of `events` lines certainly has, far apart.
    func sample(of events: Int, count: Int) throws -> [String] {
        guard eventsFile == nil else {
            throw BenchFailure("events of a file cannot be generated again")
        }
        let generator = UsageGenerator(
            seed: seed, total: events, identity: sequences ? .sequence : .uuid)
        var line = ByteBuffer(capacity: 512)
        // Nine of ten lines at least are events of their own.
        let limit = UInt64(max(1, events * 9 / 10))
        return (0..<UInt64(count)).map { number in
            line.clear()
            generator.append(event: number &* 0x9E37_79B9 % limit, to: &line)
            return String(decoding: line.copyBytes(in: 0..<(line.count - 1)), as: UTF8.self)
        }
    }
}
