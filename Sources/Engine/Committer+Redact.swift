import Billing
import Bytes
import Codec
import Projections
import SegmentedLog

/// What a redaction names, as the log has it.
struct RedactedEntries {
    let reader: LogReader

    /// The hashes of what will be left of the entries.
    /// - Throws: `Refusal` if a property cannot be erased in one of them, `LogFailure` if the log cannot be
    ///   read.
    func remains(of order: RedactOrder) throws -> [Digest] {
        var remains: [Digest] = []
        var problems: [CatalogProblem] = []
        try reader.withRecords(at: order.positions) { position, bytes, _ in
            let record = try RecordView(record: bytes)
            for path in order.properties {
                guard let problem = Self.problem(record.personalState(at: path)) else { continue }
                problems.append(
                    CatalogProblem(path: "\(position)", message: "\(path.text) \(problem)"))
            }
            remains.append(RecordErasure.remains(of: bytes))
        }
        guard let first = problems.first else { return remains }
        throw Refusal(
            code: "not_personal", field: "positions",
            message: "positions: \(first.path): \(first.message)",
            problems: problems)
    }

    private static func problem(_ state: PersonalState) -> String? {
        switch state {
        case .salted, .redacted: nil
        case .absent: "is not there: the entry has no such property"
        case .plain:
            "was not personal in the catalog of that time: it has no salt, and erasing it would break the "
                + "proof of the entry"
        }
    }
}
