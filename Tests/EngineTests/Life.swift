import Billing
import Bytes
import Codec
import Engine
import Foundation
import Platform
import SegmentedLog
import SimulatedFileSystem
import Testing

/// The script on a simulated disk, up to its end or to the first failure.
final class Life {
    /// What was promised when a system call was about to be made.
    struct Moment: Sendable {
        var call: SimulatedFileSystem.Call
        /// Lines that had been sent and lines that had been answered.
        var sent: Int
        var answered: Int
        /// Whether an engine was being opened.
        var isOpening: Bool
    }

    private struct Shared {
        var sent = 0
        var answered = 0
        var isOpening = false
        var moments: [Moment] = []
    }

    static let directory = "/data/store"
    let system: SimulatedFileSystem
    private let clock = SettableClock()
    private let shared = Monitor(Shared())
    private(set) var replies: [String] = []
    /// Position, digest and chain after each line.
    private(set) var states: [(position: Position, digest: Digest, chain: Digest)] = []
    /// Answers to the requests for a snapshot.
    private(set) var snapshotReplies: [String] = []
    /// Why an engine did not open, or stopped.
    private(set) var failure: String?
    /// All entries, as lines.
    private(set) var entries: [String] = []

    init(_ disk: SimulatedDisk = SimulatedDisk(root: "/data")) {
        system = SimulatedFileSystem(disk)
    }

    var moments: [Moment] { shared.read { $0.moments } }
    var sent: Int { shared.read { $0.sent } }

    /// Notes each call that may change the disk.
    func watch() {
        system.beforeEachCall { [shared] call in
            guard call.isMutating else { return }
            shared.withLock { shared in
                shared.moments.append(
                    Moment(
                        call: call, sent: shared.sent, answered: shared.answered,
                        isOpening: shared.isOpening))
            }
        }
    }

    static func options(
        _ system: any FileSystem, _ clock: any Clock, seed: UInt64
    ) -> Engine.Options {
        var options = Engine.Options(directory: directory, fileSystem: system, clock: clock)
        options.log.segmentBytesFirst = 32 << 10
        options.log.segmentBytesMax = 64 << 10
        options.log.preparesInBackground = false
        options.log.random = SeededSource(seed)
        options.entriesPerRun = 12
        return options
    }

    private func open(seed: UInt64) throws(EngineFailure) -> Engine {
        shared.withLock { $0.isOpening = true }
        defer { shared.withLock { $0.isOpening = false } }
        return try Engine.open(Self.options(system, clock, seed: seed))
    }

    /// Plays the script.
    /// - Parameters:
    ///   - seed: of the store's random bytes.
    ///   - keepsStates: whether digests are taken after each line.
    ///   - idles: whether it waits where the script does.
    func play(seed: UInt64, keepsStates: Bool = false, idles: Bool = false) throws {
        var engine: Engine
        do { engine = try open(seed: seed) } catch {
            failure = error.message
            return
        }
        defer { engine.close() }
        for step in Script.whole {
            switch step {
            case .clock(let time): clock.set(time)
            case .idle: if idles { usleep(25_000) }
            case .snapshot:
                snapshotReplies.append(text(engine.reply(to: #"{"request":"snapshot"}"#)))
            case .send(let line):
                send(line, engine)
                if keepsStates {
                    let state = engine.durableState()
                    states.append((state.position, state.digest, state.chain))
                }
            case .reopen:
                engine.close()
                if let stopped = engine.failure {
                    failure = stopped
                    return
                }
                do { engine = try open(seed: seed + 1) } catch {
                    failure = error.message
                    return
                }
            }
        }
        failure = engine.failure
        if keepsStates { entries = try Self.entries(of: engine) }
    }

    private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    private func send(_ line: String, _ engine: Engine) {
        let reply: String
        if engine.failure == nil {
            shared.withLock { $0.sent += 1 }
            reply = text(engine.reply(to: line))
            shared.withLock { $0.answered += 1 }
        } else {
            reply = text(engine.reply(to: line))
        }
        replies.append(reply)
    }

    /// Sends all lines again, with the clock as the script has it.
    func sendAll(_ engine: Engine) {
        for step in Script.whole {
            switch step {
            case .clock(let time): clock.set(time)
            case .send(let line): send(line, engine)
            case .snapshot, .idle, .reopen: continue
            }
        }
    }

    /// An engine on what is there.
    func reopen(seed: UInt64) throws(EngineFailure) -> Engine { try open(seed: seed) }

    /// All entries of an engine, as lines.
    static func entries(of engine: Engine) throws -> [String] {
        var feed = try EntryFeed(engine, FollowRequest())
        var bytes = ByteBuffer()
        _ = try feed.fill(&bytes, byteLimit: 1 << 24)
        let text = String(decoding: bytes.copyBytes(in: 0..<bytes.count), as: UTF8.self)
        return text.split(separator: "\n").map(String.init)
    }
}
