import CDaybook

/// Another program that this one starts, and may end at any moment as a crash would.
package struct ChildProcess: Sendable {
    /// Its process number.
    package let identifier: Int32

    /// Starts a program; returns before it has done anything.
    /// - Parameters:
    ///   - path: the program's file; nothing is searched.
    ///   - arguments: what stands behind its name.
    ///   - output: file that gets what it prints, also as errors; what was in it is lost.
    package static func start(
        _ path: String, _ arguments: [String], output: String
    ) throws(SystemFailure) -> ChildProcess {
        var texts: [CChar] = []
        for text in [path] + arguments { texts += text.utf8CString }
        let answer = unsafe daybook_spawn(texts, arguments.count + 1, output)
        return ChildProcess(identifier: try checked(.spawn, path, answer))
    }

    /// Ends it with SIGKILL, which it cannot see coming, and waits until it is gone. Call once.
    package func kill() throws(SystemFailure) {
        _ = try checked(.kill, "process \(identifier)", daybook_kill(identifier))
        while true {
            let answer = daybook_wait(identifier)
            if answer != -SystemFailure.Code.interrupted {
                _ = try checked(.wait, "process \(identifier)", answer)
                return
            }
        }
    }
}
