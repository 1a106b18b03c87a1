import ArgumentParser
import Platform

/// Where a benchmark runs.
struct Place: ParsableArguments {
    @Option(help: "A server's socket; without it an engine is started in this process.")
    var socket: String?
    @Option(help: "Folder for the store and the raw file; removed afterwards.")
    var folder = "/tmp/daybook-bench-\(Platform.Process.identifier)"

    /// Runs `body` with the path of a server's socket that has the catalog.
    /// - Parameter body: gets also a function that stops the server, if it is ours, before the disk is measured.
    func run(_ body: (_ path: String, _ files: Scratch, _ stop: () -> Void) throws -> Void) throws {
        let files = Scratch(folder: folder)
        try files.make()
        defer { files.remove() }
        let server = try socket == nil ? LocalServer(files) : nil
        let path = socket ?? files.socket
        try Exchange.publishCatalog(path)
        try body(path, files) { server?.stop() }
    }
}
