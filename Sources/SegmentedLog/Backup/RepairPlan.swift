import Bytes

/// # The longest history that two stores have together
///
/// Stretches of both are edges from one position to another. From the log's beginning on, an edge can be taken
/// where the chain is what the edge says is before it. The chain binds everything, so there is only one
/// history: two stores that differ at a position that both can reach are two books, and nothing is repaired.
struct RepairPlan {
    /// Which store has a stretch.
    enum Source: Int, Sendable {
        case own, backup
    }

    struct Step: Sendable {
        var stretch: Stretch
        var source: Source

        /// What taking it costs: what is there in its final form costs nothing, copying less than sealing again.
        fileprivate var cost: UInt64 {
            let count = UInt64(stretch.positions.count)
            return switch (stretch.form, source) {
            case (.sealed, .own): 0
            case (.commit, .own): count
            case (.sealed, .backup): 3 * count
            case (.commit, .backup): 4 * count
            }
        }
    }

    /// In order, from position 0 on.
    var steps: [Step] = []
    /// The position after the last step.
    var end: Position = 0
    /// Entries that are taken from the backup.
    var entriesFromBackup: UInt64 = 0

    private struct Node {
        var chain: Digest
        var cost: UInt64
        var step: Int
        var source: Source
    }

    /// - Throws: `refused` if the stores disagree.
    init(own: [Stretch], backup: [Stretch]) throws(LogFailure) {
        let all =
            (own.map { Step(stretch: $0, source: .own) }
            + backup.map { Step(stretch: $0, source: .backup) }).sorted {
                let (a, b) = ($0.stretch.positions, $1.stretch.positions)
                return (a.lowerBound, a.upperBound) < (b.lowerBound, b.upperBound)
            }
        var nodes: [Position: Node] = [0: Node(chain: .zero, cost: 0, step: -1, source: .own)]
        for (index, step) in all.enumerated() {
            let positions = step.stretch.positions
            guard let before = nodes[positions.lowerBound] else { continue }
            guard before.chain == step.stretch.chainBefore else {
                throw Self.disagreement(positions.lowerBound, step.stretch.path)
            }
            let reached = Node(
                chain: step.stretch.chain, cost: before.cost + step.cost, step: index,
                source: step.source)
            guard let known = nodes[positions.upperBound] else {
                nodes[positions.upperBound] = reached
                continue
            }
            guard known.chain == reached.chain else {
                throw Self.disagreement(positions.upperBound, step.stretch.path)
            }
            if reached.cost < known.cost { nodes[positions.upperBound] = reached }
        }
        end = nodes.keys.max() ?? 0
        var position = end
        while let node = nodes[position], node.step >= 0 {
            steps.append(all[node.step])
            position = all[node.step].stretch.positions.lowerBound
        }
        steps.reverse()
        for step in steps where step.source == .backup {
            entriesFromBackup += UInt64(step.stretch.positions.count)
        }
    }

    private static func disagreement(_ position: Position, _ path: String) -> LogFailure {
        LogFailure(
            .refused,
            "the store and the backup have different histories before position \(position), as "
                + "\(path) shows: they went different ways after the backup was made. Nothing was "
                + "changed", file: path, position: position)
    }

    /// Whether a step's form can stay: sealed segments hold the log's beginning, rows follow.
    func mustBeSealed(_ index: Int) -> Bool {
        index
            < (steps.lastIndex { if case .sealed = $0.stretch.form { true } else { false } } ?? -1)
    }

    /// What a person should know before it is carried out: a line for each run of steps of one kind.
    var lines: [String] {
        var lines: [String] = []
        var start = 0
        while start < steps.count {
            var next = start + 1
            while next < steps.count, steps[next].isLike(steps[start]) { next += 1 }
            let positions =
                "\(steps[start].stretch.positions.lowerBound)"
                + "..<\(steps[next - 1].stretch.positions.upperBound)"
            let source = steps[start].source == .own ? "the store" : "the backup"
            switch steps[start].stretch.form {
            case .sealed: lines.append("positions \(positions): sealed segments of \(source)")
            case .commit: lines.append("positions \(positions): commits of \(source)")
            }
            start = next
        }
        return lines
    }
}

extension RepairPlan.Step {
    /// Whether it is of the same store and form.
    fileprivate func isLike(_ other: RepairPlan.Step) -> Bool {
        guard source == other.source else { return false }
        return switch (stretch.form, other.stretch.form) {
        case (.sealed, .sealed), (.commit, .commit): true
        case (.sealed, .commit), (.commit, .sealed): false
        }
    }
}
