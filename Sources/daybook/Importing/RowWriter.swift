import Billing
import Bytes
import Codec
import Money

/// Rows into event lines.
struct RowWriter: ~Copyable {
    private let plan: RowPlan
    private var json = JSONWriter()
    private var occurrences = Occurrences()

    /// Why a row is no event.
    struct BadRow: Error {
        let column: String?
        let message: String
    }

    init(_ plan: RowPlan) { self.plan = plan }

    /// Appends a row as an event line, with its end.
    /// - Throws: `BadRow`; nothing is appended then.
    mutating func append(
        _ row: borrowing CSVReader, fields: Int, to block: inout ByteBuffer
    ) throws(BadRow) {
        guard fields == plan.columns.count else {
            throw BadRow(
                column: nil,
                message: "has \(fields) fields where \(plan.columns.count) are expected")
        }
        let bytes = row.bytes
        let account = try text(plan.account, row, bytes)
        let type = try text(plan.type, row, bytes)
        let time = try self.time(row, bytes)
        let id = try identity(row, bytes, fields, time)
        json.clear()
        json.beginObject()
        json.member("specversion", "1.0")
        json.member("id", id)
        json.member("source", "\(plan.name)/\(account)")
        json.member("type", type)
        json.member("subject", account)
        json.member("time", Timestamp(nanoseconds: time).description)
        json.key("data")
        json.beginObject()
        for (name, cell) in plan.data { try append(name, cell, row, bytes) }
        json.endObject()
        json.endObject()
        block.append(json.bytes)
        block.append(UInt8(ascii: "\n"))
    }

    private func text(
        _ source: RowPlan.Source, _ row: borrowing CSVReader, _ bytes: [UInt8]
    ) throws(BadRow) -> String {
        switch source {
        case .constant(let text): return text
        case .field(let index):
            let text = try decoded(index, row, bytes)
            guard !text.isEmpty else { throw bad(index, "is empty") }
            return text
        }
    }

    private func decoded(
        _ index: Int, _ row: borrowing CSVReader, _ bytes: [UInt8]
    ) throws(BadRow) -> String {
        guard let text = bytes.raw.extracting(row.range(index)).makeString() else {
            throw bad(index, "is not UTF-8 text")
        }
        return text
    }

    private func time(
        _ row: borrowing CSVReader, _ bytes: [UInt8]
    ) throws(BadRow) -> Int64 {
        let range = row.range(plan.time)
        do throws(TimeFormat.Mismatch) {
            return try plan.format.nanoseconds(bytes.raw.extracting(range))
        } catch {
            throw bad(plan.time, "\"\(shown(bytes[range]))\" \(error.message)")
        }
    }

    /// The named columns, each escaped so that no two rows can look alike; or the content's hash
    /// and its repetition.
    private mutating func identity(
        _ row: borrowing CSVReader, _ bytes: [UInt8], _ fields: Int, _ time: Int64
    ) throws(BadRow) -> String {
        if !plan.identity.isEmpty {
            var parts: [String] = []
            for index in plan.identity {
                let part = try decoded(index, row, bytes)
                guard !part.isEmpty else { throw bad(index, "is empty, and the id needs it") }
                parts.append(part)
            }
            if parts.count == 1 { return parts[0] }
            return parts.map {
                $0.replacing("\\", with: "\\\\").replacing("/", with: "\\/")
            }.joined(separator: "/")
        }
        var content = ByteBuffer(capacity: bytes.count + 8 * fields)
        for index in 0..<fields { content.appendPrefixed(bytes.raw.extracting(row.range(index))) }
        let hash = SHA256.hash(content.bytes)
        guard let number = occurrences.number(hash.leadingUInt128, time: time) else {
            throw bad(
                plan.time,
                "is older than rows that were forgotten, so that equal rows cannot be told apart "
                    + "any more; sort the file by time, or name columns under id in the map")
        }
        return "\(hash.hex.prefix(32)).\(number)"
    }

    private mutating func append(
        _ name: String, _ cell: RowPlan.Cell, _ row: borrowing CSVReader, _ bytes: [UInt8]
    ) throws(BadRow) {
        switch cell {
        case .constant(let value):
            json.key(name)
            json.value(value)
        case .field(let index, let kind, let isOptional):
            let range = row.range(index)
            if range.isEmpty {
                if isOptional { return }
                if kind != .text {
                    throw bad(index, "is empty; write optional: true in the map if it may be")
                }
            }
            switch kind {
            case .text:
                let text = try decoded(index, row, bytes)
                json.key(name)
                json.string(text)
            case .number:
                let text = try number(bytes[range], index)
                json.key(name)
                json.raw(text)
            case .boolean:
                let flag = try boolean(bytes[range], index)
                json.member(name, flag)
            }
        }
    }

    /// A decimal number in JSON's grammar, exactly as large.
    private func number(_ bytes: ArraySlice<UInt8>, _ index: Int) throws(BadRow) -> String {
        var digits = bytes
        while digits.first == UInt8(ascii: " ") { digits.removeFirst() }
        while digits.last == UInt8(ascii: " ") { digits.removeLast() }
        if digits.first == UInt8(ascii: "+") { digits.removeFirst() }
        guard let number = DecimalNumber(String(decoding: digits, as: UTF8.self)) else {
            throw bad(index, "\"\(shown(bytes))\" is no number such as 12 or 12.5")
        }
        return number.description
    }

    private func boolean(_ bytes: ArraySlice<UInt8>, _ index: Int) throws(BadRow) -> Bool {
        switch String(decoding: bytes, as: UTF8.self).lowercased() {
        case "true": return true
        case "false": return false
        default: throw bad(index, "\"\(shown(bytes))\" is neither true nor false")
        }
    }

    private func bad(_ index: Int, _ message: String) -> BadRow {
        BadRow(column: plan.columns[index], message: message)
    }

    private func shown(_ bytes: ArraySlice<UInt8>) -> String {
        let text = String(decoding: bytes.prefix(80), as: UTF8.self)
        return text.replacing("\n", with: "\\n") + (bytes.count > 80 ? "…" : "")
    }
}
