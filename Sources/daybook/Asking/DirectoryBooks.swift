import Billing
import Bytes
import Client
import Codec
import Engine
import Proofs
import SegmentedLog

/// Answers from a data directory that no server has open: the log is read and verified, the books
/// are folded from it, and nothing is written.
final class DirectoryBooks: Answering {
    private static let blockBytes = 256 << 10

    private let engine: Engine
    private let reader = ReplyReader()

    init(_ directory: String) throws {
        do throws(EngineFailure) {
            var options = Engine.Options(directory: directory, readOnly: true)
            options.proofs = ProofDesk(directory: directory, readOnly: true)
            engine = try Engine.open(options)
        } catch {
            throw CommandFailure(
                error.isLocked ? .tryAgain : .inputOutput,
                error.isLocked
                    ? "\(error.message); while a server runs, ask it: --socket PATH"
                    : error.message)
        }
    }

    deinit { engine.close() }

    func ask(_ request: Client.Request) throws -> Client.Reply {
        let line = String(decoding: request.line.dropLast(), as: UTF8.self)
        return try reader.read(engine.reply(to: line))
    }

    func follow(_ request: Client.Request, _ line: ([UInt8]) throws -> Bool) throws -> Client.Reply?
    {
        let wish = try Self.wish(request)
        let head = engine.reader.durablePosition
        if let from = wish.from, from > head {
            throw CommandFailure(.notFound, "the log ends before position \(head)")
        }
        do {
            var feed = try EntryFeed(engine, wish)
            var block = ByteBuffer(capacity: 2 * Self.blockBytes)
            while true {
                block.clear()
                let pause = try feed.fill(&block, byteLimit: Self.blockBytes)
                for entry in block.copyBytes(in: 0..<block.count).split(separator: 10) {
                    guard try line(Array(entry)) else { return nil }
                }
                switch pause {
                case .full: continue
                case .atHead, .done: return nil
                }
            }
        } catch let failure as CommandFailure {
            throw failure
        } catch {
            throw CommandFailure(.inputOutput, "\(error)")
        }
    }

    private static func wish(_ request: Client.Request) throws -> FollowRequest {
        let members = request.arguments
        if members["follow"]?.flag == true {
            throw CommandFailure(
                .usage, "--follow needs a running server: nothing new comes into a directory")
        }
        var wish = FollowRequest()
        let from = members["from"]?.integer ?? 0
        wish.from = from < 0 ? nil : Position(from)
        wish.limit = members["limit"]?.integer.map { UInt64($0) }
        wish.account = members["account"]?.text
        wish.type = members["type"]?.text
        if let kinds = members["kinds"] {
            wish.kinds = Set(
                kinds.elements.compactMap { kind in
                    RecordKind.allCases.first { $0.name == kind.text }
                })
        }
        return wish
    }
}
