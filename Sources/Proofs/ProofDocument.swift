import Billing
import Bytes
import Codec
import Engine
import Money
import SegmentedLog

/// # The proof of an invoice, as a file
///
/// One JSON object with a line's end, without spaces, members in this order:
///
///     proof        2, the version of this form; 3 where there is `retired`
///     key          the signer's key, `<name>+<key id>+<base64>`
///     checkpoint   the signed note
///     account, period    as in the invoice's name `ACCOUNT/PERIOD`
///     invoice      as `invoice` answers it at the checkpoint's size, asked at the time of the last entry
///                  of the file: true-ups are due if that is behind the period
///     place        {index, path}: where the account's row stands in the accounts map
///     entries      {position, recorded_at, record}: all entries of the account up to the checkpoint
///                  and all catalogs, in position order; record: base64 of the canonical record
///     retired      the signed note of `RetiredEntries`; only where bodies of entries were dropped
///     hashes       the multiproof of these entries
///
/// Hashes are base64. There is exactly one spelling of a proof, so every byte of the file counts.
struct ProofDocument {
    static let version = 2
    static let retiredVersion = 3

    var key: VerifierKey
    var checkpoint: SignedNote
    var account: String
    /// The name of a billing period.
    var period: String
    var place: AccountsMap.Place
    var entries: [BillFromEntries.Entry]
    var retired: SignedNote?
    var hashes: [Digest]

    /// The invoice that follows from the entries.
    /// - Parameter size: of the log.
    func bill(_ size: Position) throws -> BilledInvoice {
        var bill = BillFromEntries(account: account)
        for entry in entries { try bill.append(entry) }
        let last = entries.map(\.recordedAt).max() ?? 0
        return try bill.invoice(
            period: period, at: Timestamp(nanoseconds: last), position: size)
    }

    /// The members of an invoice as an object.
    static func invoice(_ billed: BilledInvoice) -> [UInt8] {
        var json = JSONWriter()
        json.beginObject()
        billed.write(to: &json)
        json.endObject()
        return json.finish()
    }

    /// The file with this invoice.
    func encoded(invoice: [UInt8]) -> [UInt8] {
        var json = JSONWriter(capacity: 1 << 16)
        json.beginObject()
        json.key("proof")
        json.integer(retired == nil ? Self.version : Self.retiredVersion)
        json.member("key", key.description)
        json.member("checkpoint", checkpoint.text)
        json.member("account", account)
        json.member("period", period)
        json.key("invoice")
        json.raw(invoice.raw)
        json.key("place")
        json.beginObject()
        json.member("index", place.index)
        json.key("path")
        Self.write(place.path, to: &json)
        json.endObject()
        json.key("entries")
        json.beginArray()
        for entry in entries {
            json.beginObject()
            json.member("position", entry.position)
            json.member("recorded_at", Timestamp(nanoseconds: entry.recordedAt).description)
            json.member("record", Base64.text(entry.record))
            json.endObject()
        }
        json.endArray()
        if let retired { json.member("retired", retired.text) }
        json.key("hashes")
        Self.write(hashes, to: &json)
        json.endObject()
        return json.finish() + [UInt8(ascii: "\n")]
    }

    private static func write(_ hashes: [Digest], to json: inout JSONWriter) {
        json.beginArray()
        for hash in hashes { json.string(Base64.text(hash)) }
        json.endArray()
    }
}

/// A proof as it was read: believed in nothing yet.
struct ReadProof {
    let document: ProofDocument
    /// The invoice that the file claims.
    let invoice: Value

    /// Reads a file.
    /// - Throws: `ProofFailure` that names the member that is not what it should be.
    init(_ file: [UInt8]) throws(ProofFailure) {
        let value: Value
        do { value = try ValueCoder.value(json: file) } catch {
            throw ProofFailure("file", "it is no proof: \(error.message)")
        }
        guard case .object(let members) = value, value["proof"] != nil else {
            throw ProofFailure("file", "it is no proof")
        }
        let names = [
            "proof", "key", "checkpoint", "account", "period", "invoice", "place", "entries",
            "retired", "hashes",
        ]
        for member in members where !names.contains(member.name) {
            throw ProofFailure("file", "the member \"\(member.name)\" is unknown")
        }
        let hasRetired = value["retired"] != nil
        let version = hasRetired ? ProofDocument.retiredVersion : ProofDocument.version
        guard Self.count(value["proof"]) == UInt64(version) else {
            throw ProofFailure(
                "proof",
                "this program reads versions \(ProofDocument.version) and "
                    + "\(ProofDocument.retiredVersion), the second with the member retired")
        }
        guard let invoice = value["invoice"] else {
            throw ProofFailure("invoice", "it is missing")
        }
        guard let place = value["place"], let index = Self.count(place["index"]) else {
            throw ProofFailure("place", "the index is missing")
        }
        self.invoice = invoice
        document = ProofDocument(
            key: try VerifierKey(try Self.text(value, "key")),
            checkpoint: try SignedNote(try Self.text(value, "checkpoint")),
            account: try Self.text(value, "account"), period: try Self.text(value, "period"),
            place: .init(index: index, path: try Self.hashes(place["path"], "place")),
            entries: try Self.entries(value["entries"]),
            retired: hasRetired ? try SignedNote(try Self.text(value, "retired")) : nil,
            hashes: try Self.hashes(value["hashes"], "hashes"))
    }

    private static func text(_ value: Value, _ name: String) throws(ProofFailure) -> String {
        guard let text = value[name]?.text else {
            throw ProofFailure(name, "a text is needed")
        }
        return text
    }

    private static func list(_ value: Value?, _ name: String) throws(ProofFailure) -> [Value] {
        guard case .array(let list)? = value else { throw ProofFailure(name, "a list is needed") }
        return list
    }

    private static func count(_ value: Value?) -> UInt64? {
        guard case .number(let number)? = value, number.scale == 0 else { return nil }
        return UInt64(exactly: number.mantissa)
    }

    private static func hashes(_ value: Value?, _ name: String) throws(ProofFailure) -> [Digest] {
        var hashes: [Digest] = []
        for (index, item) in try list(value, name).enumerated() {
            guard let hash = item.text.flatMap({ Base64.digest($0) }) else {
                throw ProofFailure("\(name)[\(index)]", "32 bytes in base64 are needed")
            }
            hashes.append(hash)
        }
        return hashes
    }

    private static func entries(
        _ value: Value?
    ) throws(ProofFailure) -> [BillFromEntries.Entry] {
        var entries: [BillFromEntries.Entry] = []
        for (index, item) in try list(value, "entries").enumerated() {
            guard let position = count(item["position"]),
                let time = item["recorded_at"]?.text.flatMap({ EventTime($0) }),
                let record = item["record"]?.text.flatMap({ Base64.bytes($0) })
            else {
                throw ProofFailure(
                    "entries[\(index)]", "position, recorded_at and record are needed")
            }
            entries.append(
                .init(position: position, recordedAt: time.nanoseconds, record: record))
        }
        return entries
    }
}
