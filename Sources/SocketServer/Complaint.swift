import Platform

/// One line for the operator about something that should not happen.
enum Complaint {
    static func write(_ message: String) {
        // Without standard error nobody can be told.
        try? StandardStream.error.write("daybook: socket server: \(message)\n")
    }
}
