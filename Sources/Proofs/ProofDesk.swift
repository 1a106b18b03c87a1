import Billing
import Bytes
package import Codec
package import Engine
package import Platform
package import Projections
import SegmentedLog

/// # Proofs: what the log's owner signs
///
/// A checkpoint says what the log is at one size: the root of the tree over its entries, all catalogs,
/// and for each account exactly its entries. The proof of an invoice is a checkpoint with the
/// account's entries and the hashes that lead from them to it; `ProvenInvoice` checks it without the
/// log.
///
/// A desk makes both on request, from one pass over the log. It keeps the signing key and every
/// checkpoint that it signed in the data directory, and signs no log that does not continue the
/// newest one of them.
///
/// Recipe:
///
///     var options = Engine.Options(directory: "data")
///     options.proofs = ProofDesk(directory: "data")
package struct ProofDesk: ProofAnswering {
    /// Bytes of records that one proof carries at most.
    package static let recordBytesMax = 64 << 20

    /// Bytes of a proof at most.
    package static let documentBytesMax = 256 << 20

    private let files: ProofFiles
    private let isReadOnly: Bool
    /// Held while one of the files is looked for and written: two askers make one key.
    private let writing = Monitor(())

    /// A desk in a store's directory.
    /// - Parameter readOnly: it makes no key and keeps no checkpoint, but signs with a key that is
    ///   there.
    package init(
        directory: String, fileSystem: any FileSystem = SystemFileSystem(), readOnly: Bool = false
    ) {
        files = ProofFiles(directory: directory, fileSystem: fileSystem)
        isReadOnly = readOnly
    }

    /// Answers `prove`, `checkpoint` and `key`.
    package func write(
        _ query: ProofQuery, of engine: Engine, to json: inout JSONWriter
    ) throws(Refusal) {
        do {
            switch query {
            case .invoice(let account, let period):
                let now = Timestamp(nanoseconds: engine.now)
                try prove(account, period, now, engine, &json)
            case .checkpoint:
                let size = engine.durablePosition
                let survey = try LogSurvey(
                    engine.reader, size: size, catalogs: engine.catalogPositions, account: nil)
                json.member("checkpoint", try sign(survey, engine).text)
                json.member("position", size)
            case .key: json.member("key", try key(engine).verifier.description)
            }
        } catch let refusal as Refusal {
            throw refusal
        } catch let failure as SystemFailure {
            throw Refusal(code: "storage_failed", message: failure.message)
        } catch let failure as LogFailure {
            throw Refusal(code: "storage_failed", message: failure.message)
        } catch {
            throw Refusal(code: "storage_failed", message: "\(error)")
        }
    }

    private func prove(
        _ account: String, _ period: String?, _ at: Timestamp, _ engine: Engine,
        _ json: inout JSONWriter
    ) throws {
        let key = try key(engine)
        let asked = try engine.invoice(account: account, period: period, at: at)
        let (name, size) = (asked.period.name, asked.position)
        let survey = try LogSurvey(
            engine.reader, size: size, catalogs: engine.catalogPositions, account: account,
            recordBytesMax: Self.recordBytesMax)
        let rowKey = account.withBytes { AccountsMap.key(ofAccount: $0) }
        guard let (row, place) = try survey.accounts.find(rowKey) else {
            throw Refusal(
                code: "unknown_account", field: "account",
                message: "account: the log has no entry of \"\(account)\"")
        }
        var prover = MerkleProver(survey.leaves, size: size)
        let retired = try RetiredEntries(survey.entries)
        let origin = Checkpoint.origin(engine.storeName)
        let document = ProofDocument(
            key: key.verifier, checkpoint: try sign(survey, engine), account: account,
            period: name, place: place, entries: survey.entries,
            retired: retired.count > 0
                ? try key.sign(retired.body(origin: origin, size: size)) : nil,
            hashes: try prover.multiproof(of: survey.entries.map(\.position)))
        // The invoice that whoever checks it will make: from these entries, as of the last of them.
        let invoice = ProofDocument.invoice(try document.bill(size))
        let bytes = document.encoded(invoice: invoice)
        guard bytes.count <= Self.documentBytesMax else {
            throw ProofFailure("entries", "the account has more than a proof can carry")
        }
        json.member("invoice", "\(account)/\(name)")
        json.member("entries", row.chain.count)
        json.key("proof")
        json.string(bytes.raw)
        json.member("position", size)
    }

    /// The signing key; made on first use.
    private func key(_ engine: Engine) throws -> SigningKey {
        try writing.withLock { _ in try lockedKey(engine) }
    }

    private func lockedKey(_ engine: Engine) throws -> SigningKey {
        let name = Checkpoint.origin(engine.storeName)
        if let text = try files.readKey() {
            let key: SigningKey
            do { key = try SigningKey(text: text) } catch {
                throw Refusal(
                    code: "storage_failed", message: "\(files.keyPath): \(error.problem)")
            }
            guard key.verifier.name == name else {
                throw Refusal(
                    code: "storage_failed",
                    message: "\(files.keyPath) is the key of \(key.verifier.name), and this is "
                        + name)
            }
            return key
        }
        guard !isReadOnly else {
            throw Refusal(
                code: "not_found",
                message: "there is no signing key at \(files.keyPath); a server makes one when it "
                    + "is first asked: daybook key --socket PATH")
        }
        let key = try SigningKey.make(name: name)
        try files.writeKey(key.text)
        return key
    }

    /// Signs what a pass found, and keeps it.
    private func sign(_ survey: LogSurvey, _ engine: Engine) throws -> SignedNote {
        guard let chain = try engine.reader.chain(at: survey.size) else {
            throw ProofFailure("log", "position \(survey.size) is not the end of a commit")
        }
        var prover = MerkleProver(survey.leaves, size: survey.size)
        let checkpoint = Checkpoint(
            origin: Checkpoint.origin(engine.storeName), size: survey.size,
            root: try prover.root(), chain: chain, catalogs: survey.catalogs,
            accounts: survey.accounts)
        let note = try key(engine).sign(checkpoint.body)
        try writing.withLock { _ in
            try checkContinues(survey)
            try keep(note, survey.size)
        }
        return note
    }

    private func keep(_ note: SignedNote, _ size: Position) throws {
        let kept = try files.readCheckpoint(size)
        if let kept, try SignedNote(kept).body != note.body {
            throw Refusal(
                code: "storage_failed",
                message: "the log is not what was signed at size \(size): compare it with "
                    + "checkpoints/\(ProofFiles.name(size)) and with a backup")
        }
        if kept == nil, !isReadOnly { try files.writeCheckpoint(note.text, size: size) }
    }

    /// Who signed a log once signs no other one: the newest checkpoint before this one must be of its
    /// beginning.
    private func checkContinues(_ survey: LogSurvey) throws {
        let before = try files.sizes().last { $0 < survey.size }
        guard let before, let text = try files.readCheckpoint(before) else { return }
        let signed = try Checkpoint(try SignedNote(text).body)
        var prover = MerkleProver(survey.leaves, size: before)
        guard try prover.root() == signed.root else {
            throw Refusal(
                code: "storage_failed",
                message: "the log is not the one that was signed at size \(before): compare it "
                    + "with checkpoints/\(ProofFiles.name(before)) and with a backup")
        }
    }
}
