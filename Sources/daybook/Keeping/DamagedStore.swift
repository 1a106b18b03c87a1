import Codec
import Engine
import Platform
import SegmentedLog

/// A store that no engine opens.
struct DamagedStore {
    private let directory: String

    init(_ directory: String) { self.directory = directory }

    /// Prints what is damaged and what can still be read, and ends with 74.
    /// - Parameter failure: why it was not opened; thrown if nothing is found to be damaged.
    func report(json isJSON: Bool, orElse failure: CommandFailure) throws -> Never {
        let report: DamageReport
        do throws(LogFailure) {
            report = try DamageReport.read(directory: directory, fileSystem: SystemFileSystem())
        } catch { throw failure }
        guard let first = report.damages.first else { throw failure }
        let advice = DamageAdvice(directory: directory)
        if isJSON {
            var json = JSONWriter()
            json.beginObject()
            json.member("ok", false)
            json.member("error", "storage_failed")
            json.member("message", first.message)
            json.append(advice.members(of: report))
            json.key("damages")
            json.beginArray()
            for damage in report.damages { json.string(damage.message) }
            json.endArray()
            json.endObject()
            var output = Output()
            try output.line(json.finish())
            try output.flush()
            throw CommandFailure(.inputOutput, "")
        }
        let lines =
            report.damages.map(\.message) + [report.readableText, advice.text(.repair)]
        throw CommandFailure(.inputOutput, lines.joined(separator: "\n  "))
    }
}
