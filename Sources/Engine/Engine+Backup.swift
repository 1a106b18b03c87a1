package import Billing
import Bytes
import Codec
import Money
import Platform
package import Projections
package import SegmentedLog

extension Engine {
    /// Makes a directory a backup: a whole store at one durable position. Holds up nobody; any thread.
    /// - Parameters:
    ///   - directory: must not exist, or be empty, and lie outside the store.
    ///   - withKeys: copy `keys/` too. Who has them can sign as this store.
    /// - Throws: `Refusal` with what is wrong, where, and what to do.
    package func backup(
        to directory: String, withKeys: Bool = false
    ) throws(Refusal) -> BackupReport {
        do throws(LogFailure) {
            return try LogBackup.write(
                reader, to: directory, withKeys: withKeys, random: options.log.random)
        } catch {
            if error.kind == .refused {
                throw Refusal(code: "bad_request", field: "to", message: "to: \(error.message)")
            }
            throw refusal(
                error.addingAdvice(
                    "The backup in \(directory) is unfinished; remove it before you make another"))
        }
    }

    /// The refusal for a log that cannot be read: what is damaged, and what can still be read.
    func refusal(_ failure: LogFailure) -> Refusal {
        guard failure.isDamage else {
            return Refusal(code: "storage_failed", message: failure.message)
        }
        let report = reader.damage()
        let advice = DamageAdvice(directory: options.directory)
        return Refusal(
            code: "storage_failed",
            message: "\(failure.message). \(report.readableText). \(advice.text(.repair))",
            members: advice.members(of: report, first: failure))
    }

    func writeBackup(
        to directory: String, withKeys: Bool, _ json: inout JSONWriter
    ) throws(Refusal) {
        let report = try backup(to: directory, withKeys: withKeys)
        json.member("to", directory)
        json.member("chain", report.chain.hex)
        json.member("files", UInt64(report.files))
        json.member("bytes", UInt64(report.bytes))
        json.member("position", report.position)
    }
}

/// What an operator is told to do about damage.
package struct DamageAdvice {
    /// The step that comes next.
    package enum Step {
        /// The store does not open: look first.
        case look
        /// It is known what is damaged: repair.
        case repair
    }

    private let directory: String

    /// Advice for the store in a directory.
    package init(directory: String) { self.directory = directory }

    /// A sentence.
    package func text(_ step: Step) -> String {
        let repair = "`daybook repair --data \(directory) --from BACKUP`"
        return switch step {
        case .look:
            "`daybook verify --data \(directory)` says what can still be read, \(repair) replaces "
                + "what is damaged"
        case .repair:
            "Stop the server, then \(repair) replaces what is damaged; add --dry-run to see how"
        }
    }

    /// A report for programs, as members of a reply.
    package func members(of report: DamageReport, first: LogFailure? = nil) -> [Value.Member] {
        let first = first ?? report.damages.first
        var members: [Value.Member] = []
        if let file = first?.file { members.append(.init(name: "file", value: .string(file))) }
        if let offset = first?.offset {
            members.append(.init(name: "offset", value: .count(UInt64(offset))))
        }
        if let position = report.firstUnreadable ?? first?.position {
            members.append(.init(name: "first_unreadable", value: .count(position)))
        }
        let readable = report.readable.map {
            Value.array([.count($0.lowerBound), .count($0.upperBound)])
        }
        members.append(.init(name: "readable", value: .array(readable)))
        members.append(.init(name: "end", value: .count(report.end)))
        return members
    }
}

extension LogFailure {
    /// Whether bytes are not what they were, or the device cannot read them.
    var isDamage: Bool {
        switch kind {
        case .damaged: true
        case .system(let failure): failure.isDeviceError
        case .locked, .unsupported, .missing, .poisoned, .outOfRange, .refused, .interrupted: false
        }
    }

    /// The same failure with one more sentence.
    fileprivate func addingAdvice(_ advice: String) -> LogFailure {
        var failure = self
        failure.message += ". \(advice)"
        return failure
    }
}

extension Value {
    /// A count or a position.
    fileprivate static func count(_ number: UInt64) -> Value {
        .number(DecimalNumber(mantissa: Int128(number), scale: 0))
    }
}
