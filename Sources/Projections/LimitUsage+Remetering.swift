import Billing

/// Windows that are counted again: of one account, or beside the books and taken over by them.
extension LimitUsage {
    /// The same definitions, without any window: of each account only the resets of some meters, with nothing
    /// counted into their bases.
    mutating func emptied(for meters: Set<UInt32>) -> LimitUsage {
        var empty = copy()
        empty.accounts = Chunked()
        for number in 0..<accounts.count where !accounts[number].resets.isEmpty {
            var account = Account()
            account.resets = accounts[number].resets.filter { meters.contains($0.meter) }
            for index in account.resets.indices { account.resets[index].base = 0 }
            empty.accounts.grow(to: number + 1, with: Account())
            empty.accounts[number] = account
        }
        return empty
    }

    /// Forgets all usage of an account, before its history is metered again.
    package mutating func drop(account: UInt32) {
        guard Int(account) < accounts.count else { return }
        for index in accounts[Int(account)].resets.indices {
            accounts[Int(account)].resets[index].base = 0
        }
        accounts[Int(account)].cells = []
        accounts[Int(account)].firstEnd = .max
        pages.touch(account: account)
    }

    /// Goes on with what was counted by `other`, whose windows have the same numbers.
    mutating func goOn(with other: borrowing LimitUsage) {
        for number in 0..<other.accounts.count {
            let theirs = other.accounts[number]
            guard theirs.usedAt > .min || !theirs.resets.isEmpty else { continue }
            accounts.grow(to: number + 1, with: Account())
            let resets = accounts[number].resets
            accounts[number] = theirs
            accounts[number].resets = resets
            keepBases(of: theirs, UInt32(number))
        }
    }

    /// Forgets what was counted for one account.
    mutating func beginAnew(_ account: UInt32) {
        guard Int(account) < accounts.count else { return }
        var empty = Account()
        empty.resets = accounts[Int(account)].resets
        for index in empty.resets.indices { empty.resets[index].base = 0 }
        accounts[Int(account)] = empty
    }

    /// Whether no account comes to the most windows it can have by taking over those of `other`: which of them
    /// share one window depends on the order of all.
    func hasRoom(for other: borrowing LimitUsage) -> Bool {
        for number in 0..<other.accounts.count where other.accounts[number].mostCells > 0 {
            let mine = number < accounts.count ? accounts[number].cells.count : 0
            if mine + other.accounts[number].mostCells >= Self.cellsMax { return false }
        }
        return true
    }

    /// Takes over all windows of `other`, of meters that have none here, and does to the others what counting
    /// them here would have done: windows that were over when a use was recorded are forgotten.
    mutating func takeOver(_ other: borrowing LimitUsage) {
        for number in 0..<other.accounts.count {
            let theirs = other.accounts[number]
            guard theirs.usedAt > .min || !theirs.resets.isEmpty else { continue }
            accounts.grow(to: number + 1, with: Account())
            keepBases(of: theirs, UInt32(number))
            guard theirs.usedAt > .min else { continue }
            accounts[number].cells.removeAll { $0.end <= theirs.usedAt }
            accounts[number].cells += theirs.cells
            accounts[number].cells.sort { $0.key.precedes($1.key) }
            accounts[number].firstEnd = accounts[number].cells.map(\.end).min() ?? .max
            pages.touch(account: UInt32(number))
        }
    }

    private mutating func keepBases(of other: Account, _ account: UInt32) {
        for theirs in other.resets {
            let mine = accounts[Int(account)].resets.firstIndex {
                $0.meter == theirs.meter && $0.position == theirs.position
            }
            guard let mine else { continue }
            accounts[Int(account)].resets[mine].base = theirs.base
            pages.touch(account: account)
        }
    }
}
