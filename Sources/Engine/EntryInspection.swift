import Bytes
import Codec
package import Platform
import SegmentedLog

/// Shows the entries of one file of the log, as `tail --json` does those of the whole.
package enum EntryInspection {
    /// Gives each entry as a line of JSON without its end. An entry that is no record becomes a line with `error`.
    /// - Returns: what is damaged, a sentence each; nil if the file is neither a row nor a sealed segment.
    /// - Throws: `EngineFailure` if the file cannot be read, or what `line` throws.
    package static func entries(
        path: String, fileSystem: any FileSystem, _ line: ([UInt8]) throws -> Void
    ) throws -> [String]? {
        var json = JSONWriter(capacity: 4096)
        do {
            return try LogInspection.entries(
                path: path, fileSystem: fileSystem, codec: RecordCodec()
            ) { position, time, bytes in
                json.clear()
                do {
                    let record = try RecordView(record: bytes)
                    try EntryJSON.write(
                        record, position: position, recordedAt: time, to: &json)
                } catch {
                    json.clear()
                    json.beginObject()
                    json.member("position", position)
                    json.member("error", "\(error)")
                    json.endObject()
                }
                try line(json.finish())
            }
        } catch let failure as LogFailure {
            throw EngineFailure(failure.message, log: failure)
        }
    }
}
